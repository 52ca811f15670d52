"""Two leads of one issuer who endorse the same in the same moment."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from badges.achievements.addresses import issuer_url
from badges.endorsements import service
from badges.endorsements.models import Endorsement
from core.errors import ConflictError
from core.runtime import Runtime
from core.scope import unscoped
from tests.badges.endorsements.conftest import LATER, Union
from tests.support.badges import District, make_district
from tests.support.meeting import meet


@pytest.fixture
def district(runtime_pg: Runtime) -> District:
    return make_district(runtime_pg)


@pytest.mark.parametrize("gives_up", [False, True])
def test_the_second_one_is_told_that_it_is_endorsed(union: Union, gives_up: bool) -> None:
    base = union.district.badge_url
    target = union.target(issuer_url(base, union.district.issuer.slug))
    union.revoke(union.endorse(target))  # the issuer has its list, and the installation its address

    def second() -> str:
        try:
            union.endorse(target, sign=False)
        except ConflictError as error:
            return error.code
        return "made"

    outcome = meet(
        union.runtime,
        union.organisation.scope,
        lambda session: service.endorse(
            session, union.issuer, target, "Sound.", actor_id=None, badge_url=base, now=LATER
        ),
        second,
        gives_up=gives_up,
    )
    assert outcome == ("made" if gives_up else "endorsed_already")
    with union.runtime.database.snapshot() as session, unscoped(session, "the test counts"):
        live = select(func.count(Endorsement.id)).where(Endorsement.revoked_at.is_(None))
        assert session.scalar(live) == 1
