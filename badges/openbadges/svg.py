"""SVG by hand: where Open Badges 3.0 keeps a credential in an SVG (R38).

The file's own bytes are kept; only the element and its namespace are put in. Documents with
entities of their own are refused, as defusedxml does, before anything is read from them.
"""

from __future__ import annotations

from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from badges.openbadges.errors import BakingError
from badges.openbadges.messages import N_, Filled

NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 200
_SEPARATOR = "\n"
_ELEMENT = f"{NAMESPACE}{_SEPARATOR}credential"


class _Scan:
    """One pass over an SVG: the root's start tag, the prefixes on it, and the credential."""

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_BYTES:
            raise BakingError(N_("The SVG is too large."))
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
            raise BakingError(N_("The SVG is not in UTF-8."))
        self._data = data
        self.root_at = -1
        self.prefixes: dict[str, str] = {}
        self.spans: list[tuple[int, int]] = []
        self.verify: str | None = None
        self.text: list[str] = []
        self._depth = 0
        self._open_at: int | None = None
        self._parse()

    def _parse(self) -> None:
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartNamespaceDeclHandler = self._prefix
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.UnparsedEntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._entity
        parser.XmlDeclHandler = self._declaration
        self._parser = parser
        try:
            parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise BakingError(
                Filled(
                    N_("The SVG is damaged: it cannot be read from line %(line)s on."),
                    line=error.lineno,
                )
            ) from error
        except (ValueError, UnicodeError, LookupError) as error:
            raise BakingError(N_("The SVG cannot be read.")) from error

    def _entity(self, *_declaration: object) -> int:
        raise BakingError(N_("The SVG declares XML entities, which are not accepted."))

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise BakingError(N_("The SVG is not in UTF-8."))

    def _prefix(self, prefix: str | None, uri: str | None) -> None:
        if self._depth == 0:
            self.prefixes[prefix or ""] = uri or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0:
            if name not in (f"{SVG_NAMESPACE}{_SEPARATOR}svg", "svg"):
                raise BakingError(N_("The file is XML, but not an SVG."))
            self.root_at = self._parser.CurrentByteIndex
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BakingError(N_("The SVG is nested too deeply."))
        if name == _ELEMENT and self._open_at is None:
            if self.spans:
                raise BakingError(N_("The image holds more than one credential."))
            self._open_at = self._parser.CurrentByteIndex
            self.verify = attributes.get("verify")

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == _ELEMENT and self._open_at is not None:
            end = tag_end(self._data, self._parser.CurrentByteIndex)
            self.spans.append((self._open_at, end))
            self._open_at = None

    def _characters(self, text: str) -> None:
        if self._open_at is not None:
            self.text.append(text)


def tag_end(data: bytes, start: int) -> int:
    """The place just behind the tag that begins at `start` of well-formed XML."""
    quote = 0
    for position in range(start, len(data)):
        byte = data[position]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == 0x3E:
            return position + 1
    raise BakingError(N_("The SVG is cut short."))


def looks_like_svg(data: bytes) -> bool:
    """Whether bytes may be an SVG: XML that names one near its beginning."""
    head = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"<") and (b"<svg" in head or b":svg" in head)


def bake(image: bytes, text: str, *, token: bool) -> bytes:
    """Put a credential as the first child of the root, in place of any that is there.

    Args:
        image: the SVG's bytes, UTF-8.
        text: ASCII; JSON in which no `]]>` can stand, or a compact JWS.
        token: whether `text` is a JWS, which goes into the attribute `verify`.

    Raises:
        BakingError: not an SVG, with entities, not UTF-8, or the prefix `openbadges` is taken.
    """
    scan = _Scan(image)
    taken = scan.prefixes.get("openbadges")
    if taken not in (None, NAMESPACE):
        raise BakingError(N_("The SVG already uses the prefix openbadges for something else."))
    if scan.spans:
        begin, end = scan.spans[0]
        image = image[:begin] + image[end:]
    start_end = tag_end(image, scan.root_at)
    opening = image[scan.root_at : start_end]
    empty = opening.endswith(b"/>")
    opening = opening[: -2 if empty else -1].rstrip()
    if taken is None:
        opening += f' xmlns:openbadges="{NAMESPACE}"'.encode()
    if token:
        element = f"<openbadges:credential verify={quoteattr(text)}></openbadges:credential>"
    else:
        element = f"<openbadges:credential><![CDATA[{text}]]></openbadges:credential>"
    closing = b""
    if empty:
        name = opening[1:].split(None, 1)[0]
        closing = b"</" + name + b">"
    return b"".join(
        (image[: scan.root_at], opening, b">", element.encode(), closing, image[start_end:])
    )


def unbake(image: bytes) -> str | None:
    """The credential's text, or None where the image holds none.

    Raises:
        BakingError: not an SVG, hostile, or more than one credential.
    """
    scan = _Scan(image)
    if not scan.spans:
        return None
    # A token stands in `verify`; some bakers put it in both places.
    text = (scan.verify or "").strip() or "".join(scan.text).strip()
    if not text:
        raise BakingError(N_("The credential's place in the image is empty."))
    return text


def check(image: bytes) -> None:
    """Raise BakingError unless this is an SVG without entities."""
    _Scan(image)
