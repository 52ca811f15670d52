"""The credential document, built from plain values (Open Badges 3.0, appendix B).

Every class is frozen and turns into JSON with `to_dict()`; what is None or empty is left out
(R6). Dates, identifiers and salts are arguments: the same input is the same document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from badges.openbadges.contexts import CREDENTIALS_V2, OPEN_BADGES, OPEN_BADGES_EXTENSIONS

EXTENSION_TYPES = frozenset(
    {"1EdTechJsonSchemaValidator2019", "1EdTechRevocationList", "1EdTechCredentialRefresh"}
)
SCHEMA_URL = (
    "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
)


def timestamp(moment: datetime) -> str:
    """An aware moment as RFC 3339 in UTC to the second; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("A moment in a credential needs its time zone.")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Node:
    """Shared serialisation: snake_case fields become the standard's camelCase members."""

    TYPES: ClassVar[tuple[str, ...] | str | None] = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON-ready object, without None and without empty arrays."""
        result: dict[str, Any] = {}
        for item in fields(self):  # type: ignore[arg-type]
            value = _plain(getattr(self, item.name))
            if value is None or value in ("", [], {}):
                continue
            result[item.metadata.get("name") or _camel(item.name)] = value
            if item.name == "id" and self.TYPES:
                result["type"] = _types(self.TYPES)
        if self.TYPES and "type" not in result:
            result = {"type": _types(self.TYPES), **result}
        return result


def _types(types: tuple[str, ...] | str) -> list[str] | str:
    return types if isinstance(types, str) else list(types)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _plain(value: Any) -> Any:
    if isinstance(value, _Node):
        return value.to_dict()
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Image(_Node):
    """An image by its address (R16); `caption` describes it to people who do not see it."""

    TYPES = "Image"
    id: str
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class IdentifierEntry(_Node):
    """An identifier of another system (R17); `identifier_type` from the standard's list."""

    TYPES = "IdentifierEntry"
    identifier: str
    identifier_type: str


@dataclass(frozen=True, slots=True)
class Profile(_Node):
    """An issuer, creator or source (R5). Wallets show `name` and `image`."""

    TYPES = ("Profile",)
    id: str
    name: str | None = None
    url: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    image: Image | None = None
    other_identifier: Sequence[IdentifierEntry] = ()
    official: str | None = None
    parent_org: Profile | None = None


@dataclass(frozen=True, slots=True)
class Alignment(_Node):
    """A link from an achievement, result or level to a node of a framework (R12)."""

    TYPES = ("Alignment",)
    target_name: str
    target_url: str
    target_code: str | None = None
    target_description: str | None = None
    target_framework: str | None = None
    target_type: str | None = None


@dataclass(frozen=True, slots=True)
class Criteria(_Node):
    """What it takes to earn the achievement: an address, a Markdown text, or both (R10)."""

    narrative: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class RubricCriterionLevel(_Node):
    """One level of one rubric criterion (R13); `points` and `level` are text."""

    TYPES = ("RubricCriterionLevel",)
    id: str
    name: str
    description: str | None = None
    level: str | None = None
    points: str | None = None
    alignment: Sequence[Alignment] = ()


@dataclass(frozen=True, slots=True)
class ResultDescription(_Node):
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
class Result(_Node):
    """What the learner reached (R14): a level of a description, a value, or a status."""

    TYPES = ("Result",)
    result_description: str | None = None
    achieved_level: str | None = None
    value: str | None = None
    status: str | None = None
    alignment: Sequence[Alignment] = ()


@dataclass(frozen=True, slots=True)
class Related(_Node):
    """Another achievement that this one relates to (R17, R55)."""

    TYPES = ("Related",)
    id: str
    in_language: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Achievement(_Node):
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


@dataclass(frozen=True, slots=True)
class IdentityObject(_Node):
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
class AchievementSubject(_Node):
    """The learner and what was achieved (R4). Give an `id` wherever a VC-JWT is made (R19)."""

    TYPES = ("AchievementSubject",)
    achievement: Achievement
    id: str | None = None
    identifier: Sequence[IdentityObject] = ()
    activity_start_date: datetime | None = None
    activity_end_date: datetime | None = None
    credits_earned: float | None = None
    narrative: str | None = None
    result: Sequence[Result] = ()
    role: str | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence(_Node):
    """One piece of evidence, which stands on the credential (R15)."""

    TYPES = ("Evidence",)
    id: str | None = None
    name: str | None = None
    description: str | None = None
    narrative: str | None = None
    genre: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class BitstringStatusListEntry(_Node):
    """Where a credential's revocation bit stands (R29); `id` differs from the list's address."""

    TYPES = "BitstringStatusListEntry"
    id: str
    status_list_credential: str
    status_list_index: str
    status_purpose: str = "revocation"


@dataclass(frozen=True, slots=True)
class CredentialSchema(_Node):
    """A JSON schema that the credential follows (R34); brings in the extensions context (R2)."""

    TYPES = "1EdTechJsonSchemaValidator2019"
    id: str = SCHEMA_URL


@dataclass(frozen=True, slots=True)
class RefreshService(_Node):
    """Where the current version of the credential can be had (R33)."""

    TYPES = "1EdTechCredentialRefresh"
    id: str


@dataclass(frozen=True, slots=True)
class AchievementCredential(_Node):
    """A whole Open Badges 3.0 credential, still without a proof (R1-R9).

    Args:
        valid_from: also orders versions; a renewed credential keeps its first date in
            `awarded_date` (R9).
    """

    TYPES = ("VerifiableCredential", "OpenBadgeCredential")
    id: str
    name: str
    issuer: Profile
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

    def to_document(self) -> dict[str, Any]:
        """The JSON-LD document, with the contexts that its types need (R1, R2)."""
        body = self.to_dict()
        contexts = [CREDENTIALS_V2, OPEN_BADGES]
        if _uses_extensions(body):
            contexts.append(OPEN_BADGES_EXTENSIONS)
        return {"@context": contexts, **body}


@dataclass(frozen=True, slots=True)
class EndorsementSubject(_Node):
    """What is endorsed, by its id, and the endorser's comment (R20)."""

    TYPES = ("EndorsementSubject",)
    id: str
    endorsement_comment: str | None = None


@dataclass(frozen=True, slots=True)
class EndorsementCredential(_Node):
    """An endorsement, signed on its own and then placed in what it endorses (R20, R21)."""

    TYPES = ("VerifiableCredential", "EndorsementCredential")
    id: str
    name: str
    issuer: Profile
    valid_from: datetime
    credential_subject: EndorsementSubject
    description: str | None = None
    valid_until: datetime | None = None
    credential_status: BitstringStatusListEntry | None = field(default=None)

    def to_document(self) -> dict[str, Any]:
        """The JSON-LD document."""
        return {"@context": [CREDENTIALS_V2, OPEN_BADGES], **self.to_dict()}


def _uses_extensions(value: Any) -> bool:
    if isinstance(value, dict):
        types = value.get("type")
        named = types if isinstance(types, list) else [types]
        return any(name in EXTENSION_TYPES for name in named) or any(
            _uses_extensions(inner) for inner in value.values()
        )
    return isinstance(value, list) and any(_uses_extensions(item) for item in value)
