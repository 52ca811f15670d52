"""Members that came later: old texts keep their hash, new ones are checked and reach the badge."""

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from badges.achievements import document as doc
from badges.achievements import issuers, iste, service
from badges.achievements.reading import result_fault
from badges.awards.beside import other_results
from badges.awards.building import Fixed, build, issuer_profile
from badges.awards.direct import issue_directly
from badges.openbadges.proofs import known_shape
from badges.openbadges.shape import check_shape
from core.errors import UnprocessableError
from core.runtime import Runtime
from lti_tool.sample.content import QUESTIONS_THAT_OPEN
from tests.support.badges import DOCUMENT, NOW, make_district, micro_credential

EVERYTHING: dict[str, Any] = {
    "achievement_type": "Certification",
    "credits": "1.5",
    "language": "de-AT",
    "field_of_study": "Pedagogy",
    "specialization": "Questioning",
    "human_code": "QTO-1",
    "related": [{"url": "https://example.org/a/1", "language": "es", "version": "2"}],
    "identifiers": [{"identifier": "77", "type": "sourcedId"}],
    "results": [
        {"id": "points", "name": "Points", "type": "RawScore", "minimum": "0", "maximum": "20"},
        {"id": "grade", "name": "Grade", "type": "LetterGrade", "allowed": ["B", "A"],
         "required": "B"},
        {"id": "done", "name": "Done", "type": "Status"},
    ],
    "alignment": [
        {"name": "2.1.a", "url": "https://case.example/i1", "code": "2.1.a", "framework": "ISTE",
         "description": "Set goals.", "target_type": "CFItem"},
    ],
}  # fmt: skip


def faults(**changes: Any) -> dict[str, str]:
    with pytest.raises(UnprocessableError) as caught:
        micro_credential(**changes)
    return {place: str(text) for place, text in caught.value.fields.items()}


def with_lines() -> dict[str, Any]:
    rubric = json.loads(json.dumps(DOCUMENT["rubric"]))
    rubric["criteria"][0]["alignment"] = EVERYTHING["alignment"]
    rubric["criteria"][0]["levels"][1]["points"] = "2.50"
    return {"rubric": rubric}


@pytest.mark.parametrize(
    ("data", "sha256"),
    [
        (DOCUMENT, "344e3a36b10fc73be2ba2095ad5ff778aade0dcb18b9d0bdf4aed7244a8ee0ff"),
        (
            QUESTIONS_THAT_OPEN,
            "65683637bda27a03e9104c60f757a064f344269b7c690f031fe060ddd576b309",
        ),
    ],
)
def test_what_was_published_before_keeps_its_hash(data: dict[str, Any], sha256: str) -> None:
    read = doc.MicroCredential.from_dict(data)
    assert read.sha256 == sha256
    assert read.to_dict()["schema"] == 1


def test_a_later_member_at_its_default_is_not_written() -> None:
    plain = micro_credential()
    spelt_out = micro_credential(
        achievement_type="MicroCredential", credits=None, language="", related=[], results=[]
    )
    assert spelt_out == plain
    assert spelt_out.canonical == plain.canonical


def test_a_document_with_everything_reads_back_as_it_was() -> None:
    once = micro_credential(**EVERYTHING, **with_lines())
    assert once.to_dict()["schema"] == 2
    assert doc.MicroCredential.from_dict(json.loads(once.canonical)) == once
    assert once.rubric.criteria[0].levels[1].points == "2.5"


def test_every_later_member_has_a_default_that_can_be_left_out() -> None:
    classes = [value for value in vars(doc).values() if isinstance(value, type)]
    for made in filter(is_dataclass, classes):
        for member in fields(made):
            if member.metadata.get("added"):
                assert member.default in (None, (), "MicroCredential")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"achievement_type": "Prize"}, "achievement_type"),
        ({"credits": "many"}, "credits"),
        ({"credits": "0"}, "credits"),
        ({"language": "english please"}, "language"),
        ({"related": [{"url": "javascript:alert(1)"}]}, "related[0].url"),
        ({"identifiers": [{"identifier": "1", "type": "iban"}]}, "identifiers[0].type"),
        ({"results": [{"id": "planned", "name": "x", "type": "Status"}]}, "results[0].id"),
        ({"results": [{"id": "a", "name": "x", "type": "RubricScore"}]}, "results[0].type"),
        (
            {"results": [{"id": "a", "name": "x", "type": "Percent", "minimum": "9",
                          "maximum": "1"}]},
            "results[0].maximum",
        ),
        (
            {"results": [{"id": "a", "name": "x", "type": "Result", "allowed": ["A"],
                          "required": "C"}]},
            "results[0].required",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named_where_it_is(changes: dict[str, Any], place: str) -> None:
    assert place in faults(**changes)


def test_types_of_ones_own_are_written_as_extensions() -> None:
    assert micro_credential(achievement_type="ext:Stripe").achievement_type == "ext:Stripe"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("points", ["0", "20", "12.5"], ["21", "-1", "many", ""]),
        ("grade", ["A", "B"], ["C", ""]),
        ("done", ["Completed"], ["Finished"]),
    ],
)
def test_a_results_value_is_judged_by_what_was_described(
    name: str, good: list[str], bad: list[str]
) -> None:
    asked = next(one for one in micro_credential(**EVERYTHING).results if one.id == name)
    assert [result_fault(asked, value) for value in good] == [None] * len(good)
    assert all(result_fault(asked, value) for value in bad)


def test_a_badge_with_everything_is_valid_and_of_the_known_shape(runtime: Runtime) -> None:
    district = make_district(runtime)
    profile = {
        "name": "Alder Valley Schools", "phone": "+43 1 234", "official": "The superintendent",
        "address": {"address_locality": "Graz", "address_country_code": "at"},
        "identifiers": [{"identifier": "60-1", "type": "systemId"}],
        "parent_name": "The region", "parent_url": "https://region.example",
    }  # fmt: skip
    with runtime.database.transaction(district.organisation.scope) as session:
        issuers.change(session, district.issuer.id, profile, seen=None, actor_id=None, now=NOW)
        version = service.publish(
            session, district.achievement, micro_credential(**EVERYTHING, **with_lines()), NOW
        )
        award = issue_directly(
            session, district.learner, version, actor=None, now=NOW, results={"points": "17"}
        )
        made = build(
            award, Fixed.preview(NOW), name="Wren", email=None, facts=(),
            badge_url=district.badge_url,
        )  # fmt: skip
    subject, achieved = made["credentialSubject"], made["credentialSubject"]["achievement"]
    address = achieved["id"]
    assert subject["creditsEarned"] == achieved["creditsAvailable"] == 1.5
    assert subject["result"] == [
        {"type": ["Result"], "resultDescription": f"{address}#points", "value": "17"},
        {"type": ["Result"], "resultDescription": f"{address}#done", "status": "Completed"},
    ]
    assert achieved["alignment"][0]["targetType"] == "CFItem"
    assert achieved["alignment"][0]["targetDescription"] == "Set goals."
    assert made["issuer"]["address"] == {
        "type": ["Address"], "addressLocality": "Graz", "addressCountryCode": "AT",
    }  # fmt: skip
    assert made["issuer"]["parentOrg"]["name"] == "The region"
    assert not check_shape(made)
    assert known_shape.read(made) is not None


def test_results_that_the_micro_credential_does_not_know_are_refused(runtime: Runtime) -> None:
    district = make_district(runtime)
    with (
        pytest.raises(UnprocessableError) as caught,
        runtime.database.transaction(district.organisation.scope) as session,
    ):
        issue_directly(
            session, district.learner, district.version, actor=None, now=NOW, results={"x": "1"}
        )
    assert set(caught.value.fields) == {"results.x"}


def test_a_parent_that_issues_here_is_named_by_its_identifier(runtime: Runtime) -> None:
    district = make_district(runtime)
    with runtime.database.transaction(district.organisation.scope) as session:
        below = issuers.make(
            session, district.organisation, {"name": "North", "parent_slug": "alder-valley"},
            slug="north", ring=district.ring, badge_url=district.badge_url, actor_id=None, now=NOW,
        )  # fmt: skip
        profile = issuer_profile(below, district.badge_url).to_dict()
        issuers.change(
            session, district.issuer.id, {"name": "Alder"}, seen=None, actor_id=None, now=NOW
        )
        session.refresh(below)
        assert below.parent_name == "Alder", "the copy follows the name"
        with pytest.raises(UnprocessableError) as caught:
            issuers.change(
                session, district.issuer.id, {"name": "Alder", "parent_slug": "north"}, seen=NOW,
                actor_id=None, now=NOW,
            )  # fmt: skip
    assert profile["parentOrg"]["id"] == district.issuer.did
    assert set(caught.value.fields) == {"parent_slug"}, "no circle of parents"


def test_iste_codes_are_alignments() -> None:
    found = iste.of_code("2.5.b")
    assert found is not None
    assert (found.name, found.code) == ("Designer", "2.5.b")
    assert iste.of_code("5B") == iste.of_code("ISTE 2.5.b") == found
    assert micro_credential(alignment=[vars(found)]).to_dict()["schema"] == 1
    every = [f"2.{n}.{c}" for n in range(1, 8) for c in "abcd"]
    assert sum(iste.of_code(code) is not None for code in every) == 24
    for code in ("", "2.8", "2.1.d", "2.1.e", "3.1.a", "2.1.a.b", "x"):
        assert iste.of_code(code) is None


def test_points_and_percentages_are_added_up_from_the_levels_reached(runtime: Runtime) -> None:
    rubric = json.loads(json.dumps(DOCUMENT["rubric"]))
    for criterion in rubric["criteria"]:
        for number, level in enumerate(criterion["levels"]):
            level["points"] = str(number * 1.5)
    asked = [
        {"id": "points", "name": "Points", "type": "RawScore"},
        {"id": "share", "name": "Share", "type": "Percent"},
    ]
    district = make_district(runtime)
    with runtime.database.transaction(district.organisation.scope) as session:
        version = service.publish(
            session, district.achievement, micro_credential(rubric=rubric, results=asked), NOW
        )

        def told(levels: dict[str, int], **values: str) -> list[str | None]:
            return [one.value for one in other_results(version, values, "https://b", levels)]

        assert told({"planned": 4, "wait": 3}, points="99") == ["7.5", "83.33"]
        assert told({"planned": 1, "wait": 1}) == ["0", "0"]
        assert told({"planned": 4}) == []
        assert told({}, points="12") == ["12"]
        assert told({"planned": 9, "wait": 3}) == []
