"""`/access`: a way to one's own badges by mail, and the pages that mailed links open."""

from __future__ import annotations

from typing import Final

from flask import Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core import addresses, mail, quotas
from core.errors import NotAllowedError, NotAuthenticatedError, UnprocessableError
from core.web.app import runtime
from core.web.errors import refusal
from core.web.sessions import Principal
from lti_tool.access import leaving
from lti_tool.access.blueprint import come_in, doorstep, from_here, in_the_zone_of

blueprint = doorstep("leaving")
# What a visit by mail may open: one's badges and data, and nothing of courses or reviews.
_ROOM: Final = "learning."
_NOT_BY_MAIL: Final = ("learning.path", "learning.accounts")
_OF_EVERY_VISIT: Final = frozenset({"landing", "accent"})


@blueprint.before_app_request
def _only_ones_own() -> None:
    """A visit by mail stays with its person's badges and data."""
    who: Principal | None = g.get("principal")
    if who is not None and who.data.get(leaving.BY_MAIL) and not may_open(request.endpoint):
        raise NotAllowedError(
            _("You came by mail, which opens your badges and your data."),
            code="by_mail_only",
            advice=_("Courses and reviews open from your LMS."),
        )


def may_open(endpoint: str | None) -> bool:
    """Whether a visit by mail may open this page; an address that leads nowhere is no secret."""
    if endpoint is None or endpoint in _OF_EVERY_VISIT:
        return True
    return endpoint.startswith(_ROOM) and not endpoint.startswith(_NOT_BY_MAIL)


@blueprint.app_errorhandler(NotAuthenticatedError)
def _no_visit(error: NotAuthenticatedError) -> Response:
    """A visit that has ended: whoever has no course any more is shown the other way in."""
    if request.path.startswith("/s/") and mail.promised(runtime().config):
        label = _("I have no course any more: open my badges by mail")
        # A window of its own, for the page may stand in an LMS's frame.
        error.actions.append({"label": label, "url": url_for("leaving.asking"), "target": "_blank"})
    return refusal(error)


@blueprint.get("/access")
def asking() -> str:
    """The page that asks for an address."""
    return _asking()


@blueprint.post("/access")
def ask() -> ResponseReturnValue:
    """Have a link sent, should the address be somebody's; the answer is always the same."""
    from_here()
    shared = runtime()
    typed = request.form.get("address", "")[:400]
    if not mail.promised(shared.config):
        return _asking(), 409
    try:
        with shared.database.transaction() as session:
            leaving.ask(
                session, shared.config, typed,
                network=quotas.network(request.remote_addr), now=shared.now(),
            )  # fmt: skip
    except UnprocessableError as error:
        return _asking(typed, {name: str(text) for name, text in error.fields.items()}), 422
    return redirect(url_for("leaving.asked"), 303)


@blueprint.get("/access/asked")
def asked() -> str:
    """The one answer to every address."""
    return render_template("access/asked.html", minutes=int(leaving.LIFETIME.total_seconds() // 60))


@blueprint.get("/access/left")
def left() -> str:
    """After a visit by mail was ended."""
    return render_template("access/left.html", by_mail=mail.promised(runtime().config))


@blueprint.get("/access/badges/<token>")
def show(token: str) -> str:
    """Whose badges the link opens, and the one button that does it."""
    shared = runtime()
    with shared.database.snapshot() as session:
        door = leaving.find(session, token, shared.now())
    in_the_zone_of(door.person, door.organisation)
    return render_template("access/badges.html", door=door, token=token)


@blueprint.post("/access/badges/<token>")
def take(token: str) -> Response:
    """Come in: a visit of one's own, on the page of badges."""
    from_here()
    shared = runtime()
    with shared.database.transaction() as session:
        started = leaving.take(session, shared.config, token, now=shared.now())
    return come_in(started, "learning.badges")


@blueprint.get("/access/address/<token>")
def address(token: str) -> str:
    """Which address would become whose, and the one button that says yes."""
    shared = runtime()
    with shared.database.snapshot() as session:
        row, person = addresses.find(session, token, shared.now())
        place = leaving.place_of(session, row)
    in_the_zone_of(person, place)
    return render_template(
        "access/address.html", row=row, person=person, organisation=place, token=token
    )


@blueprint.post("/access/address/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """Say that the address is one's own."""
    from_here()
    shared = runtime()
    with shared.database.transaction() as session:
        row = addresses.confirm(session, shared.config, token, shared.now())
    return render_template("access/confirmed.html", address=row.address)


def _asking(typed: str = "", errors: dict[str, str] | None = None) -> str:
    config = runtime().config
    return render_template(
        "access/ask.html",
        by_mail=mail.promised(config),
        contact=config.support_contact,
        typed=typed,
        errors=errors or {},
    )
