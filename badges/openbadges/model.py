"""The credential document, built from plain values (Open Badges 3.0, appendix B).

Every class is frozen and turns into JSON with `to_dict()`; what is None or empty is left out
(R6). Dates, identifiers and salts are arguments: the same input is the same document.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from badges.openbadges.contexts import CREDENTIALS_V2, OPEN_BADGES, OPEN_BADGES_EXTENSIONS
from badges.openbadges.profiles import (
    Address,
    Endorsement,
    IdentifierEntry,
    Image,
    Node,
    Profile,
    Ready,
    timestamp,
)

EXTENSION_TYPES = frozenset(
    {"1EdTechJsonSchemaValidator2019", "1EdTechRevocationList", "1EdTechCredentialRefresh"}
)
SCHEMA_URL = (
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
)
ENDORSEMENT_SCHEMA_URL = (
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_endorsementcredential_schema.json"
)
TERMS_TYPE = "http://purl.org/dc/terms/RightsStatement"


@dataclass(frozen=True, slots=True)
class Alignment(Node):
    """A link from an achievement, result or level to a node of a framework (R12)."""

    TYPES = ("Alignment",)
    target_name: str
    target_url: str
    target_code: str | None = None
    target_description: str | None = None
    target_framework: str | None = None
    target_type: str | None = None


@dataclass(frozen=True, slots=True)
class Criteria(Node):
    """What it takes to earn the achievement: an address, a Markdown text, or both (R10)."""

    narrative: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class RubricCriterionLevel(Node):
    """One level of one rubric criterion (R13); `points` and `level` are text."""

    TYPES = ("RubricCriterionLevel",)
    id: str
    name: str
    description: str | None = None
    level: str | None = None
    points: str | None = None
    alignment: Sequence[Alignment] = ()


@dataclass(frozen=True, slots=True)
class ResultDescription(Node):
    """A result that the achievement may carry (R13).

    `rubric_criterion_level` and `allowed_value` go from low to high; `required_level` is the
    id of one of those levels. All values are text.
    """

    TYPES = ("ResultDescription",)
    id: str
    name: str
    result_type: str
    alignment: Sequence[Alignment] = ()
    allowed_value: Sequence[str] = ()
    required_level: str | None = None
    required_value: str | None = None
    rubric_criterion_level: Sequence[RubricCriterionLevel] = ()
    value_max: str | None = None
    value_min: str | None = None

    @classmethod
    def from_criterion(
        cls,
        *,
        id: str,
        name: str,
        levels: Sequence[RubricCriterionLevel],
        required_level: str | None = None,
        alignment: Sequence[Alignment] = (),
    ) -> Self:
        """The description of one rubric criterion with its levels, low to high.

        Raises:
            ValueError: no level, a repeated id, or `required_level` is none of them.
        """
        identifiers = [level.id for level in levels]
        if not identifiers or len(set(identifiers)) != len(identifiers):
            raise ValueError(f"The criterion {name!r} needs levels, each with an id of its own.")
        if required_level is not None and required_level not in identifiers:
            raise ValueError(f"The required level of {name!r} is not one of its levels.")
        return cls(
            id=id,
            name=name,
            result_type="RubricCriterionLevel",
            rubric_criterion_level=tuple(levels),
            required_level=required_level,
            alignment=tuple(alignment),
        )


@dataclass(frozen=True, slots=True)
class Result(Node):
    """What the learner reached (R14): a level of a description, a value, or a status."""

    TYPES = ("Result",)
    result_description: str | None = None
    achieved_level: str | None = None
    value: str | None = None
    status: str | None = None
    alignment: Sequence[Alignment] = ()


@dataclass(frozen=True, slots=True)
class Related(Node):
    """Another achievement that this one relates to (R17, R55)."""

    TYPES: ClassVar[tuple[str, ...]] = ("Related",)
    id: str
    in_language: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Version2Class(Related):
    """The BadgeClass of Open Badges 2.0 that stands for the same achievement (R55)."""

    TYPES = ("Related", "https://w3id.org/openbadges#BadgeClass")
    version: str | None = "Open Badges v2p0"


@dataclass(frozen=True, slots=True)
class Achievement(Node):
    """What was achieved (R10, R11, R17)."""

    TYPES = ("Achievement",)
    id: str
    name: str
    description: str
    criteria: Criteria
    achievement_type: str | None = None
    alignment: Sequence[Alignment] = ()
    creator: Profile | None = None
    credits_available: float | None = None
    field_of_study: str | None = None
    human_code: str | None = None
    image: Image | None = None
    in_language: str | None = None
    other_identifier: Sequence[IdentifierEntry] = ()
    related: Sequence[Related] = ()
    result_description: Sequence[ResultDescription] = ()
    specialization: str | None = None
    tag: Sequence[str] = ()
    version: str | None = None
    endorsement: Sequence[Endorsement] = ()


@dataclass(frozen=True, slots=True)
class IdentityObject(Node):
    """Who the recipient is, hashed or in the clear (R18)."""

    TYPES = "IdentityObject"
    hashed: bool
    identity_hash: str
    identity_type: str
    salt: str | None = None

    @classmethod
    def hashed_email(cls, email: str, *, salt: str) -> Self:
        """A hashed address: SHA-256 of the address with the salt appended.

        Args:
            email: the verified address, as the recipient will type it.
            salt: fresh for each recipient, and given so that the document is reproducible.

        Raises:
            ValueError: the address or the salt is empty.
        """
        if not email or not salt:
            raise ValueError("A hashed address needs an address and a salt.")
        return cls(True, identity_hash(email, salt), "emailAddress", salt)


def identity_hash(identity: str, salt: str, algorithm: str = "sha256") -> str:
    """`sha256$` or `md5$` and the hex digest of the identity with the salt appended (R18)."""
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f"{algorithm!r} is not a hash that the standard knows.")
    digest = hashlib.new(algorithm, (identity + salt).encode(), usedforsecurity=False)
    return f"{algorithm}${digest.hexdigest()}"


@dataclass(frozen=True, slots=True)
class AchievementSubject(Node):
    """The learner and what was achieved (R4). Give an `id` wherever a VC-JWT is made (R19)."""

    TYPES = ("AchievementSubject",)
    achievement: Achievement | Ready
    id: str | None = None
    identifier: Sequence[IdentityObject] = ()
    activity_start_date: datetime | None = None
    activity_end_date: datetime | None = None
    credits_earned: float | None = None
    image: Image | None = None
    license_number: str | None = None
    narrative: str | None = None
    result: Sequence[Result] = ()
    role: str | None = None
    source: Profile | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence(Node):
    """One piece of evidence, which stands on the credential (R15).

    `digest_multibase` (VCDM 2.0, section 5.3) says which file it was without showing it.
    """

    TYPES = ("Evidence",)
    id: str | None = None
    name: str | None = None
    description: str | None = None
    narrative: str | None = None
    genre: str | None = None
    audience: str | None = None
    digest_multibase: str | None = None


@dataclass(frozen=True, slots=True)
class BitstringStatusListEntry(Node):
    """Where a credential's revocation bit stands (R29); `id` differs from the list's address."""

    TYPES = "BitstringStatusListEntry"
    id: str
    status_list_credential: str
    status_list_index: str
    status_purpose: str = "revocation"


@dataclass(frozen=True, slots=True)
class CredentialSchema(Node):
    """A JSON schema that the credential follows (R34); brings in the extensions context (R2)."""

    TYPES = "1EdTechJsonSchemaValidator2019"
    id: str = SCHEMA_URL


@dataclass(frozen=True, slots=True)
class RefreshService(Node):
    """Where the current version of the credential can be had (R33)."""

    TYPES = "1EdTechCredentialRefresh"
    id: str


@dataclass(frozen=True, slots=True)
class TermsOfUse(Node):
    """The terms that a credential was issued under, by their address (VCDM 2.0, section 5.5).

    The type is a class that is published elsewhere: no context of Open Badges names one.
    """

    TYPES = TERMS_TYPE
    id: str


@dataclass(frozen=True, slots=True)
class AchievementCredential(Node):
    """A whole Open Badges 3.0 credential, still without a proof (R1-R9).

    Args:
        valid_from: also orders versions; a renewed credential keeps its first date in
            `awarded_date` (R9).
    """

    TYPES = ("VerifiableCredential", "OpenBadgeCredential")
    id: str
    name: str
    issuer: Profile | Ready
    valid_from: datetime
    credential_subject: AchievementSubject
    description: str | None = None
    image: Image | None = None
    valid_until: datetime | None = None
    awarded_date: datetime | None = None
    evidence: Sequence[Evidence] = ()
    credential_schema: Sequence[CredentialSchema] = ()
    credential_status: BitstringStatusListEntry | None = None
    refresh_service: RefreshService | None = None
    terms_of_use: Sequence[TermsOfUse] = ()
    endorsement: Sequence[Endorsement] = ()

    def to_document(self) -> dict[str, Any]:
        """The JSON-LD document, with the contexts that its types need (R1, R2)."""
        return _in_contexts(self.to_dict())


@dataclass(frozen=True, slots=True)
class EndorsementSubject(Node):
    """What is endorsed, by its id, and the endorser's comment (R20)."""

    TYPES = ("EndorsementSubject",)
    id: str
    endorsement_comment: str | None = None


@dataclass(frozen=True, slots=True)
class EndorsementCredential(Node):
    """An endorsement, signed on its own and then placed in what it endorses (R20, R21)."""

    TYPES = ("VerifiableCredential", "EndorsementCredential")
    id: str
    name: str
    issuer: Profile
    valid_from: datetime
    credential_subject: EndorsementSubject
    description: str | None = None
    valid_until: datetime | None = None
    awarded_date: datetime | None = None
    credential_schema: Sequence[CredentialSchema] = ()
    credential_status: BitstringStatusListEntry | None = None
    refresh_service: RefreshService | None = None
    terms_of_use: Sequence[TermsOfUse] = ()

    def to_document(self) -> dict[str, Any]:
        """The JSON-LD document, with the contexts that its types need (R1, R2)."""
        return _in_contexts(self.to_dict())


def sha256_multibase(digest: str) -> str:
    """A SHA-256 digest in hex as a multihash in base64url (VCDM 2.0, section 5.3).

    Raises ValueError unless it is 64 hexadecimal digits.
    """
    data = bytes.fromhex(digest)
    if len(data) != 32:
        raise ValueError("A SHA-256 digest has 32 bytes.")
    return "u" + urlsafe_b64encode(b"\x12\x20" + data).decode().rstrip("=")


def award_of(credential_id: str) -> str:
    """What an endorsement of a credential is about: the award that the credential attests.

    Not the credential's own id: an endorsement that stands in the credential would describe the
    credential from within, which strict verifiers refuse.
    """
    return f"{credential_id}#award"


def _in_contexts(body: dict[str, Any]) -> dict[str, Any]:
    contexts = [CREDENTIALS_V2, OPEN_BADGES]
    if _uses_extensions(body):
        contexts.append(OPEN_BADGES_EXTENSIONS)
    return {"@context": contexts, **body}


def _uses_extensions(value: Any) -> bool:
    if isinstance(value, dict):
        if "@context" in value:
            return False  # a signed endorsement names its own contexts
        types = value.get("type")
        if not EXTENSION_TYPES.isdisjoint(types if isinstance(types, list) else (types,)):
            return True
        value = list(value.values())
    return isinstance(value, list) and any(map(_uses_extensions, value))


__all__ = [
    "ENDORSEMENT_SCHEMA_URL", "EXTENSION_TYPES", "SCHEMA_URL", "TERMS_TYPE", "Achievement",
    "AchievementCredential", "AchievementSubject", "Address", "Alignment",
    "BitstringStatusListEntry", "CredentialSchema", "Criteria", "Endorsement",
    "EndorsementCredential", "EndorsementSubject", "Evidence", "IdentifierEntry", "IdentityObject",
    "Image", "Profile", "Ready", "RefreshService", "Related", "Result", "ResultDescription",
    "RubricCriterionLevel", "TermsOfUse", "Version2Class", "award_of", "identity_hash",
    "sha256_multibase", "timestamp",
]  # fmt: skip
