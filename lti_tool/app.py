"""The composition root: every room's pages, jobs and news, put together once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import lti_tool.models  # noqa: F401 - every table is known before the first query
from badges.achievements.service import published
from badges.awards import jobs as award_jobs
from badges.endorsements import jobs as endorsement_jobs
from badges.holdings import jobs as holding_jobs
from badges.pathways import jobs as pathway_jobs
from badges.public import mounting as public_pages
from badges.public.verification import verify_document
from badges.wallets import jobs as wallet_jobs
from core import mail
from core.config import Config
from core.identity import Role
from core.outbox import Job
from core.runtime import Runtime
from core.scope import Scope
from core.web.app import make_app, runtime
from core.web.calling import oneself
from core.web.sessions import Principal, sweep
from core.worker import forget_done
from keys.shared import ring_of
from lti_tool.access import inviting_views, leaving_views
from lti_tool.access import jobs as access_jobs
from lti_tool.access import views as access_views
from lti_tool.access.leaving import BY_MAIL
from lti_tool.admin import views as admin_views
from lti_tool.evidence import jobs as evidence_jobs
from lti_tool.evidence import views as evidence_views
from lti_tool.learning import views as learning_views
from lti_tool.learning.accounts import jobs as account_jobs
from lti_tool.learning.accounts.views import EXTENSION as ACCOUNTS
from lti_tool.learning.notices import jobs as notice_jobs
from lti_tool.lti import jobs as lti_jobs
from lti_tool.lti import mounting as lti_pages
from lti_tool.lti.accounts import accounts_of
from lti_tool.lti.names import DATA_PRIVACY_REQUEST, SUBMISSION_REVIEW_REQUEST
from lti_tool.lti.targets import Builder, Choice, Target, Targets, Visit
from lti_tool.programme import views as programme_views
from lti_tool.programme.images import jobs as image_jobs
from lti_tool.review import jobs as review_jobs
from lti_tool.review import views as review_views

CSS_COLOUR = frozenset("0123456789abcdefABCDEF#")


@dataclass(frozen=True)
class Place:
    """One entry of the slim bar."""

    label: str
    url: str
    current: bool


@dataclass(frozen=True)
class Bar:
    """The slim bar of a session's page."""

    organisation: str
    home: str
    places: list[Place]
    person: str | None
    person_url: str | None = None


def make_runtime(config: Config) -> Runtime:
    """A Runtime that knows every job and every subscriber."""
    runtime = Runtime.from_config(config)
    register_jobs(runtime)
    runtime.checks["signature"] = lambda: ring_of(runtime).check()
    return runtime


def register_jobs(runtime: Runtime) -> None:
    """Who does what in the outbox: jobs, news and recurring work."""
    registry = runtime.registry
    award_jobs.register_jobs(registry, runtime)
    endorsement_jobs.register_jobs(registry, runtime)
    pathway_jobs.register_jobs(registry, runtime)
    holding_jobs.register_jobs(registry, runtime, verify_document)
    wallet_jobs.register_jobs(registry, runtime)
    evidence_jobs.register_jobs(registry, runtime)
    image_jobs.register_jobs(registry, runtime)
    account_jobs.register_jobs(registry, runtime)
    mail.register_jobs(registry, runtime)
    access_jobs.register_jobs(registry, runtime)
    notice_jobs.register_jobs(registry, runtime)
    lti_jobs.register_jobs(registry, runtime)
    review_jobs.register_jobs(registry, runtime)

    def tidy(_job: Job) -> None:
        sweep(runtime.database)
        forget_done(runtime.database, now=runtime.now())

    registry.every("core.tidy", timedelta(hours=6), tidy)


def create_app(config: Config | None = None, *, runtime: Runtime | None = None) -> Flask:
    """The whole tool, from the environment's settings unless `config` or `runtime` is given."""
    shared = runtime or make_runtime(config or Config.from_env())
    app = make_app(shared)
    public_pages.install(app, ring_of(shared))
    lti_pages.install(app, targets=targets())
    app.extensions[ACCOUNTS] = accounts_of
    for blueprint in (
        evidence_views.bp,
        review_views.bp,
        learning_views.blueprint,
        programme_views.blueprint,
        admin_views.blueprint,
        access_views.blueprint,
        leaving_views.blueprint,
        inviting_views.blueprint,
    ):
        app.register_blueprint(blueprint)
    if shared.config.environment != "production":
        app.add_url_rule("/styleguide", "styleguide", _styleguide)
    app.add_url_rule("/", "front", _front)
    app.add_url_rule("/s/<uuid:sid>/accent.css", "accent", _accent)
    app.add_url_rule("/s/<uuid:sid>/", "landing", lambda: redirect(_first_page(g.principal)))
    app.context_processor(_bar)
    return app


def targets() -> Targets:
    """What a link in an LMS may open, by the part of its address after `/to/`."""
    found = Targets()
    found.add("home", lambda visit, _argument: _home(visit.roles, visit.session_id))
    found.add("path", _page("learning.path"))
    found.add("badges", _page("learning.badges"))
    found.add("queue", _page("review.queue"))
    found.add("lead", _page("programme.lead"))
    found.add("connections", _page("admin.connections"))
    found.add(
        "micro-credential",
        lambda visit, argument: url_for(
            "evidence.overview", sid=visit.session_id, achievement_id=argument
        ),
        argument="uuid",
    )
    # Canvas' SpeedGrader opens one submission by this address, through whichever link it likes.
    found.add(
        "submission",
        lambda visit, argument: url_for(
            "programme.learner_work", sid=visit.session_id, submission_id=argument
        ),
        argument="uuid",
        passing=True,
    )
    found.answer(SUBMISSION_REVIEW_REQUEST, _learner_work)
    found.answer(DATA_PRIVACY_REQUEST, _page("learning.kept"))
    found.offer(_micro_credentials)
    found.offer(_pages)
    return found


def _learner_work(visit: Visit, achievement_id: str | None) -> str:
    if visit.about_id is None:
        return url_for("programme.unknown_learner", sid=visit.session_id)
    wanted: dict[str, Any] = {"for": achievement_id} if achievement_id else {}
    return url_for("programme.learner", sid=visit.session_id, person_id=visit.about_id, **wanted)


def _micro_credentials(session: Session, _scope: Scope) -> list[Choice]:
    """Every published micro-credential, for the content picker."""
    return [
        Choice(
            Target("micro-credential", str(version.achievement_id)),
            str(version.document["name"]),
            str(version.document["competency"]),
            graded=True,
        )
        for version in published(session)
    ]


def _pages(_session: Session, _scope: Scope) -> list[Choice]:
    """The pages that are the same for everybody, for the content picker."""
    return [
        Choice(Target("path"), _("My path"), _("What a teacher has met, and what comes next.")),
        Choice(Target("queue"), _("Reviews"), _("Colleagues’ work that waits to be read.")),
        Choice(Target("badges"), _("My badges"), _("What a teacher has earned.")),
        Choice(Target("home"), _("Milepost"), _("The first page for each person’s role.")),
    ]


def _page(endpoint: str) -> Builder:
    return lambda visit, _argument: url_for(endpoint, sid=visit.session_id)


def _first_page(who: Principal) -> str:
    # Whoever came by mail has left the courses: the badges are what they came for.
    return url_for("learning.badges") if who.data.get(BY_MAIL) else _home(who.roles)


def _home(roles: frozenset[Role], sid: uuid.UUID | None = None) -> str:
    endpoint = "learning.path"
    if Role.LEAD in roles:
        endpoint = "programme.lead"
    elif Role.ADMINISTRATOR in roles:
        endpoint = "admin.connections"
    elif Role.COACH in roles and Role.TEACHER not in roles:
        endpoint = "review.queue"
    return url_for(endpoint, sid=sid or g.sid)


def _bar() -> dict[str, object]:
    who: Principal | None = g.get("principal")
    if who is None:
        return {}
    entries: list[tuple[str, str]] = []
    if who.has(Role.TEACHER):
        entries += [
            ("learning.path", _("My path")),
            ("evidence.index", _("My evidence")),
            ("review.queue", _("Reviews I owe")),
            ("learning.badges", _("My badges")),
        ]
    elif who.has(Role.COACH):
        entries += [("review.queue", _("Queue"))]
    if who.has(Role.LEAD):
        entries = [
            ("programme.lead", _("Today")),
            *(entries or [("review.queue", _("Queue"))]),
            ("programme.micro_credentials", _("Micro-credentials")),
        ]
    if who.has(Role.ADMINISTRATOR):
        entries += [("admin.connections", _("Connections")), ("admin.deliveries", _("Deliveries"))]
        if not who.has(Role.LEAD):
            entries += [("programme.micro_credentials", _("Micro-credentials"))]
    if not entries:
        entries = [("learning.badges", _("My badges"))]
    by_mail = bool(who.data.get(BY_MAIL))
    if by_mail:
        entries += [("learning.notices", _("My notices")), ("learning.kept", _("My data"))]
    places = [
        Place(label, url_for(endpoint), request.endpoint == endpoint)
        for endpoint, label in entries[:5]
    ]
    return {
        "bar": Bar(
            who.organisation_name,
            url_for("landing"),
            places,
            oneself(who.name),
            url_for("learning.own_address" if by_mail else "learning.accounts"),
        ),
        "accent_url": url_for("accent") if who.accent else None,
    }


def _front() -> str:
    by_mail = mail.promised(runtime().config)
    return render_template("front/index.html", by_mail=by_mail)


def _styleguide() -> str:
    """Every component in every state (demo and tests)."""
    return render_template("styleguide/index.html", theme=request.args.get("theme", ""))


def _accent() -> Response:
    """The organisation's colour as a stylesheet: an attribute would break the policy."""
    accent = g.principal.accent or ""
    safe = accent if accent.startswith("#") and set(accent) <= CSS_COLOUR else ""
    body = f":root{{--org-accent:{safe}}}\n" if safe else ""
    return Response(body, mimetype="text/css", headers={"Cache-Control": "private, max-age=3600"})
