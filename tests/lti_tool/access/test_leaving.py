"""After leaving: the same answer to everybody, one use of each link, and nothing but one's own."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from badges.awards.models import Award, Credential
from core import addresses
from core.addresses import OwnAddress
from core.audit import AuditEvent
from core.db import utcnow
from core.identity import Organisation, Person, create_organisation, owner_of
from core.outbox import OutboxMessage
from core.quotas import Quota
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import WebSession
from core.worker import Worker
from lti_tool.access import leaving
from lti_tool.access.models import AccessAsk, AccessLink
from lti_tool.app import create_app, register_jobs
from tests.support.badges import District, earn, issue_credential, make_district
from tests.support.mailbox import Mailbox, with_mail

BASE = "https://milepost.test"
WREN = "wren@home.example"


def somebody(
    runtime: Runtime, place: Organisation, name: str, email: str | None, *, verified: bool = True,
    **more: object,
) -> Person:  # fmt: skip
    with runtime.database.transaction() as session:
        person = Person(
            **owner_of(place), name=name, email=email,
            email_verified_at=utcnow() if verified else None, **more,
        )  # fmt: skip
        session.add(person)
    return person


@pytest.fixture
def box(runtime: Runtime) -> Mailbox:
    return with_mail(runtime)


@pytest.fixture
def app(runtime: Runtime, box: Mailbox) -> Flask:
    register_jobs(runtime)
    return create_app(runtime=runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def get(client: FlaskClient, path: str) -> TestResponse:
    return client.get(path, base_url=BASE)


def ask(client: FlaskClient, address: str, *, ip: str = "192.0.2.1") -> TestResponse:
    return client.post(
        "/access", base_url=BASE, data={"address": address}, environ_base={"REMOTE_ADDR": ip}
    )


def press(client: FlaskClient, path: str, **headers: str) -> TestResponse:
    return client.post(path, base_url=BASE, headers=headers)


def work(runtime: Runtime) -> None:
    Worker(runtime.database, runtime.registry).drain()


def count(runtime: Runtime, kind: type) -> int:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalar(select(func.count()).select_from(kind)) or 0


def link_for(runtime: Runtime, client: FlaskClient, box: Mailbox, address: str = WREN) -> str:
    ask(client, address)
    work(runtime)
    # Files are listed by their names, so the mail of this asking is looked for.
    [found] = [path for mail in box.mails(address) for path in mail.paths("/access/badges/")]
    return found


def test_the_answer_and_the_work_are_the_same_whoever_asks(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    answers, written = [], []
    for address in (WREN, "nobody@home.example"):
        client = app.test_client()
        answer = ask(client, address)
        page = get(client, answer.headers["Location"])
        headers = {k: v for k, v in answer.headers.items() if k != "X-Request-Id"}
        answers.append((answer.status_code, headers, page.status_code, len(page.text)))
        assert "If this address belongs to somebody here, a link is on its way." in page.text
        assert address not in page.text
        written.append((count(runtime, AccessAsk), count(runtime, OutboxMessage)))
    assert answers[0] == answers[1]
    assert written == [(1, 1), (2, 2)]
    assert count(runtime, AccessLink) == 0, "looking up is the worker's"
    work(runtime)
    assert [mail.to for mail in box.mails()] == [WREN]
    assert count(runtime, AccessAsk) == 0, "a typed address is forgotten"


@pytest.mark.parametrize(
    "typed", ["", "wren", "wren@home", "w\nBcc: x@y.example", "@", "x" * 300 + "@home.example"]
)
def test_what_is_no_address_is_asked_for_again(
    client: FlaskClient, runtime: Runtime, typed: str
) -> None:
    answer = ask(client, typed)
    assert answer.status_code == 422
    assert "Type one whole address" in answer.text
    assert count(runtime, OutboxMessage) == count(runtime, Quota) == 0


def test_only_an_address_that_is_verified_opens_anything(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Unconfirmed", "unconfirmed@home.example", verified=False)
    somebody(runtime, organisation, "Test student", "test@home.example", is_test=True)
    wren = somebody(runtime, organisation, "Wren", WREN)
    gone = somebody(runtime, organisation, "Gone", "gone@home.example")
    with runtime.database.transaction(organisation.scope) as session:
        session.merge(gone).merged_into_id = wren.id
    for name in ("unconfirmed", "test", "gone"):
        ask(client, f"{name}@home.example", ip="198.51.100.7")
    work(runtime)
    assert box.mails() == []


def test_capitals_do_not_matter(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", "Wren@Home.Example")
    ask(client, "wREN@hOME.example")
    work(runtime)
    assert len(box.mails()) == 1


def test_looking_at_the_link_takes_nothing_and_taking_it_opens_ones_badges(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    wren = somebody(runtime, organisation, "Wren Samplewood", WREN)
    path = link_for(runtime, client, box)
    for _preview in range(3):
        page = get(client, path)
        assert page.status_code == 200
    assert client.head(path, base_url=BASE).status_code == 200
    assert "Alder Valley Schools" in page.text
    assert page.text.count("<button") == 1
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    answer = press(client, path, Origin=BASE)
    assert answer.status_code == 303
    landed = answer.headers["Location"]
    assert re.fullmatch(r"/s/[0-9a-f-]{36}/badges", landed)
    shelf = get(client, landed)
    assert shelf.status_code == 200
    assert "Your first badge will stand here" in shelf.text
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        [visit] = session.scalars(select(WebSession))
        events = session.scalars(select(AuditEvent.action).order_by(AuditEvent.at)).all()
    assert (visit.person_id, visit.roles, visit.context_id) == (wren.id, [], None)
    assert {"access_link.create", "access_link.take"} <= set(events)


def test_the_link_is_nowhere_but_in_the_mail(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    token = link_for(runtime, client, box).rpartition("/")[2]
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        rows = [*session.scalars(select(OutboxMessage)), *session.scalars(select(AccessLink))]
        assert token not in repr([vars(row) for row in rows])
        assert WREN not in repr([row.payload for row in rows if isinstance(row, OutboxMessage)])


def test_a_used_link_is_gone(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    path = link_for(runtime, app.test_client(), box)
    assert press(app.test_client(), path).status_code == 303
    for answer in (get(app.test_client(), path), press(app.test_client(), path)):
        assert answer.status_code == 410
        assert "access_link_used" in answer.text
        assert 'href="/access"' in answer.text
        assert "Set-Cookie" not in answer.headers


def test_a_link_ends_after_twenty_minutes(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    path = link_for(runtime, client, box)
    at = utcnow()
    runtime.clock = lambda: at + timedelta(minutes=20, seconds=1)
    for answer in (get(client, path), press(client, path)):
        assert answer.status_code == 410
        assert "access_link_expired" in answer.text
    assert count(runtime, WebSession) == 0


def test_a_link_that_would_be_dead_on_arrival_is_not_sent(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    ask(client, WREN)
    runtime.registry.handlers["access.look_up"](_job(runtime))
    at = utcnow()
    runtime.clock = lambda: at + timedelta(hours=2)
    work(runtime)
    assert box.mails() == []


def _job(runtime: Runtime):  # type: ignore[no-untyped-def]
    from core.outbox import claim

    [job] = claim(runtime.database, limit=1, now=utcnow())
    return job


def test_looking_up_twice_sends_once(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    ask(client, WREN)
    job = _job(runtime)
    runtime.registry.handlers["access.look_up"](job)
    runtime.registry.handlers["access.look_up"](job)
    work(runtime)
    assert len(box.mails()) == count(runtime, AccessLink) == 1


@pytest.mark.parametrize("token", ["nonsense", "x" * 3000, "%00", "ä"])
def test_an_invented_link_is_nothing(client: FlaskClient, token: str) -> None:
    for room in ("badges", "address"):
        for answer in (
            get(client, f"/access/{room}/{token}"), press(client, f"/access/{room}/{token}")
        ):  # fmt: skip
            assert answer.status_code == 404


def test_another_site_can_neither_ask_nor_press(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    path = link_for(runtime, client, box)
    for target in (path, "/access"):
        for origin in ("https://evil.example", "null"):
            assert press(client, target, Origin=origin).status_code == 403
    assert press(client, path).status_code == 303


def test_an_address_of_several_people_gets_a_link_for_each(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    with runtime.database.transaction() as session:
        brook = create_organisation(session, name="Brook Academy", slug="brook")
    people = [
        somebody(runtime, organisation, "Wren S.", WREN),
        somebody(runtime, brook, "W. Samplewood", WREN.upper()),
    ]
    ask(app.test_client(), WREN)
    work(runtime)
    mail = box.only(WREN)
    assert "My badges at Alder Valley Schools (Wren S.)" in mail.text
    assert "My badges at Brook Academy (W. Samplewood)" in mail.text
    paths = mail.paths("/access/badges/")
    assert len(set(paths)) == 2
    for path in paths:
        assert press(app.test_client(), path).status_code == 303
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        visits = session.scalars(select(WebSession)).all()
    assert {(v.person_id, v.owner_id) for v in visits} == {(p.id, p.owner_id) for p in people}


def test_the_mail_speaks_the_readers_language(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN, locale="es-MX")
    ask(client, WREN)
    work(runtime)
    assert box.only(WREN).message["Content-Language"] == "es"


def test_an_address_that_was_removed_opens_nothing_any_more(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    person = somebody(runtime, organisation, "Wren", None)
    own = "own@home.example"
    confirm_own(runtime, client, box, person, own)
    box.empty()
    path = link_for(runtime, client, box, own)
    with runtime.database.transaction() as session:
        addresses.remove(session, person.id, utcnow())
    for answer in (get(client, path), press(client, path)):
        assert answer.status_code == 410
        assert "access_link_ended" in answer.text
    assert count(runtime, WebSession) == 0


def confirm_own(
    runtime: Runtime, client: FlaskClient, box: Mailbox, person: Person, own: str
) -> None:
    with runtime.database.transaction() as session, unscoped(session, "test"):
        addresses.ask(
            session, runtime.config, session.merge(person), own, network="n", now=utcnow()
        )
    work(runtime)
    answer = press(client, box.only(own).path("/access/address/"))
    assert answer.status_code == 200


def test_the_fourth_link_within_an_hour_is_not_sent_and_nothing_says_so(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    for address in (WREN, "nobody@home.example"):
        answers = [ask(client, address, ip=f"203.0.{n}.1") for n in range(5)]
        assert {a.status_code for a in answers} == {303}
        assert {a.headers["Location"] for a in answers} == {"/access/asked"}
    work(runtime)
    assert len(box.mails(WREN)) == 3
    later = utcnow() + timedelta(hours=1, seconds=1)
    runtime.clock = lambda: later
    ask(client, WREN)
    work(runtime)
    assert len(box.mails(WREN)) == 4


def test_a_network_that_asks_too_often_is_put_off_and_others_are_not(
    client: FlaskClient, runtime: Runtime
) -> None:
    most = leaving.PER_NETWORK.most
    asked = [ask(client, f"a{n}@home.example", ip=f"192.0.2.{n % 200}") for n in range(most)]
    assert {a.status_code for a in asked} == {303}
    refused = ask(client, "one@home.example", ip="192.0.2.222")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) == 3600
    assert "too_often" in refused.text
    assert ask(client, "one@home.example", ip="198.51.100.1").status_code == 303
    assert count(runtime, AccessAsk) == most + 1


def test_what_all_ask_together_is_limited(
    client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(leaving, "IN_ALL", replace(leaving.IN_ALL, most=4))
    asked = [ask(client, f"a{n}@home.example", ip=f"203.0.{n}.1") for n in range(6)]
    assert [a.status_code for a in asked] == [303] * 4 + [429] * 2


def test_a_proxys_word_on_where_somebody_comes_from_counts_only_where_it_is_trusted(
    client: FlaskClient, runtime: Runtime
) -> None:
    for n in range(leaving.PER_NETWORK.most + 1):
        answer = client.post(
            "/access", base_url=BASE, data={"address": f"a{n}@home.example"},
            headers={"X-Forwarded-For": f"203.0.{n}.1"}, environ_base={"REMOTE_ADDR": "192.0.2.1"},
        )  # fmt: skip
    assert answer.status_code == 429


def test_without_a_mail_server_nothing_is_promised_and_nothing_written(
    runtime: Runtime, organisation: Organisation
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    client = create_app(runtime=runtime).test_client()
    page = get(client, "/access")
    assert page.status_code == 200
    assert "No mail is sent from here." in page.text
    assert "<form" not in page.text
    assert ask(client, WREN).status_code == 409
    assert count(runtime, OutboxMessage) == count(runtime, Quota) == 0
    ended = get(client, "/s/00000000-0000-4000-8000-000000000000/badges")
    assert ended.status_code == 401
    assert "/access" not in ended.text


def test_a_visit_that_has_ended_shows_the_other_way_in(client: FlaskClient) -> None:
    page = get(client, "/s/00000000-0000-4000-8000-000000000000/badges")
    assert page.status_code == 401
    assert 'href="/access"' in page.text
    assert 'target="_blank"' in page.text


def test_what_is_over_is_forgotten(
    client: FlaskClient, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    link_for(runtime, client, box)
    ask(client, WREN)
    with runtime.database.transaction() as session:
        assert leaving.forget(session, utcnow() + timedelta(hours=12)) == 0
        assert leaving.forget(session, utcnow() + timedelta(days=8)) == 2


# A visit by mail: every page of it works, and it reaches nothing else.


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation, box: Mailbox) -> District:
    made = make_district(runtime, organisation)
    issue_credential(made)
    return made


def come_in(app: Flask, runtime: Runtime, box: Mailbox, address: str) -> tuple[FlaskClient, str]:
    client = app.test_client()
    answer = press(client, link_for(runtime, client, box, address))
    assert answer.status_code == 303
    return client, answer.headers["Location"]


def test_every_page_of_a_visit_by_mail_works(
    app: Flask, runtime: Runtime, district: District, box: Mailbox
) -> None:
    client, landed = come_in(app, runtime, box, str(district.learner.email))
    seen: set[str] = set()
    waiting = [landed, landed.replace("/badges", "/")]
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = client.get(path, base_url=BASE, follow_redirects=True)
        assert page.status_code == 200, path
        whole = page.get_data()  # what is streamed as well, to its end
        if "text/html" not in page.headers["Content-Type"]:
            assert whole, path
            continue
        links = re.findall(r'href="(/[^"#]+)"', page.text.replace("&amp;", "&"))
        inside = [link for link in links if link.startswith(("/s/", "/access"))]
        waiting += [link for link in inside if link not in seen and link not in waiting]
    ends = {re.sub(r"^/s/[0-9a-f-]{36}", "", path) for path in seen}
    assert {"/badges", "/notices", "/kept", "/address"} <= ends
    assert any(end.endswith("download.png") for end in ends)
    assert not [e for e in ends if e.startswith(("/path", "/queue", "/evidence", "/accounts"))]


@pytest.mark.parametrize(
    "page",
    [
        "learning.path", "learning.accounts", "review.queue", "evidence.index", "programme.lead",
        "admin.connections",
    ],
)  # fmt: skip
def test_a_visit_by_mail_reaches_nothing_of_courses_or_reviews(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox, page: str
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    client, landed = come_in(app, runtime, box, WREN)
    with app.test_request_context():
        answer = get(client, url_for(page, sid=landed.split("/")[2]))
    assert answer.status_code == 403
    assert "by_mail_only" in answer.text
    assert f'href="{landed.replace("/badges", "/")}"' in answer.text
    back = client.get(landed.replace("/badges", "/"), base_url=BASE, follow_redirects=True)
    assert back.request.path == landed


def test_every_endpoint_of_a_visit_is_open_to_it_or_not_on_purpose(app: Flask) -> None:
    inside = {rule.endpoint for rule in app.url_map.iter_rules() if str(rule).startswith("/s/")}
    closed = {endpoint for endpoint in inside if not from_mail(endpoint)}
    assert {endpoint.split(".")[0] for endpoint in closed} >= {"review", "evidence", "admin"}
    assert inside - closed >= {"learning.badges", "learning.claim", "learning.kept"}
    assert not {
        e for e in inside - closed if e.split(".")[0] not in {"learning", "landing", "accent"}
    }


def from_mail(endpoint: str) -> bool:
    from lti_tool.access.leaving_views import may_open

    return may_open(endpoint)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def test_an_offer_is_accepted_published_and_taken_back_by_mail_alone(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    made = make_district(runtime, organisation)
    with runtime.database.transaction() as session:
        award = earn(session, made)
    box.empty()
    client, landed = come_in(app, runtime, box, str(made.learner.email))
    claim = f"{landed}/{award.id}"
    token = token_of(get(client, claim).text)

    def send(path: str, **data: str) -> TestResponse:
        return client.post(path, base_url=BASE, data={"csrf_token": token, **data})

    assert send(claim, do="accept", name="full").status_code == 303
    work(runtime)
    assert state(runtime, award)[0] == "signed"
    assert send(f"{claim}/publish").status_code == 303
    assert state(runtime, award)[1] is not None
    assert get(client, f"{claim}/download.json").status_code == 200
    assert send(f"{claim}/unpublish").status_code == 303
    assert state(runtime, award)[1] is None


def state(runtime: Runtime, award: Award) -> tuple[str, datetime | None]:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        found = session.scalars(select(Credential).where(Credential.award_id == award.id)).one()
        return found.state, found.published_at


def test_a_visit_can_be_ended(
    app: Flask, runtime: Runtime, organisation: Organisation, box: Mailbox
) -> None:
    somebody(runtime, organisation, "Wren", WREN)
    client, landed = come_in(app, runtime, box, WREN)
    page = get(client, landed.replace("/badges", "/address"))
    assert "End this visit" in page.text
    answer = client.post(
        landed.replace("/badges", "/leave"), base_url=BASE, data={"csrf_token": token_of(page.text)}
    )
    assert answer.headers["Location"] == "/access/left"
    assert get(client, "/access/left").status_code == 200
    assert get(client, landed).status_code == 401
    assert count(runtime, WebSession) == 0


# Many at once.


def at_once(number: int, deed) -> list:  # type: ignore[no-untyped-def,type-arg]
    together, got = threading.Barrier(number), []

    def come(n: int) -> None:
        together.wait(30)
        got.append(deed(n))

    threads = [threading.Thread(target=come, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return got


def many(any_runtime: Runtime) -> tuple[Flask, Mailbox, Organisation]:
    box = with_mail(any_runtime)
    register_jobs(any_runtime)
    with any_runtime.database.transaction() as session:
        place = create_organisation(session, name="Alder", slug="alder")
    return create_app(runtime=any_runtime), box, place


def test_of_sixteen_who_take_one_link_at_once_exactly_one_comes_in(any_runtime: Runtime) -> None:
    app, box, place = many(any_runtime)
    somebody(any_runtime, place, "Wren", WREN)
    path = link_for(any_runtime, app.test_client(), box)
    answers = at_once(16, lambda _n: press(app.test_client(), path).status_code)
    assert Counter(answers) == {303: 1, 410: 15}
    assert count(any_runtime, WebSession) == 1


def test_of_sixteen_who_ask_for_one_address_at_once_three_are_served(any_runtime: Runtime) -> None:
    app, _box, _place = many(any_runtime)
    answers = at_once(16, lambda n: ask(app.test_client(), WREN, ip=f"203.0.{n}.1").status_code)
    assert Counter(answers) == {303: 16}
    assert count(any_runtime, AccessAsk) == 3


def test_a_network_at_once_gets_as_many_as_it_may(any_runtime: Runtime) -> None:
    app, _box, _place = many(any_runtime)
    most = leaving.PER_NETWORK.most
    answers = at_once(most + 10, lambda n: ask(app.test_client(), f"a{n}@home.example").status_code)
    assert Counter(answers) == {303: most, 429: 10}
    assert count(any_runtime, AccessAsk) == most


def test_of_sixteen_who_confirm_one_address_at_once_one_does(any_runtime: Runtime) -> None:
    app, box, place = many(any_runtime)
    person = somebody(any_runtime, place, "Wren", None)
    with any_runtime.database.transaction() as session, unscoped(session, "test"):
        addresses.ask(
            session, any_runtime.config, session.merge(person), WREN, network="n", now=utcnow()
        )
    work(any_runtime)
    path = box.only(WREN).path("/access/address/")
    answers = at_once(16, lambda _n: press(app.test_client(), path).status_code)
    assert Counter(answers) == {200: 1, 410: 15}
    with any_runtime.database.snapshot() as session, unscoped(session, "test"):
        rows = session.scalars(select(OwnAddress)).all()
    assert [row.state for row in rows] == ["verified"]
