"""The keys that issuers sign with: their state, a new one, and a compromised one withdrawn.

For administrators, and only for issuers of their own organisation or one below it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements.models import Issuer
from badges.awards import replacing
from badges.awards.models import KeyReplacement
from core import audit
from core.errors import NotAllowedError, NotFoundError, UnprocessableError
from core.identity import Role
from core.web.app import runtime
from core.web.sessions import Principal, principal
from keys.models import SigningKey
from keys.shared import ring_of
from keys.signer import Algorithm
from lti_tool.programme.blueprint import blueprint


@dataclass(frozen=True)
class IssuerKeyList:
    """An issuer with all its keys."""

    issuer: Issuer
    keys: list[SigningKey]


@blueprint.get("/issued/keys")
def issuer_keys() -> str:
    """Every issuer's keys, and what is being issued anew."""
    who = _administrator()
    with runtime().database.snapshot(who.scope) as session:
        found = [
            IssuerKeyList(issuer, replacing.keys_of(session, issuer))
            for issuer in session.scalars(select(Issuer).order_by(Issuer.name))
            if issuer.owner_path.startswith(who.scope.path)
        ]
        rows = session.scalars(select(KeyReplacement).order_by(KeyReplacement.started_at.desc()))
        runs = [
            replacing.progress(session, row)
            for row in rows
            if row.owner_path.startswith(who.scope.path)
        ]
    return render_template("programme/issued/keys.html", issuers=found, runs=runs)


@blueprint.get("/issued/keys/<kid>/withdraw")
def withdraw_key_form(kid: str) -> str:
    """What withdrawing this key does, before it is done."""
    return _form(kid, "", {})


@blueprint.post("/issued/keys/<kid>/withdraw")
def withdraw_key(kid: str) -> ResponseReturnValue:
    """Withdraw it, and have everything that it signed issued anew."""
    who, reason = _administrator(), request.form.get("reason", "")
    try:
        with runtime().database.transaction(who.scope) as session:
            _own_key(session, who, kid)
            row = replacing.withdraw(
                session, ring_of(runtime()), kid, reason=reason, actor_id=who.person_id,
                now=runtime().now(),
            )  # fmt: skip
    except UnprocessableError as error:
        return _form(kid, reason, error.fields), 422
    if row is None:
        raise NotFoundError(_("There is no such key."), code="key_unknown")
    flash(_("The key is withdrawn. What it signed is being issued anew."), "good")
    return redirect(url_for("programme.key_replacement", replacement_id=row.id), 303)


@blueprint.post("/issued/keys/<kid>/rotate")
def rotate_key(kid: str) -> ResponseReturnValue:
    """Make a new key in the place of this one, which stays published."""
    who = _administrator()
    with runtime().database.transaction(who.scope) as session:
        key, issuer = _own_key(session, who, kid)
        if key.state != "active":
            flash(_("There is a newer key already; nothing was changed."), "warn")
            return redirect(url_for("programme.issuer_keys"), 303)
        algorithm: Algorithm = "Ed25519" if key.algorithm == "Ed25519" else "RS256"
        [made] = ring_of(runtime()).rotate(session, key.ring, runtime().now(), algorithm=algorithm)
        audit.record(
            session, owner=issuer, actor_id=who.person_id, action="key.rotate", subject=made,
            now=runtime().now(), details={"old": kid, "new": made.kid},
        )  # fmt: skip
    flash(_("A new key signs from now on. What the old one signed stays valid."), "good")
    return redirect(url_for("programme.issuer_keys"), 303)


@blueprint.get("/issued/keys/replacements/<uuid:replacement_id>")
def key_replacement(replacement_id: uuid.UUID) -> str:
    """How far it is."""
    who = _administrator()
    with runtime().database.snapshot(who.scope) as session:
        row = session.scalar(select(KeyReplacement).where(KeyReplacement.id == replacement_id))
        if row is None or not row.owner_path.startswith(who.scope.path):
            raise NotFoundError(_("There is no such key."), code="key_unknown")
        run = replacing.progress(session, row)
    return render_template("programme/issued/replacement.html", run=run)


def _administrator() -> Principal:
    who = principal()
    who.require(Role.ADMINISTRATOR)
    return who


def _own_key(session: Session, who: Principal, kid: str) -> tuple[SigningKey, Issuer]:
    """The key, of an issuer that this administrator answers for."""
    issuer = replacing.issuer_of(session, kid)
    if issuer is None:
        raise NotFoundError(_("There is no such key."), code="key_unknown")
    if not issuer.owner_path.startswith(who.scope.path):
        raise NotAllowedError(
            _("This issuer belongs to another organisation, whose administrators keep its keys."),
            code="role_missing",
        )
    return session.scalars(select(SigningKey).where(SigningKey.kid == kid)).one(), issuer


def _form(kid: str, reason: str, errors: dict[str, object]) -> str:
    who = _administrator()
    with runtime().database.snapshot(who.scope) as session:
        key, issuer = _own_key(session, who, kid)
    return render_template(
        "programme/issued/withdraw_key.html",
        key=key,
        issuer=issuer,
        reason=reason,
        errors={name: str(text) for name, text in errors.items()},
    )
