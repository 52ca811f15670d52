"""Verifying any Open Badge: JSON, VC-JWT, or a baked PNG or SVG, step by step.

Open Badges 3.0, sections 8.1 and 8.2; Open Badges 2.0 through `version2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from badges.openbadges import baking, version2
from badges.openbadges.canonical import Canonicalizer
from badges.openbadges.canonical_guard import Guarded
from badges.openbadges.documents import JsonObject, as_list, is_endorsement, parse_object
from badges.openbadges.endorsement_words import of_endorsement
from badges.openbadges.endorsements import check_endorsements
from badges.openbadges.errors import (
    BakingError,
    DocumentError,
    ProofError,
    ResolutionError,
)
from badges.openbadges.examination import Examination
from badges.openbadges.messages import N_
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.recipients import recipient_step
from badges.openbadges.report import (
    EndorsementReport,
    Report,
    Step,
    StepResult,
    StepStatus,
    failed,
    not_possible,
    passed,
)
from badges.openbadges.resolution import ControllerResolver, Resolver
from badges.openbadges.shape import check_shape

# VCDM 2.0, sections 4.7 to 4.8: a credential without any of these says nothing about anybody.
_MEMBERS = frozenset({"credentialSubject", "issuer"})


def verify(
    data: bytes | str,
    *,
    resolver: Resolver,
    now: datetime,
    recipient: str | None = None,
    controllers: Mapping[str, JsonObject] | None = None,
    contexts: Mapping[str, Any] | None = None,
) -> Report:
    """Verify an Open Badge; bad input of any kind is a report, never an exception.

    Args:
        data: the badge: JSON, a compact JWS, or the bytes of a PNG or SVG; for Open Badges 2.0
            also the address of a hosted assertion.
        resolver: fetches keys, status lists and hosted badges.
        now: an aware moment that the dates are held against.
        recipient: an address, DID or other identity that the badge should belong to.
        controllers: controller documents by identifier, used before anything is fetched.
        contexts: further JSON-LD contexts by address.

    Raises:
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The moment of verification needs its time zone.")
    try:
        badge = read(data)
    except (BakingError, DocumentError, ProofError) as error:
        unread = failed(
            Step.READ, "unreadable", N_("No badge could be read: %(reason)s"), reason=str(error)
        )
        return Report((unread,))
    known = ControllerResolver(resolver, controllers)
    if badge.version == 2 or badge.document is None:
        return version2.verify(badge.document, badge.text, known, now, recipient)
    if not _is_credential(badge.document):
        return _of_no_badge(badge.document)
    verifier = _Verifier(known, Guarded(contexts), now)
    steps, endorsements = verifier.badge(badge.document, badge.token, recipient)
    steps = [passed(Step.READ, "read", N_("An Open Badge 3.0 was read.")), *steps]
    if is_endorsement(badge.document):
        steps = [of_endorsement(result) for result in steps]
    return Report(
        tuple(steps),
        credential=badge.document,
        version=3,
        format="jwt" if badge.token else "json",
        endorsements=endorsements,
    )


@dataclass(frozen=True, slots=True)
class ReadBadge:
    """A badge as it was read: its document, its token, or for version 2 the text alone."""

    version: int
    text: str
    document: JsonObject | None = None
    token: vc_jwt.Token | None = None


def read(data: bytes | str) -> ReadBadge:
    """Find the badge in what was given, without judging it.

    Raises:
        BakingError: an image that holds none, is damaged or hostile.
        DocumentError: neither JSON, nor a token, nor an image.
        ProofError: a token that cannot be taken apart.
    """
    version = 3
    if isinstance(data, bytes) and baking.is_image(data):
        baked = baking.unbake(data)
        text, version = baked.text, baked.version
    elif isinstance(data, bytes):
        if len(data) > baking.MAX_IMAGE_BYTES:
            raise DocumentError(N_("The file is too large."))
        try:
            text = data.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise DocumentError(N_("The file is not an image, JSON or a token.")) from error
    else:
        text = data.strip()
    if text.startswith(("https://", "http://")) and len(text) < 4096 and not text.split()[1:]:
        return ReadBadge(2, text)
    if vc_jwt.looks_like_token(text):
        token = vc_jwt.decode(text)
        if version == 2 or version2.is_version_2(token.payload):
            return ReadBadge(2, text)
        return ReadBadge(3, text, token.credential, token)
    if text and not text.startswith(("{", "[")):
        raise DocumentError(N_("It is neither JSON, nor a token, nor an image with a badge in it."))
    document = parse_object(text)
    if version == 2 or version2.is_version_2(document):
        return ReadBadge(2, text, document)
    return ReadBadge(3, text, document)


def _is_credential(document: JsonObject) -> bool:
    kinds = [kind for kind in as_list(document.get("type")) if isinstance(kind, str)]
    return not _MEMBERS.isdisjoint(document) or any(one.endswith("Credential") for one in kinds)


def _of_no_badge(document: JsonObject) -> Report:
    """Of a document that is no credential at all, no step after its form could say anything."""
    shape = failed(
        Step.SHAPE,
        "no-badge",
        N_("It names neither an issuer nor whom it is about."),
        problems=tuple(check_shape(document)),
    )
    later = (Step.SAFE_MODE, Step.ISSUER, Step.PROOF, Step.STATUS, Step.TIME)
    return Report(
        (
            passed(Step.READ, "document", N_("It can be read, as JSON.")),
            shape,
            *(
                not_possible(one, "no-badge", N_("There is nothing in it to check."))
                for one in later
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class _Verifier:
    controllers: ControllerResolver
    canonicalizer: Canonicalizer
    now: datetime

    def badge(
        self, document: JsonObject, token: vc_jwt.Token | None, recipient: str | None
    ) -> tuple[list[StepResult], tuple[EndorsementReport, ...]]:
        """All steps of a badge after reading, in the order of `Step`; and its endorsements."""
        kind = "EndorsementCredential" if is_endorsement(document) else "AchievementCredential"
        examination = self._examination(document, token, kind)
        steps = [*examination.steps(), examination.status(self._check_list)]
        if recipient is not None:
            steps.append(recipient_step(document, recipient, selection=examination.selection))
        step, endorsements = check_endorsements(document, self._endorsement)
        if step is not None:
            steps.append(step)
        order = list(Step)
        return sorted(steps, key=lambda result: order.index(result.step)), endorsements

    def _examination(
        self, document: JsonObject, token: vc_jwt.Token | None, kind: str
    ) -> Examination:
        return Examination(document, token, kind, self.controllers, self.canonicalizer, self.now)

    def _endorsement(self, document: JsonObject, token: vc_jwt.Token | None) -> list[StepResult]:
        examination = self._examination(document, token, "EndorsementCredential")
        steps = [*examination.steps(), examination.status(self._check_list)]
        return [of_endorsement(result) for result in steps]

    def _check_list(self, document: JsonObject, token: vc_jwt.Token | None) -> str | None:
        """What is wrong with a status list; raises ResolutionError where it is not known."""
        steps = self._examination(document, token, "BitstringStatusListCredential").steps()
        for result in steps:
            if result.status is StepStatus.FAILED:
                return result.message.text
        for result in steps:
            if result.status is StepStatus.NOT_POSSIBLE:
                raise ResolutionError(result.message.text)
        return None
