"""Loading the sample district: through the same services that pages and jobs use."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from badges.achievements import service as achievements
from badges.achievements.document import MicroCredential
from badges.awards import reading
from badges.awards import service as awards
from badges.awards.models import Credential
from badges.awards.signing import sign_credential
from core.errors import ConflictError
from core.identity import (
    Organisation,
    OrganisationKind,
    Person,
    Role,
    create_organisation,
    grant,
    owner_of,
)
from core.runtime import Runtime
from core.scope import set_scope, unscoped
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.courses.models import Context, Membership
from lti_tool.evidence import drafts
from lti_tool.evidence.assignments import assignment_for
from lti_tool.lti.families import known_endpoints
from lti_tool.lti.models import Deployment, Platform, PlatformUser
from lti_tool.lti.registration import add_deployment, add_platform
from lti_tool.review import desk, intake, scoring
from lti_tool.review.people import reviewer
from lti_tool.sample import content

CLIENT_ID, DEPLOYMENT_ID = "milepost-demo", "1"
COURSE_ID = "2"
NOOR, ILSE, ROSA, PIA = "5", "6", "7", "2"
PEOPLE = {
    NOOR: ("Noor Prøve", "Noor", "noor.prove@aldervalley.example"),
    ILSE: ("Ilse Muster", "Ilse", "ilse.muster@aldervalley.example"),
    ROSA: ("Rosa Ejemplo", "Rosa", "rosa.ejemplo@aldervalley.example"),
    PIA: ("Pia Specimen", "Pia", "pia.specimen@aldervalley.example"),
}


@dataclass
class _District:
    """What the steps of loading hand on to each other."""

    runtime: Runtime
    organisation: Organisation
    people: dict[str, Person]
    context: Context
    now: datetime


def load(runtime: Runtime, lms_url: str) -> bool:
    """Load the sample where it is not there yet; False if it was. `lms_url` may change between."""
    with runtime.database.transaction() as session:
        found = session.scalar(
            select(Organisation).where(Organisation.slug == content.ORGANISATION["slug"])
        )
        if found is not None:
            _move_platform(session, lms_url)
        else:
            district, earned = _found(session, runtime, lms_url)
            set_scope(session, district.organisation.scope)
            _earn(session, district, earned)
    _sign(runtime)
    return found is None


def _found(session: Session, runtime: Runtime, lms_url: str) -> tuple[_District, uuid.UUID]:
    """Organisation, keys, platform, people, micro-credentials; the one that gets earned is last."""
    now = runtime.now() - timedelta(days=30)
    ring = ring_of(runtime)
    organisation = create_organisation(
        session,
        kind=OrganisationKind.DISTRICT,
        name=content.ORGANISATION["name"],
        slug=content.ORGANISATION["slug"],
        timezone=content.ORGANISATION["timezone"],
    )
    with unscoped(session, "the sample is loaded before anybody has a scope"):
        with suppress(ConflictError):  # `milepost db upgrade` has made one
            ring.create(session, LTI_RING, "RS256", now)
        platform = add_platform(
            session,
            organisation,
            name="Practice LMS",
            family="sandbox",
            client_id=CLIENT_ID,
            site_url=lms_url,
            verifies_emails=True,
            now=now,
        )
        deployment = add_deployment(session, platform, DEPLOYMENT_ID, now=now)
        people = _people(session, organisation, platform, now)
        context = _context(session, organisation, platform, deployment, people, now)
        issuer = achievements.create_issuer(
            session,
            organisation,
            ring=ring,
            badge_url=runtime.config.badge_url,
            now=now,
            **content.ISSUER,
        )
        for data in content.MICRO_CREDENTIALS:
            made = achievements.create(session, issuer, MicroCredential.from_dict(data), now)
    return _District(runtime, organisation, people, context, now), made.id


def _people(
    session: Session, organisation: Organisation, platform: Platform, now: datetime
) -> dict[str, Person]:
    people = {}
    for sub, (name, given_name, email) in PEOPLE.items():
        person = Person(
            **owner_of(organisation),
            name=name,
            given_name=given_name,
            email=email,
            email_verified_at=now,
            created_at=now,
        )
        session.add(person)
        session.flush()
        session.add(
            PlatformUser(
                **owner_of(organisation),
                platform_id=platform.id,
                sub=sub,
                person_id=person.id,
                created_at=now,
            )
        )
        people[sub] = person
    for sub, role in ((ROSA, Role.LEAD), (PIA, Role.ADMINISTRATOR)):
        grant(session, people[sub], role, organisation=organisation, source="sample", now=now)
    return people


def _context(
    session: Session,
    organisation: Organisation,
    platform: Platform,
    deployment: Deployment,
    people: dict[str, Person],
    now: datetime,
) -> Context:
    context = Context(
        **owner_of(organisation),
        platform_id=platform.id,
        deployment_id=deployment.id,
        lti_id=COURSE_ID,
        title="Alder Valley: Teaching circle",
        created_at=now,
        updated_at=now,
    )
    session.add(context)
    session.flush()
    for sub, role in ((NOOR, Role.TEACHER), (ILSE, Role.COACH)):
        session.add(
            Membership(
                **owner_of(organisation),
                context_id=context.id,
                person_id=people[sub].id,
                roles=[role.value],
                lti_roles=[],
                first_seen_at=now,
                last_seen_at=now,
            )
        )
    session.flush()
    return context


def _earn(session: Session, district: _District, achievement_id: uuid.UUID) -> None:
    """Noor earns a badge as anybody would: draft, evidence, a coach's review, acceptance."""
    noor, ilse = district.people[NOOR], district.people[ILSE]
    began, sent = district.now + timedelta(days=2), district.now + timedelta(days=9)
    read, taken = district.now + timedelta(days=12), district.now + timedelta(days=13)
    revision_id = _send(session, district, achievement_id, began, sent)
    coach = reviewer(
        session,
        person_id=ilse.id,
        scope=district.organisation.scope,
        context_id=district.context.id,
        roles={Role.COACH},
    )
    desk.claim(session, coach, revision_id, read)
    scoring.save(
        session,
        coach,
        revision_id,
        {
            "asks": scoring.Given(4, "Your task made pupils show why. Lovely."),
            "plans": scoring.Given(3, "Both lessons start where the drawings were."),
        },
        summary="Thank you for showing the plans side by side.",
        version=None,
        now=read,
    )
    scoring.finish(session, coach, revision_id, read)
    [offer] = reading.offers(session, noor.id)
    awards.accept(
        session,
        offer.id,
        noor.id,
        name=noor.name,
        badge_url=district.runtime.config.badge_url,
        now=taken,
    )


def _send(
    session: Session,
    district: _District,
    achievement_id: uuid.UUID,
    began: datetime,
    sent: datetime,
) -> uuid.UUID:
    """Noor's evidence, begun and sent; returns the revision's id."""
    noor = district.people[NOOR]
    assignment = assignment_for(
        session,
        achievement_id=achievement_id,
        context=district.context,
        scope=district.organisation.scope,
        now=began,
    )
    revision = drafts.start(session, assignment, noor, began)
    drafts.add_link(
        session, revision.id, noor.id, "plans",
        url=content.EARNED_LINK, title="Fractions, before and after", now=began,
    )  # fmt: skip
    drafts.save(
        session,
        revision.id,
        noor.id,
        texts={"reflection": content.EARNED_REFLECTION},
        releases={"plans": "not_recognisable"},
        version=None,
        now=began,
    )
    intake.send(session, revision.id, noor.id, key=str(uuid.uuid4()), now=sent)
    return revision.id


def _sign(runtime: Runtime) -> None:
    """Sign and publish the sample's badge; a run that was interrupted before is completed."""
    address, name = PEOPLE[NOOR][2], content.MICRO_CREDENTIALS[-1]["name"]
    waiting = select(Credential).join(Person, Person.id == Credential.person_id)
    waiting = waiting.where(Person.email == address, Credential.state == "accepted")
    with runtime.database.snapshot() as session, unscoped(session, "the sample's own badge"):
        unsigned = [
            item for item in session.scalars(waiting) if item.version.document["name"] == name
        ]
    for credential in unsigned:
        sign_credential(runtime, ring_of(runtime), credential.id)
        with runtime.database.transaction() as session:
            awards.publish(session, credential.id, credential.person_id, credential.accepted_at)


def _move_platform(session: Session, lms_url: str) -> None:
    """The practice LMS may run on another port than last time; it is the same LMS."""
    ends = known_endpoints("sandbox", lms_url)
    with unscoped(session, "the demo has one practice LMS"):
        platform = session.scalar(select(Platform).where(Platform.client_id == CLIENT_ID))
        if platform is None or platform.issuer == ends.issuer:
            return
        platform.issuer = ends.issuer
        platform.auth_login_url = ends.auth_login_url
        platform.auth_token_url = ends.auth_token_url
        platform.jwks_url = ends.jwks_url
        platform.frame_origins = list(ends.frame_origins) or [lms_url]
