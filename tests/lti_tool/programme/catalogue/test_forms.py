"""The form of a micro-credential: what is typed comes back, and reads as the document it says."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.achievements.document import RESULT_TYPES, MicroCredential
from badges.openbadges.shape_tables import ENUMERATIONS
from badges.period import Period
from core.errors import UnprocessableError
from lti_tool.programme.catalogue import changes, drafts, forms, labels, words
from tests.badges.achievements.test_added_members import EVERYTHING, with_lines
from tests.support.badges import micro_credential


def fields(content: Any, shape: Any = forms.SHAPE, at: str = "") -> list[tuple[str, str]]:
    """What a browser would send of a form that shows all of `content`."""
    if isinstance(shape, forms.Rows):
        rows = (fields(row, shape.of, f"{at}[{n}]") for n, row in enumerate(content))
        return [pair for row in rows for pair in row]
    if isinstance(shape, dict):
        inner = (
            fields(content[name], kind, f"{at}.{name}" if at else name)
            for name, kind in shape.items()
        )
        return [pair for part in inner for pair in part]
    if shape == forms.FLAG:
        return [(at, "yes")] if content else []
    return [(at, content.replace("\n", "\r\n"))]


@pytest.mark.parametrize("made", [{}, {**EVERYTHING, **with_lines()}])
def test_a_published_document_comes_back_from_its_form_unchanged(made: dict[str, Any]) -> None:
    document = micro_credential(**made)
    content = forms.content_of(document)
    assert forms.typed(fields(content), {}) == content
    assert MicroCredential.from_dict(forms.document_of(content)).sha256 == document.sha256


def test_members_that_a_form_does_not_show_stay_as_they_are() -> None:
    content = forms.content_of(micro_credential(**EVERYTHING, **with_lines()))
    shown = [pair for pair in fields(content) if ".alignment[" not in pair[0]]
    assert forms.typed([*shown, ("csrf_token", "x")], content) == content
    assert forms.typed([("name", "Another")], content) == {**content, "name": "Another"}


def test_a_box_that_is_not_ticked_is_no() -> None:
    content = forms.content_of(micro_credential())
    sent = [pair for pair in fields(content) if pair[0] != "evidence_asked[0].required"]
    asked = forms.typed(sent, content)["evidence_asked"]
    assert [one["required"] for one in asked] == [False, True]


def test_every_fault_of_an_empty_draft_stands_beside_a_field_of_the_form() -> None:
    content = drafts.empty()
    shown = {name for name, _value in fields(content)}
    with pytest.raises(UnprocessableError) as caught:
        MicroCredential.from_dict(forms.document_of(content))
    assert {forms.field_of(place) for place in caught.value.fields} <= shown
    assert labels.label("rubric.criteria[0].levels[1].description") == (
        "Line 1, level 2, What it looks like"
    )


@pytest.mark.parametrize(
    ("place", "field"),
    [("tags[3]", "tags"), ("results[0].allowed[2]", "results[0].allowed"),
     ("image.lines[0]", "image.lines"), ("research[1].title", "research[1].title")],
)  # fmt: skip
def test_a_line_of_a_text_is_faulty_in_that_text(place: str, field: str) -> None:
    assert forms.field_of(place) == field


def test_buttons_add_move_and_remove_rows() -> None:
    content = forms.content_of(micro_credential())
    names = ["Planned questions", "Wait time"]
    assert forms.act(content, "down:rubric.criteria[0]") == "rubric.criteria[1]"
    assert [line["name"] for line in content["rubric"]["criteria"]] == names[::-1]
    assert forms.act(content, "up:rubric.criteria[1]") == "rubric.criteria[0]"
    assert forms.act(content, "add:rubric.criteria") == "rubric.criteria[2]"
    added = content["rubric"]["criteria"][2]
    assert [one["name"] for one in added["levels"]] == [
        "Beginning", "Developing", "Secure", "Extending",
    ]  # fmt: skip
    assert len({line["id"] for line in content["rubric"]["criteria"]}) == 3
    assert forms.act(content, "add:rubric.criteria[2].alignment") is not None
    assert forms.act(content, "remove:rubric.criteria[2]") == "rubric.criteria"
    assert forms.act(content, "add:rubric.criteria[0].levels") == "rubric.criteria[0].levels[4]"
    assert [line["name"] for line in content["rubric"]["criteria"]] == names


@pytest.mark.parametrize(
    "what",
    ["", "add:", "add:name", "remove:rubric.criteria[9]", "remove:research", "add:rubric",
     "up:rubric.criteria[0].levels[77]", "add:rubric.criteria[9].levels", "save", "add:__class__"],
)  # fmt: skip
def test_a_button_that_is_none_changes_nothing(what: str) -> None:
    content = forms.content_of(micro_credential())
    before = json.dumps(content)
    assert forms.act(content, what) is None
    assert json.dumps(content) == before


def test_rows_that_nobody_filled_in_are_taken_away_where_none_is_needed() -> None:
    content = forms.content_of(micro_credential())
    for what in ("research", "alignment", "related", "identifiers", "results"):
        forms.act(content, f"add:{what}")
    forms.act(content, "add:evidence_asked")
    content["research"][0]["title"] = " "
    tidy = forms.tidied(content)
    assert [len(tidy[name]) for name in ("research", "alignment", "related", "results")] == [
        0, 1, 0, 0,
    ]  # fmt: skip
    assert len(tidy["evidence_asked"]) == 3, "what is asked for is never dropped unseen"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, _v in fields(forms.content_of(micro_credential()))])
            | st.from_regex(r"[a-z_]{1,9}(\[[0-9]{1,4}\])?(\.[a-z]{1,8})?", fullmatch=True),
            st.text(max_size=12),
        ),
        max_size=12,
    ),
    st.text(max_size=20),
)
def test_whatever_is_sent_is_kept_or_left_out(sent: list[tuple[str, str]], what: str) -> None:
    content = forms.typed(sent, {})
    forms.act(content, what)
    assert forms.typed((), content) == content
    with contextlib.suppress(UnprocessableError):  # and in no other way
        MicroCredential.from_dict(forms.document_of(forms.tidied(content)))


def said(**made: Any) -> list[tuple[str, str | None, str | None]]:
    found = changes.changes(micro_credential(), micro_credential(**made))
    return [(one.label, one.before, one.after) for one in found]


def test_nothing_is_said_of_what_is_the_same() -> None:
    assert said() == []


def test_changes_are_told_by_place_with_both_texts() -> None:
    rubric = with_lines()["rubric"]
    rubric["criteria"][1]["required_level"] = 4
    found = said(minutes=60, validity=None, tags=["new"], rubric=rubric)
    assert ("Expected work, in minutes", "720", "60") in found
    assert ("How long the badge holds", "Three years", "For ever") in found
    assert ("Wait time: level that is needed", "Secure", "Extending") in found
    assert ("Tags", "questioning, formative assessment", "new") in found
    labels_said = {label for label, _before, _after in found}
    assert {"Planned questions: level 2", "Planned questions: standard"} <= labels_said


def test_another_order_is_a_change_too() -> None:
    rubric = with_lines()["rubric"]
    document = micro_credential(rubric=rubric)
    turned = micro_credential(rubric={"criteria": rubric["criteria"][::-1]})
    assert [one.label for one in changes.changes(document, turned)] == [
        "Order of the rubric’s lines"
    ]


def test_every_member_of_a_document_is_compared() -> None:
    found = said(
        **{**EVERYTHING, **with_lines()},
        review={"kind": "peer", "k": 2, "blindness": "double"},
        research=[], method="x", name="y", competency="c", description="d",
        criteria_narrative="n", level="advanced",
        evidence_asked=[{"id": "plan", "kind": "link", "title": "t"}],
    )  # fmt: skip
    assert len({label for label, _before, _after in found}) >= 22


def test_every_word_of_the_standard_that_people_choose_has_a_name() -> None:
    assert all(words.result_type(value) != value for value in RESULT_TYPES - {"Status"})
    assert [value for value, _l in words.result_types("LetterGrade")] == [
        "RawScore", "Percent", "Status", "LetterGrade",
    ]  # fmt: skip
    assert {value for value, _l in words.target_types("")} == {"", *ENUMERATIONS["targetType"]}
    for options, name in (
        (words.achievement_types(""), "achievementType"),
        (words.identifier_types(""), "identifierType"),
    ):
        assert {value for value, _label in options} <= ENUMERATIONS[name]
    assert ("Diploma of ours" in dict(words.achievement_types("Diploma of ours"))) is True


@pytest.mark.parametrize(
    ("given", "label"), [("P3Y", "Three years"), ("P36M", "Three years"), ("P7Y", "P7Y")]
)
def test_a_period_is_said_in_words_and_kept_as_it_was_written(given: str, label: str) -> None:
    assert words.period(str(Period.parse(given))) == label
    assert (given, label) in words.periods(given)
