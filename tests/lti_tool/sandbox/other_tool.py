"""A tool on PyLTI1p3's own Flask classes: an implementation of LTI that is not ours.

It answers a launch with JSON, so that a test or a browser can see what arrived.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives import serialization
from flask import Flask, jsonify, render_template_string, request
from pylti1p3.contrib.flask import (
    FlaskCookieService,
    FlaskMessageLaunch,
    FlaskOIDCLogin,
    FlaskRequest,
    FlaskSessionService,
)
from pylti1p3.exception import LtiException
from pylti1p3.tool_config import ToolConfDict
from werkzeug.serving import make_server

from lti_tool.sandbox import SandboxConfig
from tests.lti_tool.sandbox.actors import ToolKeyRing

PAGE = """<!doctype html><html lang="en"><title>Other tool</title><main><h1>Launched</h1>
<p id="who">{{ name }}</p><p id="target">{{ target }}</p>
<p id="cookies">{{ cookies }}</p></main></html>"""


def tool_configuration(config: SandboxConfig, ring: ToolKeyRing, jwks: Any) -> ToolConfDict:
    """The registration of the practice LMS in PyLTI1p3's words."""
    registration = {
        "default": True,
        "client_id": config.client_id,
        "auth_login_url": config.authorization_url,
        "auth_token_url": config.token_url,
        "key_set": jwks,
        "deployment_ids": [config.deployment_id],
    }
    tool = ToolConfDict({config.issuer: [registration]})
    key = ring.keys["tool-1"]
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tool.set_private_key(config.issuer, private.decode(), client_id=config.client_id)
    tool.set_public_key(config.issuer, public.decode(), client_id=config.client_id)
    return tool


def create_other_tool(config: SandboxConfig, ring: ToolKeyRing, jwks: Any) -> Flask:
    """PyLTI1p3's login and launch, with its cookies and its Flask session."""
    app = Flask(__name__)
    app.secret_key = "tests only"
    conf = tool_configuration(config, ring, jwks)
    app.extensions["launches"] = []

    @app.route("/lti/login", methods=["GET", "POST"])
    def login() -> Any:
        source = FlaskRequest()
        target = source.get_param("target_link_uri")
        assert target
        begun = FlaskOIDCLogin(source, conf)
        assert request.values["lti_deployment_id"] == config.deployment_id
        return begun.redirect(f"{config.tool_base_url}/lti/launch")

    @app.get("/.well-known/jwks.json")
    def key_set() -> Any:
        return jsonify(conf.get_jwks())

    @app.post("/lti/launch")
    def launch() -> Any:
        arrived = FlaskMessageLaunch(
            FlaskRequest(),
            conf,
            FlaskSessionService(FlaskRequest()),
            FlaskCookieService(FlaskRequest()),
        )
        try:
            claims = arrived.get_launch_data()
        except LtiException as error:
            return jsonify(error=str(error), posted=request.form.to_dict()), 401
        app.extensions["launches"].append(arrived)
        return jsonify(claims)

    return app


def create_forgetful_tool(config: SandboxConfig) -> Flask:
    """A tool without state of its own, which shows which of its cookies a browser sent back."""
    app = Flask(__name__)

    @app.route("/lti/login", methods=["GET", "POST"])
    def login() -> Any:
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": request.values["client_id"],
            "redirect_uri": f"{config.tool_base_url}/lti/launch",
            "login_hint": request.values["login_hint"],
            "lti_message_hint": request.values["lti_message_hint"],
            "state": "s",
            "nonce": "n",
        }
        if "by-page" in request.values["target_link_uri"]:
            page = render_template_string(
                "<!doctype html><title>On</title><form method=post action='{{ url }}'>"
                "{% for k, v in asked.items() %}<input type=hidden name='{{ k }}' value='{{ v }}'>"
                "{% endfor %}</form><script>document.forms[0].submit()</script>",
                url=config.authorization_url,
                asked=asked,
            )
            response = app.make_response(page)
        else:
            response = app.redirect(f"{config.authorization_url}?{urlencode(asked)}", 302)
        for name, more in (("plain", ""), ("parted", "; Partitioned")):
            response.headers.add(
                "Set-Cookie", f"{name}=1; Path=/; Secure; HttpOnly; SameSite=None{more}"
            )
        return response

    @app.post("/lti/launch")
    def launch() -> Any:
        token = request.form.get("id_token")
        claims = jwt.decode(token, options={"verify_signature": False}) if token else {}
        presentation = claims.get(
            "https://purl.imsglobal.org/spec/lti/claim/launch_presentation", {}
        )
        return render_template_string(
            PAGE,
            name=claims.get("name") or request.form.get("error"),
            target=presentation.get("document_target"),
            cookies=" ".join(sorted(request.cookies)) or "none",
        )

    return app


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """The application on a loopback port, in a thread, for as long as the block lasts."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
