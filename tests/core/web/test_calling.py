"""What to call somebody whose LMS sent no name."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from core.runtime import Runtime
from core.web.app import make_app
from core.web.calling import colleague, mark, oneself, teacher


@given(st.uuids())
def test_a_mark_is_short_and_stays_with_a_person(person_id: uuid.UUID) -> None:
    assert mark(person_id) == mark(uuid.UUID(str(person_id)))
    assert len(mark(person_id)) == 4


def test_a_name_is_used_as_it_is_and_its_absence_reads_well(runtime: Runtime) -> None:
    person_id = uuid.uuid4()
    with make_app(runtime).test_request_context():
        for say in (colleague, teacher):
            assert say(" Wren  Abara ", person_id) == "Wren Abara"
            for nothing in (None, "", "  "):
                assert say(nothing, person_id).endswith(f" {mark(person_id)}")
        assert oneself("Wren") == "Wren"
        assert oneself(None) == oneself(" ") == "You"


def test_two_nameless_people_are_told_apart() -> None:
    assert len({mark(uuid.UUID(int=n)) for n in range(50)}) > 45
