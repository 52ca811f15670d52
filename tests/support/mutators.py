"""Seeded damage to badges: PNG, SVG, JSON, tokens, selective proofs and status lists.

Every mutator takes the bytes or text and a `random.Random`; the same seed gives the same result.
"""

from __future__ import annotations

import base64
import copy
import gzip
import hashlib
import hmac
import json
import struct
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from badges.openbadges import public_jwk
from badges.openbadges.documents import as_list
from tests.support.ob3 import png_chunk

MEGABYTE = b"\0" * (1 << 20)
ZEROS = zlib.compress(MEGABYTE * 64, 9)  # 64 KB that unpack to 64 MB
KEYWORD = b"openbadgecredential"
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**40, "", "x", "urn:x", "https://evil.example.org/x",
    "_:b0", "\u202e", "\x00", "a" * 5000, [], {}, [[]], [None], {"id": "urn:x"}, {"@id": "x"},
    {"@type": "@json"}, {"@context": {}}, ["x"] * 50,
)  # fmt: skip
NAMES = (
    "@context", "@id", "@graph", "@included", "@reverse", "id", "type", "proof", "issuer",
    "credentialStatus", "validUntil", "validFrom", "credentialSubject", "__proto__", "evidence",
    "refreshService", "termsOfUse", "https://www.w3.org/2018/credentials#credentialStatus", "",
)  # fmt: skip


def damaged(data: bytes, rng: Random) -> bytes:
    """Bytes with a few of them changed, lost, doubled or moved."""
    kind = rng.randrange(8)
    at = rng.randrange(len(data) + 1)
    size = rng.choice((1, 2, 7, 64, 1000))
    if kind == 0:
        changed = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 9))):
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[at + size :]
    if kind == 3:
        return data[:at] + data[at : at + size] * 2 + data[at + size :]
    if kind == 4:
        return data[:at] + rng.randbytes(size) + data[at:]
    if kind == 5:
        other = rng.randrange(len(data) + 1)
        return data[:at] + data[other : other + size] + data[at + size :]
    if kind == 6:
        return data + rng.choice((b"\0", b" ", b"\n{}", data[: size * 4]))
    return data[at:]


# --- JSON ---------------------------------------------------------------------------------------


def mutate_json(text: str, rng: Random) -> bytes:
    """A JSON text changed in its values, in its letters, or made hostile."""
    kind = rng.randrange(10)
    if kind < 5:
        return json.dumps(changed_document(json.loads(text), rng)).encode()
    if kind < 7:
        return damaged(text.encode(), rng)
    return _hostile_json(text, rng)


def changed_document(document: dict[str, Any], rng: Random) -> dict[str, Any]:
    """A copy of a document with one to three places changed."""
    changed = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _change(changed, rng)
    return changed


def _change(root: Any, rng: Random) -> None:
    value = root
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            break
        key = rng.choice(keys)
        inner = value[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.85:
            value = inner
            continue
        _change_member(value, key, rng)
        return
    if isinstance(value, dict):
        value[rng.choice(NAMES)] = copy.deepcopy(rng.choice(JUNK))


def _change_member(value: Any, key: Any, rng: Random) -> None:
    kind = rng.randrange(7)
    inner = value[key]
    if kind == 0:
        del value[key]
    elif kind == 1 and isinstance(value, dict):
        value[rng.choice((*NAMES, f"{key} ", str(key).upper()))] = value.pop(key)
    elif kind == 2 and isinstance(value, dict):
        value[rng.choice(NAMES)] = copy.deepcopy(rng.choice(JUNK))
    elif kind == 3 and isinstance(value, list):
        value.insert(0, copy.deepcopy(inner))
    elif kind == 4 and isinstance(inner, str) and inner:
        at = rng.randrange(len(inner))
        value[key] = inner[:at] + rng.choice("aZ0 é\u0301/:#") + inner[at + 1 :]
    elif kind == 5:
        value[key] = [inner]
    else:
        value[key] = copy.deepcopy(rng.choice(JUNK))


def _hostile_json(text: str, rng: Random) -> bytes:
    depth = rng.choice((30, 60, 1000, 100_000))
    opening = text[:1]
    assert opening == "{"
    made: tuple[Callable[[], str], ...] = (
        lambda: '{"evidence":' + "[" * depth + "]" * depth + "," + text[1:],
        lambda: '{"a":' * depth + "1" + "}" * depth,
        lambda: "[" * depth,
        lambda: '{"validUntil":"2999-01-01T00:00:00Z","validUntil":1,' + text[1:],
        lambda: '{"issuer":"did:web:evil.example.org",' + text[1:],
        lambda: '{"x":' + "9" * rng.choice((50, 5000, 500_000)) + "," + text[1:],
        lambda: '{"x":1e999,' + text[1:],
        lambda: '{"x":NaN,' + text[1:],
        lambda: '{"x":"\\ud800",' + text[1:],
        lambda: '{"x":"' + "y" * 1_200_000 + '",' + text[1:],
        lambda: text.replace("https://www.w3.org/ns/credentials/v2", "https://evil.example.org/c"),
        lambda: json.dumps({**json.loads(text), "proof": json.loads(text)["proof"] * 40}),
        lambda: json.dumps({**json.loads(text), "evidence": _clique(rng.choice((5, 9, 12)))}),
        lambda: json.dumps(_many_members(json.loads(text))),
        lambda: "\ufeff" + text,
        lambda: text.replace("eddsa-rdfc-2022", rng.choice(("eddsa-jcs-2022", "ecdsa-rdfc-2019"))),
        lambda: text.replace("assertionMethod", "authentication"),
    )
    return rng.choice(made)().encode("utf-8", "surrogatepass")


def _clique(size: int) -> list[dict[str, Any]]:
    """Blank nodes that all name each other, which canonicalization takes long over."""
    return [
        {
            "id": f"_:n{one}",
            "type": ["Evidence"],
            "related": [{"id": f"_:n{two}"} for two in range(size) if two != one],
        }
        for one in range(size)
    ]


def _many_members(document: dict[str, Any]) -> dict[str, Any]:
    subject = document["credentialSubject"]
    subject.setdefault("achievement", {})["tag"] = [f"tag {number}" for number in range(20_000)]
    return document


# --- PNG ----------------------------------------------------------------------------------------


def mutate_png(image: bytes, rng: Random) -> bytes:
    """A baked PNG with damaged bytes, chunks put in disorder, or bombs inside."""
    if rng.random() < 0.3:
        return damaged(image, rng)
    chunks = _chunks(image)
    place = next(number for number, (_kind, body) in enumerate(chunks) if body.startswith(KEYWORD))
    text = chunks[place][1].split(b"\0\0\0\0\0", 1)[1].decode()
    operations: tuple[Callable[[], Any], ...] = (
        lambda: chunks.pop(rng.randrange(len(chunks))),
        lambda: chunks.insert(rng.randrange(len(chunks) + 1), rng.choice(chunks)),
        lambda: rng.shuffle(chunks),
        lambda: _replace(chunks, place, rng, text),
        lambda: _replace(chunks, place, rng, text),
        lambda: chunks.insert(1, _bomb(rng)),
        lambda: chunks.append((b"iTXt", chunks[place][1])),
        lambda: chunks.insert(
            1, (b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0))
        ),
        lambda: chunks.__setitem__(slice(1, 1), [(b"tIME", b"")] * rng.choice((10, 3000))),
        lambda: chunks.__setitem__(
            place, (rng.choice((b"tEXt", b"zTXt", b"eXIf")), chunks[place][1])
        ),
    )
    rng.choice(operations)()
    data = image[:8] + b"".join(png_chunk(kind, body) for kind, body in chunks)
    if rng.random() < 0.15:
        at = rng.randrange(8, max(9, len(data) - 4))
        huge = struct.pack(">I", rng.choice((2**31 - 1, 2**32 - 1, 2**24, len(data))))
        return data[:at] + huge + data[at + 4 :]
    return data


def _chunks(image: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(image):
        length, kind = struct.unpack_from(">I4s", image, at)
        found.append((kind, image[at + 8 : at + 8 + length]))
        at += length + 12
    return found


def _replace(chunks: list[tuple[bytes, bytes]], place: int, rng: Random, text: str) -> None:
    """The credential's chunk with another text, another head, or compressed."""
    kind = rng.randrange(4)
    inner = mutate_json(text, rng) if text.startswith("{") else mutate_token(text, rng)
    if kind == 0:
        head = KEYWORD + b"\0\1\0\0\0"
        body = head + rng.choice((zlib.compress(text.encode()), ZEROS, b""))
    elif kind == 1:
        body = damaged(chunks[place][1], rng)
    else:
        body = KEYWORD + b"\0\0\0" + rng.choice((b"\0\0", b"en\0x\0", b"\0", b"")) + inner
    chunks[place] = (b"iTXt", body)


def _bomb(rng: Random) -> tuple[bytes, bytes]:
    keyword = rng.choice((b"openbadges", KEYWORD, b"Comment", b"A" * 3000))
    return rng.choice(
        (
            (b"zTXt", keyword + b"\0\0" + ZEROS),
            (b"iTXt", keyword + b"\0\1\0\0\0" + ZEROS),
            (b"iCCP", keyword[:79] + b"\0\0" + ZEROS),
            (b"IDAT", ZEROS),
            (b"iTXt", keyword + b"\0\0\0\0\0" + MEGABYTE[:200_000]),
        )
    )


# --- SVG ----------------------------------------------------------------------------------------

_LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 10)
)
_PROLOGUES = (
    b'<!DOCTYPE svg [<!ENTITY l0 "ha">' + _LAUGHS + b"]>",
    b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    b'<!DOCTYPE svg [<!ENTITY % p SYSTEM "https://remote.example.org/p">%p;]>',
    b'<!DOCTYPE svg SYSTEM "https://remote.example.org/svg.dtd">',
    b'<!DOCTYPE svg [<!ENTITY a "' + b"a" * 50_000 + b'">]>',
    b'<?xml-stylesheet href="https://remote.example.org/x.css"?>',
    b'<?xml version="1.0" encoding="UTF-16"?>',
    b'<?xml version="1.0" encoding="UTF-7"?>',
    b"\xff\xfe",
    b"<!--" + b"-" * 10_000,
)
_INSERTS = (
    b'<image href="https://remote.example.org/x.png" xmlns:xlink="http://www.w3.org/1999/xlink"'
    b' xlink:href="https://remote.example.org/y.png"/>',
    b'<use href="https://remote.example.org/z.svg#a"/><script href="https://remote.example.org/s.js"/>',
    b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>',
    b"<text>&l9;</text>",
    b"<text>&x;</text>",
    b"<g>" * 150 + b"</g>" * 150,
    b"<g>" * 5000 + b"</g>" * 5000,
    b"<style>@import url(https://remote.example.org/x.css)</style>",
    b"<g " + b" ".join(b'a%d="x"' % number for number in range(3000)) + b"/>",
    b'<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0">{}'
    b"</openbadges:credential>",
    b'<o:credential xmlns:o="https://purl.imsglobal.org/ob/v3p0" verify="eyJ9.e.e"/>',
    b'<o:assertion xmlns:o="http://openbadges.org" verify="https://evil.example.org/1"/>',
)


def mutate_svg(image: bytes, rng: Random) -> bytes:
    """A baked SVG with damaged bytes, entities, remote references, or a second badge."""
    kind = rng.randrange(10)
    begin = image.index(b"<openbadges:credential")
    end = image.index(b"</openbadges:credential>") + len(b"</openbadges:credential>")
    if kind < 3:
        return damaged(image, rng)
    if kind == 3:
        return rng.choice(_PROLOGUES) + image[image.index(b"<!--") :]
    if kind == 4:
        return image[:begin] + rng.choice(_INSERTS) + image[begin:]
    if kind == 5:
        return image[:end] + rng.choice(_INSERTS) + image[end:]
    if kind == 6:
        return image[:begin] + image[begin:end] * rng.choice((2, 500)) + image[end:]
    if kind == 7:
        return rng.choice(_PROLOGUES) + image[image.index(b"<!--") : end] + rng.choice(
            _INSERTS
        ) + image[end:]  # fmt: skip
    element = image[begin:end]
    if b"<![CDATA[" in element:
        text = element.split(b"<![CDATA[", 1)[1].split(b"]]>", 1)[0].decode()
        inner = b"<![CDATA[" + mutate_json(text, rng) + b"]]>"
        head = element.split(b"<![CDATA[", 1)[0]
        return image[:begin] + head + inner + b"</openbadges:credential>" + image[end:]
    token = element.split(b'verify="', 1)[1].split(b'"', 1)[0].decode()
    return image[:begin] + element.replace(token.encode(), mutate_token(token, rng)) + image[end:]


# --- tokens -------------------------------------------------------------------------------------

ATTACKER = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


def mutate_token(token: str, rng: Random) -> bytes:
    """A token with another header, payload, signature or form."""
    if rng.random() < 0.2:
        return damaged(token.encode(), rng)
    parts = token.split(".")
    header, payload = (json.loads(_plain(part)) for part in parts[:2])
    kind = rng.randrange(6)
    if kind < 2:
        return _other_header(header, payload, parts, rng)
    if kind == 2:
        changed = changed_document(payload, rng)
        return f"{parts[0]}.{_packed(changed)}.{parts[2]}".encode()
    if kind == 3:
        return _other_form(parts, rng)
    # An attacker's own signature over whatever they like, under the issuer's or their own name.
    changed = changed_document(payload, rng) if rng.random() < 0.5 else payload
    own = {**header, "alg": "EdDSA"}
    if rng.random() < 0.6:
        own.pop("kid", None)
        own["jwk"] = public_jwk(ATTACKER.public_key())
    signed = f"{_packed(own)}.{_packed(changed)}"
    return f"{signed}.{_base64(ATTACKER.sign(signed.encode()))}".encode()


def _other_header(
    header: dict[str, Any], payload: dict[str, Any], parts: list[str], rng: Random
) -> bytes:
    changes: tuple[dict[str, Any], ...] = (
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "ES256"},
        {"alg": "PS256"}, {"alg": None}, {"alg": ["EdDSA"]}, {"crit": ["exp"]}, {"b64": False},
        {"zip": "DEF"}, {"kid": None}, {"kid": "#key"}, {"kid": "file:///etc/passwd"},
        {"kid": "https://evil.example.org/k"}, {"kid": "did:web:evil.example.org#k"},
        {"kid": "../../x"}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {"x5u": "https://evil.example.org"},
        {"jku": "https://evil.example.org"}, {"typ": "at+jwt"}, {"kid": "k" * 100_000},
    )  # fmt: skip
    changed = {**header, **rng.choice(changes)}
    signed = f"{_packed(changed)}.{parts[1]}"
    signature = rng.choice((parts[2], ""))
    if changed["alg"] == "HS256":
        # The confusion of a public key with a shared secret.
        public = json.dumps(public_jwk(ATTACKER.public_key())).encode()
        signature = _base64(hmac.new(public, signed.encode(), hashlib.sha256).digest())
    return f"{signed}.{signature}".encode()


def _other_form(parts: list[str], rng: Random) -> bytes:
    head, body, signature = parts
    forms = (
        f"{head}.{body}", f"{head}.{body}.{signature}.", f"{head}..{signature}",
        f"{head}.{body}.", f".{body}.{signature}", f" {head}.{body}.{signature}\n",
        f"{head}.{body}.{signature}=", f"{head}.{body}.{signature[:-4]}",
        f"{head}.{body}.{signature}{signature}", f"{head}.{body}\n.{signature}",
        f"{head}.{body}.{signature}".replace("-", "+").replace("_", "/"),
        f"{head}.{body}.{signature[:-1]}{'BCDE'[rng.randrange(4)]}",
        f"{head}.{head}.{head}", f"eyJ{'A' * 3_000_000}.{body}.{signature}",
        json.dumps({"payload": body, "protected": head, "signature": signature}),
        ".".join([head] * 1000),
    )  # fmt: skip
    return rng.choice(forms).encode()


# --- proofs of selective disclosure ---------------------------------------------------------------

_HEADS = (
    b"\x9f", b"\xbf", b"\x5f", b"\xff", b"\x9b" + b"\xff" * 8, b"\xbb" + b"\xff" * 8,
    b"\x5b" + b"\xff" * 8, b"\x9a\x00\x0f\xff\xff", b"\x81" * 50_000, b"\xa1" * 50_000,
    b"\xd8\x40", b"\xfb\x7f\xf0" + bytes(6), b"\x3a\xff\xff\xff\xff", b"\x98\x05", b"\x1c",
)  # fmt: skip


def mutate_selective(text: str, rng: Random) -> bytes:
    """A badge under ecdsa-sd-2023 changed as JSON, or its proof's value as CBOR."""
    if rng.random() < 0.4:
        return mutate_json(text, rng)
    document = json.loads(text)
    data = _plain(document["proof"][0]["proofValue"][1:])
    kind = rng.randrange(4)
    if kind == 0:
        at = rng.randrange(3, len(data))
        data = data[:at] + rng.choice(_HEADS) + data[at + rng.randrange(2) :]
    elif kind == 1:
        data = bytes((data[0], data[1], rng.randrange(256))) + data[3:]
    else:
        data = data[:3] + damaged(data[3:], rng)
    if rng.random() < 0.2:
        document = changed_document(document, rng)
    value = rng.choice(("u", "u", "u", "u", "z", "")) + _base64(data)
    for proof in as_list(document.get("proof")):
        if isinstance(proof, dict):
            proof["proofValue"] = value
    return json.dumps(document).encode()


# --- status lists -------------------------------------------------------------------------------


def mutate_list(text: str, rng: Random) -> bytes:
    """A status list as JSON, changed, damaged, or with another or a hostile bitstring."""
    if rng.random() < 0.5:
        return mutate_json(text, rng)
    document = json.loads(text)
    bits = rng.choice((bytes(16_384), b"", b"\xff", bytes(16_384 + 1), bytes(5 << 20)))
    packed = rng.choice((gzip.compress(bits, mtime=0), zlib.compress(bits), bits[:64], ZEROS))
    prefix = rng.choice(("u", "z", "", "uu"))
    document["credentialSubject"]["encodedList"] = prefix + _base64(packed)
    return json.dumps(document).encode()


def _packed(value: Any) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
