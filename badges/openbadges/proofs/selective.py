"""ecdsa-sd-2023: a proof under which a holder shows a part of what an issuer signed.

vc-di-ecdsa 1.0, sections 3.4 (selective disclosure functions), 3.5 and 3.6. The issuer signs the
statements that must always be shown all together, and each other statement by itself with a key
made for this one proof, which it signs as well. What a holder left out leaves no trace: where
something is absent, nobody can tell whether it was ever there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from badges.openbadges.errors import HoldersProofError, KeyFormatError, ProofError
from badges.openbadges.messages import N_
from badges.openbadges.multikey import base64url_encode, multibase_decode, multikey_of
from badges.openbadges.proofs.cbor import CborReader
from badges.openbadges.proofs.signatures import check_raw

ECDSA_SD_2023: Final = "ecdsa-sd-2023"
# A badge with a hundred alignments and a hundred pieces of evidence makes some 1,500 statements.
MAX_STATEMENTS: Final = 2_000
_BASE, _DERIVED = b"\xd9\x5d\x00", b"\xd9\x5d\x01"
_STATUS = "<https://www.w3.org/2018/credentials#credentialStatus>"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The value of a derived proof, taken apart (section 3.5.7).

    Attributes:
        base_signature: the issuer's own.
        public_key: the key made for this proof, as Multikey bytes, which the issuer signed.
        key: the same key.
        signatures: one for each statement that might have been left out.
        labels: what blank nodes were called when they were signed, by their canonical names.
        mandatory: the places of the statements that might not be left out.
    """

    base_signature: bytes
    public_key: bytes
    key: ec.EllipticCurvePublicKey
    signatures: tuple[bytes, ...]
    labels: Mapping[str, str]
    mandatory: frozenset[int]


def parse(value: object) -> Disclosure:
    """Take the `proofValue` of a derived proof apart; bounded, whatever it holds.

    Raises:
        HoldersProofError: a base proof, which is for its holder alone.
        ProofError: of another form than a derived proof has.
    """
    data = _decoded(value)
    if data.startswith(_BASE):
        raise HoldersProofError(
            N_("This proof is the one that an issuer gives to the holder alone.")
        )
    if not data.startswith(_DERIVED):
        raise ProofError(N_("The proof's value is not that of a proof for showing a part."))
    reader = CborReader(data[len(_DERIVED) :])
    if reader.items(5) != 5:
        raise ProofError(N_("The proof's value is not made of the parts that it must have."))
    base_signature, public_key = reader.byte_string(64), reader.byte_string(35)
    signatures = tuple(reader.byte_string(64) for _ in range(reader.items(MAX_STATEMENTS)))
    labels = _labels(reader)
    indexes = [reader.number() for _ in range(reader.items(MAX_STATEMENTS))]
    reader.end()
    mandatory = frozenset(indexes)
    if len(mandatory) != len(indexes):
        raise ProofError(N_("The proof names a statement twice."))
    return Disclosure(
        base_signature, public_key, _proof_key(public_key), signatures, labels, mandatory
    )


def _decoded(value: object) -> bytes:
    """The bytes of multibase base64url, of which each has one writing only."""
    try:
        data = multibase_decode(value)
    except KeyFormatError:
        data = b""
    if value != "u" + base64url_encode(data):
        raise ProofError(N_("The proof's value is not base64url."))
    return data


def _labels(reader: CborReader) -> dict[str, str]:
    """The label map. Two nodes under one name would let a part be shown twice: refused."""
    count = reader.pairs(MAX_STATEMENTS)
    labels = {
        f"c14n{reader.number()}": "u" + base64url_encode(reader.byte_string(32))
        for _ in range(count)
    }
    if len(labels) != count or len(set(labels.values())) != count:
        raise ProofError(N_("The proof names a node twice."))
    return labels


def _proof_key(data: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = multikey_of(data)
    except KeyFormatError as error:
        raise ProofError(N_("The proof's own key is not a P-256 key.")) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ProofError(N_("The proof's own key is not a P-256 key."))
    return key


@dataclass(frozen=True, slots=True)
class Shown:
    """The statements of a document as they were signed: N-Quads lines in code point order.

    Attributes:
        mandatory: those that the issuer made mandatory.
        chosen: those that the holder chose to show, each with a signature of its own.
        disclosure: the proof's value.
    """

    mandatory: tuple[str, ...]
    chosen: tuple[str, ...]
    disclosure: Disclosure

    def signed_with(self, proof_hash: bytes) -> bytes:
        """What the issuer's key signed (section 3.5.1), by the SHA-256 of the proof's options."""
        mandatory_hash = hashlib.sha256("".join(self.mandatory).encode()).digest()
        return proof_hash + self.disclosure.public_key + mandatory_hash

    def check_chosen(self) -> None:
        """Check the signature of each statement that was chosen; raises ProofError."""
        for line, signature in zip(self.chosen, self.disclosure.signatures, strict=True):
            check_raw(self.disclosure.key, signature, line.encode())

    def status_is_mandatory(self, credential_id: object) -> bool:
        """Whether all that is said of the credential's status had to be shown.

        Where it had not, there may be another entry, by which the credential is revoked.
        """
        begin = f"<{credential_id}> {_STATUS} "
        entries = {
            line.removeprefix(begin).split(" ", 1)[0]
            for line in (*self.mandatory, *self.chosen)
            if line.startswith(begin)
        }
        return bool(entries) and not any(
            line.startswith(begin) or line.split(" ", 1)[0] in entries for line in self.chosen
        )


def statements(nquads: str, disclosure: Disclosure) -> Shown:
    """Bring a document's canonical N-Quads into the form that was signed (section 3.5.8).

    Args:
        nquads: the canonical form of the document without its proof.
        disclosure: the value of its proof.

    Raises:
        ProofError: blank nodes, indexes or signatures do not fit the document.
    """
    lines = sorted(_relabelled(line, disclosure.labels) for line in nquads.split("\n")[:-1])
    if any(index >= len(lines) for index in disclosure.mandatory):
        raise ProofError(N_("The proof names a statement that the document does not make."))
    if len(lines) - len(disclosure.mandatory) != len(disclosure.signatures):
        raise ProofError(N_("The proof does not have one signature for each statement."))
    mandatory = tuple(lines[index] for index in sorted(disclosure.mandatory))
    chosen = tuple(line for index, line in enumerate(lines) if index not in disclosure.mandatory)
    return Shown(mandatory, chosen, disclosure)


def _relabelled(line: str, labels: Mapping[str, str]) -> str:
    """One line, its ending put back, with the signed names of its blank nodes.

    A text may hold what looks like a blank node, so each term is found by its place: only a
    literal holds a quotation mark, and the last one ends its text.
    """
    subject, predicate, rest = line.removesuffix(" .").split(" ", 2)
    text, mark, behind = rest.rpartition('"')
    terms = (_signed_name(term, labels) for term in behind.split(" "))
    return f"{_signed_name(subject, labels)} {predicate} {text}{mark}{' '.join(terms)} .\n"


def _signed_name(term: str, labels: Mapping[str, str]) -> str:
    if not term.startswith("_:"):
        return term
    try:
        return f"_:{labels[term.removeprefix('_:')]}"
    except KeyError:
        raise ProofError(N_("The proof does not name every node of the document.")) from None
