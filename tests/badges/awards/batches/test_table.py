"""Reading a table of recipients: as spreadsheets write it, and every fault in its place."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from badges.awards.batches import sheet, table
from badges.awards.batches.faults import Fault
from badges.awards.batches.words import fault_words
from lti_tool.commands.common import plain_texts

SOMEBODY = "6f0a4c1e-0d5e-4a3e-9f57-3f4a0f7d9b11"


def faults(text: str) -> list[tuple[int, str, str]]:
    read = table.read(text.encode())
    assert read.fault is None
    return [(line.number, one.column, one.code) for line in read.lines for one in line.faults]


def whole(data: bytes | str) -> str:
    fault = table.read(data if isinstance(data, bytes) else data.encode()).fault
    assert fault is not None
    return fault.code


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_every_spreadsheet_say_the_same(mark: str, encoding: str) -> None:
    rows = [["E-Mail", "Full name"], ["Zoë@SCHOOL.example", "x"], ["ada@School.example", "Ada, B."]]
    rows[1][0] = "zoe@SCHOOL.example"
    text = "\r\n".join(mark.join(f'"{cell}"' for cell in row) for row in rows)
    read = table.read(text.encode(encoding))
    assert read.fault is None
    assert [(line.number, line.email, line.name) for line in read.lines] == [
        (2, "zoe@school.example", "x"),
        (3, "ada@school.example", "Ada, B."),
    ]


def test_every_fault_is_told_by_its_line_and_column() -> None:
    text = (
        "email,person,name\n"
        "ada@school.example,,Ada\n"
        "\n"
        "not an address,,\n"
        ",,Nobody\n"
        ",not-an-id,\n"
        'bea@school.example,,"two\nlines"\n'
        f"cy@school.example,{SOMEBODY},\u202eevil\n"
        "ADA@school.example,,\n"
        f",{SOMEBODY},\n"
        "dee@school.example,,Dee,more\n"
    )
    assert faults(text) == [
        (4, "email", "email_unusable"),
        (5, "email", "recipient_missing"),
        (6, "person", "person_unusable"),
        (9, "name", "name_unusable"),
        (10, "email", "twice"),
        (11, "person", "twice"),
        (12, "", "too_many_cells"),
    ]


def test_a_name_over_two_lines_is_one_name() -> None:
    read = table.read(b'email,name\na@b.example,"Ada\nLovelace"\nc@d.example,C\n')
    assert [(line.number, line.name) for line in read.lines] == [(2, "Ada Lovelace"), (4, "C")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \r\n \n", "empty"),
        (b";\n;;", "empty"),
        (b"email\n", "no_lines"),
        (b"given name,surname\nAda,L\n", "columns_missing"),
        (b"email,e-mail\na@b.example,c@d.example\n", "column_twice"),
        (b'email\n"a@b.example\n', "quotes"),
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"email\n\xff\xfe\xfa", "not_text"),
        (b"email\na\0b\n", "not_text"),
        (b"x" * (table.MAX_BYTES + 1), "too_large"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(data: bytes, code: str) -> None:
    assert whole(data) == code
    with plain_texts():
        words = fault_words(table.read(data).fault.to_dict())  # type: ignore[union-attr]
    assert words.endswith(".")
    assert "%" not in words


def test_a_file_may_have_so_many_lines_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_LINES", 3)
    lines = [f"p{number}@school.example" for number in range(4)]
    assert whole("\n".join(["email", *lines])) == "too_many_lines"
    assert len(table.read("\n".join(["email", *lines[:3]]).encode()).lines) == 3


def test_columns_that_are_not_known_are_told() -> None:
    read = table.read(b"email,School,name\na@b.example,North,Ada\n")
    assert read.unread == ("School",)
    assert read.lines[0].name == "Ada"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_is_in_a_file_is_read_or_refused(data: bytes) -> None:
    for attempt in (data, b"email,name,person\n" + data):
        read = table.read(attempt)
        assert (read.fault is None) == bool(read.lines)
        for line in read.lines:
            assert line.faults or line.email or line.person_id


@given(st.lists(st.sampled_from([*sheet._FORMULA, " ", "a", "1", "'"]), max_size=8).map("".join))
def test_no_cell_of_ours_is_a_formula(cell: str) -> None:
    shown = sheet.safe(cell)
    assert shown.endswith(cell)
    assert not shown.strip().startswith(sheet._FORMULA)


def test_every_fault_has_words() -> None:
    with plain_texts():
        assert "line 7" in fault_words(Fault("email", "twice", {"line": 7}).to_dict())
        assert "later_code" in fault_words({"column": "", "code": "later_code"})
        given = {"id": str(uuid.uuid4())}
        assert given["id"] in fault_words(Fault("person", "person_joined", given).to_dict())
