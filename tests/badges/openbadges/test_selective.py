"""ecdsa-sd-2023: what a holder chose to show, every way of tampering, and what is not shown."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc.keys import P256SigningKey
from openvc.proof.ecdsa_sd import EcdsaSdProofSuite

from badges.openbadges import (
    CanonicalizationError,
    HoldersProofError,
    Outcome,
    ProofError,
    Report,
    UnsupportedProofError,
    bake_png,
    bake_svg,
    contexts,
    controller_document,
    encode_multikey,
    public_jwk,
    verify_proof,
)
from badges.openbadges.canonical import in_process
from badges.openbadges.multikey import multibase_decode
from badges.openbadges.proofs import data_integrity, selective
from badges.openbadges.proofs.cbor import CborReader
from tests.badges.openbadges.strategies import UNSHRUNK, credentials
from tests.badges.openbadges.test_verify import (
    AGENCY,
    DID_URL,
    Web,
    check,
    endorsement,
    problems,
    status_list,
    web,
)
from tests.support import nodejs
from tests.support.ob3 import ISSUER, STATUS_LIST, SVG, full_credential, mini_credential, png, sign
from tests.support.selective import (
    BASE,
    CREATED,
    DERIVED,
    ISSUER_KEY,
    METHOD,
    MULTIBASE,
    SECRET,
    Parts,
    about_life,
    controller,
    head,
    multibase,
    raw_signature,
    show,
    string,
    whole,
    with_value,
)

CONTEXTS = {url: contexts.load_context(url) for url in contexts.FILES}
KEY = ISSUER_KEY.public_key()
LIFE = ["/issuer", "/validFrom", "/validUntil", "/credentialStatus"]
NOT_SHOWN = {"status": "not-shown", "time": "end-not-shown"}


def listed(**changes: Any) -> Web:
    """A web on which the issuer publishes its P-256 key."""
    return web(**{DID_URL: controller(), **changes})


def checked(badge: Any, resolver: Web | None = None, **options: Any) -> Report:
    return check(badge, resolver or listed(), **options)


def proven(badge: dict[str, Any]) -> bool:
    """Whether the proof holds, and no word is undefined."""
    try:
        return not verify_proof(badge, badge["proof"], KEY, canonicalizer=in_process())
    except (ProofError, CanonicalizationError):
        return False


@cache
def shown() -> dict[str, Any]:
    return show(whole(), about_life)


def test_a_selection_with_all_that_decides_is_valid_in_every_form() -> None:
    badge = shown()
    for data in (json.dumps(badge), bake_png(png(), badge), bake_svg(SVG, badge)):
        report = checked(data, recipient="ada@example.org")
        assert report.valid, problems(report)
        proof = next(step for step in report.steps if step.step == "proof")
        assert proof.message.code == "proof.holds-in-part"
        assert "chose what to show" in proof.message.text
    revoked = listed(**{STATUS_LIST: status_list((1,))})
    assert problems(checked(badge, revoked)) == {"status": "revocation"}


def test_what_decides_and_is_not_shown_is_never_taken_as_good() -> None:
    """Of the whole badge each of these would be said: for good, without end, somebody else's."""
    badge = whole()
    del badge["credentialStatus"], badge["validUntil"]
    selection = show(badge, about_life)
    assert problems(checked(selection)) == NOT_SHOWN
    assert checked(selection).outcome is Outcome.UNDECIDED
    assert checked(sign(badge)).valid
    report = checked(selection, recipient="grace@example.org")
    assert problems(report) == {**NOT_SHOWN, "recipient": "not-shown"}
    assert problems(checked(selection, recipient="ada@example.org")) == NOT_SHOWN
    del badge["validFrom"]
    found = problems(checked(show(badge, about_life)))
    assert found == {"shape": "not-shown", "status": "not-shown", "time": "begin-not-shown"}
    del badge["issuer"]
    found = problems(checked(show(badge, about_life)))
    assert found["issuer"] == "not-shown"
    assert found["proof"] == "no-issuer"


def test_an_expired_or_revoked_badge_stays_so_whatever_is_left_out() -> None:
    badge = whole(validUntil="2026-05-02T00:00:00Z")
    assert problems(checked(show(badge, about_life))) == {"time": "expired"}
    del badge["validFrom"]
    assert problems(checked(show(badge, about_life)))["time"] == "expired"
    revoked = listed(**{STATUS_LIST: status_list((1,))})
    chosen = show(whole(), lambda line: "#issuer>" in line)
    assert problems(checked(chosen, revoked)) == {"status": "revocation"}


def test_a_status_that_its_holder_chose_to_show_may_not_be_the_only_one() -> None:
    for chosen in ("#credentialStatus>", "statusListIndex>"):
        badge = show(whole(), lambda line, word=chosen: about_life(line) and word not in line)
        assert problems(checked(badge)) == {"status": "not-shown"}
    partly = whole()
    del partly["credentialStatus"]["statusPurpose"]
    found = problems(checked(show(partly, lambda line: "#issuer>" in line)))
    assert found == {"shape": "not-shown", "status": "not-shown"}
    # Where the issuer itself had such an entry always shown, it is the issuer's fault.
    assert problems(checked(show(partly, about_life)))["status"] == "malformed"


def test_a_wrong_shape_is_not_excused_by_what_is_not_shown() -> None:
    badge = whole(awardedDate="yesterday")
    assert problems(checked(show(badge, about_life))) == {"shape": "wrong"}


def test_a_base_proof_is_told_to_be_for_its_holder() -> None:
    base = with_value(shown(), multibase(BASE + Parts.of(shown()).cbor()))
    report = checked(base)
    assert report.outcome is Outcome.UNDECIDED
    assert problems(report) == {"issuer": "for-holder", "proof": "for-holder"}
    # Beside a proof over the whole, it is passed over as any kind is that is not known.
    both = {**sign(whole()), "proof": [base["proof"], sign(whole())["proof"][0]]}
    assert checked(both).valid


def test_a_selection_beside_a_proof_over_the_whole_hides_nothing() -> None:
    document = mini_credential()
    part = show(document, lambda line: True)["proof"]
    signed = sign(document)["proof"][0]
    assert checked({**document, "proof": [part, signed]}).valid
    assert problems(checked({**document, "proof": [part]})) == NOT_SHOWN
    # Nor does a second proof make a whole of it that cannot be checked.
    for unknown in ({**signed, "previousProof": "urn:x"}, {**signed, "cryptosuite": "bbs-2023"}):
        assert problems(checked({**document, "proof": [unknown, part]})) == NOT_SHOWN
    broken = {**signed, "created": "2026-05-01T08:30:01Z"}
    assert problems(checked({**document, "proof": [part, broken]})) == {"proof": "broken"}


def test_an_endorsement_of_which_a_part_is_shown_is_left_undecided() -> None:
    document = mini_credential()
    achievement = document["credentialSubject"]["achievement"]
    said = endorsement(achievement["id"])
    del said["proof"]
    agency = said["issuer"]["id"]
    said = show(said, about_life, method=f"{agency}#{MULTIBASE}")
    achievement["endorsement"] = [said]
    multikeys = controller_document(agency, multikeys=[(MULTIBASE, MULTIBASE)])
    report = check(sign(document), web(**{next(iter(AGENCY)): multikeys}))
    assert report.valid
    assert [found.outcome for found in report.endorsements] == [Outcome.UNDECIDED]
    assert problems(Report(report.endorsements[0].steps)) == NOT_SHOWN


def test_another_curve_or_purpose_is_refused() -> None:
    key = ec.derive_private_key(7_919, ec.SECP384R1())
    badge = shown()
    with pytest.raises(ProofError, match="not of the kind"):
        verify_proof(badge, badge["proof"], key.public_key(), canonicalizer=in_process())
    for purpose, error in (("assertionMethod", ProofError), ("authentication", ProofError)):
        proof = {**badge["proof"], "proofPurpose": "authentication"}
        with pytest.raises(error):
            data_integrity.read_proof(proof, purpose=purpose)
    with pytest.raises(UnsupportedProofError):
        data_integrity.read_proof(badge["proof"], purpose="authentication")
    assert "ecdsa-sd-2023" not in data_integrity.SUITES


# --- tampering ------------------------------------------------------------------------------------

Tamper = Callable[[dict[str, Any], Parts], dict[str, Any]]


def _changed(badge: dict[str, Any], _parts: Parts) -> dict[str, Any]:
    return {**badge, "name": "Everything in practice"}


def _added(badge: dict[str, Any], _parts: Parts) -> dict[str, Any]:
    return {**badge, "description": "More than was said."}


def _removed(badge: dict[str, Any], _parts: Parts) -> dict[str, Any]:
    return {name: value for name, value in badge.items() if name != "validFrom"}


def _option(badge: dict[str, Any], _parts: Parts) -> dict[str, Any]:
    return {**badge, "proof": {**badge["proof"], "created": "2026-05-01T08:30:01Z"}}


def _swapped(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.signatures[0], parts.signatures[1] = parts.signatures[1], parts.signatures[0]
    return parts.within(badge)


def _one_less(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    del parts.signatures[-1]
    return parts.within(badge)


def _renamed(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    number, label = parts.labels[0]
    parts.labels[0] = (number, bytes([label[0] ^ 1]) + label[1:])
    return parts.within(badge)


def _unnamed(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    del parts.labels[0]
    return parts.within(badge)


def _freed(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """A mandatory statement passed off as one that was chosen."""
    del parts.mandatory[0]
    parts.signatures.insert(0, parts.signatures[0])
    return parts.within(badge)


def _own_key(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Statements signed anew, with a key that the issuer never signed."""
    other = ec.derive_private_key(3, ec.SECP256R1())
    parts.public_key = multibase_decode(encode_multikey(other.public_key()))
    parts.signatures = [raw_signature(other, b"any") for _ in parts.signatures]
    return parts.within(badge)


def _own_base(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.base_signature = parts.signatures[0]
    return parts.within(badge)


def _as_base(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(BASE + parts.cbor()))


def _truncated(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + parts.cbor()[:-1]))


def _trailing(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + parts.cbor() + b"\0"))


def _swollen(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Three arrays that claim 2**64 items each."""
    return with_value(badge, multibase(DERIVED + b"\x9b" + b"\xff" * 8 + parts.cbor()))


def _deep(badge: dict[str, Any], _parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + b"\x81" * 100_000))


REFUSED_BY_ALL: dict[str, tuple[Tamper, str]] = {
    "changed statement": (_changed, "does not match"),
    "added statement": (_added, "one signature for each"),
    "removed statement": (_removed, "one signature for each"),
    "changed option": (_option, "does not match"),
    "swapped signatures": (_swapped, "does not match"),
    "one signature less": (_one_less, "one signature for each"),
    "altered label": (_renamed, "does not match"),
    "missing label": (_unnamed, "every node"),
    "freed statement": (_freed, "does not match"),
    "another proof key": (_own_key, "does not match"),
    "another base signature": (_own_base, "does not match"),
    "base instead of derived": (_as_base, "holder alone"),
    "truncated": (_truncated, "breaks off"),
    "trailing byte": (_trailing, "follows the end"),
    "huge array": (_swollen, "more parts"),
    "deeply nested": (_deep, "not made of the parts"),
}


def _outside(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.mandatory.append(100_000)
    return parts.within(badge)


def _twice(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.mandatory.append(parts.mandatory[0])
    return parts.within(badge)


def _merged(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """A node of the issuer's shown as two."""
    parts.labels.append((max(parts.labels)[0] + 1, parts.labels[0][1]))
    return parts.within(badge)


def _repeated(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.labels.append(parts.labels[0])
    return parts.within(badge)


def _tagged(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Byte strings as typed arrays, which the specification forbids."""
    first = string(parts.base_signature)
    return with_value(badge, multibase(DERIVED + parts.cbor().replace(first, b"\xd8\x40" + first)))


def _open(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + b"\x9f" + parts.cbor()[1:] + b"\xff"))


def _long_head(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + b"\x98\x05" + parts.cbor()[1:]))


def _other_size(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.signatures[0] += b"\0"
    return parts.within(badge)


def _other_count(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, multibase(DERIVED + head(4, 4) + parts.cbor()[1:]))


def _other_curve(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.public_key = b"\xed\x01" + parts.public_key[2:]
    return parts.within(badge)


def _no_point(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    parts.public_key = parts.public_key[:2] + b"\x05" + parts.public_key[3:]
    return parts.within(badge)


def _other_base(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    return with_value(badge, "z" + multibase(DERIVED + parts.cbor())[1:])


def _loose_bits(badge: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """A last letter that says the same bytes."""
    data = DERIVED + parts.cbor()
    while len(data) % 3 != 1:
        parts.mandatory.append(200 + len(data))
        data = DERIVED + parts.cbor()
    value = multibase(data)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return with_value(badge, value[:-1] + letters[letters.index(value[-1]) + 1])


REFUSED_HERE: dict[str, tuple[Tamper, str]] = {
    "index out of range": (_outside, "does not make"),
    "index twice": (_twice, "a statement twice"),
    "two nodes of one": (_merged, "a node twice"),
    "label twice": (_repeated, "a node twice"),
    "tagged": (_tagged, "not made of the parts"),
    "length left open": (_open, "leaves the length"),
    "longer head": (_long_head, "longer than it is"),
    "signature of 65 bytes": (_other_size, "its length"),
    "four parts": (_other_count, "not made of the parts"),
    "Ed25519 for the proof's key": (_other_curve, "not a P-256 key"),
    "no point of the curve": (_no_point, "not a P-256 key"),
    "base58": (_other_base, "not base64url"),
    "loose bits": (_loose_bits, "not base64url"),
    "no value": (lambda badge, _parts: with_value(badge, None), "not base64url"),
    "not base64url": (lambda badge, _parts: with_value(badge, "u+/="), "not base64url"),
    "another tag": (
        lambda badge, parts: with_value(badge, multibase(b"\xd9\x5d\x02" + parts.cbor())),
        "for showing a part",
    ),
}


@pytest.mark.parametrize("kind", [*REFUSED_BY_ALL, *REFUSED_HERE])
def test_whatever_is_tampered_with_is_refused_with_its_reason(kind: str) -> None:
    tamper, reason = (REFUSED_BY_ALL | REFUSED_HERE)[kind]
    badge = tamper(copy.deepcopy(shown()), Parts.of(shown()))
    with pytest.raises(ProofError, match=reason):
        verify_proof(badge, badge["proof"], KEY, canonicalizer=in_process())


def test_a_refusal_reaches_the_report() -> None:
    badge = _outside(shown(), Parts.of(shown()))
    report = checked(badge)
    assert problems(report)["proof"] == "broken"
    assert "does not make" in next(s for s in report.steps if s.step == "proof").message.text
    badge = _truncated(shown(), Parts.of(shown()))
    assert problems(checked(badge))["proof"] == "broken"


def test_a_text_that_looks_like_a_node_is_left_as_it_is() -> None:
    achievement = {"name": 'It said "_:c14n0 .\n and _:c14n1 _:x'}
    badge = whole()
    badge["credentialSubject"]["achievement"] |= achievement
    read = Parts.of(show(whole(), about_life))
    nquads = in_process().canonicalize([badge])[0].nquads
    disclosure = selective.parse(read.within(shown())["proof"]["proofValue"])
    found = selective.statements(nquads, disclosure)
    text = next(line for line in (*found.mandatory, *found.chosen) if "It said" in line)
    assert text.startswith("<")
    assert text.endswith('> "It said \\"_:c14n0 .\\n and _:c14n1 _:x" .\n')


@settings(max_examples=80)
@given(data=st.binary(max_size=80), prefix=st.integers(0, 700))
def test_no_bytes_do_more_than_be_refused(data: bytes, prefix: int) -> None:
    sound = Parts.of(shown()).cbor()
    for value in (data, sound[:prefix] + data, sound[:prefix] + data + sound[prefix + len(data) :]):
        if value == sound:
            continue
        badge = with_value(shown(), multibase(DERIVED + value))
        assert not proven(badge)


@given(number=st.integers(0, 2**64 - 1))
def test_numbers_are_read_as_they_are_written(number: int) -> None:
    reader = CborReader(head(0, number))
    assert reader.number() == number
    reader.end()


# Openvc reads its statements back from text, which these break or change.
UNREADABLE = re.compile("\\\\|_:|[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")


def readable(value: Any) -> Any:
    """The value without the characters that openvc does not read back."""
    if isinstance(value, dict):
        return {key: readable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [readable(inner) for inner in value]
    return UNREADABLE.sub("?", value) if isinstance(value, str) else value


@settings(max_examples=6, phases=UNSHRUNK)
@given(credential=credentials(endorsed=False), chosen=st.integers(0, 6))
def test_openvc_accepts_what_is_shown_here(credential: Any, chosen: int) -> None:
    badge = show(readable(credential.to_document()), lambda line: len(line) % 7 >= chosen)
    EcdsaSdProofSuite().verify(
        badge, public_key_jwk=public_jwk(KEY), check_temporal=False, extra_contexts=CONTEXTS
    )
    assert proven(badge)


@pytest.mark.parametrize("document", [whole(), mini_credential()], ids=["whole", "mini"])
def test_we_accept_what_openvc_shows(document: dict[str, Any]) -> None:
    suite = EcdsaSdProofSuite()
    base = suite.add_base_proof(
        document,
        signing_key=P256SigningKey(ISSUER_KEY, METHOD),
        verification_method=METHOD,
        mandatory_pointers=["/issuer", "/validFrom"],
        extra_contexts=CONTEXTS,
    )
    with pytest.raises(HoldersProofError):
        data_integrity.read_proof(base["proof"])
    part = suite.derive_proof(
        base, selective_pointers=["/credentialSubject"], extra_contexts=CONTEXTS
    )
    found = verify_proof(part, part["proof"], KEY, canonicalizer=in_process())
    # It gives blank nodes names in what is shown, which no identifier of a badge may be.
    assert {each.message.code for each in found} == {"safe-mode.relative-id"}


# --- @digitalbazaar/ecdsa-sd-2023-cryptosuite -----------------------------------------------------

SELECTIONS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    (whole(), LIFE, ["/name", "/credentialSubject"]),
    (whole(), LIFE, ["/credentialSubject", "/evidence"]),
    (whole(), [], [*LIFE, "/credentialSubject/achievement"]),
    (whole(), ["/issuer"], ["/credentialSubject/achievement/name"]),
    (whole(), [*LIFE, "/credentialSubject", "/evidence", "/name"], []),
    (full_credential(), ["/issuer", "/validFrom"], ["/credentialSubject/result/0"]),
    (full_credential(), ["/issuer/id"], ["/credentialSubject/achievement/resultDescription/1"]),
    (mini_credential(), ["/issuer", "/validFrom"], ["/credentialSubject"]),
    (
        {**mini_credential(), "name": "Zusammenarbeit – 協力 \U0001f91d \\t"},
        [],
        ["/name", "/issuer", "/credentialSubject"],
    ),
]


def digitalbazaar(
    derive: list[tuple[dict[str, Any], list[str], list[str]]], judge: list[dict[str, Any]]
) -> dict[str, Any]:
    """One process of Node for many documents."""
    names = ("document", "mandatory", "selective")
    request = {
        "secret": SECRET,
        "public": MULTIBASE,
        "controller": ISSUER,
        "created": CREATED,
        "known": CONTEXTS,
        "derive": [dict(zip(names, each, strict=True)) for each in derive],
        "judge": judge,
    }
    answer: dict[str, Any] = nodejs.answer("selective.mjs", request)
    return answer


@cache
def shown_by_digitalbazaar() -> list[dict[str, Any]]:
    """For each selection the issuer's `base` and the holder's `derived` credential."""
    made: list[dict[str, Any]] = digitalbazaar(SELECTIONS, [])["derived"]
    return made


@pytest.mark.node
def test_we_agree_with_digitalbazaar_on_what_was_shown_and_what_was_tampered_with() -> None:
    made = shown_by_digitalbazaar()
    theirs = [each["derived"] for each in made]
    assert [proven(badge) for badge in theirs] == [True] * len(SELECTIONS)
    for each in made:
        with pytest.raises(HoldersProofError):
            data_integrity.read_proof(each["base"]["proof"])
    # Both judge one thing more: what is shown here, and what both have tampered with.
    good = [*theirs, shown(), show(mini_credential(), lambda line: False)]
    tampered = [
        tamper(copy.deepcopy(badge), Parts.of(badge))
        for badge in (theirs[0], shown())
        for tamper, _reason in REFUSED_BY_ALL.values()
    ]
    judged = digitalbazaar([], [*good, *tampered])["judged"]
    assert [found["error"] for found in judged[: len(good)] if not found["verified"]] == []
    assert not any(found["verified"] for found in judged[len(good) :])
    assert not any(map(proven, tampered))


@pytest.mark.node
def test_badges_that_digitalbazaar_shows_are_answered_step_by_step() -> None:
    answers = [problems(checked(each["derived"])) for each in shown_by_digitalbazaar()[:5]]
    assert answers == [
        {},
        {},
        {"status": "not-shown"},
        {"shape": "not-shown", "status": "not-shown", "time": "begin-not-shown"},
        {},
    ]
