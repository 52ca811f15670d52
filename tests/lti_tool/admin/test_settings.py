"""A connection's settings, its deployments and its switch: changed by whom it belongs to, noted."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import utcnow
from core.errors import ConflictError
from core.identity import Organisation, Role, owner_of
from core.runtime import Runtime
from core.scope import unscoped
from core.web.sessions import WebSession, start_session
from keys.models import SigningKey
from keys.ring import LTI_RING
from keys.shared import ring_of
from lti_tool.admin import ourkeys
from lti_tool.courses.models import Context, Membership
from lti_tool.lti.deployments import note_waiting
from lti_tool.lti.models import Deployment, GradeDelivery, Platform
from tests.lti_tool.admin.world import (
    ADMIN,
    OTHERS,
    activity,
    admin_of,
    another,
    noted,
    platform_row,
    register,
)
from tests.lti_tool.learning.conftest import Visit, visit_as
from tests.support.badges import District


@pytest.fixture
def platform(district: District) -> Platform:
    return register(district.runtime, district.organisation, "Alder Moodle", "1")


def form_of(text: str) -> dict[str, str]:
    """What the settings form would send as it stands."""
    form = text[text.index("/settings") :]
    found = {
        unescape(name): unescape(value)
        for name, value in re.findall(
            r'<input type="\w+"[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form
        )
        if name != "csrf_token"
    }
    for box in ("verifies_emails", "anonymous_allowed", "administrators_allowed"):
        if not re.search(rf'name="{box}" value="yes" checked', form):
            found.pop(box, None)
    [level] = re.findall(r'name="privacy_level" value="(\w+)" checked', form)
    found["privacy_level"] = level
    [origins] = re.findall(r'name="frame_origins"[^>]*>\n?([^<]*)</textarea>', form)
    found["frame_origins"] = unescape(origins)
    for name, options in re.findall(
        r'<select[^>]* name="(meaning-\d+)"[^>]*>(.*?)</select>', form, re.S
    ):
        [chosen] = re.findall(r'value="(\w+)" selected', options)
        found[name] = chosen
    return found


def save(visit: Visit, platform: Platform, **changes: str | None) -> tuple[int, str]:
    """Change what `changes` names in the form, leave the rest as it stands, and send it."""
    path = f"/connections/{platform.id}/settings"
    sent = {**form_of(visit.get(path).text), **changes}
    answer = visit.post(path, {k: v for k, v in sent.items() if v is not None}, page=path)
    return answer.status_code, answer.text


def waiting(runtime: Runtime, platform: Platform, name: str = "2:new") -> uuid.UUID:
    with runtime.database.transaction() as session:
        owner = {"owner_id": platform.owner_id, "owner_path": platform.owner_path}
        assert note_waiting(session, platform.id, owner, name, utcnow())
    return deployment(runtime, name).id


def deployment(runtime: Runtime, name: str) -> Deployment:
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        return session.scalars(select(Deployment).where(Deployment.deployment_id == name)).one()


def test_the_form_as_it_stands_changes_nothing(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    assert save(pia, platform)[0] == 303
    assert "Nothing was different" in pia.get(f"/connections/{platform.id}").text
    assert noted(runtime, platform.id) == []


def test_settings_are_changed_and_noted_with_who_did_it(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    status, _text = save(
        pia, platform, name="Alder <i>LMS</i>", jwks_url="https://alder.example.org/keys",
        frame_origins="https://alder.example.org\nhttps://*.alder.example.org",
        privacy_level="pseudonymous", verifies_emails="yes", anonymous_allowed="yes",
        administrators_allowed="yes",
    )  # fmt: skip
    assert status == 303
    row = platform_row(runtime, platform)
    assert (row.name, row.privacy_level) == ("Alder <i>LMS</i>", "pseudonymous")
    assert row.frame_origins == ["https://alder.example.org", "https://*.alder.example.org"]
    assert row.verifies_emails
    assert row.anonymous_allowed
    assert row.administrators_allowed
    page = pia.get(f"/connections/{platform.id}").text
    assert "Alder &lt;i&gt;LMS&lt;/i&gt;" in page
    assert "Changed: " in page
    assert "administrators from the LMS" in page
    [event] = noted(runtime, platform.id)
    assert (event.action, event.actor_id) == ("platform.change", pia.person.id)
    assert "https://" not in str(event.details)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "Give the platform a name"),
        ("jwks_url", "http://alder.example.org/keys", "http://alder.example.org/keys"),
        ("auth_token_url", "javascript:alert(1)", "javascript:alert(1)"),
        ("frame_origins", "https://alder.example.org/path", "Give origins such as"),
        ("privacy_level", "nothing", "Choose full, name, email or pseudonymous."),
    ],
)
def test_a_fault_changes_nothing_and_keeps_what_was_typed(
    pia: Visit, platform: Platform, runtime: Runtime, field: str, value: str, words: str
) -> None:
    status, text = save(pia, platform, **{field: value, "verifies_emails": "yes"})
    assert status == 422
    assert words in text
    assert "Everything you typed is still here." in text
    assert re.search(r'name="verifies_emails" value="yes" checked', text)
    row = platform_row(runtime, platform)
    assert (row.name, row.verifies_emails) == ("Alder Moodle", False)
    assert noted(runtime, platform.id) == []


def test_roles_are_mapped_by_rows_and_taken_back_by_as_usual(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    mentor, helper = "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor", "Helper"
    rows = {"role-0": mentor, "meaning-0": "coach", "role-1": helper, "meaning-1": "nobody"}
    assert save(pia, platform, **rows)[0] == 303
    assert platform_row(runtime, platform).role_overrides == {mentor: "coach", helper: ""}
    page = pia.get(f"/connections/{platform.id}/settings").text
    assert mentor in page
    assert form_of(page)["meaning-1"] == "nobody"
    assert save(pia, platform, **{"meaning-0": "usual"})[0] == 303
    assert platform_row(runtime, platform).role_overrides == {helper: ""}


@pytest.mark.parametrize("meaning", ["administrator", "lead", "x"])
def test_no_role_of_an_lms_is_mapped_to_more_than_coach(
    pia: Visit, platform: Platform, runtime: Runtime, meaning: str
) -> None:
    status, text = save(pia, platform, **{"role-0": "Instructor", "meaning-0": meaning})
    assert status == 422
    assert "A role of the LMS may become: teacher, coach." in text
    assert platform_row(runtime, platform).role_overrides == {}


def test_taking_back_that_their_administrators_may_come_in_ends_their_visits(
    pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    save(pia, platform, administrators_allowed="yes")
    place = district.organisation
    with runtime.database.transaction() as session:
        for roles, origin in ((ADMIN, platform.id), (frozenset(), platform.id), (ADMIN, None)):
            start_session(
                session, person_id=district.learner.id, organisation_id=place.id,
                organisation_path=place.path, context_id=None, platform_id=origin, roles=roles,
                data={}, hours=8, now=utcnow(),
            )  # fmt: skip
    save(pia, platform, administrators_allowed=None)
    with runtime.database.snapshot() as session, unscoped(session, "test"):
        left = session.execute(select(WebSession.platform_id, WebSession.roles)).all()
    assert (platform.id, ["administrator"]) not in [tuple(row) for row in left]
    assert len(left) == 3


def test_disabling_asks_once_says_what_is_lost_and_is_undone(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    path = f"/connections/{platform.id}"
    assert "Nothing is deleted" in pia.get(path).text
    for _press in range(2):
        assert pia.post(f"{path}/switch", {"to": "off"}, page=path).status_code == 303
    assert platform_row(runtime, platform).disabled_at is not None
    assert "Enable it again" in pia.get(path).text
    assert "Disabled" in pia.get("/connections").text
    assert pia.post(f"{path}/switch", {"to": "on"}, page=path).status_code == 303
    assert platform_row(runtime, platform).disabled_at is None
    actions = [event.action for event in noted(runtime, platform.id)]
    assert actions == ["platform.disable", "platform.enable"]


def test_a_deployment_that_waits_is_approved_for_a_school(
    app: Flask, pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    school = another(runtime, "Brook", district.organisation)
    row = waiting(runtime, platform)
    assert "One deployment to approve" in pia.get("/connections").text
    path = f"/connections/{platform.id}"
    assert "Waits for you" in pia.get(path).text
    sent = {"organisation": str(school.id)}
    answer = pia.post(f"{path}/deployments/{row}/approve", sent, page=path)
    assert answer.status_code == 303
    found = deployment(runtime, "2:new")
    assert (found.state, found.owner_id) == ("active", school.id)
    [event] = noted(runtime, platform.id)
    assert (event.action, event.details["organisation"]) == ("deployment.approve", "brook")
    assert (
        "An LMS that an organisation above yours has connected"
        in admin_of(app, district, school).get("/connections").text
    )


def test_a_deployment_is_refused_and_approved_again(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    row = waiting(runtime, platform)
    path = f"/connections/{platform.id}"
    assert pia.post(f"{path}/deployments/{row}/refuse", {}, page=path).status_code == 303
    assert deployment(runtime, "2:new").state == "refused"
    assert "Refused" in pia.get(path).text
    assert pia.post(f"{path}/deployments/{row}/approve", {}, page=path).status_code == 303
    assert deployment(runtime, "2:new").state == "active"


def test_a_deployment_is_never_given_to_somebody_elses_organisation(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    stranger, row = another(runtime, "Brook"), waiting(runtime, platform)
    path = f"/connections/{platform.id}"
    for chosen in (stranger.id, uuid.uuid4()):
        answer = pia.post(
            f"{path}/deployments/{row}/approve", {"organisation": str(chosen)}, page=path
        )
        assert answer.status_code == 404
    assert deployment(runtime, "2:new").state == "waiting"
    other = register(runtime, stranger, "Brook Moodle", "9")
    theirs = deployment(runtime, "9").id
    for verb in ("approve", "refuse"):
        assert pia.post(f"{path}/deployments/{theirs}/{verb}", {}, page=path).status_code == 404
        gone = f"/connections/{other.id}/deployments/{theirs}/{verb}"
        assert pia.post(gone, {}, page=path).status_code == 404


def test_a_deployment_id_is_added_by_hand_once(
    pia: Visit, platform: Platform, runtime: Runtime
) -> None:
    path = f"/connections/{platform.id}"
    sent = {"deployment_id": " 7:abc "}
    assert pia.post(f"{path}/deployments", sent, page=path).status_code == 303
    assert deployment(runtime, "7:abc").state == "active"
    again = pia.post(f"{path}/deployments", sent, page=path)
    assert again.status_code == 422
    assert "has that deployment already" in again.text
    assert 'value="7:abc"' in again.text
    empty = pia.post(f"{path}/deployments", {"deployment_id": ""}, page=path)
    assert empty.status_code == 422
    assert "Give the deployment id as the LMS shows it." in empty.text


def test_whoever_is_no_administrator_or_of_another_tree_reaches_none_of_it(
    app: Flask, pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    row = waiting(runtime, platform)
    path = f"/connections/{platform.id}"
    posts = ["check", "switch", "settings", "deployments", f"deployments/{row}/approve",
             f"deployments/{row}/refuse"]  # fmt: skip
    coach = visit_as(app, district, district.learner, frozenset(OTHERS))
    stranger = admin_of(app, district, another(runtime, "Brook"))
    school = admin_of(app, district, another(runtime, "Creek", district.organisation))
    overview = f"/micro-credential/{district.achievement.id}"
    for visit, page, expected in (
        (coach, overview, 403),
        (stranger, "/connections/new/generic", 404),
        (school, "/connections/new/generic", 404),
    ):
        for get in ("", "/settings", "/export.json"):
            assert visit.get(path + get).status_code == expected
        for post in posts:
            answer = visit.post(f"{path}/{post}", {"name": "Mine"}, page=page)
            assert answer.status_code == expected, post
    found = platform_row(runtime, platform)
    assert (found.name, found.disabled_at) == ("Alder Moodle", None)
    assert deployment(runtime, "2:new").state == "waiting"


@pytest.fixture
def key(runtime: Runtime) -> SigningKey:
    with runtime.database.transaction() as session:
        return ring_of(runtime).create(
            session, LTI_RING, "RS256", runtime.now() - timedelta(days=400)
        )


def test_a_new_key_signs_while_the_old_one_stays_published(
    app: Flask, pia: Visit, runtime: Runtime, key: SigningKey
) -> None:
    assert "the old one stays published" in pia.get("/connections").text.lower()
    assert pia.post("/keys/rotate", {"kid": key.kid}, page="/connections").status_code == 303
    ring = ring_of(runtime)
    made = ring.active(LTI_RING, "RS256")
    assert made.kid != key.kid
    served = app.test_client().get("/.well-known/jwks.json").get_json()["keys"]
    assert [one["kid"] for one in served] == [made.kid, key.kid]
    again = pia.post("/keys/rotate", {"kid": key.kid}, page="/connections")
    assert again.status_code == 409
    assert ring.active(LTI_RING, "RS256").kid == made.kid
    with runtime.database.snapshot() as session:
        row = session.scalars(select(SigningKey).where(SigningKey.kid == made.kid)).one()
    [event] = noted(runtime, row.id)
    assert (event.action, event.actor_id) == ("key.rotate", pia.person.id)


def test_a_school_does_not_rotate_what_the_whole_installation_shares(
    app: Flask, district: District, runtime: Runtime, key: SigningKey
) -> None:
    school = admin_of(app, district, another(runtime, "Brook", district.organisation))
    assert "an administrator at the top makes a new one" in school.get("/connections").text
    answer = school.post("/keys/rotate", {"kid": key.kid}, page="/connections/new/generic")
    assert answer.status_code == 403
    assert ring_of(runtime).active(LTI_RING, "RS256").kid == key.kid


def test_of_four_who_rotate_at_once_one_makes_a_key(any_runtime: Runtime) -> None:
    place: Organisation = another(any_runtime, "Alder")
    ring = ring_of(any_runtime)
    with any_runtime.database.transaction() as session:
        old = ring.create(session, LTI_RING, "RS256", utcnow()).kid
    together, answers = threading.Barrier(4), []

    def press() -> None:
        together.wait(30)
        try:
            with any_runtime.database.transaction(place.scope) as session:
                ourkeys.rotate(session, place.scope, ring, old, actor_id=uuid.uuid4(), now=utcnow())
            answers.append("made")
        except ConflictError:
            answers.append("late")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Counter(answers) == {"made": 1, "late": 3}
    assert len(ring.published(LTI_RING)) == 2


def test_the_page_tells_how_grades_and_lists_of_people_go(
    pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    payload = activity(runtime, district.organisation, platform, district.learner)
    page = f"/connections/{platform.id}"
    owner, now = owner_of(district.organisation), utcnow()
    with runtime.database.transaction() as session, unscoped(session, "test"):
        session.get_one(Platform, platform.id).last_launch_at = now
        context = session.get_one(Context, uuid.UUID(payload["context_id"]))
        context.memberships_url = "https://alder.example.org/people"
    text = pia.get(page).text
    assert "None was sent yet." in text
    assert "Read in 0 of 1 courses" in text
    with runtime.database.transaction() as session, unscoped(session, "test"):
        for state in ("sent", "kept"):
            session.add(
                GradeDelivery(
                    **owner, decision_id=uuid.uuid4(), person_id=district.learner.id,
                    resource_link_id=uuid.UUID(payload["resource_link_id"]), line_item_url="",
                    score=1, maximum=1, state=state, decided_at=now, sent_at=now,
                )
            )  # fmt: skip
        context = session.get_one(Context, context.id)
        context.roster_note = "The platform <b>answered</b> 403."
    text = pia.get(page).text
    assert "The last one was taken" in text
    assert "One that a teacher had given in the LMS was left as it is." in text
    assert "Not all were read" in text
    assert "Year 5 &lt;Science&gt;: The platform &lt;b&gt;answered&lt;/b&gt; 403." in text


def test_roles_that_launches_brought_are_offered_in_the_form(
    pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    payload = activity(runtime, district.organisation, platform, district.learner)
    now = utcnow()
    with runtime.database.transaction() as session, unscoped(session, "test"):
        session.add(
            Membership(
                **owner_of(district.organisation), context_id=uuid.UUID(payload["context_id"]),
                person_id=district.learner.id, roles=[], lti_roles=["Mentor<i>", 7],
                first_seen_at=now, last_seen_at=now,
            )
        )  # fmt: skip
    assert "Mentor&lt;i&gt;" in pia.get(f"/connections/{platform.id}/settings").text
    assert save(pia, platform, **{"meaning-0": "coach"})[0] == 303
    assert platform_row(runtime, platform).role_overrides == {"Mentor<i>": "coach"}


def test_the_last_launches_are_listed_without_names(
    pia: Visit, platform: Platform, runtime: Runtime, district: District
) -> None:
    payload = activity(runtime, district.organisation, platform)
    page = f"/connections/{platform.id}"
    assert "Last launches" not in pia.get(page).text
    place = district.organisation
    with runtime.database.transaction() as session:
        for course in (uuid.UUID(payload["context_id"]), None):
            start_session(
                session, person_id=district.learner.id, organisation_id=place.id,
                organisation_path=place.path, context_id=course, platform_id=platform.id,
                roles=frozenset({Role.TEACHER}) if course else frozenset(), data={}, hours=8,
                now=utcnow(),
            )  # fmt: skip
    text = pia.get(page).text
    assert "Last launches" in text
    assert "Year 5 &lt;Science&gt;" in text
    assert "Outside a course" in text
    assert "without a role" in text
    assert district.learner.name not in text
