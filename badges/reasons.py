"""Why something was taken back for ever: words that are kept with it, for others to read."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _

from core import plain_text
from core.errors import UnprocessableError

REASON_LIMIT: Final = 500


def usable_reason(reason: str, help_text: Any) -> str:
    """`reason` as it is kept. Raises UnprocessableError, `help_text` at the field for none."""
    text = reason.strip()
    fault = help_text if not text else plain_text.text_fault(text, REASON_LIMIT)
    if fault is not None:
        raise UnprocessableError(
            _("Say why, in at most %(limit)d characters.", limit=REASON_LIMIT),
            code="reason_missing" if not text else "reason_unusable",
            fields={"reason": fault},
        )
    return text
