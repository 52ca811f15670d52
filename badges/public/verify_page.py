"""`/verify`: anybody's badge, checked step by step. Nothing that is brought here is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MIMEAccept

from badges.openbadges.documents import id_of
from badges.openbadges.report import Report, Step
from badges.public.limits import Turns
from badges.public.mounting import shared
from badges.public.negotiation import allow_other_sites, page, wants_html
from badges.public.own_documents import OwnDocuments
from badges.public.reading import ShownBadge, read_badge, read_hosted_badge
from badges.public.recipients import address_fault
from badges.public.report_words import ShownReport, show_report
from badges.public.verification import MAX_UPLOAD_BYTES, verify_address, verify_document
from core import postal
from core.errors import TooLargeError, UnprocessableError
from core.web.app import runtime

pages = Blueprint("verify", __name__)
pages.after_request(allow_other_sites)

_ENVELOPE_BYTES = 64 * 1024
_IDENTIFIER = re.compile(r"(?:did|https?|urn|mailto|tel):\S+", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Brought:
    """What somebody wants checked: a file's bytes, pasted text, or an address."""

    data: bytes | str | None = None
    url: str = ""
    text: str = ""
    recipient: str = ""


@pages.get("/verify")
def form() -> Response:
    """The empty form; `?url=` fills the address in."""
    return page(_render(Brought(url=request.args.get("url", "")[:2000]), {}), max_age=300)


@pages.post("/verify")
def check() -> Response:
    """Check what was brought; the report as a page where Accept names HTML, else as JSON."""
    if not _html():
        # A program that names no type gets refusals as JSON, too.
        request.accept_mimetypes = MIMEAccept([("application/json", 1)])
    shared().verifications.take(request.remote_addr or "-")
    request.max_content_length = MAX_UPLOAD_BYTES + _ENVELOPE_BYTES
    brought = Brought()
    try:
        if (request.content_length or 0) > request.max_content_length:
            raise _too_large()
        brought = _brought()
        _check_recipient(brought)
        with Turns.of(runtime()).taken():
            report = _report(brought)
    except TooLargeError as error:
        if not _html():
            raise
        answer = make_response(
            _render(
                brought, {"file": f"{error.message} {error.advice}"}, kept=brought.data is not None
            ),
            413,
        )
    except UnprocessableError as error:
        if not _html():
            raise
        faults = {name: str(text) for name, text in error.fields.items()}
        answer = make_response(_render(brought, faults), 422)
    else:
        answer = _answer(brought, report)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _answer(brought: Brought, report: Report) -> Response:
    if not _html():
        answer: Response = jsonify(report.to_dict())
        return answer
    context = _shown(report)
    return make_response(_render(Brought(), {}, **context))


def _brought() -> Brought:
    if request.mimetype in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        upload = request.files.get("file")
        data = upload.stream.read(MAX_UPLOAD_BYTES + 1) if upload and upload.filename else None
        if data is not None and len(data) > MAX_UPLOAD_BYTES:
            raise _too_large()
        values = request.form
        return Brought(
            data,
            values.get("url", "").strip()[:2000],
            values.get("text", "").strip(),
            values.get("recipient", "").strip()[:254],
        )
    asked = request.args
    return Brought(
        request.get_data(cache=False) or None,
        asked.get("url", "").strip()[:2000],
        recipient=asked.get("recipient", "").strip()[:254],
    )


def _check_recipient(brought: Brought) -> None:
    """Of people an address or another identifier with its kind; programs may name any identity."""
    typed = brought.recipient
    if typed and _html() and postal.normal(typed) is None and not _IDENTIFIER.match(typed):
        raise UnprocessableError(
            _("No address was compared."),
            code="address_unusable",
            fields={"recipient": address_fault()},
        )


def _report(brought: Brought) -> Report:
    recipient = brought.recipient or None
    ring = shared().ring
    if brought.data is not None:
        return verify_document(runtime(), brought.data, ring=ring, recipient=recipient)
    if brought.text:
        if brought.text.startswith(("https://", "http://")) and not brought.text.split()[1:]:
            return verify_address(runtime(), brought.text, ring=ring, recipient=recipient)
        return verify_document(runtime(), brought.text, ring=ring, recipient=recipient)
    if brought.url:
        return verify_address(runtime(), brought.url, ring=ring, recipient=recipient)
    raise UnprocessableError(
        _("There is nothing to check yet."),
        code="nothing_to_check",
        fields={"url": _("Write a badge’s address, choose its file, or paste its text.")},
    )


def _too_large() -> TooLargeError:
    return TooLargeError(
        _("This file is larger than 5 MB, which is more than any badge needs."),
        advice=_("Download the badge again from where it was issued, and choose that file."),
        code="badge_too_large",
    )


def _html() -> bool:
    return wants_html(("application/json",))


def _shown(report: Report) -> dict[str, Any]:
    shown: ShownReport = show_report(report)
    badge: ShownBadge | None = None
    if report.version == 3 and report.credential is not None:
        badge = read_badge(report.credential)
    elif report.credential is not None:
        badge = read_hosted_badge(report.credential, report.details)
    context: dict[str, Any] = {"report": shown, "badge": badge, "checked_at": runtime().now()}
    own = OwnDocuments(runtime(), shared().ring)
    if report.is_endorsement and report.credential is not None:
        subject = report.credential.get("credentialSubject")
        context["about"] = id_of(subject) or ""
        if report.valid and isinstance(subject, dict):
            # Words of a forged one would be read as somebody's praise.
            context["said"] = subject.get("endorsementComment")
    if badge is not None and not shown.unproven and own.owns(badge.achievement_id):
        # A class of Open Badges 2.0 has the picture of the achievement that it stands for.
        place = urlsplit(badge.achievement_id).path.replace("/ob2/classes/", "/achievements/")
        context["image"] = f"{place}/image.svg"
    status = report.step(Step.STATUS)
    if status is not None and status.message.code == "status.revocation" and report.credential:
        context["reason"] = own.revocation_reason(str(report.credential.get("id")))
    return context


def _render(brought: Brought, errors: dict[str, str], **context: Any) -> str:
    values = {
        "report": None,
        "kept": True,
        "badge": None,
        "checked_at": None,
        "image": None,
        "reason": None,
        "about": "",
        "said": "",
        **context,
    }
    return render_template(
        "public/verify.html",
        brought=brought,
        errors=errors,
        verify_url=url_for("verify.form"),
        verify_current=True,
        **values,
    )
