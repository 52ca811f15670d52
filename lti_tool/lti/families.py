"""What is known about each LMS before anybody types anything: addresses and frame origins.

Canvas and Schoology have one issuer and one set of addresses for all their schools; Moodle's
follow from the site's own address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from core.config import is_loopback_name

FAMILIES = ("moodle", "canvas", "schoology", "sandbox", "generic")


@dataclass(frozen=True)
class Endpoints:
    """A platform's addresses, as far as its family tells; empty where it does not."""

    issuer: str = ""
    auth_login_url: str = ""
    auth_token_url: str = ""
    jwks_url: str = ""
    frame_origins: tuple[str, ...] = field(default=())


_SCHOOLOGY = "https://lti-service.svc.schoology.com/lti-service"
_FIXED = {
    "canvas": Endpoints(
        issuer="https://canvas.instructure.com",
        auth_login_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
        auth_token_url="https://sso.canvaslms.com/login/oauth2/token",  # noqa: S106 - an address
        jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
        frame_origins=("https://*.instructure.com",),
    ),
    "schoology": Endpoints(
        issuer="https://schoology.schoology.com",
        auth_login_url=f"{_SCHOOLOGY}/authorize-redirect",
        auth_token_url=f"{_SCHOOLOGY}/access-token",
        jwks_url=f"{_SCHOOLOGY}/.well-known/jwks",
        frame_origins=("https://*.schoology.com",),
    ),
}


def known_endpoints(family: str, site_url: str = "") -> Endpoints:
    """What `family` tells, for Moodle and the sandbox with the help of the site's address."""
    if family in _FIXED:
        return _FIXED[family]
    site = site_url.rstrip("/")
    if not site:
        return Endpoints()
    origins = tuple(part for part in [origin_of(site)] if part)
    if family == "moodle":
        return Endpoints(
            issuer=site,
            auth_login_url=f"{site}/mod/lti/auth.php",
            auth_token_url=f"{site}/mod/lti/token.php",
            jwks_url=f"{site}/mod/lti/certs.php",
            frame_origins=origins,
        )
    if family == "sandbox":
        return Endpoints(
            issuer=site,
            auth_login_url=f"{site}/auth",
            auth_token_url=f"{site}/token",
            jwks_url=f"{site}/jwks.json",
            frame_origins=origins,
        )
    return Endpoints(issuer=site, frame_origins=origins)


# Every launch of a course names the same few addresses.
@lru_cache(maxsize=1024)
def origin_of(url: str) -> str:
    """The origin of a web address, empty where it is none."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        return ""
    return f"{parts.scheme}://{parts.netloc.lower()}"


@lru_cache(maxsize=1024)
def is_web_address(url: str, *, longest: int = 1000) -> bool:
    """Whether `url` is https (http on this machine), absolute, without user name or odd signs."""
    if not url or len(url) > longest or not url.isprintable() or " " in url or "\\" in url:
        return False
    if not origin_of(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback_name(parts.hostname or "")


def is_frame_source(text: str) -> bool:
    """Whether `text` is a source for frame-ancestors: an origin, perhaps `https://*.host`."""
    if not is_web_address(text.replace("://*.", "://wildcard.", 1)) or set(text) & set(";,'\""):
        return False
    return origin_of(text) == text.lower()


def origin_allowed(url: str, sources: list[str]) -> bool:
    """Whether the origin of `url` is among `sources`, which may hold `https://*.host`."""
    own = origin_of(url)
    for source in sources:
        scheme, _, host = source.partition("://*.")
        if own and (own == source or (host and own.startswith(f"{scheme}://")
                                      and own.endswith(f".{host}"))):  # fmt: skip
            return True
    return False
