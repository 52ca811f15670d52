"""After two accounts were joined, both platforms' launches come in as one person."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from sqlalchemy import select

from core.identity import Person, Role
from core.scope import unscoped
from lti_tool.courses.models import Membership
from lti_tool.learning.accounts.merging import merge, settle
from lti_tool.lti.accounts import accounts_of
from tests.lti_tool.lti.harness import Installation


def joined_to_somebody(installation: Installation, gone_id: uuid.UUID) -> uuid.UUID:
    """Join the person to one who is known from elsewhere; returns the latter's id."""
    runtime = installation.runtime
    with runtime.database.transaction() as session, unscoped(session, "test"):
        organisation_row = session.get_one(Person, gone_id)
        kept = Person(
            owner_id=organisation_row.owner_id, owner_path=organisation_row.owner_path,
            id=uuid.uuid4(), name="Mara E.",
        )  # fmt: skip
        session.add(kept)
        session.flush()
        merge(session, kept.id, gone_id, accounts_of=accounts_of, now=runtime.now())
    return kept.id


def test_the_old_id_of_a_platform_opens_the_joined_person(any_installation: Installation) -> None:
    browser = any_installation.browser()
    old = browser.launch()
    before = browser.follow(old)
    kept = joined_to_somebody(any_installation, uuid.UUID(before["person_id"]))
    ended = browser.get(urlsplit(old.headers["Location"]).path)
    assert ended.status_code == 401
    after = browser.follow(browser.launch())
    assert after["person_id"] == str(kept)
    assert Role.TEACHER.value in after["roles"]
    database = any_installation.runtime.database
    with database.snapshot() as session, unscoped(session, "test"):
        assert set(session.scalars(select(Membership.person_id))) == {kept}
        assert session.scalar(select(Person.name).where(Person.id == kept)) == "Mara Example"


def test_a_visit_that_a_launch_opens_meanwhile_opens_nothing(
    any_installation: Installation,
) -> None:
    browser = any_installation.browser()
    launched = browser.launch()
    person_id = uuid.UUID(browser.follow(launched)["person_id"])
    database = any_installation.runtime.database
    with database.transaction() as session, unscoped(session, "test"):
        # As where the launch's transaction ended a moment after the connection's.
        gone = session.get_one(Person, person_id)
        kept = Person(owner_id=gone.owner_id, owner_path=gone.owner_path, id=uuid.uuid4())
        session.add(kept)
        session.flush()
        gone.merged_into_id = kept.id
    assert browser.get(urlsplit(launched.headers["Location"]).path).status_code == 401
    with database.transaction() as session:
        assert settle(session, person_id)["web_sessions"] == 1
