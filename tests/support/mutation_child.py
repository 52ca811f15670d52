"""`python -m tests.support.mutation_child KIND FIRST COUNT`: verifies mutated badges.

A process of its own, so that a hang or a bomb ends it and not the test run: each case has one
second of CPU time (SIGPROF ends the process, C code included), the whole process 2 GB of memory.
Writes one line per case: its number before it begins, then what came of it.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from functools import cache
from random import Random
from typing import Any

import jwt

from badges.openbadges import (
    CanonicalizationError,
    ResolutionError,
    StatusList,
    bake_png,
    bake_svg,
    bakeable_json,
    public_jwk,
    status_list_document,
    verify,
)
from badges.openbadges.canonical import in_process
from badges.openbadges.documents import as_list
from badges.openbadges.proofs import vc_jwt
from tests.support import mutators, selective
from tests.support.ob3 import (
    ISSUER,
    NOW,
    STATUS_LIST,
    SVG,
    VALID_FROM,
    TestSigner,
    full_credential,
    png,
    sign,
)

SEED = 20260504
CPU_SECONDS = 1.0
MEMORY = 2 << 30
DID = "https://badges.example.org/issuers/northside/did.json"
KID = "https://badges.example.org/keys/1"


class Web:
    """The issuer's documents, and a record of what was asked for."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        self.documents = documents
        self.asked: set[str] = set()

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        self.asked.add(url)
        if url not in self.documents:
            raise ResolutionError(f"{url} does not answer.", status=404)
        return self.documents[url], "application/json"


@cache
def badges() -> tuple[dict[str, Any], str]:
    """A badge in both forms, by keys that are the same in every run."""
    signer = TestSigner()
    document = sign(full_credential(), signer)
    payload = vc_jwt.claims(full_credential())
    return document, jwt.encode(payload, signer.private, algorithm="EdDSA", headers={"kid": KID})


@cache
def selection() -> dict[str, Any]:
    """A badge of which its holder shows a part, with all that decides whether it counts."""
    badge = selective.show(selective.whole(), selective.about_life)
    return {**badge, "proof": [badge["proof"]]}


@cache
def status_list(*revoked: int) -> bytes:
    bits = StatusList()
    bits.set_all(revoked)
    made = status_list_document(bits, url=STATUS_LIST, issuer=ISSUER, valid_from=VALID_FROM)
    return json.dumps(sign(made)).encode()


def web(listed: bytes) -> Web:
    signer = TestSigner()
    controller = selective.controller()
    key = public_jwk(signer.private.public_key())
    method = {"id": f"{ISSUER}#key", "type": "JsonWebKey", "controller": ISSUER}
    controller["verificationMethod"].append({**method, "publicKeyJwk": key})
    controller["assertionMethod"].append(method["id"])
    return Web(
        {
            DID: json.dumps(controller).encode(),
            KID: json.dumps(key).encode(),
            STATUS_LIST: listed,
        }
    )


def case(kind: str, number: int) -> tuple[bytes, bytes]:
    """The badge to verify and the status list to find, for one case."""
    rng = Random(f"{SEED} {kind} {number}")
    document, token = badges()
    good = status_list()
    if kind == "json":
        return mutators.mutate_json(json.dumps(document), rng), good
    if kind == "jwt":
        return mutators.mutate_token(token, rng), good
    if kind == "selective":
        return mutators.mutate_selective(json.dumps(selection()), rng), good
    if kind == "png":
        return mutators.mutate_png(bake_png(png(), rng.choice((document, token))), rng), good
    if kind == "svg":
        ready = rng.choice((bakeable_json(document), token))
        return mutators.mutate_svg(bake_svg(SVG, ready), rng), good
    # A revoked badge, whose list somebody tampers with.
    return json.dumps(document).encode(), mutators.mutate_list(status_list(1).decode(), rng)


def judge(kind: str, number: int) -> dict[str, Any]:
    """Verify one case; `fault` says what must not be."""
    data, listed = case(kind, number)
    resolver = web(listed)
    report = verify(data, resolver=resolver, now=NOW)
    json.dumps(report.to_dict())
    fault = ""
    if report.valid and kind == "list":
        fault = "a revoked badge is valid"
    elif report.valid and not same(dict(report.credential or {})):
        fault = "a changed badge is valid"
    elif any(word in str(step.message.params) for step in report.steps for word in PARSERS):
        fault = f"a parser's words: {[step.message.text for step in report.steps]}"
    elif any("remote.example.org" in url for url in resolver.asked):
        fault = f"a reference of the picture was fetched: {resolver.asked}"
    return {"number": number, "outcome": report.outcome.value, "fault": fault}


PARSERS = (
    "Expecting",
    "Traceback",
    "line 1 column",
    "codec can't",
    "object at 0x",
    "invalid token",
)


def same(found: dict[str, Any]) -> bool:
    """Whether a valid badge says what the original says, proof included."""
    for original in badges()[0], full_credential(), selection():
        if found == original:
            return True
        if "proof" in found and _proofs(found) == _proofs(original):
            bare = [
                {name: value for name, value in document.items() if name != "proof"}
                for document in (found, original)
            ]
            try:
                one, other = in_process().canonicalize(bare)
            except CanonicalizationError:
                return False
            return one.nquads == other.nquads and not one.problems
    return False


def _proofs(document: dict[str, Any]) -> list[Any]:
    """The proofs without a context of their own, which RDF suites take from the document."""
    return [
        {name: value for name, value in proof.items() if name != "@context"}
        for proof in as_list(document.get("proof"))
        if isinstance(proof, dict)
    ]


def main() -> None:
    kind, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    judge(kind, -1)  # imports and the warm child are not any case's
    for number in range(first, first + count):
        sys.stdout.write(f"{number} begins\n")
        sys.stdout.flush()
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        found = judge(kind, number)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
