"""Which button of a form was pressed, where each of them does something else."""

from __future__ import annotations

from flask import request
from flask_babel import gettext as _

from core.errors import UnprocessableError


def pressed(*names: str) -> str:
    """The value of the button `do`, one of `names`; raises UnprocessableError for any other."""
    name = request.form.get("do", "")
    if name not in names:
        raise UnprocessableError(
            _("It did not reach us which button you pressed. Nothing has changed: go back and"
              " press it again."),
            code="button_unknown",
        )  # fmt: skip
    return name
