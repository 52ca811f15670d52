"""JSON Canonicalization Scheme (RFC 8785), for the `-jcs-` cryptosuites."""

from __future__ import annotations

import math
from typing import Any

from c14n.Canonicalize import canonicalize as _canonicalize  # type: ignore[import-untyped]

from badges.openbadges.errors import CanonicalizationError
from badges.openbadges.messages import N_


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value, in UTF-8.

    Raises:
        CanonicalizationError: a number is not finite or not exact as a double, or a text holds
            half of a surrogate pair.
    """
    try:
        return bytes(_canonicalize(_checked(value)))
    except (ValueError, TypeError, UnicodeError, RecursionError, OverflowError) as error:
        raise CanonicalizationError(N_("The document has no canonical JSON form.")) from error


def _checked(value: Any) -> Any:
    """The value, once every number in it is one that a double holds (section 3.2.2.3)."""
    if isinstance(value, dict):
        return {key: _checked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_checked(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and int(float(value)) != value:
        raise ValueError("an integer beyond the exact range of a double")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return value
