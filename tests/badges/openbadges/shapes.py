"""Documents of every shape that ours can have, cheap enough for thousands; and damage to them.

Hypothesis draws a seed, how full the document shall be, and a handful of texts and numbers; plain
code puts them together after the shape tables, each optional member by the toss of a coin. Nothing
here knows of the code under test.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle
from random import Random
from typing import Any

from hypothesis import strategies as st

from badges.openbadges import contexts
from badges.openbadges import shape_tables as tables
from badges.openbadges.model import SCHEMA_URL, TERMS_TYPE, timestamp
from tests.badges.openbadges.strategies import texts
from tests.support.ob3 import ISSUER, NOW, STATUS_LIST

SCHEMA, REFRESH = "1EdTechJsonSchemaValidator2019", "1EdTechCredentialRefresh"
OB2_CLASS = "https://w3id.org/openbadges#BadgeClass"
LEFT_OUT = {"Proof", tables.JWS}
NASTY = (
    "plain",
    '"quoted" \\ and \\u0041 and {braces} <b>&amp;</b>',
    "line\nline\r\n\ttab\x0bvertical\x0cform\x08back",
    "\x00\x01\x1b\x7f\x85\u00a0\u2028\u2029",
    "😀 𝒳 \U0010fffd e\u0301 שלום \u202eabc",
    "_:a _:z _:c14n0 <urn:x> .\n",
    "%s %(x)s {0} ^^<urn:x>",
    "x" * 20_000,
)
ADDRESSES = (
    "https://example.org/a/{}",
    "https://example.org/../b/./{}?q=1&r=%20#f",
    "http://example.org:8080/é/日本/{}",
    "https://example.org?{}",
    "urn:uuid:00000000-0000-4000-8000-{:012d}",
    "did:web:example.org%3A8080:u:{}",
    "did:key:z6Mk{}#z6Mk",
)
NUMBERS = (0, 1, 0.5, 2.0, 1.1, 1e-7, 123456.789, -3, 10**14, 1 / 3)


class Maker:
    """Builds one document out of what was drawn."""

    def __init__(self, seed: int, fullness: float, words: list[str], numbers: list[float]) -> None:
        self._random, self._fullness = Random(seed), fullness
        self._words, self._numbers = cycle(words), cycle(numbers)
        self._moments = count(1)
        self._addresses = count(1)
        self._extended = False

    def credential(self) -> dict[str, Any]:
        """A whole badge."""
        body = self._object("AchievementCredential", 0)
        body["type"] = ["VerifiableCredential", "OpenBadgeCredential"]
        body["issuer"]["id"] = ISSUER
        self._results(body["credentialSubject"])
        return {"@context": self._contexts(), **body}

    def _contexts(self) -> list[str]:
        urls = [contexts.CREDENTIALS_V2, contexts.OPEN_BADGES]
        if self._extended or self._on():
            urls.append(contexts.OPEN_BADGES_EXTENSIONS)
        return urls

    def _endorsement(self, depth: int) -> dict[str, Any]:
        """A whole endorsement; nobody looks at its signature here."""
        outer = self._extended, self._fullness
        # Barer than the badge, or documents would be mostly endorsements.
        self._extended, self._fullness = False, self._fullness / 3
        body = self._object("EndorsementCredential", depth)
        body["type"] = ["VerifiableCredential", "EndorsementCredential"]
        body["issuer"].setdefault("name", "Somebody else")
        proofs = [self._proof() for _ in range(1 + (self._random.random() < 0.1))]
        body["proof"] = proofs if self._on() else proofs[0]
        found = {"@context": self._contexts(), **body}
        self._extended, self._fullness = outer
        return found

    def _proof(self) -> dict[str, Any]:
        return {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-rdfc-2022",
            "created": timestamp(NOW - timedelta(days=next(self._moments))),
            "verificationMethod": self._address(),
            "proofPurpose": "assertionMethod",
            "proofValue": f"z{'9aZ' * self._random.randrange(1, 30)}",
        }

    def _on(self, depth: int = 1) -> bool:
        # Deep down less often, or documents would grow without end.
        return self._random.random() < self._fullness / max(1, depth)

    def _object(self, name: str, depth: int) -> dict[str, Any]:
        shape = tables.CLASSES[name]
        found: dict[str, Any] = {}
        if not shape.untyped:
            types = [sorted(each)[0] for each in shape.types]
            found["type"] = types[0] if shape.single_type else types
        if name == "Related" and self._on():
            found["type"].append(OB2_CLASS)
        for key, member in shape.members.items():
            if member.kind in LEFT_OUT or key == "result":
                continue
            if member.kind == "EndorsementCredential" and self._random.random() < 0.85:
                continue
            wanted = member.required or (name == "AchievementSubject" and key == "id")
            if wanted or self._on(depth):
                found[key] = self._member(member, depth)
        if name == "Criteria" and not found:
            found["narrative"] = next(self._words)
        if name == "Evidence" and self._on():
            found["digestMultibase"] = f"uEiA{next(self._words)}"
        if "requiredLevel" in found:
            levels = found.get("rubricCriterionLevel")
            if levels:
                found["requiredLevel"] = levels[-1]["id"]
            else:
                del found["requiredLevel"]
        return found

    def _member(self, member: tables.Member, depth: int) -> Any:
        if not member.many and not (member.compactable and self._on()):
            return self._value(member.kind, depth)
        return [self._value(member.kind, depth) for _ in range(1 + self._on() + self._on())]

    def _value(self, kind: str, depth: int) -> Any:
        if kind == "CredentialStatus":
            return {
                "id": f"{STATUS_LIST}#7", "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation", "statusListIndex": "7",
                "statusListCredential": STATUS_LIST,
            }  # fmt: skip
        if kind in ("CredentialSchema", "RefreshService"):
            self._extended = True
            schema = kind == "CredentialSchema"
            return {
                "id": SCHEMA_URL if schema else self._address(),
                "type": SCHEMA if schema else REFRESH,
            }
        if kind == "TermsOfUse":
            return {"id": self._address(), "type": TERMS_TYPE}
        if kind == "EndorsementCredential":
            return self._endorsement(depth + 1)
        if kind in tables.CLASSES or kind == "ProfileRef":
            return self._object("Profile" if kind == "ProfileRef" else kind, depth + 1)
        if kind.startswith("enum:"):
            if kind.removeprefix("enum:") not in tables.CLOSED and self._on():
                return "ext:Of_Ours"
            return sorted(tables.ENUMERATIONS[kind.removeprefix("enum:")])[0]
        made: dict[str, Callable[[], Any]] = {
            tables.TEXT: lambda: next(self._words),
            tables.URI: self._address,
            tables.MOMENT: lambda: timestamp(NOW - timedelta(days=next(self._moments))),
            tables.DATE: lambda: "1999-12-31",
            tables.NUMBER: lambda: next(self._numbers),
            tables.BOOLEAN: self._on,
            tables.LANGUAGE: lambda: "en-US",
        }
        return made[kind]()

    def _address(self) -> str:
        number = next(self._addresses)
        # Some stand twice, so that two objects are one node of the graph.
        number -= self._on()
        return ADDRESSES[number % len(ADDRESSES) if self._on() else 0].format(number)

    def _results(self, subject: dict[str, Any]) -> None:
        """R14: results name the achievement's own descriptions and levels."""
        found = []
        for described in subject["achievement"].get("resultDescription", ()):
            for _ in range(self._on() + self._on()):
                result = self._object("Result", 3)
                result.pop("achievedLevel", None)
                result["resultDescription"] = described["id"]
                if levels := described.get("rubricCriterionLevel"):
                    result["achievedLevel"] = levels[0]["id"]
                if described["resultType"] == "Status":
                    result["status"] = "Completed"
                found.append(result)
        if found:
            subject["result"] = found


documents = st.builds(
    lambda *drawn: Maker(*drawn).credential(),
    st.integers(0, 2**32),
    st.sampled_from([0.0, 0.1, 0.25, 0.4, 0.55, 0.7]),
    st.lists(texts | st.sampled_from(NASTY), min_size=1, max_size=6),
    st.lists(st.sampled_from(NUMBERS) | st.floats(1e-9, 1e12), min_size=1, max_size=2),
)

OTHER: tuple[Any, ...] = (
    None, True, 0, -0.0, 2**53 + 1, 1e300, float("nan"), "", "x", "a b", " https://example.org/",
    "https://example.org/a b", "https://example.org/%zz", "//example.org/x", "_:b0", "#x", "../x",
    "HTTPS://EXAMPLE.ORG/x", "https://example.org/#a#b", "https://[::1]/", "https://example.org:x/",
    "xsd:string", "urn:x", "did:", "mailto:a@example.org", "name:x", "@id", "@type", "@none",
    "https://example.org/\ud800", "\udfff", "\ufffe", "https://example.org/\u202e", "ext:Ours",
    "2026-05-01", "2026-05-01T08:30:00.123Z", "2026-05-01 08:30:00+02:00", "2026-13-01T00:00:00Z",
    [], ["x"], [[]], [None], {}, {"id": "urn:uuid:1"}, {"@value": "x", "@language": "en"},
    {"@id": "https://example.org/"}, {"type": "Image", "id": "https://example.org/i"}, {"a": {}},
    ("x",), b"x",
)  # fmt: skip
NAMES = (
    "id", "type", "@id", "@type", "@context", "@language", "@graph", "name", "description", "image",
    "colour", "https://schema.org/name", "schema:name", "issuer", "credentialSubject", "proof",
    "validFrom", "validUntil", "credentialStatus", "endorsement", "endorsementJwt", "termsOfUse",
    "alignment", "result", "tag", "value", "narrative", "url", "evidence", "achievement", "profile",
    "digestMultibase", "mediaType", "inLanguage", "awardedDate", "jti", "exp", "...",
    "relatedResource", "proofValue", "created", "cryptosuite",
    "dateOfBirth", "allowedValue", "hashed", "creditsEarned", "statusListIndex", "", 7,
    None,
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with every key or index of it."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A document in which one or two things are changed, exchanged, removed, added or repeated."""
    document: dict[str, Any] = copy.deepcopy(draw(documents))
    random = Random(draw(st.integers(0, 2**32)))
    for _ in range(random.choice([1, 1, 2])):
        found = list(places(document))
        container, key = random.choice(found)
        deed = random.choice(["change", "exchange", "exchange", "remove", "add", "repeat", "wrap"])
        other = copy.deepcopy(random.choice(OTHER))
        if deed == "exchange":
            value = container[key]
            alike = [at for at in found if type(at[0][at[1]]) is type(value)]
            container[key] = copy.deepcopy(random.choice([there[at] for there, at in alike]))
        elif deed == "remove":
            del container[key]
        elif deed == "wrap":
            container[key] = [container[key]]
        elif deed == "repeat" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        elif deed == "add" and isinstance(container, dict):
            container[random.choice(NAMES)] = other
        else:
            container[key] = other
    return document
