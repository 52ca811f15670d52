"""Columns for results: read by name or id, judged by what was described, told by the badge."""

from __future__ import annotations

from typing import Any

import pytest

from badges.achievements import service as achievements
from badges.achievements.document import MicroCredential
from badges.awards import service as awards
from badges.awards.batches import results, running, service, sheet, table
from badges.awards.batches.models import BatchLine
from badges.awards.batches.words import fault_words
from badges.openbadges.shape import check_shape
from badges.pathways import service as pathways
from core.identity import Person
from core.runtime import Runtime
from tests.support.badges import DOCUMENT, NOW, District, add_person, make_district
from tests.support.badges import micro_credential as made

BESIDE: dict[str, Any] = {
    "results": [
        {"id": "hours", "name": "Hours", "type": "Result", "minimum": "0", "maximum": "40",
         "required": "10"},
        {"id": "grade", "name": "Grade", "type": "LetterGrade", "allowed": ["C", "B", "A"]},
        {"id": "done", "name": "Done", "type": "Status"},
    ]
}  # fmt: skip


def with_points() -> dict[str, Any]:
    """The rubric of the sample, in which each level has points."""
    criteria = [
        {**one, "levels": [{**level, "points": str(2 * n)}
                           for n, level in enumerate(one["levels"], 1)]}
        for one in DOCUMENT["rubric"]["criteria"]
    ]  # fmt: skip
    return {"rubric": {"criteria": criteria}}


def read(text: str, document: MicroCredential | None = None) -> table.Table:
    return table.read(text.encode(), document or made(**BESIDE))


def said(text: str, document: MicroCredential | None = None) -> list[Any]:
    found = read(text, document)
    assert found.fault is None
    return [
        [f"{fault.column}: {fault_words(fault.to_dict())}" for fault in line.faults]
        or line.given.get(results.RESULTS)
        for line in found.lines
    ]


def whole(text: str, document: MicroCredential | None = None) -> str:
    fault = read(text, document).fault
    assert fault is not None
    return fault_words(fault.to_dict())


def test_results_are_told_by_name_or_id_in_any_case() -> None:
    text = (
        "email,PLANNED  questions,wait,hours,Grade,Done,School\n"
        'a@b.example,secure,l4,"12,50",a,completed,Elm\n'
        "c@b.example,3, Extending ,10,,,Elm\n"
    )
    assert said(text) == [
        {"planned": "Secure", "wait": "Extending", "hours": "12.5", "grade": "A",
         "done": "Completed"},
        {"planned": "Secure", "wait": "Extending", "hours": "10", "grade": "", "done": ""},
    ]  # fmt: skip
    assert read(text).unread == ("School",)


def test_what_cannot_be_told_is_said_by_line_and_column_in_words() -> None:
    assert said(
        "email,planned,wait,hours,grade\n"
        "a@b.example,Splendid,Developing,41,D\n"
        "c@b.example,,Secure,9.5,A\n"
        "d@b.example,5,Secure\n"
    ) == [
        [
            "Planned questions: This must be one of: Beginning, Developing, Secure, Extending.",
            "Wait time: This is below what the micro-credential requires, which is: Secure.",
            "Hours: Write a number that the result allows: 0 – 40.",
            "Grade: This must be one of: C, B, A.",
        ],
        [
            "Planned questions: Nothing is told here, and the micro-credential requires it.",
            "Hours: This is below what the micro-credential requires, which is: 10.",
        ],
        [
            "Planned questions: This must be one of: Beginning, Developing, Secure, Extending.",
            "Hours: Nothing is told here, and the micro-credential requires it.",
        ],
    ]


def test_levels_with_points_are_told_by_them_and_not_by_their_number() -> None:
    document = made(**with_points())
    assert said("email,planned,wait\na@b.example,6,8.0\n", document) == [
        {"planned": "Secure", "wait": "Extending"}
    ]
    (faults,) = said("email,planned,wait\na@b.example,3,8\n", document)
    assert faults[0].startswith("Planned questions: This must be one of")


def test_a_file_without_results_stays_as_it_was() -> None:
    assert said("email\na@b.example\n") == [None]
    assert table.read(b"email,hours\na@b.example,3\n").unread == ("hours",)


def test_what_is_required_has_a_column_where_others_are_told() -> None:
    missing = "This file tells results, so it has to tell all that are required. It has no column"
    assert whole("email,grade\na@b.example,A\n") == f"{missing} for: Hours."
    assert whole("email,planned,hours\na@b.example,3,10\n") == f"{missing} for: Wait time."
    summed = made(
        **with_points(),
        results=[{"id": "sum", "name": "Sum", "type": "RawScore", "required": "12"}],
    )
    assert said("email,planned,wait\na@b.example,Secure,Secure\n", summed) == [
        {"planned": "Secure", "wait": "Secure"}
    ]


def test_columns_that_mean_two_results_or_one_twice_are_refused() -> None:
    assert "two columns called “Hours”" in whole("email,hours,HOURS\na@b.example,1,2\n")
    twins = made(
        results=[{"id": f"t{n}", "name": "Twin", "type": "Result"} for n in (1, 2)]
    )  # fmt: skip
    assert "by its id, one of: t1, t2." in whole("email,twin\na@b.example,1\n", twins)
    assert said("email,t1,t2\na@b.example,1,2\n", twins) == [{"t1": "1", "t2": "2"}]
    head = sheet.template_text(twins).splitlines()[0]
    assert head == "\ufeffemail,name,Planned questions,Wait time,t1,t2"


@pytest.mark.parametrize("changes", [BESIDE, with_points(), {}])
def test_the_file_to_begin_with_is_in_order_as_it_is(changes: dict[str, Any]) -> None:
    document = made(**changes)
    found = read(sheet.template_text(document), document)
    assert found.fault is None
    assert found.unread == ()
    assert [line.faults for line in found.lines] == [(), ()]
    assert found.lines[0].given[results.RESULTS]["planned"] == "Secure"


def carry_out(district: District, text: str, *begun: Person) -> list[BatchLine]:
    """Check a file for the second version, which those who have `begun` began with, and carry it
    out."""
    database, scope = district.runtime.database, district.organisation.scope
    with database.transaction(scope) as session:
        version = achievements.publish(session, district.achievement, made(**BESIDE), NOW)
        for person in begun:
            pathways.enrol(session, person, version, NOW)
        lines = read(text, achievements.micro_credential(version)).lines
        batch = service.write(
            session, district.organisation, version, lines, actor_id=None, invites=True, now=NOW
        )
        service.start(session, batch.id, NOW)
    running.run(district.runtime, batch.id, 0, 10**6)
    with database.snapshot(scope) as session:
        return service.lines(session, batch)


def test_the_badge_carries_what_the_file_tells(runtime: Runtime) -> None:
    district = make_district(runtime)
    known = add_person(runtime, district.organisation, "Holly Holds")
    rows = carry_out(
        district,
        "email,planned,wait,hours,grade\n"
        f"{district.learner.email},Secure,Extending,12.5,B\n"
        f"{known.email},Extending,Secure,40,\n",
        known,
    )
    assert [row.state for row in rows] == ["offered", "offered"]
    told = {}
    for person, row in zip((district.learner, known), rows, strict=True):
        assert row.award_id is not None
        with runtime.database.transaction() as session:
            credential = awards.accept(
                session, row.award_id, person.id, name=person.name,
                badge_url=district.badge_url, now=NOW,
            )  # fmt: skip
            document = credential.unsigned
        assert not check_shape(document)
        subject = document["credentialSubject"]
        address = subject["achievement"]["id"]
        told[person.name] = [
            (
                item["resultDescription"].removeprefix(f"{address}#"),
                str(item.get("achievedLevel") or item.get("value") or item.get("status"))
                .removeprefix(f"{address}#"),
            )
            for item in subject["result"]
        ]  # fmt: skip
    assert told == {
        "Wren Samplewood": [
            ("planned", "planned.l3"), ("wait", "wait.l4"), ("hours", "12.5"), ("grade", "B"),
            ("done", "Completed"),
        ],
        "Holly Holds": [
            ("planned", "planned.l4"), ("wait", "wait.l3"), ("hours", "40"), ("done", "Completed"),
        ],
    }  # fmt: skip


def test_whoever_began_with_a_version_that_cannot_tell_them_is_named(runtime: Runtime) -> None:
    district = make_district(runtime)
    with runtime.database.transaction() as session:
        pathways.enrol(session, district.learner, district.version, NOW)
    (row,) = carry_out(
        district, f"email,planned,wait,hours\n{district.learner.email},Secure,Secure,12\n"
    )
    assert (row.state, row.award_id) == ("refused", None)
    assert "They began with an earlier version" in fault_words(row.faults[0])
