"""Credentials with every combination of optional members, built by Hypothesis."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st

from badges.openbadges import (
    Achievement,
    AchievementCredential,
    AchievementSubject,
    Alignment,
    BitstringStatusListEntry,
    CredentialSchema,
    Criteria,
    Evidence,
    IdentifierEntry,
    IdentityObject,
    Image,
    Profile,
    RefreshService,
    Related,
    Result,
    ResultDescription,
    RubricCriterionLevel,
)
from tests.support.ob3 import ISSUER, NOW, STATUS_LIST

# Controls, quotes, markup, right-to-left, astral: all that canonical forms must agree upon.
# Two noncharacters are left out, which versions of canonical N-Quads write differently.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
texts = st.text(
    LETTERS | st.sampled_from('\t\n\r\f\b\\"{}<>&\x7f\u2028😀'),
    min_size=1,
    max_size=30,
)
# URDNA2015 as PyLD writes it leaves these raw; RDFC-1.0 escapes them, and so hashes them
# otherwise. Node's verifier, which follows RDFC-1.0, is the judge of them in test_interop.
UNALIKE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]")


def alike(value: Any) -> Any:
    """The value with the characters removed that the two algorithms write unalike."""
    if isinstance(value, dict):
        return {key: alike(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [alike(inner) for inner in value]
    return UNALIKE.sub("?", value) if isinstance(value, str) else value


# Where another implementation judges each example, shrinking would take minutes.
UNSHRUNK = tuple(phase for phase in Phase if phase not in (Phase.shrink, Phase.explain))

uuids = st.uuids().map(lambda value: f"urn:uuid:{value}")
urls = st.builds(
    "https://example.org/{}/{}".format,
    st.sampled_from(["a", "é", "p%20q", "x~y"]),
    st.integers(0, 10**6),
)
# Doubles whose shortest form every implementation writes alike.
numbers = st.integers(0, 10**6) | st.floats(0.5, 1000, width=16)
past = st.integers(0, 3000).map(lambda days: NOW - timedelta(days=days + 1))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The strategy or None."""
    return st.none() | strategy


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """None to two."""
    return st.lists(strategy, max_size=2)


images = st.builds(Image, id=urls, caption=maybe(texts))
alignments = st.builds(
    Alignment,
    target_name=texts,
    target_url=urls,
    target_code=maybe(texts),
    target_description=maybe(texts),
    target_framework=maybe(texts),
    target_type=maybe(st.sampled_from(["CFItem", "CTDL", "ext:Local_Standard"])),
)
identifier_entries = st.builds(
    IdentifierEntry, identifier=texts, identifier_type=st.sampled_from(["sourcedId", "ext:x"])
)
profiles = st.builds(
    Profile,
    id=urls,
    name=maybe(texts),
    url=maybe(urls),
    email=maybe(st.just("office@example.org")),
    phone=maybe(texts),
    description=maybe(texts),
    image=maybe(images),
    other_identifier=some(identifier_entries),
    official=maybe(texts),
)


@st.composite
def criteria_with_results(draw: st.DrawFn) -> tuple[ResultDescription, Result]:
    """A rubric criterion with its levels, and a result that reached one of them."""
    identifier = draw(uuids)
    levels = [
        RubricCriterionLevel(
            id=f"{identifier}#{number}",
            name=draw(texts),
            description=draw(maybe(texts)),
            level=draw(maybe(texts)),
            points=draw(maybe(st.just(str(number)))),
            alignment=draw(some(alignments)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    description = ResultDescription.from_criterion(
        id=identifier,
        name=draw(texts),
        levels=levels,
        required_level=draw(maybe(st.sampled_from(levels).map(lambda level: level.id))),
        alignment=draw(some(alignments)),
    )
    level = draw(st.sampled_from(levels))
    result = Result(
        result_description=identifier,
        achieved_level=level.id,
        value=draw(maybe(texts)),
        alignment=draw(some(alignments)),
    )
    return description, result


@st.composite
def credentials(draw: st.DrawFn) -> AchievementCredential:
    """A credential of ours that is valid at NOW."""
    described = draw(
        st.lists(criteria_with_results(), max_size=2, unique_by=lambda pair: pair[0].id)
    )
    achievement = draw(
        st.builds(
            Achievement,
            id=urls,
            name=texts,
            description=texts,
            criteria=st.builds(Criteria, narrative=texts, id=maybe(urls)),
            achievement_type=maybe(st.sampled_from(["MicroCredential", "Badge", "ext:Local"])),
            alignment=some(alignments),
            creator=maybe(profiles),
            credits_available=maybe(numbers),
            field_of_study=maybe(texts),
            human_code=maybe(texts),
            image=maybe(images),
            in_language=maybe(st.sampled_from(["en", "en-US", "ar"])),
            other_identifier=some(identifier_entries),
            related=some(st.builds(Related, id=urls, in_language=maybe(st.just("fr")))),
            result_description=st.just([pair[0] for pair in described]),
            specialization=maybe(texts),
            tag=some(texts),
            version=maybe(texts),
        )
    )
    subject = draw(
        st.builds(
            AchievementSubject,
            achievement=st.just(achievement),
            id=uuids,
            identifier=some(
                st.builds(IdentityObject.hashed_email, st.just("ada@example.org"), salt=texts)
            ),
            activity_start_date=maybe(past),
            activity_end_date=maybe(past),
            credits_earned=maybe(numbers),
            narrative=maybe(texts),
            result=st.just([pair[1] for pair in described]),
            role=maybe(texts),
            term=maybe(texts),
        )
    )
    index = draw(st.integers(0, 131_071))
    return draw(
        st.builds(
            AchievementCredential,
            # Never the id of anything inside: some verifiers refuse a second description.
            id=uuids.map(lambda uuid: f"{uuid}#credential"),
            name=texts,
            issuer=st.builds(Profile, id=st.just(ISSUER), name=maybe(texts), image=maybe(images)),
            valid_from=past,
            credential_subject=st.just(subject),
            description=maybe(texts),
            image=maybe(images),
            valid_until=maybe(st.just(datetime(2040, 1, 1, tzinfo=UTC))),
            awarded_date=maybe(past),
            evidence=some(
                st.builds(
                    Evidence,
                    id=maybe(urls),
                    name=maybe(texts),
                    description=maybe(texts),
                    narrative=maybe(texts),
                    genre=maybe(texts),
                    audience=maybe(texts),
                )
            ),
            credential_schema=some(st.just(CredentialSchema())).map(lambda items: items[:1]),
            credential_status=maybe(
                st.just(BitstringStatusListEntry(f"{STATUS_LIST}#{index}", STATUS_LIST, str(index)))
            ),
            refresh_service=maybe(st.builds(RefreshService, id=urls)),
        )
    )
