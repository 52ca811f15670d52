"""What is read of a published badge: no more than the page that asks needs."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import inspect

from badges.awards import service
from badges.awards.models import Credential
from badges.awards.reading import SignedForm
from core.errors import NotFoundError
from tests.support.badges import District, issue_credential

HEAVY = {"document", "jwt", "unsigned", "version", "issuer"}


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        (None, {"document", "version", "issuer"}),
        ("document", {"document"}),
        ("jwt", {"jwt"}),
    ],
)
def test_only_what_is_asked_for_is_loaded(
    district: District, only: SignedForm | None, wanted: set[str]
) -> None:
    credential = issue_credential(district)
    with district.runtime.database.snapshot() as session:
        found = service.public_credential(session, credential.id, only=only)
    assert isinstance(found, Credential)
    assert found.id == credential.id
    assert HEAVY - inspect(found).unloaded == wanted


@pytest.mark.parametrize("only", [None, "document", "jwt"])
def test_a_private_badge_looks_like_none_in_every_form(
    district: District, only: SignedForm | None
) -> None:
    private = issue_credential(district, published=False)
    with district.runtime.database.snapshot() as session:
        for identifier in (private.id, uuid.uuid4()):
            with pytest.raises(NotFoundError):
                service.public_credential(session, identifier, only=only)
