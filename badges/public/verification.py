"""Verifying a badge that somebody brings: as bytes, as text, or by its address.

The library judges; here is what it may read. Our own documents come from the database (a server
that asks itself over the network may wait for itself, and on loopback has no https); the report
names them in `details["read_here"]`. Everything else goes through the guarded client.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

from flask_babel import lazy_gettext as _

from badges.openbadges.errors import ResolutionError
from badges.openbadges.report import Report
from badges.openbadges.resolution import ACCEPT_CREDENTIAL
from badges.openbadges.verify import verify
from badges.public.hosted import WithdrawnError
from badges.public.linked import linked_badge
from badges.public.negotiation import to_json
from badges.public.own_documents import OwnDocuments
from badges.public.report_words import sentence
from core.errors import GoneError, MilepostError, UnprocessableError
from core.http import FetchError
from core.runtime import Runtime
from keys.ring import KeyRing
from keys.shared import ring_of

MAX_UPLOAD_BYTES = 5 * 1024 * 1024
_MAX_FETCHES = 16
_FETCH_SECONDS = 5.0
_TOTAL_SECONDS = 20.0
_MAX_ANSWER_BYTES = 1024 * 1024


@dataclass
class GuardedResolver:
    """Fetches for one verification: few documents, within seconds, never a private address."""

    own: OwnDocuments
    began: float = field(default_factory=time.monotonic)
    fetches: int = 0
    read_here: list[str] = field(default_factory=list)

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        """The body and content type of `url`. Raises ResolutionError."""
        if self.own.owns(url):
            return self._read(url)
        left = _TOTAL_SECONDS - (time.monotonic() - self.began)
        self.fetches += 1
        if self.fetches > _MAX_FETCHES or left <= 0:
            raise ResolutionError("The badge asks for more documents than are fetched.")
        try:
            answer = self.own.runtime.http.get(
                url,
                headers={"Accept": accept},
                timeout=min(_FETCH_SECONDS, left),
                max_bytes=_MAX_ANSWER_BYTES,
                redirects=3,
            )
        except FetchError as error:
            raise ResolutionError(str(error)) from error
        if answer.status != 200:
            raise ResolutionError(
                f"{url} answers with status {answer.status}.",
                status=answer.status,
                body=answer.body,
            )
        return answer.body, answer.content_type

    def _read(self, url: str) -> tuple[bytes, str]:
        try:
            body = self.own.read(url)
        except WithdrawnError as error:
            said = to_json(error.document)
            raise ResolutionError(f"{url} was withdrawn.", status=410, body=said) from error
        except GoneError as error:
            raise ResolutionError(f"{url} was withdrawn.", status=410) from error
        except (MilepostError, LookupError) as error:
            raise ResolutionError(f"There is nothing at {url}.", status=404) from error
        if url not in self.read_here:
            self.read_here.append(url)
        return body, "application/json"


def verify_document(
    runtime: Runtime,
    data: bytes | str,
    *,
    ring: KeyRing | None = None,
    recipient: str | None = None,
) -> Report:
    """Verify a badge given as JSON, a VC-JWT, or the bytes of a baked PNG or SVG.

    Any input gives a report. `ring` is the installation's key ring, found if not given;
    `recipient` an address or identifier that the badge should belong to.
    """
    return _judge(_resolver(runtime, ring), data, recipient)


def verify_address(
    runtime: Runtime, url: str, *, ring: KeyRing | None = None, recipient: str | None = None
) -> Report:
    """Fetch the badge at `url` and verify it.

    A page for people may name the badge's document (see `linked`). Raises UnprocessableError, its
    `fields` naming `url`, where nothing could be fetched, or a page that names none.
    """
    return brought_by_address(runtime, url, ring=ring, recipient=recipient)[0]


def brought_by_address(
    runtime: Runtime, url: str, *, ring: KeyRing | None = None, recipient: str | None = None
) -> tuple[Report, bytes | str]:
    """As `verify_address`, with what was verified: for those who keep the badge."""
    resolver = _resolver(runtime, ring)
    address = url.strip()
    if not address.lower().startswith(("https://", "http://")):
        raise _unfetched(_("Write the whole address, beginning with https://."))
    try:
        body, content_type = resolver.fetch(address, f"{ACCEPT_CREDENTIAL}, image/png;q=0.3")
    except ResolutionError as error:
        if error.status == 410:  # how Open Badges 2.0 says "revoked", with the reason
            return _judge(resolver, address, recipient), address
        raise _unfetched(
            _(
                "Nothing could be read at this address (%(reason)s). Check it, or choose the"
                " badge’s file instead.",
                reason=sentence(str(error)).rstrip("."),
            )
        ) from error
    if _is_page(content_type):
        named = linked_badge(body, address)
        if named is not None:
            with suppress(ResolutionError):
                body, content_type = resolver.fetch(named, ACCEPT_CREDENTIAL)
    if _is_page(content_type):
        raise _unfetched(
            _(
                "This address shows a page for people, without a badge that can be checked."
                " Look there for a download (PNG, SVG or JSON) and choose that file here."
            )
        )
    return _judge(resolver, body, recipient), body


def _is_page(content_type: str) -> bool:
    return content_type.split(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}


def _unfetched(message: object) -> UnprocessableError:
    return UnprocessableError(
        _("No badge was checked."), code="badge_not_fetched", fields={"url": message}
    )


def _resolver(runtime: Runtime, ring: KeyRing | None) -> GuardedResolver:
    return GuardedResolver(OwnDocuments(runtime, ring or ring_of(runtime)))


def _judge(resolver: GuardedResolver, data: bytes | str, recipient: str | None) -> Report:
    report = verify(data, resolver=resolver, now=resolver.own.runtime.now(), recipient=recipient)
    if not resolver.read_here:
        return report
    return replace(report, details={**report.details, "read_here": list(resolver.read_here)})
