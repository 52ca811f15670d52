"""Badges of Open Badges 2.0: hosted assertions and signed ones, step by step.

A hosted assertion is true because the issuer's own site serves it (section "Hosted Badges");
a signed one because the key that the issuer's profile lists has signed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from badges.openbadges.did import origin
from badges.openbadges.documents import JsonObject, as_list, id_of, parse_object
from badges.openbadges.errors import DocumentError, KeyFormatError, ProofError, ResolutionError
from badges.openbadges.messages import N_, Filled
from badges.openbadges.moments import parse_moment
from badges.openbadges.multikey import jwk_key, pem_key
from badges.openbadges.proofs import vc_jwt
from badges.openbadges.recipients import identity_matches
from badges.openbadges.report import Report, Step, StepResult, failed, not_possible, passed
from badges.openbadges.resolution import ACCEPT_JSON, ControllerResolver, fetch

CONTEXT = "https://w3id.org/openbadges/v2"
_HOSTED = ("HostedBadge", "hosted", "hostedBadge")


def is_version_2(document: Mapping[str, Any]) -> bool:
    """Whether a document is an assertion of Open Badges 1.1 or 2.0."""
    contexts = as_list(document.get("@context"))
    return any(
        isinstance(item, str) and item.rstrip("/").startswith("https://w3id.org/openbadges/v")
        for item in contexts
    ) or ("badge" in document and ("recipient" in document or "verify" in document))


def verify(
    document: JsonObject | None,
    text: str,
    controllers: ControllerResolver,
    now: datetime,
    recipient: str | None,
) -> Report:
    """Verify a badge of Open Badges 2.0.

    Args:
        document: the assertion, where the text was JSON.
        text: what was read: JSON, the address of an assertion, or a compact JWS.
        controllers: fetches what is not known.
        now: an aware moment.
        recipient: the e-mail address or other identity that the badge should belong to.
    """
    examination = _Version2(controllers, now)
    try:
        steps = examination.steps(document, text, recipient)
    except (ProofError, DocumentError) as error:
        steps = [
            failed(
                Step.READ, "unreadable", N_("No badge could be read: %(reason)s"), reason=str(error)
            )
        ]
    order = list(Step)
    return Report(
        tuple(sorted(steps, key=lambda result: order.index(result.step))),
        credential=examination.assertion,
        version=2,
        format=examination.format,
        details=examination.details,
    )


@dataclass
class _Version2:
    controllers: ControllerResolver
    now: datetime
    assertion: JsonObject | None = None
    format: str = "hosted"

    def __post_init__(self) -> None:
        self.details: dict[str, Any] = {}
        self._revoked: StepResult | None = None
        self._fetched = False

    def steps(
        self, document: JsonObject | None, text: str, recipient: str | None
    ) -> list[StepResult]:
        """Every step, in the order in which it becomes known."""
        steps = [passed(Step.READ, "read-2", N_("An Open Badge 2.0 was read."))]
        token: vc_jwt.Token | None = None
        if document is None and vc_jwt.looks_like_token(text):
            token = vc_jwt.decode(text)
            self.format, self.assertion = "signed", token.payload
        else:
            self.assertion = document
            steps.append(self._hosted(document, text))
        if self.assertion is None:
            return steps + ([self._revoked] if self._revoked else [])
        steps.append(self._issuer())
        if token is not None:
            steps.append(self._signed(token))
        steps += [self._shape(), self._revoked or self._status(token), self._time()]
        if recipient is not None:
            steps.append(self._recipient(recipient))
        return steps

    def _hosted(self, document: JsonObject | None, text: str) -> StepResult:
        """Fetch the assertion from its own address, which is the proof of a hosted badge."""
        address = _address(document) if document is not None else text.strip()
        if address is None:
            return failed(
                Step.PROOF, "no-address", N_("The badge does not say where it is published.")
            )
        try:
            fetched = parse_object(fetch(self.controllers.resolver, address, ACCEPT_JSON)[0])
        except ResolutionError as error:
            if error.status == 410:
                self._revoked = _gone(error.body)
                return passed(
                    Step.PROOF, "hosted", N_("The badge is known to the site that published it.")
                )
            return not_possible(
                Step.PROOF,
                "unreachable",
                N_("The place where the badge is published could not be reached: %(reason)s"),
                reason=str(error),
            )
        except DocumentError as error:
            return failed(
                Step.PROOF,
                "not-json",
                N_("The place where the badge is published does not show a badge: %(reason)s"),
                reason=str(error),
            )
        baked, self.assertion, self._fetched = self.assertion, fetched, True
        if _address(fetched) != address:
            return failed(
                Step.PROOF,
                "other-address",
                N_("The published badge names another address as its own."),
            )
        if baked is not None and any(
            baked.get(name) != fetched.get(name) for name in ("recipient", "badge", "issuedOn")
        ):
            return failed(
                Step.PROOF, "differs", N_("The published badge differs from the one given.")
            )
        return passed(
            Step.PROOF, "same", N_("The site that published the badge shows the same badge.")
        )

    def _shape(self) -> StepResult:
        assertion = self.assertion or {}
        recipient, badge = assertion.get("recipient"), self.details.get("badge")
        missing = [name for name in ("recipient", "badge", "issuedOn") if name not in assertion]
        if not isinstance(recipient, Mapping) or not isinstance(recipient.get("identity"), str):
            missing.append("recipient.identity")
        if isinstance(badge, Mapping):
            missing.extend(
                f"badge.{name}" for name in ("name", "description", "issuer") if name not in badge
            )
        if missing:
            return failed(
                Step.SHAPE,
                "missing-2",
                N_("The badge lacks what Open Badges 2.0 asks for: %(names)s"),
                names=", ".join(missing),
            )
        return passed(
            Step.SHAPE, "right-2", N_("The badge is put together as Open Badges 2.0 asks.")
        )

    def _issuer(self) -> StepResult:
        """Fetch badge class and issuer; a hosted assertion must come from the issuer's site."""
        assertion = self.assertion or {}
        try:
            badge = self._follow(assertion.get("badge"))
            self.details["badge"] = badge
            issuer = self._follow(badge.get("issuer"))
            self.details["issuer"] = issuer
        except (ResolutionError, DocumentError) as error:
            return not_possible(
                Step.ISSUER,
                "unreachable",
                N_("The badge's description or its issuer could not be had: %(reason)s"),
                reason=str(error),
            )
        home = origin(id_of(issuer) or "")
        if self.format == "hosted" and origin(_address(assertion) or "") not in _hosts(issuer):
            return failed(
                Step.ISSUER, "elsewhere", N_("The badge is not published on its issuer's site.")
            )
        if home is None or origin(id_of(badge) or "") not in (home, *_hosts(issuer)):
            return failed(
                Step.ISSUER,
                "badge-elsewhere",
                N_("The badge's description is not published on its issuer's site."),
            )
        return passed(
            Step.ISSUER,
            "named",
            N_("The badge is published by its issuer, %(issuer)s."),
            issuer=str(issuer.get("name") or id_of(issuer)),
        )

    def _follow(self, reference: Any) -> JsonObject:
        address = id_of(reference)
        if address is None:
            raise ResolutionError(N_("It gives no address."))
        document = self.controllers.fetch_object(address)
        if id_of(document) not in (None, address):
            raise ResolutionError(Filled(N_("%(url)s shows something else."), url=address))
        return {**document, "id": address}

    def _signed(self, token: vc_jwt.Token) -> StepResult:
        """A JWS whose key the issuer's profile lists."""
        issuer = self.details.get("issuer")
        verification = (self.assertion or {}).get("verification") or {}
        if not isinstance(verification, Mapping) or not isinstance(issuer, Mapping):
            return not_possible(
                Step.PROOF, "no-key", N_("Without the issuer's key the proof cannot be checked.")
            )
        listed = [id_of(key) for key in as_list(issuer.get("publicKey"))]
        address = id_of(verification.get("creator")) or next(iter(listed), None)
        try:
            if address is None or address not in listed:
                raise ProofError(N_("The key that signed is not one that the issuer publishes."))
            document = self.controllers.fetch_object(address)
            if document.get("owner") != id_of(issuer):
                raise ProofError(N_("The key that signed belongs to somebody else."))
            pem = document.get("publicKeyPem")
            key = pem_key(pem) if pem is not None else jwk_key(document.get("publicKeyJwk"))
            vc_jwt.verify(token, key)
        except ResolutionError as error:
            return not_possible(
                Step.PROOF,
                "unreachable-key",
                N_("The issuer's key could not be had: %(reason)s"),
                reason=str(error),
            )
        except (ProofError, KeyFormatError) as error:
            return failed(
                Step.PROOF, "broken", N_("The proof does not hold: %(reason)s"), reason=str(error)
            )
        return passed(Step.PROOF, "holds", N_("The badge is unchanged since it was signed."))

    def _status(self, token: vc_jwt.Token | None) -> StepResult:
        assertion = self.assertion or {}
        if assertion.get("revoked") is True:
            return _revoked(assertion.get("revocationReason"))
        issuer = self.details.get("issuer")
        address = id_of(issuer.get("revocationList")) if isinstance(issuer, Mapping) else None
        if token is None and not self._fetched:
            return not_possible(
                Step.STATUS, "unknown-2", N_("Whether it was revoked could not be found out.")
            )
        if token is None or address is None:
            return passed(Step.STATUS, "current", N_("The issuer has not revoked this badge."))
        try:
            listed = self.controllers.fetch_object(address)
        except ResolutionError as error:
            return not_possible(
                Step.STATUS,
                "unreachable",
                N_("The issuer's list of revoked badges could not be had: %(reason)s"),
                reason=str(error),
            )
        for entry in as_list(listed.get("revokedAssertions")):
            if id_of(entry) is not None and id_of(entry) == assertion.get("id"):
                return _revoked(
                    entry.get("revocationReason") if isinstance(entry, Mapping) else None
                )
        return passed(Step.STATUS, "current", N_("The issuer has not revoked this badge."))

    def _time(self) -> StepResult:
        assertion = self.assertion or {}
        issued = parse_moment(assertion.get("issuedOn"))
        expires = parse_moment(assertion.get("expires"))
        if issued is None or (expires is None and "expires" in assertion):
            return failed(Step.TIME, "malformed", N_("The badge does not say when it is valid."))
        if issued > self.now:
            return failed(
                Step.TIME,
                "early",
                N_("The badge is not valid yet: it begins on %(date)s."),
                date=str(assertion["issuedOn"]),
            )
        if expires is not None and expires <= self.now:
            return failed(
                Step.TIME,
                "expired",
                N_("The badge expired on %(date)s."),
                date=str(assertion["expires"]),
            )
        return passed(Step.TIME, "current", N_("The badge is within its time."))

    def _recipient(self, recipient: str) -> StepResult:
        named = (self.assertion or {}).get("recipient")
        named = named if isinstance(named, Mapping) else {}
        answer = identity_matches(
            named.get("identity"), recipient, named.get("hashed"), named.get("salt")
        )
        if answer is None:
            return not_possible(
                Step.RECIPIENT,
                "unnamed",
                N_("The badge does not name its earner in a way that can be compared."),
            )
        if answer:
            return passed(Step.RECIPIENT, "same", N_("The badge was earned by this person."))
        return failed(Step.RECIPIENT, "other", N_("The badge was earned by somebody else."))


def _address(assertion: Mapping[str, Any]) -> str | None:
    """Where an assertion is published: its id, or in version 1.1 its `verify.url`."""
    verification = assertion.get("verification", assertion.get("verify"))
    if isinstance(verification, Mapping):
        url = verification.get("url")
        if verification.get("type") in _HOSTED and isinstance(url, str):
            return url
    return id_of(assertion)


def _hosts(issuer: Mapping[str, Any]) -> list[str | None]:
    """The hosts that may serve an issuer's badges: its own, and those that it allows."""
    policy = issuer.get("verification")
    allowed = as_list(policy.get("allowedOrigins")) if isinstance(policy, Mapping) else []
    named = [origin(f"https://{item}") for item in allowed if isinstance(item, str)]
    return [origin(id_of(issuer) or ""), *named]


def _gone(body: bytes) -> StepResult:
    try:
        reason = parse_object(body).get("revocationReason")
    except DocumentError:
        reason = None
    return _revoked(reason)


def _revoked(reason: object) -> StepResult:
    if isinstance(reason, str) and reason:
        return failed(
            Step.STATUS,
            "revoked-because",
            N_("The issuer has revoked this badge: %(reason)s"),
            reason=reason,
        )
    return failed(Step.STATUS, "revocation", N_("The issuer has revoked this badge."))
