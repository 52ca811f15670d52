"""The whole tool beside a platform, with micro-credentials to pick and people who launch."""

from __future__ import annotations

import html
import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from badges.achievements import service as achievements
from core.identity import Organisation, Person, Role, grant
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import COOKIE
from keys.shared import ring_of
from lti_tool.app import create_app
from lti_tool.lti.deep_linking.models import DeepLinkRequest
from lti_tool.lti.models import PlatformUser, ResourceLink
from lti_tool.lti.tool import EXTENSION
from tests.lti_tool.lti.harness import Browser, Installation, ensure_tool_key, prepare
from tests.lti_tool.review.browser import token
from tests.support.badges import micro_credential
from tests.support.hostile_platform import ABSENT, CLAIM, INSTRUCTOR, LEARNER
from tests.support.local_http import LocalServer

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
REFLECTION = "R. said that both have one bit missing, so we drew them on one line. " * 3


@dataclass
class Visit:
    """A session that a launch has begun, in its browser."""

    browser: Browser
    answer: TestResponse

    @property
    def path(self) -> str:
        """Where the launch led."""
        assert self.answer.status_code == 303, self.answer.get_data(as_text=True)
        parts = urlsplit(self.answer.headers["Location"])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def base(self) -> str:
        """The session's own prefix."""
        found = re.match(r"/s/[0-9a-f-]{36}", self.path)
        assert found
        return found[0]

    def open(self, path: str = "") -> TestResponse:
        """A page below the session's prefix, or the one that the launch led to."""
        wanted = f"{self.base}{path}" if path else self.path
        page = self.browser.get(wanted)
        for _hop in range(4):
            if page.status_code != 303:
                break
            page = self.browser.get(urlsplit(page.headers["Location"]).path)
        return page

    def post(self, path: str, data: Any = None, *, page: str = "") -> TestResponse:
        """Send a form with this session's safety mark; `page` is looked at first, and must open."""
        if page:
            assert self.open(page).status_code == 200
        sid = self.base.removeprefix("/s/")
        cookie = self.browser.client.get_cookie(f"{COOKIE}{sid}", domain="milepost.test", path="/")
        fields = [
            ("csrf_token", token(cookie.value)),
            *(data.items() if isinstance(data, dict) else data or []),
        ]
        return self.browser.post(f"{self.base}{path}", data=_multi(fields))


def _multi(fields: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


@dataclass
class School:
    """The installation with what can be picked, by name."""

    installation: Installation
    organisation: Organisation
    named: dict[str, str] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        return self.installation.runtime

    @property
    def base(self) -> str:
        return self.installation.base

    def achievement(self, name: str = "Questions That Open") -> str:
        return self.named[name]

    def url(self, name: str = "Questions That Open") -> str:
        return f"{self.base}/to/micro-credential/{self.achievement(name)}"

    def launch(
        self,
        *roles: str,
        sub: str = "7",
        target: str | None = None,
        browser: Browser | None = None,
        **claims: Any,
    ) -> Visit:
        """Log in and launch; short names of claims are LTI's."""
        browser = browser or self.installation.browser()
        pending = browser.begin(target_link_uri=target or f"{self.base}/to/home")
        changes = {
            "sub": sub, "name": f"Person {sub}", "given_name": "Person", "family_name": sub,
            "email": f"p{sub}@school.example", "roles": list(roles) or [LEARNER], **claims,
        }  # fmt: skip
        return Visit(browser, browser.finish(pending, **changes))

    def link(
        self, *roles: str, course: str = "course-1", link: str = "link-1",
        name: str = "Questions That Open", **more: Any,
    ) -> Visit:  # fmt: skip
        """Open a link to a micro-credential in a course."""
        return self.launch(
            *roles,
            target=more.pop("target", self.url(name)),
            context={"id": course, "title": f"Course {course}"},
            resource_link={"id": link, "title": name},
            **more,
        )

    def pick(self, *roles: str, settings: Any = None, **more: Any) -> Visit:
        """Open the content picker; `settings` change the deep linking settings."""
        asked = {
            "deep_link_return_url": f"{self.installation.platform.issuer}/picked?course=1&x=<y>",
            "accept_types": ["link", "ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": True,
            "data": "opaque-1",
        }
        if isinstance(settings, dict):
            asked = {k: v for k, v in {**asked, **settings}.items() if v is not ABSENT}
        elif settings is not None:
            asked = settings
        claims = {f"{DL}deep_linking_settings": asked}
        return self.launch(
            *(roles or (INSTRUCTOR,)),
            target=more.pop("target", f"{self.base}/lti/launch"),
            message_type="LtiDeepLinkingRequest",
            **{"resource_link": ABSENT, **claims, **more},
        )

    def review(self, *roles: str, about: Any = "7", line_item: Any = None, **more: Any) -> Visit:
        """Open somebody's work from the gradebook."""
        column = line_item or f"{self.installation.platform.issuer}/items/1"
        claims = {
            f"{CLAIM}for_user": {"user_id": about},
            AGS: {"lineitem": column, "scope": []},
        }
        return self.launch(
            *roles, **{"message_type": "LtiSubmissionReviewRequest", "target": self.url(),
                       **claims, **more},
        )  # fmt: skip

    def rows(self, kind: Any, *conditions: Any) -> list[Any]:
        with self.runtime.database.snapshot() as session, unscoped(session, "tests look"):
            return list(session.scalars(select(kind).where(*conditions)).unique())

    def person(self, session: Session, sub: str) -> Person:
        with unscoped(session, "tests look"):
            user = session.scalars(select(PlatformUser).where(PlatformUser.sub == sub)).one()
            return session.get_one(Person, user.person_id)

    def rows_of_requests(self) -> list[DeepLinkRequest]:
        return self.rows(DeepLinkRequest)

    def link_row(self, link: str = "link-1") -> ResourceLink:
        (found,) = self.rows(ResourceLink, ResourceLink.lti_id == link)
        return found  # type: ignore[no-any-return]

    def make_lead(self, sub: str) -> None:
        with self.runtime.database.transaction() as session:
            person = self.person(session, sub)
            grant(session, person, Role.LEAD, source="test", now=self.runtime.now())

    def send(self, visit: Visit, name: str = "Questions That Open") -> str:
        """Begin, fill in and send evidence through the pages; the submission's id."""
        achievement = self.achievement(name)
        started = visit.post(
            f"/micro-credential/{achievement}/start", page=f"/micro-credential/{achievement}"
        )
        draft = urlsplit(started.headers["Location"]).path.removeprefix(visit.base)
        revision = draft.split("/")[2]
        version = re.search(
            r'name="version" value="(\d+)"', visit.open(draft).get_data(as_text=True)
        )
        fields = {"version": version[1] if version else "0", "text-reflection": REFLECTION}
        visit.post(
            f"/evidence/{revision}/links/plan",
            {**fields, "link_url-plan": "https://docs.example.org/plan", "link_title-plan": "Plan"},
            page=draft,
        )
        checked = visit.open(f"/evidence/{revision}/check").get_data(as_text=True)
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', checked))
        hidden.pop("csrf_token", None)
        sent = visit.post(f"/evidence/{revision}/send", hidden, page=f"/evidence/{revision}/check")
        assert sent.status_code == 303, sent.get_data(as_text=True)
        found = re.search(r"/evidence/([0-9a-f-]{36})", sent.headers["Location"])
        assert found
        return found[1]

    def content_items(self, page: TestResponse) -> tuple[str, dict[str, Any]]:
        """Where the picker's answer goes, and its claims, its signature checked."""
        body = page.get_data(as_text=True)
        action = re.search(r'<form method="post" action="([^"]+)" data-passes-on>', body)
        token = re.search(r'name="JWT" value="([^"]+)"', body)
        assert action, body
        assert token, body
        keys = jwt.PyJWKSet.from_dict(ring_of(self.runtime).jwks("lti"))
        key = keys[jwt.get_unverified_header(token[1])["kid"]]
        claims = jwt.decode(
            token[1], key, algorithms=["RS256"], audience=self.installation.platform.issuer,
            issuer=self.installation.platform.client_id,
            options={"require": ["exp", "iat", "nonce"]},
        )  # fmt: skip
        return html.unescape(action[1]), claims

    def picked(self, visit: Visit, *names: str, **fields: str) -> TestResponse:
        """Pick these micro-credentials, with `fields` of the second page."""
        chosen = [("choice", f"micro-credential/{self.achievement(name)}") for name in names]
        first = [(f"title-{n}", name) for n, name in enumerate(sorted(names, key=self._order))]
        titles = {name for name, _value in fields.items()}
        filled = [pair for pair in first if pair[0].replace("-", "_") not in titles]
        typed = [(name[::-1].replace("_", "-", 1)[::-1], value) for name, value in fields.items()]
        return visit.post("/pick/add", chosen + filled + typed, page="/pick")

    def _order(self, name: str) -> int:
        return list(self.named).index(name)


def open_school(runtime: Runtime, organisation: Organisation, server: LocalServer) -> School:
    """The whole tool with two micro-credentials: one read by a coach, one by peers blindly."""
    ensure_tool_key(runtime)
    app = create_app(runtime=runtime)
    made = prepare(app, app.extensions[EXTENSION], organisation, server)
    school = School(made, organisation)
    before = runtime.now() - timedelta(days=30)
    with runtime.database.transaction() as session:
        issuer = achievements.create_issuer(
            session, organisation, ring=ring_of(runtime), slug="alder-valley",
            name="Alder Valley Schools", badge_url=runtime.config.badge_url, now=before,
        )  # fmt: skip
        for name, review in (
            ("Questions That Open", {"kind": "coach", "k": 1, "blindness": "open"}),
            ("Seen Without Names", {"kind": "coach", "k": 1, "blindness": "double"}),
        ):
            document = micro_credential(name=name, review=review)
            school.named[name] = str(achievements.create(session, issuer, document, before).id)
    with runtime.database.snapshot(organisation.scope) as session:
        order = [str(one.achievement_id) for one in achievements.published(session)]
    school.named = dict(sorted(school.named.items(), key=lambda pair: order.index(pair[1])))
    return school


def some_id() -> str:
    """An id that nothing has."""
    return str(uuid.uuid4())
