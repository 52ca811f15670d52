"""Links as evidence: checked for form, never fetched in the request. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from flask_babel import lazy_gettext as _

from core.errors import UnprocessableError

MAX_LENGTH: Final = 2000
_PRIVATE_ENDINGS: Final = (
    ".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa",
)  # fmt: skip
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))+", re.ASCII)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]*))*", re.ASCII)


def check(url: str, field: str) -> str:
    """The address in its plain form; UnprocessableError on `field` says what is wrong with it.

    Only https, without a user name, to a host that is not private by its form. Whether a public
    name leads to a private address is judged by `core.http` if it is ever fetched.
    """
    text = url.strip()
    if not text:
        raise _fault(field, _("Paste the address of the page or file first."))
    if len(text) > MAX_LENGTH:
        raise _fault(
            field,
            _("This address has %(count)s characters; the limit is %(limit)s.",
              count=len(text), limit=MAX_LENGTH),
        )  # fmt: skip
    if any(char <= " " or "\x7f" <= char <= "\xa0" for char in text):
        raise _fault(field, _("An address has no spaces in it. Copy it from the browser’s bar."))
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _fault(field, _("This is not a web address.")) from None
    if parts.scheme.lower() != "https":
        raise _fault(
            field,
            _("Only addresses that begin with https:// are taken, so that nobody can listen in."),
        )
    if parts.username is not None or parts.password is not None:
        raise _fault(field, _("This address has a user name in it. Please leave that out."))
    name = _ascii_host(host, field)
    if _is_private(name):
        raise _fault(
            field, _("This address works only inside one network; reviewers could not open it.")
        )
    shown = f"[{name}]" if ":" in name else name
    where = shown if port in (None, 443) else f"{shown}:{port}"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    fragment = quote(parts.fragment, safe="/?%:@!$&'()*+,;=~-._[]")
    return urlunsplit(("https", where, path or "/", query, fragment))


def _ascii_host(host: str, field: str) -> str:
    try:
        if ":" in host:
            return str(ipaddress.IPv6Address(host.split("%")[0]))
        return host.rstrip(".").encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError):
        raise _fault(field, _("This is not a web address.")) from None


def _is_private(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if address is not None:
        address = getattr(address, "ipv4_mapped", None) or address
        return not address.is_global or address.is_multicast
    # Browsers read 127.1 and 0x7f000001 as addresses too.
    if _NUMERIC.fullmatch(host):
        return True
    return not _HOST.fullmatch(host) or host.endswith(_PRIVATE_ENDINGS)


def _fault(field: str, message: Any) -> UnprocessableError:
    return UnprocessableError(message, fields={field: message}, code="link_refused")
