"""PyLTI1p3's OpenID Connect login and message validators, behind our own storage and checks.

LTI Security Framework 1.0, section 5.1.1; LTI 1.3 Core, section 5.3. What PyLTI1p3 keeps in
cookies and caches (state, nonce, keys, registrations) is handed in from our rows, and its checks of
state, nonce and signature are not used: they can be replayed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pylti1p3.cookie import CookieService
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.registration import Registration
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.abstract import ToolConfAbstract

from lti_tool.lti import names
from lti_tool.lti.platforms import KnownPlatform
from lti_tool.lti.rules import RefusedError


@dataclass(frozen=True)
class Authorization:
    """Where the browser goes to sign in, and the two secrets that the answer must bring back."""

    url: str
    state: str
    nonce: str


class _Parameters(Request):
    """The parameters of a request, already checked."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._values.get(key, "")


class _Registered(ToolConfAbstract[_Parameters]):
    """The one platform this request is about; None for any other."""

    def __init__(self, platform: KnownPlatform) -> None:
        self._platform = platform

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Any:
        return None

    def find_registration_by_params(
        self, iss: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Any:
        known = self._platform
        if (iss, client_id) != (known.issuer, known.client_id):
            return None
        registration = Registration()
        registration.set_issuer(known.issuer).set_client_id(known.client_id)
        return registration.set_auth_login_url(known.auth_login_url)

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        return None

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        if deployment_id not in self._platform.deployments:
            return None
        return Deployment().set_deployment_id(deployment_id)


class _NoCookies(CookieService):
    """The login's cookie is ours (see `views`), so none is set or read here."""

    def get_cookie(self, name: str) -> str | None:
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        self.state = str(value)


class _NoSession(SessionService):
    """Takes the nonce that PyLTI1p3 made, for our row."""

    def __init__(self) -> None:
        self.nonce = ""

    def save_nonce(self, nonce: str) -> None:
        self.nonce = nonce


class _Login(OIDCLogin[_Parameters, _Registered, _NoSession, _NoCookies, str]):
    """A login whose state is given and whose nonce comes from the system's random source."""

    secret: str

    def _get_uuid(self) -> str:
        return self.secret

    def _generate_nonce(self) -> str:
        return secrets.token_urlsafe(24)

    def get_redirect(self, url: str) -> Any:
        raise NotImplementedError("the view redirects")

    def authorization_url(self, launch_url: str) -> str:
        return str(self._prepare_redirect_url(launch_url))


class _Message(MessageLaunch[_Parameters, _Registered, _NoSession, _NoCookies]):
    """A message whose token was verified before; only its shape is looked at."""

    def _get_request_param(self, key: str) -> str:
        return ""


# PyLTI1p3 makes an HTTP session of its own for every message unless it is given something.
_NO_HTTP = cast(Any, object())


def authorization(
    platform: KnownPlatform, hints: Mapping[str, str], redirect_uri: str, secret: str
) -> Authorization:
    """The authentication request for a login that `platform` began with `hints`.

    `secret` becomes the state, behind PyLTI1p3's prefix.
    """
    cookies, session = _NoCookies(), _NoSession()
    parameters = _Parameters({**hints, "iss": platform.issuer, "client_id": platform.client_id})
    login = _Login(parameters, _Registered(platform), session, cookies)
    login.secret = secret
    url = login.authorization_url(redirect_uri)
    if "?" in platform.auth_login_url:
        # PyLTI1p3 appends "?…" whatever the registered address holds.
        url = url.replace(f"{platform.auth_login_url}?", f"{platform.auth_login_url}&", 1)
    return Authorization(url, cookies.state, session.nonce)


def check_message(claims: Mapping[str, Any], platform: KnownPlatform) -> None:
    """PyLTI1p3's own validator for the message's type. Raises RefusedError."""
    body = dict(claims)
    body.setdefault("sub", "anonymous")
    settings = body.get(names.DEEP_LINKING_SETTINGS)
    if isinstance(settings, dict):
        # Its owner reads in the picker that this place takes no activities; that is no fault.
        body[names.DEEP_LINKING_SETTINGS] = {
            **settings,
            "accept_types": [names.RESOURCE_LINK_TYPE],
            "accept_presentation_document_targets": ["iframe"],
        }
    message = _Message(
        _Parameters({}), _Registered(platform), _NoSession(), _NoCookies(), None, _NO_HTTP
    )
    message.set_auto_validation(False).set_jwt(cast(Any, {"body": body}))
    try:
        message.validate_message()
    except LtiException:
        raise RefusedError("claims_invalid", "message_type") from None
