"""My notices and My address: what one is told by mail and where; and leaving a visit by mail."""

from __future__ import annotations

from typing import Final

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from core import addresses, mail, quotas
from core.errors import ConflictError, UnprocessableError
from core.web.app import runtime
from core.web.sessions import COOKIE, end_session, principal, set_cookie
from lti_tool.learning.blueprint import blueprint
from lti_tool.learning.notices import choices
from lti_tool.learning.own import own_person

_LONGEST_TYPED: Final = 400


@blueprint.get("/notices")
def notices() -> str:
    """What one is told by mail."""
    who = principal()
    with runtime().database.snapshot(who.scope) as session:
        person = own_person(session, who.person_id)
        where = addresses.reachable(session, person)
        quiet = choices.quiet(session, who.person_id)
    return render_template(
        "learning/notices.html",
        by_mail=mail.promised(runtime().config),
        where=where,
        is_test=person.is_test,
        wanted=[kind for kind in choices.KINDS if kind not in quiet],
    )


@blueprint.post("/notices")
def choose_notices() -> ResponseReturnValue:
    """Tell of what was ticked, and of nothing else."""
    who = principal()
    wanted = [kind for kind in request.form.getlist("kinds") if kind in choices.KINDS]
    with runtime().database.transaction(who.scope) as session:
        choices.choose(session, who.person_id, wanted, runtime().now())
    flash(_("Saved. From now on you are told of what is ticked here."), "good")
    return redirect(url_for("learning.notices"), 303)


@blueprint.get("/address")
def own_address() -> str:
    """One's own address beside the LMS's."""
    return _address_page()


@blueprint.post("/address")
def ask_address() -> ResponseReturnValue:
    """Have a link sent to an address that one says is one's own."""
    who, typed = principal(), request.form.get("address", "")[:_LONGEST_TYPED]
    config = runtime().config
    if not mail.promised(config):
        return _address_page(), 409
    try:
        with runtime().database.transaction(who.scope) as session:
            person = own_person(session, who.person_id)
            row = addresses.ask(
                session, config, person, typed,
                network=quotas.network(request.remote_addr), now=runtime().now(),
            )  # fmt: skip
    except UnprocessableError as error:
        return _address_page(typed, str(error.message)), 422
    except (ConflictError, quotas.TooOftenError) as error:
        text = " ".join(str(part) for part in (error.message, error.advice) if part)
        return _address_page(typed, text), error.status
    flash(_("A link is on its way to %(address)s.", address=row.address), "good")
    return redirect(url_for("learning.own_address"), 303)


@blueprint.post("/address/remove")
def remove_address() -> ResponseReturnValue:
    """Forget one's own address; what was sent to it opens nothing any more."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        ended = addresses.remove(session, who.person_id, runtime().now())
    if ended:
        flash(_("Removed. Nothing is sent there any more."), "good")
    return redirect(url_for("learning.own_address"), 303)


@blueprint.post("/leave")
def leave() -> ResponseReturnValue:
    """End this visit, as on a machine that others use too."""
    who = principal()
    with runtime().database.transaction(who.scope) as session:
        end_session(session, who.session_id)
    response = make_response(redirect("/access/left", 303))
    set_cookie(response, f"{COOKIE}{who.session_id}", "", max_age=0)
    return response


def _address_page(typed: str = "", fault: str = "") -> str:
    who, now = principal(), runtime().now()
    with runtime().database.snapshot(who.scope) as session:
        person = own_person(session, who.person_id)
        own = addresses.current(session, who.person_id)
        asked = addresses.current(session, who.person_id, "asked")
    waiting = asked if asked is not None and asked.expires_at > now else None
    return render_template(
        "learning/address.html",
        person=person,
        own=own,
        asked=waiting,
        ran_out=asked is not None and waiting is None,
        by_mail=mail.promised(runtime().config),
        came_by_mail=bool(who.data.get("by_mail")),
        organisation=who.organisation_name,
        typed=typed,
        errors={"address": fault} if fault else {},
    )
