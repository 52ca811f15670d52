"""What brought badges count for: where their issuer is accepted, as what, and until when."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from badges.awards.models import Award
from badges.holdings import accepting
from badges.pathways.rules import parse
from core.errors import ConflictError, NotFoundError, UnprocessableError
from core.identity import Organisation, create_organisation
from core.outbox import OutboxMessage
from core.scope import unscoped
from tests.badges.holdings.conftest import Elsewhere
from tests.badges.pathways.test_service import add_pathway, awards_of, begin
from tests.support.badges import NOW, add_person
from tests.support.elsewhere import ACHIEVEMENT, PARTNER, badge

both_databases = pytest.mark.parametrize(
    "elsewhere",
    ["runtime", pytest.param("runtime_pg", marks=pytest.mark.postgres)],
    indirect=True,
)


def awards_by(elsewhere: Elsewhere, asked: dict[str, object]) -> list[Award]:
    """Begin a pathway that asks for one badge, and see what was granted."""
    district = elsewhere.district
    version = add_pathway(district, {"id": "b", "op": "badge", **asked})
    begin(district, district.learner, version)
    return awards_of(district, district.learner)


@both_databases
def test_a_badge_of_an_accepted_issuer_completes_a_pathway(elsewhere: Elsewhere) -> None:
    assert awards_by(elsewhere, {"achievement": ACHIEVEMENT}) == []
    row = elsewhere.bring()
    assert awards_of(elsewhere.district, elsewhere.district.learner) == []
    elsewhere.accept()
    [award] = awards_of(elsewhere.district, elsewhere.district.learner)
    assert award.receipt["facts"] == [["imported", str(row.id), 0]]
    [fact] = elsewhere.facts()
    assert (fact.issuer, fact.credential, fact.achievement) == (PARTNER, str(row.id), ACHIEVEMENT)


def test_it_counts_at_once_where_its_issuer_was_accepted_before(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    awards_by(elsewhere, {"achievement": ACHIEVEMENT, "issuers": [PARTNER]})
    elsewhere.bring()
    assert len(awards_of(elsewhere.district, elsewhere.district.learner)) == 1


def test_a_rule_that_names_issuers_takes_no_others(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    elsewhere.bring()
    named = {"achievement": ACHIEVEMENT, "issuers": ["did:web:other.example"]}
    assert awards_by(elsewhere, named) == []


def test_a_badge_may_stand_for_one_of_ours(elsewhere: Elsewhere) -> None:
    ours = str(elsewhere.district.achievement.id)
    awards_by(elsewhere, {"achievement": ours})
    elsewhere.bring()
    elsewhere.accept(achievement=ACHIEVEMENT, counts_as_id=elsewhere.district.achievement.id)
    assert [one.achievement for one in elsewhere.facts()] == [ours]
    assert len(awards_of(elsewhere.district, elsewhere.district.learner)) == 1


def test_nobody_speaks_for_the_achievement_of_another_site(elsewhere: Elsewhere) -> None:
    """An accepted issuer could otherwise write anybody's achievement into a badge of theirs."""
    elsewhere.accept()
    elsewhere.bring(badge(achievement="https://famous.example/achievements/1"))
    assert elsewhere.facts() == []


def test_an_achievement_named_on_the_list_counts_wherever_it_lies(elsewhere: Elsewhere) -> None:
    named = "urn:uuid:7c8e1f52-0000-4000-8000-000000000001"
    elsewhere.accept(achievement=named)
    elsewhere.bring(badge(achievement=named))
    elsewhere.bring(badge(2))
    assert [one.achievement for one in elsewhere.facts()] == [named], "and no other badge does"


def test_an_achievement_too_long_for_the_ledger_is_kept_and_does_not_count(
    elsewhere: Elsewhere,
) -> None:
    elsewhere.accept()
    row = elsewhere.bring(badge(achievement=f"{ACHIEVEMENT}?{'x' * 600}"))
    assert row.belongs_at is not None
    assert elsewhere.facts() == []


def test_a_line_that_ends_takes_its_facts_back_and_leaves_the_award(elsewhere: Elsewhere) -> None:
    awards_by(elsewhere, {"achievement": ACHIEVEMENT})
    elsewhere.bring()
    line = elsewhere.accept()
    elsewhere.end(line)
    elsewhere.end(line)
    assert [(one.revision, one.withdrawn) for one in elsewhere.facts()] == [(0, False), (1, True)]
    assert len(awards_of(elsewhere.district, elsewhere.district.learner)) == 1
    elsewhere.later(1)
    elsewhere.accept()
    assert [one.withdrawn for one in elsewhere.facts()] == [False, True, False]


def test_a_revoked_badge_no_longer_counts_and_asks_for_renewal(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    elsewhere.bring()
    elsewhere.network.revoked = {1}
    elsewhere.later(8)
    elsewhere.check()
    assert [(one.revision, one.revoked) for one in elsewhere.facts()] == [(0, False), (1, True)]
    assert awards_by(elsewhere, {"achievement": ACHIEVEMENT}) == []


def test_weighing_again_writes_nothing(elsewhere: Elsewhere) -> None:
    line = elsewhere.accept()
    elsewhere.bring()
    for _again in range(2):
        elsewhere.later(1)
        accepting_weigh(elsewhere, line.id)
    assert len(elsewhere.facts()) == 1


def accepting_weigh(elsewhere: Elsewhere, line_id: uuid.UUID) -> None:
    from badges.holdings.jobs import weigh_issuer

    assert weigh_issuer(elsewhere.runtime, line_id) == 1


def test_the_end_of_a_badge_is_the_end_of_its_fact(elsewhere: Elsewhere) -> None:
    ends = NOW + timedelta(days=3)
    elsewhere.accept()
    elsewhere.bring(badge(valid_until=ends))
    [fact] = elsewhere.facts()
    assert fact.valid_until == ends


def test_what_a_school_accepts_counts_in_that_school_alone(elsewhere: Elsewhere) -> None:
    database, district = elsewhere.runtime.database, elsewhere.district.organisation
    with database.transaction() as session:
        schools = [
            create_organisation(session, name=name, slug=name, parent=district)
            for name in ("north", "south")
        ]
    with database.transaction(schools[0].scope) as session:
        row = accepting.accept(
            session, session.get_one(Organisation, schools[0].id), issuer=PARTNER, name="P",
            actor_id=elsewhere.lead.id, now=NOW,
        )  # fmt: skip
    for school, counts in ((schools[0], 1), (schools[1], 0)):
        person = add_person(elsewhere.runtime, school, f"{school.slug.title()} Example")
        brought = elsewhere.bring(badge(email=person.email), person)
        with database.snapshot() as session:
            assert len(accepting.accepted_for(session, brought)) == counts
    with database.transaction(schools[1].scope) as session:
        assert accepting.accepted(session) == []
        with pytest.raises(NotFoundError):
            accepting.end(session, row.id, elsewhere.lead.id, NOW)


def test_what_people_have_brought_is_counted_and_nobody_named(elsewhere: Elsewhere) -> None:
    elsewhere.bring()
    elsewhere.bring(badge(2))
    elsewhere.bring(badge(3, email="nobody@else.example"))
    with elsewhere.runtime.database.snapshot(elsewhere.district.organisation.scope) as session:
        [one] = accepting.seen(session)
    assert (one.issuer, one.issuer_name, one.name) == (PARTNER, "Partner Institute", "Listening")
    assert one.people is None, "so few that one could guess who"


def test_the_same_line_twice_is_refused(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    with pytest.raises(ConflictError, match="issuer_accepted"):
        elsewhere.accept()
    elsewhere.accept(achievement=ACHIEVEMENT)


def test_a_line_that_says_nothing_usable_is_refused_by_field(elsewhere: Elsewhere) -> None:
    faulty: list[tuple[dict[str, object], str]] = [
        ({"issuer": "Partner Institute"}, "issuer"),
        ({"issuer": "https://partner.example/ with words"}, "issuer"),
        ({"name": "x" * 300}, "name"),
        ({"achievement": "Listening"}, "achievement"),
        ({"counts_as_id": uuid.UUID(int=0), "achievement": ACHIEVEMENT}, "counts_as"),
        ({"counts_as_id": elsewhere.district.achievement.id}, "achievement"),
    ]
    for values, field in faulty:
        with pytest.raises(UnprocessableError) as refused:
            elsewhere.accept(**values)
        assert list(refused.value.fields) == [field]


def test_a_change_of_the_list_leaves_work_for_the_worker(elsewhere: Elsewhere) -> None:
    elsewhere.accept()
    with elsewhere.runtime.database.snapshot() as session, unscoped(session, "test"):
        topics = [row.topic for row in session.query(OutboxMessage)]
    assert topics.count(accepting.WEIGH) == 1


def test_a_rule_keeps_the_issuers_it_names() -> None:
    node = {"id": "b", "op": "badge", "achievement": "a", "issuers": ["https://b", "https://a"]}
    rule = parse({"schema": 1, "root": node})
    assert rule.to_dict()["root"] == {
        **node, "issuers": ["https://a", "https://b"], "status": "valid",
    }  # fmt: skip
    assert parse(rule.to_dict()).hash == rule.hash
