"""My accounts: which LMS accounts are mine, and connecting another one from both sides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from core.errors import ConflictError, NotAllowedError
from core.identity import Person, Role
from core.scope import unscoped
from core.web.app import runtime
from core.web.calling import oneself
from core.web.sessions import principal
from lti_tool.learning.accounts import linking, obstacles, summary
from lti_tool.learning.accounts.linking import Standing
from lti_tool.learning.accounts.merging import ChangedMeanwhileError
from lti_tool.learning.accounts.obstacles import Obstacle
from lti_tool.learning.accounts.places import Account, AccountsOf, none_known
from lti_tool.learning.blueprint import blueprint

EXTENSION: Final = "milepost_accounts_of"
MOST_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class Side:
    """One of the two accounts as the page shows it."""

    name: str
    platforms: tuple[str, ...]
    holdings: summary.Holdings
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """What the page shows of a connection under way."""

    standing: Standing | None
    mine: Side | None
    other: Side | None
    obstacles: tuple[Obstacle, ...]


@blueprint.get("/accounts")
def accounts() -> str:
    """One's LMS accounts, and where a connection stands."""
    return _page()


@blueprint.post("/accounts/connect")
def accounts_connect() -> ResponseReturnValue:
    """Show a fresh code, once."""
    try:
        with runtime().database.transaction(principal().scope) as session:
            _link, code = linking.start(
                session, principal().person_id, _accounts_of(), key=_key(), now=runtime().now()
            )
    except (ConflictError, NotAllowedError) as error:
        return _page({"": _words(error)}), error.status
    return _page(code=linking.shown(code))


@blueprint.post("/accounts/code")
def accounts_code() -> ResponseReturnValue:
    """Take up a connection by the code that the other account shows."""
    typed = request.form.get("code", "")
    if not linking.normal(typed):
        return _page({"code": _("Type the code that your other account shows.")}), 422
    try:
        # A wrong code is noted in this transaction, so it ends without an error.
        with runtime().database.transaction(principal().scope) as session:
            link = linking.enter(
                session,
                principal().person_id,
                typed,
                _accounts_of(),
                key=_key(),
                now=runtime().now(),
            )
    except (ConflictError, NotAllowedError) as error:
        return _page({"code": _words(error)}), error.status
    if link is None:
        text = _("This code is not open: it was used, ran out after fifteen minutes, or has a"
                 " letter wrong.")  # fmt: skip
        return _page({"code": text}, typed=typed), 422
    return redirect(url_for("learning.accounts"), 303)


@blueprint.post("/accounts/<uuid:link_id>/confirm")
def accounts_confirm(link_id: uuid.UUID) -> ResponseReturnValue:
    """Say yes: first where the code was typed, then where it was shown, which joins the two."""
    second = request.form.get("side") == "second"
    try:
        if second:
            with runtime().database.transaction(principal().scope) as session:
                linking.confirm_second(session, principal().person_id, link_id, runtime().now())
        else:
            _join(link_id)
    except ConflictError as error:
        return _page({"": _words(error)}), error.status
    if not second:
        flash(_("Your accounts are connected. Everything of both is yours here."), "good")
    return redirect(url_for("learning.accounts"), 303)


@blueprint.post("/accounts/<uuid:link_id>/cancel")
def accounts_cancel(link_id: uuid.UUID) -> ResponseReturnValue:
    """Either side ends it; nothing was changed."""
    try:
        with runtime().database.transaction(principal().scope) as session:
            linking.cancel(session, principal().person_id, link_id, runtime().now())
    except ConflictError as error:
        return _page({"": _words(error)}), error.status
    return redirect(url_for("learning.accounts"), 303)


def _join(link_id: uuid.UUID) -> None:
    """Join the two; once more where something of theirs was being saved in the same moment."""
    for attempt in range(MOST_ATTEMPTS):
        try:
            with runtime().database.transaction(principal().scope) as session:
                linking.confirm_first(
                    session, principal().person_id, link_id, _accounts_of(), runtime().now()
                )
            return
        except ChangedMeanwhileError:
            if attempt == MOST_ATTEMPTS - 1:
                raise


def _page(errors: dict[str, str] | None = None, *, code: str = "", typed: str = "") -> str:
    who, now = principal(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        found = _accounts_of()(session, [who.person_id])
        page = _under_way(session, who.person_id)
    return render_template(
        "learning/accounts.html",
        accounts=found,
        page=page,
        code=code,
        typed=typed,
        now=now,
        errors=errors or {},
    )


def _under_way(session: Session, person_id: uuid.UUID) -> Page:
    standing = linking.standing(session, person_id, runtime().now())
    other_id = standing.other_id if standing else None
    if standing is None or other_id is None or standing.state not in ("entered", "confirmed"):
        return Page(standing, None, None, ())
    both = _accounts_of()(session, [person_id, other_id])
    first, second = standing.link.first_id, standing.link.second_id or other_id
    return Page(
        standing,
        _side(session, person_id, both),
        _side(session, other_id, both),
        tuple(obstacles.find(session, first, second, both)),
    )


def _side(session: Session, person_id: uuid.UUID, accounts: Sequence[Account]) -> Side:
    with unscoped(session, "the two people of a connection, as both have asked to be shown"):
        person = session.get_one(Person, person_id)
    own = person_id == principal().person_id
    held = summary.holdings(session, person_id)
    words = {
        Role.TEACHER: _("Teacher"),
        Role.COACH: _("Coach"),
        Role.LEAD: _("Programme lead"),
        Role.ADMINISTRATOR: _("Administrator"),
    }
    return Side(
        name=oneself(person.name) if own else (person.name or str(_("an account without a name"))),
        platforms=tuple(one.platform for one in accounts if one.person_id == person_id),
        holdings=held,
        roles=tuple(words[role] for role in held.roles),
    )


def _accounts_of() -> AccountsOf:
    return cast(AccountsOf, current_app.extensions.get(EXTENSION, none_known))


def _key() -> bytes:
    return runtime().config.master_key


def _words(error: ConflictError | NotAllowedError) -> str:
    return " ".join(str(part) for part in (error.message, error.advice) if part)
