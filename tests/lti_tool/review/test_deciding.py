"""From the last review to the decision, the fact, the award and the news."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from sqlalchemy import select

from badges.awards.models import Award
from badges.pathways.models import FactRow
from core.identity import Role, owner_like
from core.outbox import OutboxMessage
from core.web import i18n
from lti_tool.evidence import sending
from lti_tool.evidence.models import EvidenceItem, HistoryError, Revision
from lti_tool.review import deciding, intake
from lti_tool.review.models import CriterionScore, Decision, Review, ReviewSlot
from lti_tool.review.rules import Criterion, Rubric
from tests.lti_tool.review.world import COACH, NOW, World


def news(world: World) -> list[OutboxMessage]:
    with world.read() as session:
        return list(
            session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "review.decided"))
        )


def test_no_decision_with_fewer_than_k_reviews(world: World) -> None:
    revision = world.send("Wren")
    assert world.review("Robin", revision, 3, 3) is None
    assert world.state(revision) == "in_review"
    assert news(world) == []


def test_the_kth_review_decides_releases_and_tells(world: World) -> None:
    draft = world.draft("Wren")
    with world.write() as session:
        session.add(
            EvidenceItem(
                **owner_like(draft),
                id=uuid.uuid4(),
                revision_id=draft.id,
                requirement_id="plan",
                kind="lesson_plan",
                title="plan.pdf",
                file_key="k/plan",
                sha256="ab" * 32,
                size=9,
                media_type="application/pdf",
                position=2,
                created_at=NOW,
            )
        )
    with world.write() as session:
        revision = intake.send(session, draft.id, world.people["Wren"].id, key="k1", now=NOW)
    world.review("Robin", revision, 3, 3)
    decision = world.review("Jay", revision, 4, 3, now=NOW + timedelta(hours=5))
    assert decision is not None
    assert (decision.outcome, decision.score) == ("met", 100)
    assert decision.levels == {"planned": 3, "wait": 3}
    with world.read() as session:
        assert session.get_one(Revision, revision.id).state == "met"
        assert set(session.scalars(select(ReviewSlot.state))) == {"released"}
        (fact,) = session.scalars(select(FactRow))
        (award,) = session.scalars(select(Award))
    assert fact.person_id == award.person_id == world.people["Wren"].id
    assert fact.source_id == str(revision.submission_id)
    assert fact.data["evidence_kinds"] == ["lesson_plan", "reflection"]
    assert fact.data["evidence_files"] == {"plan": ["ab" * 32]}
    (message,) = news(world)
    assert message.organisation_id == world.organisation.id
    assert message.payload["outcome"] == "met"
    assert (message.payload["score"], message.payload["max"]) == ("100", 100)
    assert message.payload["person_id"] == str(world.people["Wren"].id)
    assert message.payload["decided_at"] == (NOW + timedelta(hours=5)).isoformat()


def test_the_gradebook_is_told_in_the_learners_language_whoever_decides(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(locale="es")
    catalog.add(
        "Met: all %(total)s criteria reach what is asked.",
        "Logrado: %(total)s.",
        flags=["python-format"],
    )
    folder = tmp_path / "translations"
    (folder / "es" / "LC_MESSAGES").mkdir(parents=True)
    with (folder / "es" / "LC_MESSAGES" / "messages.mo").open("wb") as file:
        write_mo(file, catalog)
    monkeypatch.setattr(i18n, "TRANSLATIONS", folder)
    world.publish(review=COACH)
    world.person("Lola", Role.TEACHER, locale="es-MX")
    world.person("Finn", Role.TEACHER, locale="fi")
    for name in ("Lola", "Finn"):
        world.review("Ilse", world.send(name), 3, 3)
    comments = {message.payload["comment"] for message in news(world)}
    assert comments == {"Logrado: 2.", "Met: all 2 criteria reach what is asked."}


def test_one_coach_decides_where_the_policy_says_so(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    decision = world.review("Ilse", revision, 3, 2)
    assert decision is not None
    assert (decision.outcome, decision.score) == ("not_yet", 50)
    assert world.state(revision) == "not_yet"


def test_reviewers_who_disagree_are_judged_by_a_third(world: World) -> None:
    revision = world.send("Wren")
    world.review("Robin", revision, 3, 3)
    assert world.review("Jay", revision, 3, 2) is None
    assert world.state(revision) == "adjudicating"
    decision = world.review("Ilse", revision, 3, 3)
    assert decision is not None
    assert decision.outcome == "met"
    assert len(decision.review_ids) == 3


def test_a_lead_may_adjudicate_from_outside_the_course(world: World) -> None:
    revision = world.send("Wren")
    world.review("Robin", revision, 4, 3)
    world.review("Jay", revision, 1, 3)
    decision = world.review("Ada", revision, 2, 3)
    assert decision is not None
    assert decision.outcome == "not_yet"


def test_a_second_revision_decides_anew_and_supersedes_the_fact(world: World) -> None:
    world.publish(review=COACH)
    first = world.send("Wren")
    world.review("Ilse", first, 2, 3)
    with world.write() as session:
        draft = sending.revise(session, first.submission_id, world.people["Wren"].id, NOW)
        assert draft.n == 2
        assert draft.texts == first.texts
        assert [item.url for item in draft.items] == ["https://docs.example.org/plan"]
    second = world.send("Wren", NOW + timedelta(days=1))
    assert second.id == draft.id
    decision = world.review("Ilse", second, 3, 3, now=NOW + timedelta(days=2))
    assert decision is not None
    assert (decision.number, decision.outcome) == (2, "met")
    with world.read() as session:
        assert len(list(session.scalars(select(Award)))) == 1
        revisions = sorted(session.scalars(select(FactRow.revision)))
    assert revisions == [1, 2]


def test_a_score_is_the_share_of_criteria_that_reach_their_level() -> None:
    rubric = Rubric("v", tuple(Criterion(name, 4, 3) for name in "abc"))
    assert deciding.score(rubric, {"a": 3, "b": 4, "c": 3}) == 100
    assert deciding.score(rubric, {"a": 3, "b": 4, "c": 2}) == 66
    assert deciding.score(rubric, {"a": 1, "b": 2, "c": 1}) == 0


def test_what_was_decided_is_never_edited(world: World) -> None:
    world.publish(review=COACH)
    revision = world.send("Wren")
    world.review("Ilse", revision, 3, 3)
    edits = [
        (Decision, "outcome", "not_yet"),
        (Review, "summary", "changed"),
        (CriterionScore, "level", 1),
        (Revision, "texts", {}),
        (ReviewSlot, "reviewer_id", None),
    ]
    for model, name, value in edits:
        with pytest.raises(Exception) as caught, world.write() as session:  # noqa: PT011, PT012
            setattr(session.scalars(select(model)).first(), name, value)
            session.flush()
        assert isinstance(caught.value, HistoryError) or model is ReviewSlot
    for model in (Decision, Review, Revision, CriterionScore):
        with pytest.raises(HistoryError), world.write() as session:  # noqa: PT012
            session.delete(session.scalars(select(model)).first())
            session.flush()
