"""The pages on which a lead gives badges: to one person, or to everybody in a file.

A file is checked first, and the page says what would happen line by line. Nobody is offered
anything before the lead says so, and nothing is signed before its earner accepts.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.models import AchievementVersion
from badges.awards.batches import service, sheet, table
from badges.awards.batches.inviting import invite_again, untold
from badges.awards.batches.models import Batch, BatchLine
from badges.awards.batches.table import EMAIL, NAME, Line
from badges.awards.batches.words import fault_words
from badges.awards.models import Award, Credential
from core import mail
from core.errors import NotFoundError, TooLargeError, UnprocessableError
from core.identity import Organisation, Person, Role
from core.numbers import page_number
from core.scope import unscoped
from core.web.app import runtime
from core.web.bodies import take_files
from core.web.i18n import filesize
from core.web.sessions import Principal, principal
from lti_tool.programme.blueprint import blueprint

_SHOWN: Final = {
    "all": service.STATES,
    "faults": ("fault", "refused"),
    "ready": ("ready",),
    "offered": ("offered",),
    "already": ("already",),
}
_TYPED: Final = 400


def _lead() -> Principal:
    who = principal()
    who.require(Role.LEAD, Role.ADMINISTRATOR)
    return who


@blueprint.get("/give")
def giving() -> str:
    """Both ways to give a badge, and what was given by file lately."""
    _lead()
    return _giving({"achievement": request.args.get("badge", "")}, {})


def _too_large(size: int) -> TooLargeError:
    fault = {"code": "too_large", "limit": table.MAX_BYTES // (1024 * 1024)}
    return TooLargeError(
        fault_words(fault), code="file_too_large",
        advice=_("What was sent is %(size)s.", size=filesize(size)),
    )  # fmt: skip


take_files(
    blueprint,
    dict.fromkeys(("programme.give_many", "programme.giving_template_for"), "programme.giving"),
    most=table.MAX_BYTES,
    too_large=_too_large,
)


@blueprint.get("/give/template.csv")
def giving_template() -> Response:
    """A file to begin with; for the micro-credential `badge`, with columns for its results."""
    return _template(request.args.get("badge", ""))


@blueprint.post("/give/template.csv")
def giving_template_for() -> Response:
    """The same for what is chosen in the form, whose other fields are not looked at."""
    return _template(request.form.get("many_achievement", ""))


def _template(achievement: str) -> Response:
    who = _lead()
    document = None
    if achievement:
        with runtime().database.snapshot(who.scope) as session:
            version = _version(session, achievement, "many_achievement")
        document = achievements.micro_credential(version)
    return _csv(sheet.template_text(document), "badges.csv")


@blueprint.post("/give/one")
def give_one() -> ResponseReturnValue:
    """Offer a badge to one person, at once if nothing is in the way."""
    who, shared = _lead(), runtime()
    typed = {name: request.form.get(name, "")[:_TYPED] for name in ("achievement", EMAIL, NAME)}
    try:
        with shared.database.transaction(who.scope) as session:
            version = _version(session, typed["achievement"], "achievement")
            batch = _checked(session, who, version, [table.line_of(1, typed)])
            (row,) = service.lines(session, batch)
            _refuse(row)
            service.start(session, batch.id, shared.now())
    except UnprocessableError as error:
        errors = {name: str(text) for name, text in error.fields.items()}
        return _giving(typed, errors), 422
    return redirect(url_for("programme.batch", batch_id=batch.id), 303)


@blueprint.post("/give/many")
def give_many() -> ResponseReturnValue:
    """Read and check a file; its page says what would happen."""
    who, shared = _lead(), runtime()
    chosen = request.form.get("many_achievement", "")[:_TYPED]
    upload = request.files.get("file")
    try:
        with shared.database.snapshot(who.scope) as session:
            version = _version(session, chosen, "many_achievement")
        if upload is None or not upload.filename:
            raise _fault_of("file", _("Choose a file first."))
        document = achievements.micro_credential(version)
        read = table.read(upload.stream.read(table.MAX_BYTES + 1), document)
        if read.fault is not None:
            raise _fault_of("file", fault_words(read.fault.to_dict()))
        with shared.database.transaction(who.scope) as session:
            version = achievements.version(session, version.id)
            batch = _checked(session, who, version, read.lines, _plain(upload.filename))
    except UnprocessableError as error:
        errors = {name: str(text) for name, text in error.fields.items()}
        return _giving({"many_achievement": chosen}, errors), 422
    if read.unread:
        flash(_("These columns were not read: %(names)s.", names=", ".join(read.unread)), "warn")
    return redirect(url_for("programme.batch", batch_id=batch.id), 303)


@blueprint.get("/give/<uuid:batch_id>")
def batch(batch_id: uuid.UUID) -> str:
    """What a file says, or how far it is carried out."""
    who = _lead()
    show = request.args.get("show", "")
    with runtime().database.snapshot(who.scope) as session:
        found = service.find(session, batch_id)
        counts = service.counts(session, found)
        if show not in _SHOWN:
            show = "faults" if counts.fault or counts.refused else "all"
        number = sum(getattr(counts, state) for state in _SHOWN[show])
        pages = max(1, -(-number // service.PAGE))
        page = min(page_number(request.args.get("page", "1")), pages)
        rows = service.lines(session, found, _SHOWN[show], page=page)
        people, answers = _people(session, rows), _answers(session, rows)
        wanting, told = untold(session, found, runtime().now())
    return render_template(
        "programme/batches/batch.html",
        batch=found,
        title=achievements.micro_credential(found.version).name,
        counts=counts,
        rows=rows,
        show=show,
        number=page,
        pages=pages,
        names=people,
        answers=answers,
        waiting={*wanting, *told},
        may_write=bool(wanting),
        fault_words=fault_words,
        invites=mail.promised(runtime().config),
    )


@blueprint.post("/give/<uuid:batch_id>/start")
def start_batch(batch_id: uuid.UUID) -> ResponseReturnValue:
    """Offer the badge to every line that is in order."""
    who, shared = _lead(), runtime()
    with shared.database.transaction(who.scope) as session:
        service.start(session, batch_id, shared.now())
    return redirect(url_for("programme.batch", batch_id=batch_id, show="all"), 303)


@blueprint.post("/give/<uuid:batch_id>/discard")
def discard_batch(batch_id: uuid.UUID) -> ResponseReturnValue:
    """Throw a file away that was only checked."""
    who = _lead()
    with runtime().database.transaction(who.scope) as session:
        service.discard(session, batch_id)
    flash(_("The file was thrown away. Nobody was offered anything."), "good")
    return redirect(url_for("programme.giving"), 303)


@blueprint.post("/give/<uuid:batch_id>/invite")
def invite_batch(batch_id: uuid.UUID) -> ResponseReturnValue:
    """Write once more to those who were invited and have not come; at most once a day."""
    who, shared = _lead(), runtime()
    with shared.database.transaction(who.scope) as session:
        number, told = invite_again(session, service.find(session, batch_id), shared.now())
    text = ngettext(
        "One person has not come yet and is written to once more, at most once a day.",
        "%(num)d people have not come yet and are written to once more, at most once a day.",
        number,
    )
    if number:
        flash(text, "good")
    elif told:
        flash(_("Everybody who has not come was written to today already. Nothing was sent."))
    else:
        flash(_("Everybody who was invited has come."), "good")
    return redirect(url_for("programme.batch", batch_id=batch_id), 303)


@blueprint.get("/give/<uuid:batch_id>/lines.csv")
def batch_lines(batch_id: uuid.UUID) -> Response:
    """The lines that `show` names as a file, with what is wrong in each."""
    who = _lead()
    show = request.args.get("show", "all")
    with runtime().database.snapshot(who.scope) as session:
        found = service.find(session, batch_id)
        rows = service.lines(session, found, _SHOWN.get(show, service.STATES))
    document = achievements.micro_credential(found.version)
    return _csv(sheet.lines_text(rows, document), f"badges-{show if show in _SHOWN else 'all'}.csv")


def _checked(
    session: Session,
    who: Principal,
    version: AchievementVersion,
    lines: Sequence[Line],
    file_name: str = "",
) -> Batch:
    shared = runtime()
    organisation = session.get_one(Organisation, who.organisation_id)
    return service.write(
        session, organisation, version, lines, actor_id=who.person_id, file_name=file_name,
        invites=mail.promised(shared.config), now=shared.now(),
    )  # fmt: skip


def _version(session: Session, text: str, field: str) -> AchievementVersion:
    try:
        return achievements.current(session, uuid.UUID(text))
    except (ValueError, NotFoundError):
        raise _fault_of(field, _("Choose a micro-credential.")) from None


def _refuse(row: BatchLine) -> None:
    """Turn what is in the way of the one line into a fault of the form. Nothing is kept then."""
    if any(fault["code"] == "recipient_missing" for fault in row.faults):
        raise _fault_of(EMAIL, _("Write the e-mail address of the person."))
    if row.state == "already":
        raise _fault_of(EMAIL, fault_words({"code": "award_exists"}))
    if row.faults:
        raise UnprocessableError(
            _("This badge was not offered."),
            code="line_faulty",
            fields={
                (NAME if fault["column"] == NAME else EMAIL): fault_words(fault)
                for fault in row.faults
            },
        )


def _fault_of(field: str, text: str) -> UnprocessableError:
    return UnprocessableError(text, code="form_faulty", fields={field: text})


def _giving(typed: dict[str, str], errors: dict[str, str]) -> str:
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        catalogue = achievements.published(session)
        batches = service.recent(session)
    return render_template(
        "programme/batches/giving.html",
        catalogue=[(str(one.achievement_id), str(one.document["name"])) for one in catalogue],
        batches=batches,
        typed=typed,
        errors=errors,
        invites=mail.promised(runtime().config),
        limit=format_decimal(table.MAX_LINES),
    )


def _people(session: Session, rows: list[BatchLine]) -> dict[uuid.UUID, str]:
    """What the people of these lines are called."""
    ids = {row.person_id for row in rows if row.person_id}
    with unscoped(session, "people whom the lines in scope name"):
        found = session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all()
    return {person_id: name for person_id, name in found if name}


def _answers(session: Session, rows: list[BatchLine]) -> dict[uuid.UUID, str]:
    """What became of each award: offered, declined, accepted, signed or revoked."""
    ids = {row.award_id for row in rows if row.award_id}
    with unscoped(session, "awards that the lines in scope made"):
        found: Any = session.execute(
            select(Award.id, Award.state, Credential.state)
            .outerjoin(Credential, Credential.award_id == Award.id)
            .where(Award.id.in_(ids))
        ).all()
    return {award_id: credential or award for award_id, award, credential in found}


def _plain(name: str) -> str:
    """A file's name as it may be shown: its last part, printable."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in last if char.isprintable())


def _csv(text: str, name: str) -> Response:
    response = Response(text, mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
