"""What is wrong with a table or a line of it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import format_decimal, gettext
from flask_babel import lazy_gettext as _

_WORDS = {
    "too_large": _("This file is larger than %(limit)s MB. Split it into several files."),
    "workbook": _(
        "This is a workbook. Save it as “CSV UTF-8” in your spreadsheet, and choose that file."
    ),
    "not_text": _(
        "This file cannot be read as text. Save it as “CSV UTF-8” in your spreadsheet, and choose"
        " that file."
    ),
    "empty": _("This file is empty."),
    "quotes": _(
        "A quotation mark is opened somewhere and never closed, so the lines cannot be told apart."
    ),
    "column_twice": _("There are two columns called “%(name)s”. Keep one of them."),
    "column_several": _(
        "Several results are called “%(name)s”. Name the column by its id, one of: %(ids)s."
    ),
    "result_columns_missing": _(
        "This file tells results, so it has to tell all that are required. It has no column for:"
        " %(names)s."
    ),
    "result_missing": _("Nothing is told here, and the micro-credential requires it."),
    "result_choice": _("This must be one of: %(choices)s."),
    "result_below": _("This is below what the micro-credential requires, which is: %(required)s."),
    "result_number": _("Write a number that the result allows: %(bounds)s."),
    "result_long": _("A value must be 1 to 60 characters of text."),
    "columns_missing": _(
        "The first line has to name the columns: “email” or “person”, and “name” if you like."
    ),
    "too_many_lines": _("A file may have %(limit)s lines. Split it into several files."),
    "no_lines": _("There is nobody in this file: it has only its first line."),
    "recipient_missing": _("Neither an e-mail address nor a person’s id is given."),
    "email_unusable": _("This is not a whole e-mail address, such as name@example.org."),
    "person_unusable": _("This is not a person’s id. Leave it empty if you have the address."),
    "name_unusable": _("This name cannot stand on a badge: it is too long, or has odd characters."),
    "too_many_cells": _("This line has more cells than there are columns."),
    "twice": _("The same person is in line %(line)s."),
    "person_unknown": _("Nobody here has this id."),
    "person_joined": _("This account was connected with another one. Its id is %(id)s."),
    "person_test": _("This is a test student of the LMS, and badges are given to people only."),
    "address_differs": _("This address is not one that the person with this id has confirmed."),
    "several": _("Several people have this address. Give the id of the one you mean."),
    "unverified": _(
        "Somebody here uses this address and nobody has confirmed it. Give the person’s id instead."
    ),
    "oneself": _("This is you, and nobody awards a badge to themselves."),
    "no_mail": _("Nobody here has this address, and no mail is sent here that could invite them."),
    "award_exists": _("They hold this badge, or have the offer of it, already."),
    "award_not_allowed": _("They are not of a place where you may award badges."),
    "results_invalid": _(
        "They began with an earlier version of this micro-credential, which cannot tell these"
        " results. Give the line once more without them."
    ),
    "account_joined": _("Their accounts were connected meanwhile. Give the line once more."),
    "person_is_test": _("This is a test student of the LMS, and badges are given to people only."),
}


def fault_words(fault: Mapping[str, Any]) -> str:
    """One fault as `table.Fault.to_dict` keeps it."""
    code = str(fault.get("code", ""))
    if code not in _WORDS:
        return str(gettext("This line could not be carried out (%(code)s).", code=code))
    values = {name: value for name, value in fault.items() if name not in {"column", "code"}}
    if isinstance(values.get("limit"), int):
        values["limit"] = format_decimal(values["limit"])
    return str(_WORDS[code]) % values
