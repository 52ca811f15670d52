"""An LMS that sends no name, or not even an id: every page stays kind and whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from sqlalchemy import select

from badges.achievements import service as achievements
from core.identity import Organisation, Person, Role, create_organisation, grant
from core.runtime import Runtime
from core.scope import unscoped
from core.web.calling import mark
from core.worker import Worker
from keys.ring import KeyRing
from lti_tool.app import create_app, register_jobs
from lti_tool.lti.models import PlatformUser
from lti_tool.lti.registration import add_deployment, add_platform
from tests.support.badges import NOW, micro_credential
from tests.support.district import TOOL_URL, Page, Visitor
from tests.support.hostile_platform import (
    ABSENT,
    INSTRUCTOR,
    LEARNER,
    HostilePlatform,
    Pending,
)
from tests.support.local_http import Answer, local_server

NAMELESS: dict[str, Any] = dict.fromkeys(("name", "given_name", "family_name", "email"), ABSENT)
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
WORDS = "R. said it is the same because both have one bit missing, so I asked everybody to draw. "


@dataclass
class School:
    """The whole tool, one micro-credential, and a platform that tells little."""

    runtime: Runtime
    app: Flask
    organisation: Organisation
    platform: HostilePlatform
    achievement: str

    def launch(
        self, sub: Any, role: str = LEARNER, to: str = "", **claims: Any
    ) -> tuple[Visitor, Page]:
        """Open a link of the course in a browser of one's own."""
        visitor = Visitor(self.app.test_client())
        target = f"{TOOL_URL}/to/{to or f'micro-credential/{self.achievement}'}"
        login = visitor.client.post(
            "/lti/login", base_url=TOOL_URL, data=self.platform.login_parameters(target)
        )
        pending = Pending.read(login.headers["Location"], target)
        said = {**NAMELESS, "sub": sub, "roles": [role], **claims}
        token = self.platform.token(self.platform.claims(pending, **said))
        answer = visitor.client.post(
            "/lti/launch", base_url=TOOL_URL, data={"id_token": token, "state": pending.state}
        )
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return visitor, visitor.open(answer.headers["Location"])

    def person(self, sub: str) -> Person:
        with self.runtime.database.snapshot() as session, unscoped(session, "test"):
            query = select(Person).join(PlatformUser, PlatformUser.person_id == Person.id)
            return session.scalars(query.where(PlatformUser.sub == sub)).one()

    def lead(self, sub: str) -> None:
        """Make who has launched before a programme lead and administrator."""
        person = self.person(sub)
        with self.runtime.database.transaction() as session:
            for role in (Role.LEAD, Role.ADMINISTRATOR):
                grant(session, person, role, organisation=self.organisation, source="t", now=NOW)

    def work(self) -> None:
        Worker(self.runtime.database, self.runtime.registry).drain()


@pytest.fixture
def school(runtime: Runtime, tmp_path: Path) -> Iterator[School]:
    config = replace(runtime.config, base_url=TOOL_URL, badge_url=TOOL_URL, home=tmp_path)
    shared = Runtime.from_config(config)
    register_jobs(shared)
    app = create_app(runtime=shared)
    ring = KeyRing(shared.database, config.master_key)
    with local_server() as server:
        platform = HostilePlatform(issuer=server.url)
        server.routes["/jwks.json"] = lambda _request: Answer(body=platform.jwks())
        with shared.database.transaction() as session:
            organisation = create_organisation(session, name="Alder Valley", slug="alder-valley")
            issuer = achievements.create_issuer(
                session, organisation, ring=ring, slug="alder-valley", name="Alder Valley",
                badge_url=TOOL_URL, now=NOW,
            )  # fmt: skip
            made = achievements.create(session, issuer, micro_credential(), NOW)
        with shared.database.transaction(organisation.scope) as session:
            row = add_platform(
                session, organisation, name="Quiet LMS", family="sandbox", site_url=server.url,
                client_id=platform.client_id, now=NOW,
            )  # fmt: skip
            row.anonymous_allowed = True
            add_deployment(session, row, platform.deployment_id, now=NOW)
        yield School(shared, app, organisation, platform, str(made.id))
    shared.close()


def read_everything(visitor: Visitor, page: Page) -> list[str]:
    """Follow every link of a visit; each page is whole and says nothing like "None"."""
    found, waiting = {page.url: page}, [page]
    while waiting:
        here = waiting.pop()
        for address in re.findall(r'href="(/s/[^"#]+)', here.html):
            url = urljoin(here.url, address.replace("&amp;", "&"))
            if url in found or re.search(r"accent\.css|download|\.zip$", url):
                continue
            found[url] = visitor.open(url)
            waiting.append(found[url])
    for url, one in found.items():
        assert one.status == 200, (url, one.status, one.text)
        hole = re.search(r".{60}\bNone\b(?! [a-z])", one.text)
        # Two pages say "None" where they mean it: a platform's, and that of a badge's address.
        assert hole is None or re.search("/connections/|/address$", url), (url, hole)
        assert not re.search(r'class="avatar[^"]*"[^>]*>\s*</span>', one.html), url
    return [re.sub(r"^.*/s/[^/]+", "", url) for url in found]


def send(school: School, sub: str, **claims: Any) -> tuple[Visitor, Page]:
    """Begin, write, and send a piece of evidence."""
    visitor, page = school.launch(sub, **claims)
    draft = visitor.submit(page, "/start")
    link = draft.form("/draft").action.replace("/draft", "/links/plan")
    with_link = visitor._send(
        "POST",
        link,
        data={**draft.form("/draft").fields, "link_url-plan": "https://docs.example.org/plan",
              "link_title-plan": "My plan", "text-reflection": WORDS * 3},
    )  # fmt: skip
    check = visitor.submit(with_link, "/draft", {"text-reflection": WORDS * 3, "go": "check"})
    return visitor, visitor.submit(check, "/send")


def meet(school: School, sub: str = "coach") -> Page:
    """A coach reads the oldest work, and it is met."""
    visitor, queue = school.launch(sub, INSTRUCTOR, "queue")
    score = visitor.submit(queue, "/claim")
    read_everything(visitor, score)
    values = {f"level-{name}": "3" for name in ("planned", "wait")}
    return visitor.submit(score, "Finish", {**values, "go": "finish"})


@pytest.mark.parametrize("sub", ["somebody", ABSENT])
@pytest.mark.parametrize(
    ("role", "to"), [(LEARNER, ""), (LEARNER, "path"), (INSTRUCTOR, "queue"), (INSTRUCTOR, "home")]
)
def test_every_page_is_whole_for_somebody_without_a_name(
    school: School, sub: Any, role: str, to: str
) -> None:
    read = read_everything(*school.launch(sub, role, to))
    assert "/accounts" in read
    assert len(read) >= 2


def test_a_nameless_teacher_is_told_apart_and_asked_for_a_name(school: School) -> None:
    visitor, receipt = send(school, "wren")
    other, theirs = send(school, "robin")
    read_everything(visitor, receipt)
    _coach, queue = school.launch("coach", INSTRUCTOR, "queue")
    for sub in ("wren", "robin"):
        assert f"Colleague {mark(school.person(sub).id)}" in queue.text
    meet(school)
    school.work()
    visitor, path = school.launch("wren", to="path")
    read_everything(visitor, path)
    claim = visitor.open(visitor.open(path.url.replace("/path", "/badges")).link("/badges/"))
    assert "Under which name?" in claim.text
    assert "Look again" not in claim.html
    assert "to look at" not in claim.text
    again = visitor.submit(claim, "Accept", {"do": "accept"})
    assert again.status == 422
    assert "Write the name that should stand on the badge" in again.text
    held = visitor.submit(again, "Accept", {"do": "accept", "own": "Wren A."})
    assert held.status == 200
    school.work()
    read_everything(visitor, visitor.open(held.url))
    read_everything(other, theirs)


def test_a_nameless_lead_and_administrator_sees_whole_pages(school: School) -> None:
    send(school, "wren")
    school.launch("lead", INSTRUCTOR, "home")
    school.lead("lead")
    read = read_everything(*school.launch("lead", INSTRUCTOR, "home"))
    assert "/today" in read
    assert "/connections" in read


def test_a_test_student_walks_the_path_marked_and_uncounted(school: School) -> None:
    visitor, receipt = send(school, "student-view", roles=[LEARNER, TEST_USER])
    read_everything(visitor, receipt)
    _coach, queue = school.launch("coach", INSTRUCTOR, "queue")
    assert "Test student" in queue.text
    assert "waiting to be read" not in queue.text
    assert "Start with the oldest" not in queue.text
    meet(school)
    school.work()
    visitor, path = school.launch("student-view", to="path", roles=[LEARNER, TEST_USER])
    assert "Test students walk the whole path" in path.text
    read_everything(visitor, path)
