"""Credentials with every combination of optional members, built by Hypothesis."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st

from badges.openbadges import (
    Achievement,
    AchievementCredential,
    AchievementSubject,
    Address,
    Alignment,
    BitstringStatusListEntry,
    CredentialSchema,
    Criteria,
    EndorsementCredential,
    EndorsementSubject,
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
    TermsOfUse,
    Version2Class,
    award_of,
)
from tests.support.ob3 import ENDORSER, ISSUER, NOW, STATUS_LIST, TestSigner, sign

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

DIGEST = "uEiBkWtHjsfLHbyoc6djFxYOLZfgx4gtpZR4I8zHQx_Zw5Q"
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
addresses = st.builds(
    Address,
    street_address=maybe(texts),
    post_office_box_number=maybe(texts),
    postal_code=maybe(texts),
    address_locality=maybe(texts),
    address_region=maybe(texts),
    address_country=maybe(texts),
    address_country_code=maybe(st.sampled_from(["US", "NO"])),
)


NOBODY: st.SearchStrategy[None] = st.none()


def profiles(
    identifier: st.SearchStrategy[str], parent: st.SearchStrategy[Profile | None] = NOBODY
) -> st.SearchStrategy[Profile]:
    """A profile of an organisation or a person, with all that it may say of itself."""
    return st.builds(
        Profile,
        id=identifier,
        name=maybe(texts),
        url=maybe(urls),
        email=maybe(st.just("office@example.org")),
        phone=maybe(texts),
        description=maybe(texts),
        image=maybe(images),
        address=maybe(addresses),
        other_identifier=some(identifier_entries),
        official=maybe(texts),
        parent_org=parent,
        given_name=maybe(texts),
        family_name=maybe(texts),
        additional_name=maybe(texts),
        patronymic_name=maybe(texts),
        honorific_prefix=maybe(texts),
        honorific_suffix=maybe(texts),
        family_name_prefix=maybe(texts),
        date_of_birth=maybe(st.just(date(1999, 12, 31))),
    )


terms = some(st.builds(TermsOfUse, id=urls)).map(
    lambda found: list({each.id: each for each in found}.values())
)


@st.composite
def endorsements(draw: st.DrawFn, endorsed: str, wanted: bool) -> list[dict[str, Any]]:
    """None or one endorsement of what has the id `endorsed`, signed by another issuer."""
    if not wanted or not draw(st.booleans()):
        return []
    credential = draw(
        st.builds(
            EndorsementCredential,
            id=uuids,
            name=texts,
            issuer=st.builds(Profile, id=st.just(ENDORSER), name=maybe(texts)),
            valid_from=past,
            credential_subject=st.builds(
                EndorsementSubject, id=st.just(endorsed), endorsement_comment=maybe(texts)
            ),
            description=maybe(texts),
            valid_until=maybe(st.just(datetime(2040, 1, 1, tzinfo=UTC))),
            awarded_date=maybe(past),
            terms_of_use=terms,
        )
    )
    document = alike(credential.to_document())
    return [sign(document, TestSigner("endorser", ENDORSER))]


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
def credentials(draw: st.DrawFn, endorsed: bool = True) -> AchievementCredential:
    """A credential of ours that is valid at NOW; `endorsed` says whether others may praise it."""
    described = draw(
        st.lists(criteria_with_results(), max_size=2, unique_by=lambda pair: pair[0].id)
    )
    # Never the id of anything inside: some verifiers refuse a second description.
    address, own = draw(urls), f"https://example.org/credentials/{draw(st.uuids())}"
    achievement = draw(
        st.builds(
            Achievement,
            id=st.just(address),
            endorsement=endorsements(address, endorsed),
            name=texts,
            description=texts,
            criteria=st.builds(Criteria, narrative=texts, id=maybe(urls)),
            achievement_type=maybe(st.sampled_from(["MicroCredential", "Badge", "ext:Local"])),
            alignment=some(alignments),
            creator=maybe(profiles(urls)),
            credits_available=maybe(numbers),
            field_of_study=maybe(texts),
            human_code=maybe(texts),
            image=maybe(images),
            in_language=maybe(st.sampled_from(["en", "en-US", "ar"])),
            other_identifier=some(identifier_entries),
            related=some(
                st.builds(Related, id=urls, in_language=maybe(st.just("fr")))
                | st.builds(Version2Class, id=urls)
            ),
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
            image=maybe(images),
            license_number=maybe(texts),
            narrative=maybe(texts),
            result=st.just([pair[1] for pair in described]),
            role=maybe(texts),
            source=maybe(profiles(urls)),
            term=maybe(texts),
        )
    )
    index = draw(st.integers(0, 131_071))
    return draw(
        st.builds(
            AchievementCredential,
            id=st.just(own),
            name=texts,
            issuer=st.builds(
                replace,
                profiles(st.just(ISSUER), maybe(profiles(urls))),
                endorsement=endorsements(ISSUER, endorsed),
            ),
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
                    digest_multibase=maybe(st.just(DIGEST)),
                )
            ),
            credential_schema=some(st.just(CredentialSchema())).map(lambda items: items[:1]),
            credential_status=maybe(
                st.just(BitstringStatusListEntry(f"{STATUS_LIST}#{index}", STATUS_LIST, str(index)))
            ),
            refresh_service=maybe(st.builds(RefreshService, id=urls)),
            terms_of_use=terms,
            endorsement=endorsements(award_of(own), endorsed),
        )
    )
