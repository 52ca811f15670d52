"""The examination of one Open Badges 3.0 credential: each step answered on its own.

The same examination judges a badge, an endorsement inside it, and a status list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from badges.openbadges.canonical import Canonicalizer
from badges.openbadges.documents import JsonObject, as_list, id_of
from badges.openbadges.errors import (
    CanonicalizationError,
    CanonicalizerBusyError,
    KeyFormatError,
    ProofError,
    ResolutionError,
    UnsupportedProofError,
)
from badges.openbadges.issuer_keys import FoundKey, method_key, token_key
from badges.openbadges.jsonld import unreadable
from badges.openbadges.messages import N_, Problem
from badges.openbadges.moments import parse_moment
from badges.openbadges.proofs import data_integrity, vc_jwt
from badges.openbadges.recipients import matches
from badges.openbadges.report import Step, StepResult, StepStatus, failed, not_possible, passed
from badges.openbadges.resolution import ControllerResolver
from badges.openbadges.shape import check_shape

MAX_PROOFS = 5


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

    def steps(self) -> list[StepResult]:
        """Shape, safe mode, issuer, proof and time, in that order."""
        shape = self.shape()
        issuer, proof = self.issuer_and_proof()
        return [shape, self._safe_mode or self._check_safe_mode(), issuer, proof, self.time()]

    def shape(self) -> StepResult:
        """Whether the document has the shape of its class."""
        problems = check_shape(self.document, kind=self.kind)
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
        optional = self.kind == "BitstringStatusListCredential" and begins is None
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
        return passed(Step.TIME, "current", N_("The badge is within its time."))

    def issuer_and_proof(self) -> tuple[StepResult, StepResult]:
        """Who signed, and whether every proof holds; also settles the safe mode if it can."""
        issuer = id_of(self.document.get("issuer"))
        proofs = as_list(self.document.get("proof"))
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
        return _combine(judged)

    def _judge_token(self, token: vc_jwt.Token, issuer: str) -> tuple[StepResult, StepResult]:
        found, result = self._find_key(lambda: token_key(token, issuer, self.controllers, self.now))
        if found is None:
            return result, _no_key()
        try:
            problems = vc_jwt.verify(token, found.key)
        except ProofError as error:
            return result, _broken(error)
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
        return result, _holds()

    def _judge_proof(self, proof: Any, issuer: str) -> tuple[StepResult, StepResult]:
        try:
            read = data_integrity.read_proof(proof)
        except ProofError as error:
            return _unnamed_key(), _broken(error)
        found, result = self._find_key(
            lambda: method_key(read.verification_method, issuer, self.controllers, self.now)
        )
        if found is None:
            return result, _no_key()
        try:
            data, problems = data_integrity.proof_hash(
                self.document, read, found.key, canonicalizer=self.canonicalizer
            )
            if read.suite.rdf:
                self._safe_mode = _safe_mode(problems)
            data_integrity.check_signature(read, found.key, data)
        except ProofError as error:
            return result, _broken(error)
        except CanonicalizationError as error:
            self._safe_mode = _no_canonical_form(error)
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
        return result, _holds()

    def _find_key(self, look_up: Any) -> tuple[FoundKey | None, StepResult]:
        try:
            found: FoundKey = look_up()
        except ResolutionError as error:
            return None, _unconfirmed(str(error))
        except (ProofError, KeyFormatError) as error:
            return None, _refused(str(error))
        if found.refused is not None:
            return found, _refused(found.refused)
        if found.unconfirmed is not None:
            return found, _unconfirmed(found.unconfirmed)
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
            return _no_canonical_form(error)
        return _safe_mode(form.problems)


def _safe_mode(problems: Sequence[Problem]) -> StepResult:
    if problems:
        return failed(
            Step.SAFE_MODE,
            "undefined",
            N_("The badge says things that its contexts do not define: %(count)s in number."),
            problems=tuple(problems),
            count=len(problems),
        )
    return passed(
        Step.SAFE_MODE, "defined", N_("Every word of the badge is defined by its contexts.")
    )


def _no_canonical_form(error: CanonicalizationError) -> StepResult:
    if isinstance(error, CanonicalizerBusyError):
        return not_possible(
            Step.SAFE_MODE, "busy", N_("Too many badges are being checked; try again soon.")
        )
    return failed(
        Step.SAFE_MODE,
        "unreadable",
        N_("The badge cannot be read as JSON-LD: %(reason)s"),
        problems=(unreadable(error),),
        reason=str(error),
    )


def _combine(judged: list[tuple[StepResult, StepResult]]) -> tuple[StepResult, StepResult]:
    """One answer for all proofs: any that fails fails; unknown kinds count if alone."""
    known = [pair for pair in judged if pair[1].message.code != "proof.unknown"] or judged
    worst = {StepStatus.FAILED: 0, StepStatus.NOT_POSSIBLE: 1, StepStatus.PASSED: 2}
    issuer = min((pair[0] for pair in known), key=lambda result: worst[result.status])
    proof = min((pair[1] for pair in known), key=lambda result: worst[result.status])
    return issuer, proof


def _holds() -> StepResult:
    return passed(Step.PROOF, "holds", N_("The badge is unchanged since it was signed."))


def _broken(error: ProofError) -> StepResult:
    if isinstance(error, UnsupportedProofError):
        return not_possible(Step.PROOF, "unknown", "%(reason)s", reason=str(error))
    return failed(
        Step.PROOF, "broken", N_("The proof does not hold: %(reason)s"), reason=str(error)
    )


def _no_key() -> StepResult:
    return not_possible(
        Step.PROOF, "no-key", N_("Without the issuer's key the proof cannot be checked.")
    )


def _unnamed_key() -> StepResult:
    return not_possible(
        Step.ISSUER, "no-key", N_("The proof does not name a key that could be looked up.")
    )


def _refused(reason: str) -> StepResult:
    return failed(
        Step.ISSUER,
        "wrong-key",
        N_("The key that signed is not the issuer's: %(reason)s"),
        reason=reason,
    )


def _unconfirmed(reason: str) -> StepResult:
    return not_possible(
        Step.ISSUER,
        "unconfirmed",
        N_("The issuer could not be asked which keys are its own: %(reason)s"),
        reason=reason,
    )


def recipient_step(document: Mapping[str, Any], recipient: str) -> StepResult:
    """Whether the badge was earned by `recipient`: an address, a DID or another identity."""
    subject = document.get("credentialSubject")
    answer = matches(subject, recipient) if isinstance(subject, Mapping) else None
    if answer is None:
        return not_possible(
            Step.RECIPIENT,
            "unnamed",
            N_("The badge does not name its earner in a way that can be compared."),
        )
    if answer:
        return passed(Step.RECIPIENT, "same", N_("The badge was earned by this person."))
    return failed(Step.RECIPIENT, "other", N_("The badge was earned by somebody else."))
