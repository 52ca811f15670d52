"""What an administrator types into an LMS to connect it by hand, in the LMS's own words."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l

from lti_tool.lti import names

_LINK_HISTORY = f"{names.CUSTOM_LINK_HISTORY}={names.LINK_HISTORY_VARIABLE}"
_CONTEXT_HISTORY = f"{names.CUSTOM_CONTEXT_HISTORY}={names.CONTEXT_HISTORY_VARIABLE}"


class Value(NamedTuple):
    """One field: what the LMS calls it, what to type, and a help that may be empty."""

    label: Any
    value: str
    help: Any = ""


def for_family(base_url: str, family: str) -> list[Value]:
    """The fields of the form that `family` shows, in its order; unknown families get all."""
    makers = {"canvas": _canvas, "moodle": _moodle, "schoology": _schoology}
    return makers.get(family, _any)(_Addresses(base_url))


class _Addresses:
    """Our addresses, each written once."""

    def __init__(self, base_url: str) -> None:
        self.base = base_url
        self.home = f"{base_url}/to/home"
        self.login = f"{base_url}/lti/login"
        self.launch = f"{base_url}/lti/launch"
        self.keys = f"{base_url}/.well-known/jwks.json"
        self.canvas = f"{base_url}/lti/canvas.json"
        self.domain = urlsplit(base_url).netloc


def _canvas(ours: _Addresses) -> list[Value]:
    return [
        Value(
            _l("JSON URL"), ours.canvas,
            _l("Developer Keys › + LTI Key › Method “Enter URL”. Everything else follows from it."),
        ),
        Value(
            _l("Redirect URIs"), ours.launch,
            _l("If Canvas asks for it. Then switch the key on, copy its number (the client id), and"
               " add the app with it: Settings › Apps › + App › By Client ID."),
        ),
    ]  # fmt: skip


def _moodle(ours: _Addresses) -> list[Value]:
    return [
        Value(_l("Tool URL"), ours.home),
        Value(_l("LTI version"), "LTI 1.3"),
        Value(_l("Public key type"), "Keyset URL"),
        Value(_l("Public keyset"), ours.keys),
        Value(_l("Initiate login URL"), ours.login),
        Value(_l("Redirection URI(s)"), ours.launch),
        Value(
            _l("Custom parameters"), _CONTEXT_HISTORY,
            _l("So that a copied course can go on with the same micro-credentials."),
        ),
        Value(
            _l("Content Selection URL"), ours.launch,
            _l("Tick “Supports Deep Linking (Content-Item Message)” first."),
        ),
        Value(
            _l("IMS LTI Assignment and Grade Services"),
            "Use this service for grade sync and column management",
        ),
        Value(
            _l("IMS LTI Names and Role Provisioning"),
            "Use this service to retrieve members’ information as per privacy settings",
        ),
    ]  # fmt: skip


def _schoology(ours: _Addresses) -> list[Value]:
    return [
        Value(_l("Configuration type"), "Manual"),
        Value(_l("Domain / URL"), ours.home),
        Value(_l("OIDC Login Init URL"), ours.login),
        Value(_l("Redirect URLs"), ours.launch),
        Value(_l("JWKS URL"), ours.keys),
        Value(
            _l("Deep linking URL"), ours.launch,
            _l("Teachers then find Milepost under “Add Materials”."),
        ),
        Value(
            _l("LTI Advantage services"),
            "Deep Linking, Assignment and Grade Services, Names and Role Provisioning",
        ),
        Value(
            _l("What to bring back"), "Client id, deployment id",
            _l("The client id stands in App Center › your app › Options › API Info, the deployment"
               " id in Organization Apps › Configure."),
        ),
    ]  # fmt: skip


def _any(ours: _Addresses) -> list[Value]:
    return [
        Value(_l("Tool or target link URL"), ours.home),
        Value(_l("Domain"), ours.domain),
        Value(_l("Login initiation URL"), ours.login),
        Value(_l("Redirect URL"), ours.launch),
        Value(_l("Public key set (JWKS) URL"), ours.keys),
        Value(_l("Deep linking URL"), ours.launch),
        Value(
            _l("Services"),
            "Deep Linking 2.0, Assignment and Grade Services 2.0, Names and Role Provisioning 2.0",
        ),
        Value(
            _l("Custom parameters"),
            f"{_LINK_HISTORY}\n{_CONTEXT_HISTORY}",
            _l("One a line, so that a copied course can go on with the same micro-credentials."),
        ),
    ]  # fmt: skip
