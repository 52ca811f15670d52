"""Badges from elsewhere: brought by file, address or text, verified, kept, checked again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.holdings import counting, importing
from badges.holdings.belonging import identities
from badges.holdings.importing import Brought
from badges.holdings.models import ImportedBadge
from badges.holdings.stored import report_of
from badges.openbadges.report import Report
from badges.openbadges.verify import read
from badges.public.limits import Turns
from badges.public.mounting import shared
from badges.public.portfolios import issuer_words
from badges.public.reading import ShownBadge, domain_of, read_badge, read_hosted_badge
from badges.public.report_words import show_report
from badges.public.verification import MAX_UPLOAD_BYTES, brought_by_address, verify_document
from core.errors import ConflictError, NotFoundError, TooLargeError, UnprocessableError
from core.web.app import runtime
from core.web.bodies import take_files
from core.web.sessions import principal
from lti_tool.learning.blueprint import blueprint

_LONGEST_ADDRESS: Final = 2000


def _too_large(_size: int) -> TooLargeError:
    return TooLargeError(
        _("This file is larger than 5 MB, which is more than any badge needs."),
        advice=_("Download the badge again from where it was issued, and choose that file."),
        code="badge_too_large",
    )


take_files(
    blueprint,
    {"learning.bring": "learning.elsewhere"},
    most=MAX_UPLOAD_BYTES,
    too_large=_too_large,
)


@dataclass(frozen=True)
class Typed:
    """What somebody wants to bring: a file's bytes, an address, or text."""

    data: bytes | None = None
    url: str = ""
    text: str = ""


@blueprint.get("/elsewhere")
def elsewhere() -> str:
    """The badges that one has brought, and the way to bring another."""
    return _list(Typed(), {})


@blueprint.post("/elsewhere")
def bring() -> ResponseReturnValue:
    """Verify what was brought, and keep it if it holds."""
    who = principal()
    typed = _typed()
    try:
        _check_size(typed)
        shared().verifications.take(str(who.person_id))
        with Turns.of(runtime()).taken():
            report, data, way = _verify(typed)
    except TooLargeError as error:
        return _list(typed, {"file": f"{error.message} {error.advice}"}), error.status
    except UnprocessableError as error:
        return _list(typed, {name: str(text) for name, text in error.fields.items()}), 422
    said = _said(report)
    if importing.standing(report) != "valid" or said is None or report.is_endorsement:
        return _list(typed, {}, report), 422
    brought = Brought(read(data).text, way, typed.url if way == "address" else None)
    try:
        with runtime().database.transaction(who.scope) as session:
            row = importing.hold(
                session, who.person_id, brought, report, said,
                badge_url=runtime().config.badge_url, now=runtime().now(),
            )  # fmt: skip
    except (ConflictError, UnprocessableError) as error:
        words = " ".join(str(part) for part in (error.message, error.advice) if part)
        return _list(typed, {"": words}), error.status
    flash(_("“%(name)s” is in your record now.", name=row.name), "good")
    return redirect(url_for("learning.brought", imported_id=row.id), 303)


@blueprint.get("/elsewhere/<uuid:imported_id>")
def brought(imported_id: uuid.UUID) -> str:
    """One badge from elsewhere: what it says, how it stands, and what it counts for."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        row = importing.own_import(session, imported_id, who.person_id, whole=True)
        names = _counts_for(session, row)
        known = identities(session, who.person_id)
    return render_template(
        "learning/brought.html",
        row=row,
        report=show_report(report_of(row.report)),
        domain=domain_of(row.issuer),
        counts_for=names,
        identities=known,
        open_again=row.tried_at != row.checked_at,
    )


@blueprint.post("/elsewhere/<uuid:imported_id>/check")
def check_brought(imported_id: uuid.UUID) -> ResponseReturnValue:
    """Verify it again now."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        row = importing.own_import(session, imported_id, who.person_id, whole=True)
    shared().verifications.take(str(who.person_id))
    with Turns.of(runtime()).taken():
        report = verify_document(runtime(), row.text, ring=shared().ring)
    with runtime().database.transaction(who.scope) as session:
        if importing.checked(session, imported_id, report, runtime().now()) is None:
            raise NotFoundError(_("There is no badge of yours at this address."))
    if importing.standing(report) is None:
        flash(_("Its issuer could not be asked just now. What was known stays."), "warn")
    else:
        flash(_("Checked again."), "good")
    return redirect(url_for("learning.brought", imported_id=imported_id), 303)


@blueprint.post("/elsewhere/<uuid:imported_id>/remove")
def remove_brought(imported_id: uuid.UUID) -> ResponseReturnValue:
    """Take it out of one's record."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        row = importing.remove(session, imported_id, who.person_id, runtime().now())
        name = row.name
    flash(_("“%(name)s” was removed. The badge itself is where it was issued.", name=name), "good")
    return redirect(url_for("learning.elsewhere"), 303)


def _typed() -> Typed:
    upload = request.files.get("file")
    data = upload.stream.read(MAX_UPLOAD_BYTES + 1) if upload and upload.filename else None
    return Typed(
        data,
        request.form.get("url", "").strip()[:_LONGEST_ADDRESS],
        request.form.get("text", "").strip(),
    )


def _check_size(typed: Typed) -> None:
    if typed.data is not None and len(typed.data) > MAX_UPLOAD_BYTES:
        raise _too_large(len(typed.data))


def _verify(typed: Typed) -> tuple[Report, bytes | str, str]:
    """The report, what was verified, and the way it came. Raises UnprocessableError."""
    ring = shared().ring
    if typed.data is not None:
        return verify_document(runtime(), typed.data, ring=ring), typed.data, "file"
    text, url = typed.text, typed.url
    if text and not (text.startswith(("https://", "http://")) and not text.split()[1:]):
        return verify_document(runtime(), text, ring=ring), text, "text"
    if text or url:
        report, data = brought_by_address(runtime(), text or url, ring=ring)
        return report, data, "address"
    raise UnprocessableError(
        _("There is nothing to bring yet."),
        code="nothing_to_bring",
        fields={"url": _("Write a badge’s address, choose its file, or paste its text.")},
    )


def _said(report: Report) -> ShownBadge | None:
    if report.credential is None:
        return None
    if report.version == 2:
        return read_hosted_badge(report.credential, report.details)
    return read_badge(report.credential)


def _list(typed: Typed, errors: dict[str, str], report: Report | None = None) -> str:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        rows = importing.imports(session, who.person_id)
    context: dict[str, Any] = {"report": None, "said": None}
    if report is not None:
        shown = show_report(report)
        context = {"report": shown, "said": _said(report)}
        errors = {"": shown.title, **errors}
    return render_template(
        "learning/elsewhere.html",
        rows=[(row, issuer_words(row.issuer_name or row.issuer, row.issuer)) for row in rows],
        typed=typed,
        errors=errors,
        **context,
    )


def _counts_for(session: Session, row: ImportedBadge) -> list[str]:
    """What the badge counts for today, by name: our micro-credential, or the badge itself."""
    names = {
        str(version.achievement_id): achievements.micro_credential(version).name
        for version in achievements.published(session)
    }
    found = counting.counted(session, row)
    return [names.get(one, row.name if one == row.achievement else one) for one in found]
