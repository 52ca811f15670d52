"""`/credentials/<id>/evidence/<id>`: a piece of evidence that its earner shows with a badge.

A text is a small page, a file the file itself. Pictures that were drawn anew, sound and video may
stand in a browser's window, under a policy that runs nothing; everything else is an attachment, and
markup is given out as bytes. Caches ask at every visit whether it still holds: what is taken back
is gone at once (410), and what belongs to a badge that is not published answers as if there were
none. A private link to a badge opens nothing here: this address is for everybody or for nobody.
"""

from __future__ import annotations

import json
import uuid
from typing import Final

from flask import Blueprint, Response, render_template, request

from badges.achievements.addresses import credential_url, issuer_url
from badges.awards.evidence_models import PublishedEvidence
from badges.awards.models import Credential
from badges.awards.published_evidence import Piece, public_piece
from badges.public.limits import RateLimit
from badges.public.negotiation import allow_other_sites, page
from badges.public.reading import read_badge
from core.runtime import Runtime
from core.web.app import runtime
from core.web.downloads import given_out

pages = Blueprint("published_evidence", __name__, url_prefix="/credentials")
pages.after_request(allow_other_sites)

# A film is fetched in many pieces.
PER_MINUTE: Final = 240
OPAQUE: Final = "application/octet-stream"
# By what the content is; a picture is among them only where it was drawn anew.
INLINE: Final = {
    "image": frozenset({"image/png", "image/jpeg"}),
    "video": frozenset({"video/mp4", "video/webm", "video/quicktime"}),
    "audio": frozenset({"audio/mp4", "audio/mpeg", "audio/wav", "audio/ogg"}),
}
# What no browser takes for a page, whatever else it is told.
_PLAIN: Final = ("application/pdf", "application/zip", "application/rtf", "text/plain")
_PLAIN_FAMILIES: Final = ("application/vnd.openxmlformats-", "application/vnd.oasis.", "image/hei")


class Looks:
    """How often one asker may open evidence in a minute."""

    def __init__(self) -> None:
        self.askers = RateLimit(PER_MINUTE, seconds=60.0)

    @classmethod
    def of(cls, shared_runtime: Runtime) -> Looks:
        """The process's own."""
        return shared_runtime.part(cls, lambda _runtime: cls())


@pages.get("/<uuid:credential_id>/evidence/<uuid:piece_id>")
def show(credential_id: uuid.UUID, piece_id: uuid.UUID) -> Response:
    """The piece. Raises as `public_piece`, and NotFoundError for a file that was lost."""
    Looks.of(runtime()).askers.take(request.remote_addr or "-")
    with runtime().database.snapshot() as session:
        piece, credential = public_piece(session, credential_id, piece_id)
    answer = _text(piece, credential) if piece.kind == "text" else _file(piece)
    answer.headers["Cache-Control"] = "public, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _text(piece: PublishedEvidence, credential: Credential) -> Response:
    base, badge = runtime().config.badge_url, read_badge(json.loads(credential.document or "{}"))
    html = render_template(
        "public/evidence.html",
        piece=piece,
        badge=badge,
        organisation=credential.issuer.name,
        issuer_page=issuer_url(base, credential.issuer.slug),
        badge_page=credential_url(base, credential.id),
    )
    return page(html, max_age=0)


def _file(piece: PublishedEvidence) -> Response:
    if piece.sha256 and request.range is None and request.if_none_match.contains(piece.sha256):
        answer = Response(status=304)
    else:
        answer = file_of(piece)
    if piece.sha256 and answer.status_code != 416:
        answer.set_etag(piece.sha256)  # strong: the bytes of an address never change
    return answer


def file_of(piece: PublishedEvidence | Piece) -> Response:
    """A piece that is a file, as strangers get it; for its author's look at it beforehand, too.

    Raises NotFoundError where the store has it no more.
    """
    inline = piece.media_type in INLINE.get(piece.shown_as, ())
    return given_out(
        piece.file_key or "",
        piece.size or 0,
        _media_type(piece, inline=inline),
        piece.filename or "evidence",
        inline=inline,
    )


def _media_type(piece: PublishedEvidence | Piece, *, inline: bool) -> str:
    found = piece.media_type or OPAQUE
    if inline or found in _PLAIN or found.startswith(_PLAIN_FAMILIES):
        return found
    return OPAQUE
