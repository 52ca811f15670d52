"""The examination of one Open Badges 3.0 credential: each step answered on its own.

The same examination judges a badge, an endorsement inside it, and a status list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from badges.openbadges import answers
from badges.openbadges.canonical import Canonicalizer
from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.errors import (
    CanonicalizationError,
    HoldersProofError,
    KeyFormatError,
    ProofError,
    ResolutionError,
)
from badges.openbadges.issuer_keys import FoundKey, method_key, token_key
from badges.openbadges.messages import N_, Problem
from badges.openbadges.moments import parse_moment
from badges.openbadges.proofs import data_integrity, selective, vc_jwt
from badges.openbadges.report import Step, StepResult, failed, not_possible, passed
from badges.openbadges.resolution import ControllerResolver
from badges.openbadges.shape import check_shape
from badges.openbadges.status_check import ListCheck, check_status, in_selection

MAX_PROOFS = 5
# Faults of shape that a document also has where a part of it is not shown.
_NOT_SHOWN = frozenset(
    ["shape.missing", "shape.recipient", "shape.criteria", "shape.description", "shape.level"]
)


@dataclass
class Examination:
    """One credential under examination.

    Args:
        document: the credential, for a token its payload without the registered claims.
        token: the token it came in, or None.
        kind: the class whose shape it must have.
        controllers: where keys come from.
        canonicalizer: bounded in time.
        now: an aware moment.
    """

    document: JsonObject
    token: vc_jwt.Token | None
    kind: str
    controllers: ControllerResolver
    canonicalizer: Canonicalizer
    now: datetime
    _safe_mode: StepResult | None = field(default=None, init=False)
    _status_is_mandatory: bool = field(default=False, init=False)

    @cached_property
    def selection(self) -> bool:
        """Whether the proofs cover no more than what the holder chose to show (ecdsa-sd-2023).

        What is absent may then have been left out, and proves nothing.
        """
        proofs = as_list(self.document.get("proof"))[:MAX_PROOFS]
        if self.token is not None or not any(map(_is_selective, proofs)):
            return False
        reads = [read for read in map(_read, proofs) if read is not None]
        return bool(reads) and all(read.disclosure is not None for read in reads)

    def steps(self) -> list[StepResult]:
        """Shape, safe mode, issuer, proof and time, in that order."""
        shape = self.shape()
        issuer, proof = self.issuer_and_proof()
        return [shape, self._safe_mode or self._check_safe_mode(), issuer, proof, self.time()]

    def shape(self) -> StepResult:
        """Whether the document has the shape of its class."""
        problems = check_shape(self.document, kind=self.kind)
        if self.selection and problems and _NOT_SHOWN.issuperset(_codes(problems)):
            return answers.shape_not_shown(problems)
        if problems:
            return failed(
                Step.SHAPE,
                "wrong",
                N_("The badge is not put together as Open Badges 3.0 asks; faults: %(count)s."),
                problems=tuple(problems),
                count=len(problems),
            )
        return passed(Step.SHAPE, "right", N_("The badge is put together as Open Badges 3.0 asks."))

    def time(self) -> StepResult:
        """Whether `now` lies within the credential's time."""
        document = self.document
        begins = document.get("validFrom", document.get("issuanceDate"))
        ends = document.get("validUntil", document.get("expirationDate"))
        start, end = parse_moment(begins), parse_moment(ends)
        optional = begins is None and (
            self.selection or self.kind == "BitstringStatusListCredential"
        )
        if (start is None and not optional) or (end is None and ends is not None):
            return failed(Step.TIME, "malformed", N_("The badge does not say when it is valid."))
        if start is not None and start > self.now:
            return failed(
                Step.TIME,
                "early",
                N_("The badge is not valid yet: it begins on %(date)s."),
                date=str(begins),
            )
        if end is not None and end <= self.now:
            return failed(
                Step.TIME, "expired", N_("The badge expired on %(date)s."), date=str(ends)
            )
        if self.selection and (start is None or end is None):
            return answers.time_not_shown(begins=start is not None)
        return passed(Step.TIME, "current", N_("The badge is within its time."))

    def status(self, check_list: ListCheck) -> StepResult:
        """Whether it was revoked or suspended; asked after `steps`.

        Args:
            check_list: verifies the list as a credential, see `status_check`.
        """
        result = check_status(self.document, self.controllers, check_list)
        if self.selection:
            return in_selection(result, mandatory=self._status_is_mandatory)
        return result

    def issuer_and_proof(self) -> tuple[StepResult, StepResult]:
        """Who signed, and whether every proof holds; also settles the safe mode if it can."""
        issuer = id_of(self.document.get("issuer"))
        proofs = as_list(self.document.get("proof"))
        if issuer is None and self.selection:
            return (
                answers.issuer_not_shown(),
                not_possible(Step.PROOF, "no-issuer", N_("Without an issuer no key can be found.")),
            )
        if issuer is None:
            return (
                failed(Step.ISSUER, "missing", N_("The badge does not name its issuer.")),
                not_possible(Step.PROOF, "no-issuer", N_("Without an issuer no key can be found.")),
            )
        if self.token is None and not proofs:
            return (
                not_possible(
                    Step.ISSUER, "no-proof", N_("Without a proof nothing shows who issued it.")
                ),
                failed(Step.PROOF, "none", N_("The badge carries no proof.")),
            )
        if len(proofs) > MAX_PROOFS:
            return (
                not_possible(Step.ISSUER, "too-many", N_("The badge carries too many proofs.")),
                failed(Step.PROOF, "too-many", N_("The badge carries too many proofs.")),
            )
        judged = [self._judge_token(self.token, issuer)] if self.token else []
        judged += [self._judge_proof(proof, issuer) for proof in proofs]
        return answers.combine(judged)

    def _judge_token(self, token: vc_jwt.Token, issuer: str) -> tuple[StepResult, StepResult]:
        found, result = self._find_key(lambda: token_key(token, issuer, self.controllers, self.now))
        if found is None:
            return result, answers.no_key()
        try:
            problems = vc_jwt.verify(token, found.key)
        except ProofError as error:
            return result, answers.broken(error)
        if self.kind == "BitstringStatusListCredential":
            # R19 is a rule for badges; lists of other issuers go without these claims.
            problems = [found for found in problems if found.message.code != "jwt.missing"]
        if problems:
            return result, failed(
                Step.PROOF,
                "claims",
                N_("The token's claims do not repeat the badge as they must."),
                problems=tuple(problems),
            )
        return result, answers.holds()

    def _judge_proof(self, proof: Any, issuer: str) -> tuple[StepResult, StepResult]:
        try:
            read = data_integrity.read_proof(proof)
        except HoldersProofError:
            return answers.for_holder()
        except ProofError as error:
            return answers.unnamed_key(), answers.broken(error)
        found, result = self._find_key(
            lambda: method_key(read.verification_method, issuer, self.controllers, self.now)
        )
        if found is None:
            return result, answers.no_key()
        try:
            signed = data_integrity.signed_data(
                self.document, read, found.key, canonicalizer=self.canonicalizer
            )
            if read.suite.rdf:
                self._safe_mode = answers.safe_mode(signed.problems)
            data_integrity.check_signature(read, found.key, signed)
        except ProofError as error:
            return result, answers.broken(error)
        except CanonicalizationError as error:
            self._safe_mode = answers.no_canonical_form(error)
            return result, not_possible(
                Step.PROOF,
                "no-canonical-form",
                N_("What was signed cannot be worked out: %(reason)s"),
                reason=str(error),
            )
        expires = parse_moment(proof.get("expires"))
        if expires is not None and expires <= self.now:
            return result, failed(
                Step.PROOF, "expired", N_("The proof expired on %(date)s."), date=proof["expires"]
            )
        if signed.shown is not None and self.selection:
            self._status_is_mandatory = signed.shown.status_is_mandatory(id_of(self.document))
            return result, answers.holds_in_part()
        return result, answers.holds()

    def _find_key(self, look_up: Any) -> tuple[FoundKey | None, StepResult]:
        try:
            found: FoundKey = look_up()
        except ResolutionError as error:
            return None, answers.unconfirmed(str(error))
        except (ProofError, KeyFormatError) as error:
            return None, answers.refused(str(error))
        if found.refused is not None:
            return found, answers.refused(found.refused)
        if found.unconfirmed is not None:
            return found, answers.unconfirmed(found.unconfirmed)
        return found, passed(
            Step.ISSUER,
            "confirmed",
            N_("The key that signed is published by the issuer, %(issuer)s."),
            issuer=id_of(self.document.get("issuer")) or "",
        )

    def _check_safe_mode(self) -> StepResult:
        """Expand the document where no proof's check has done so already."""
        unsecured = {name: value for name, value in self.document.items() if name != "proof"}
        try:
            form = self.canonicalizer.canonicalize([unsecured])[0]
        except CanonicalizationError as error:
            return answers.no_canonical_form(error)
        return answers.safe_mode(form.problems)


def _is_selective(proof: object) -> bool:
    return isinstance(proof, Mapping) and proof.get("cryptosuite") == selective.ECDSA_SD_2023


def _read(proof: object) -> data_integrity.ReadProof | None:
    """A proof that decides something; None where it cannot be checked, or is none."""
    try:
        return data_integrity.read_proof(proof)
    except ProofError:
        return None


def _codes(problems: Sequence[Problem]) -> set[str]:
    return {found.message.code for found in problems}
