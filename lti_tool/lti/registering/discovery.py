"""What an LMS says of itself: its OpenID configuration, fetched with care and judged.

IMS LTI Dynamic Registration 1.0, section 3.4 (openid_configuration); OpenID Connect Discovery 1.0,
section 3. Nothing is believed that could lead our later requests, or people, somewhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.http import AddressNotAllowedError, FetchError, HttpClient, Response
from lti_tool.lti.claims import text
from lti_tool.lti.families import is_web_address, origin_of
from lti_tool.lti.names import SIGNING_ALGORITHM
from lti_tool.lti.registering.refusals import RegistrationRefusedError

LARGEST_BYTES = 256 * 1024
CONFIGURATION_SECONDS = 5.0
LONGEST_URL = 2000
LONGEST_ISSUER = 500
LONGEST_TOKEN = 8 * 1024
MOST_LISTED = 200

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS = "https://canvas.instructure.com/lti/"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint")
_FAMILIES = {"moodle": "moodle", "canvas": "canvas", "schoology": "schoology",
             "practice-lms": "sandbox"}  # fmt: skip
# Canvas has one issuer an environment, whichever school's address describes it.
_CANVAS_ISSUERS = {
    "https://canvas.instructure.com",
    "https://canvas.beta.instructure.com",
    "https://canvas.test.instructure.com",
}
_CANVAS_HOSTS = (".instructure.com", ".canvaslms.com")


@dataclass(frozen=True)
class Message:
    """A message type that the LMS sends, and where in it a tool may stand for that."""

    type: str
    placements: tuple[str, ...]


@dataclass(frozen=True)
class PlatformConfiguration:
    """An LMS that may be registered with. `None` lists: it did not say, so anything may be asked.

    `source_origin` is the origin of the address that described it.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    registration_endpoint: str
    token_audience: str | None
    family: str
    version: str | None
    account_name: str | None
    scopes: frozenset[str] | None
    claims: frozenset[str] | None
    variables: frozenset[str] | None
    messages: tuple[Message, ...] | None
    source_origin: str

    @property
    def is_canvas(self) -> bool:
        """Whether Canvas' extensions are understood."""
        return self.family == "canvas"


def check_address(url: str) -> None:
    """Refuse an address that is not https (http on this machine) before anything is asked of it."""
    if not is_web_address(url, longest=LONGEST_URL) or urlsplit(url).fragment:
        raise RegistrationRefusedError("url_not_allowed", "private")


def check_token(token: str) -> None:
    """Refuse a registration token that cannot stand in a header."""
    plain = token.isascii() and token.isprintable() and " " not in token
    if not plain or len(token) > LONGEST_TOKEN:
        raise RegistrationRefusedError("registration_token_invalid")


def fetch(http: HttpClient, url: str, token: str) -> PlatformConfiguration:
    """Ask the LMS for its configuration at `url`; `token` is its registration token, perhaps "".

    Raises RegistrationRefusedError.
    """
    check_address(url)
    check_token(token)
    try:
        answer = http.get(
            url,
            headers={"Accept": "application/json", **bearer(token)},
            timeout=CONFIGURATION_SECONDS,
            max_bytes=LARGEST_BYTES,
            redirects=0,
        )
    except AddressNotAllowedError as error:
        raise RegistrationRefusedError("url_not_allowed", "private") from error
    except FetchError as error:
        raise RegistrationRefusedError("configuration_unavailable", error.reason) from error
    if 300 <= answer.status < 400:
        raise RegistrationRefusedError("url_not_allowed", "redirect")
    if answer.status in (401, 403):
        raise RegistrationRefusedError("configuration_unavailable", "token")
    if answer.status != 200:
        raise RegistrationRefusedError("configuration_unavailable", "status")
    return read(json_object(answer), url)


def bearer(token: str) -> dict[str, str]:
    """The header that carries the LMS's registration token, where it gave one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def json_object(answer: Response) -> dict[str, Any]:
    """The JSON object in an answer, whatever media type it claims (Moodle says text/html)."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RegistrationRefusedError("configuration_invalid", "not_json")
    return found


def read(document: Mapping[str, Any], url: str) -> PlatformConfiguration:
    """The configuration that was found at `url`, every part of it checked."""
    issuer = document.get("issuer")
    ends = {name: document.get(name) for name in _ENDPOINTS}
    if not all(isinstance(value, str) and value for value in (issuer, *ends.values())):
        raise RegistrationRefusedError("configuration_invalid", "fields")
    usable = all(is_web_address(str(value)) for value in ends.values())
    if not usable or not is_web_address(str(issuer), longest=LONGEST_ISSUER):
        raise RegistrationRefusedError("configuration_invalid", "addresses")
    algorithms = document.get("id_token_signing_alg_values_supported")
    if algorithms is not None and SIGNING_ALGORITHM not in _texts(algorithms):
        raise RegistrationRefusedError("configuration_invalid", "algorithm")
    _check_issuer(str(issuer), [url, *map(str, ends.values())])
    about = document.get(PLATFORM_CONFIGURATION)
    about = about if isinstance(about, dict) else {}
    family = _family(about.get("product_family_code"), str(issuer))
    audience = text(document.get("authorization_server"), 1000)
    return PlatformConfiguration(
        issuer=str(issuer),
        authorization_endpoint=str(ends["authorization_endpoint"]),
        token_endpoint=str(ends["token_endpoint"]),
        jwks_uri=str(ends["jwks_uri"]),
        registration_endpoint=str(ends["registration_endpoint"]),
        # Canvas names its host there and takes the token endpoint's address alone.
        token_audience=None if family == "canvas" else audience,
        family=family,
        version=text(about.get("version"), 100),
        account_name=text(about.get(f"{CANVAS}account_name"), 150),
        scopes=_set(document.get("scopes_supported")),
        claims=_set(document.get("claims_supported")),
        variables=_set(about.get("variables")),
        messages=_messages(about.get("messages_supported")),
        source_origin=origin_of(url),
    )


def is_canvas_issuer(issuer: str) -> bool:
    """Whether `issuer` is one of Canvas' own, which all its schools share."""
    return issuer in _CANVAS_ISSUERS


def _check_issuer(issuer: str, addresses: list[str]) -> None:
    """Who describes an LMS must be that LMS; otherwise anybody could speak for any issuer."""
    if is_canvas_issuer(issuer):
        if all(_is_canvas_host(address) for address in addresses):
            return
    elif _place(issuer) == _place(addresses[0]):
        return
    raise RegistrationRefusedError("issuer_mismatch")


def _is_canvas_host(url: str) -> bool:
    return urlsplit(url).scheme == "https" and (urlsplit(url).hostname or "").endswith(
        _CANVAS_HOSTS
    )


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _family(code: Any, issuer: str) -> str:
    if is_canvas_issuer(issuer):
        return "canvas"
    return _FAMILIES.get(code.lower(), "generic") if isinstance(code, str) else "generic"


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [one for one in listed[:MOST_LISTED] if isinstance(one, str) and one.isprintable()]


def _set(value: Any) -> frozenset[str] | None:
    return frozenset(_texts(value)) if isinstance(value, list) and value else None


def _messages(value: Any) -> tuple[Message, ...] | None:
    """Some platforms list objects, some only the types' names."""
    if not isinstance(value, list) or not value:
        return None
    found = []
    for one in value[:MOST_LISTED]:
        if isinstance(one, str):
            found.append(Message(one, ()))
        elif isinstance(one, dict) and isinstance(one.get("type"), str):
            found.append(Message(one["type"], tuple(_texts(one.get("placements")))))
    return tuple(found) or None
