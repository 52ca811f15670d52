"""`milepost doctor` says whether mail is set and whether the server would take some."""

from __future__ import annotations

import json

from tests.lti_tool.commands.shell import Shell
from tests.support.mail_server import PASSWORD, mail_server


def says(shell: Shell, code: int = 0) -> tuple[str, str]:
    result = shell.run("doctor", "--json")
    assert result.exit_code == code, result.output
    assert PASSWORD not in result.output
    [found] = [row for row in json.loads(result.stdout) if row["check"] == "mail"]
    return found["state"], found["says"]


def test_no_mail_is_no_fault(migrated: Shell) -> None:
    state, text = says(migrated)
    assert state == "ok"
    assert "MILEPOST_SMTP_URL" in text


def test_a_server_that_takes_mail_is_well_and_is_sent_none(migrated: Shell) -> None:
    with mail_server() as server:
        state, text = says(migrated.but(SMTP_URL=server.url, MAIL_FROM="m@district.example"))
        assert (state, text) == ("ok", f"localhost:{server.port} would take mail.")
    assert server.mails == []


def test_a_server_that_is_away_is_wrong(migrated: Shell) -> None:
    with mail_server() as server:
        url = server.url
    state, text = says(migrated.but(SMTP_URL=url, MAIL_FROM="m@district.example"), code=1)
    assert state == "wrong"
    assert "MILEPOST_SMTP_URL" in text


def test_an_open_line_never_carries_the_password(migrated: Shell) -> None:
    with mail_server(auth=True) as server:
        wrong = migrated.but(SMTP_URL=server.url, MAIL_FROM="m@district.example")
        state, text = says(wrong, code=1)
    assert state == "wrong"
    assert "STARTTLS" in text
