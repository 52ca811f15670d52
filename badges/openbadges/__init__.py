"""A pure Open Badges 3.0 library: make, sign, bake and verify credentials.

It knows no web framework, no database and no network: what must be fetched comes through a
`Resolver`. Badges of Open Badges 2.0 are verified, and made from those of 3.0 (`version2_issue`).

    document = AchievementCredential(...).to_document()
    signed = issue(document, signer, verification_method=..., created=...)
    image = bake_png(picture, signed)
    report = verify(image, resolver=OfflineResolver({issuer_id: did_document}), now=now)
"""

from __future__ import annotations

from badges.openbadges.baking import (
    Baked,
    bake_png,
    bake_svg,
    bake_version_2,
    bakeable_json,
    unbake,
)
from badges.openbadges.canonical_guard import close_children
from badges.openbadges.did import (
    controller_document,
    did_key,
    did_web,
    did_web_url,
)
from badges.openbadges.errors import (
    BakingError,
    CanonicalizationError,
    CanonicalizationLimitError,
    CanonicalizerBusyError,
    ContextError,
    ContextIntegrityError,
    DidError,
    DocumentError,
    HoldersProofError,
    InvalidCredentialError,
    KeyFormatError,
    OpenBadgesError,
    ProofError,
    ResolutionError,
    StatusListError,
    UnsupportedProofError,
)
from badges.openbadges.issue import issue, issue_jwt
from badges.openbadges.jsonld import safe_mode_problems
from badges.openbadges.messages import Message, Problem
from badges.openbadges.model import (
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
    identity_hash,
    timestamp,
)
from badges.openbadges.multikey import (
    decode_multikey,
    encode_multikey,
    jwk_key,
    public_jwk,
)
from badges.openbadges.proofs.data_integrity import Signer, verify_proof
from badges.openbadges.report import Outcome, Report, Step, StepResult, StepStatus
from badges.openbadges.resolution import OfflineResolver, Resolver
from badges.openbadges.shape import check_shape
from badges.openbadges.status_list import MIN_ENTRIES, StatusList, status_list_document
from badges.openbadges.verify import verify

__all__ = [
    "MIN_ENTRIES",
    "Achievement",
    "AchievementCredential",
    "AchievementSubject",
    "Address",
    "Alignment",
    "Baked",
    "BakingError",
    "BitstringStatusListEntry",
    "CanonicalizationError",
    "CanonicalizationLimitError",
    "CanonicalizerBusyError",
    "ContextError",
    "ContextIntegrityError",
    "CredentialSchema",
    "Criteria",
    "DidError",
    "DocumentError",
    "EndorsementCredential",
    "EndorsementSubject",
    "Evidence",
    "HoldersProofError",
    "IdentifierEntry",
    "IdentityObject",
    "Image",
    "InvalidCredentialError",
    "KeyFormatError",
    "Message",
    "OfflineResolver",
    "OpenBadgesError",
    "Outcome",
    "Problem",
    "Profile",
    "ProofError",
    "RefreshService",
    "Related",
    "Report",
    "ResolutionError",
    "Resolver",
    "Result",
    "ResultDescription",
    "RubricCriterionLevel",
    "Signer",
    "StatusList",
    "StatusListError",
    "Step",
    "StepResult",
    "StepStatus",
    "TermsOfUse",
    "UnsupportedProofError",
    "Version2Class",
    "award_of",
    "bake_png",
    "bake_svg",
    "bake_version_2",
    "bakeable_json",
    "check_shape",
    "close_children",
    "controller_document",
    "decode_multikey",
    "did_key",
    "did_web",
    "did_web_url",
    "encode_multikey",
    "identity_hash",
    "issue",
    "issue_jwt",
    "jwk_key",
    "public_jwk",
    "safe_mode_problems",
    "status_list_document",
    "timestamp",
    "unbake",
    "verify",
    "verify_proof",
]
