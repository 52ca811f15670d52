"""The exceptions of the Open Badges library; each says when it is raised.

A failed verification is never an exception: `verify()` answers with a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from badges.openbadges.messages import N_, Filled

if TYPE_CHECKING:
    from badges.openbadges.messages import Problem


class OpenBadgesError(Exception):
    """The base of every exception that this library raises on purpose."""


class DocumentError(OpenBadgesError):
    """Raised when bytes or text are not a JSON document that we accept.

    Too large, too deep, not UTF-8, a repeated member, or a number that JSON does not have.
    """


class ContextError(OpenBadgesError):
    """Raised when a JSON-LD context is not among the published ones kept with this library."""

    def __init__(self, url: str) -> None:
        super().__init__(
            Filled(
                N_("The JSON-LD context %(url)s is not known here, and none is fetched."),
                url=repr(url),
            )
        )
        self.url = url


class ContextIntegrityError(OpenBadgesError):
    """Raised when a context file on disk differs from the digest that the code holds for it."""


class InvalidCredentialError(OpenBadgesError):
    """Raised when a document is refused before it is signed.

    `problems` lists every place where the shape or the JSON-LD safe mode fails.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = "; ".join(str(problem) for problem in self.problems[:5])
        more = len(self.problems) - 5
        super().__init__(shown + (f"; and {more} more" if more > 0 else ""))


class CanonicalizationError(OpenBadgesError):
    """Raised when a document cannot be turned into RDF or brought into canonical form."""


class CanonicalizationLimitError(CanonicalizationError):
    """Raised when canonicalizing took more time or memory than a stranger's document may use."""


class CanonicalizerBusyError(CanonicalizationError):
    """Raised when every canonicalization process stayed busy for as long as we were to wait."""


class KeyFormatError(OpenBadgesError):
    """Raised when a multibase, Multikey, JWK or PEM text does not hold a public key we know."""


class DidError(OpenBadgesError):
    """Raised when a DID is malformed, or an address cannot be written as a `did:web`."""


class ProofError(OpenBadgesError):
    """Raised when a proof does not hold: wrong signature, wrong form, wrong purpose or key."""


class UnsupportedProofError(ProofError):
    """Raised when a proof is of a type or cryptosuite that this library does not implement."""


class HoldersProofError(UnsupportedProofError):
    """Raised for a base proof of selective disclosure: only what is derived from it is shown."""


class PresentationError(OpenBadgesError):
    """Raised when a presentation does not show that the one who made it holds a DID."""


class StatusListError(OpenBadgesError):
    """Raised when a status list is malformed, too short, too large, or the index is outside."""


class BakingError(OpenBadgesError):
    """Raised when an image cannot be baked or unbaked: not PNG or SVG, damaged, or hostile."""


class ResolutionError(OpenBadgesError):
    """Raised by a `Resolver` when an address cannot be fetched.

    `status` is the HTTP status where there was an answer (410 is how Open Badges 2.0 says
    "revoked", with the reason in `body`); `offline` is true where nothing was even tried.
    """

    def __init__(
        self, message: str, *, status: int | None = None, body: bytes = b"", offline: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.offline = offline
