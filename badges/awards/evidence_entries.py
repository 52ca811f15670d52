"""What a badge's evidence entries say (Open Badges 3.0, B.1.11), private or published.

The entries that acceptance fixed are never lost: what is published stands in the place of its
private entry, and gives it back when it is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from flask_babel import gettext as _

from badges.achievements.document import MicroCredential
from badges.awards.kinds import kind_name
from badges.openbadges import model as ob
from badges.pathways.facts import DecisionFact

_ADDRESS: Final = re.compile(
    r"(?P<site>https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)(?P<rest>(?:[/?#].*)?)\Z",
    re.DOTALL,
)
_LONE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Published:
    """A published piece as an entry.

    Attributes:
        id: where anybody may open it.
        name: what was asked for, as the private entry is named.
        genre: its kind in words, used where no private entry is named so.
        description: what readers are told of it.
        sha256: the digest (hex) of what stands at `id`; None where that is no file.
        read_sha256: the digest of the file that the reviewers read; None for texts and links.
    """

    id: str
    name: str
    genre: str
    description: str
    sha256: str | None = None
    read_sha256: str | None = None


def private_entries(
    document: MicroCredential, decision: DecisionFact | None
) -> Iterable[ob.Evidence]:
    """What was shown, in the micro-credential's own words: no file, no link, no text of theirs.

    A file's digest says which one it was to whoever is shown it one day.
    """
    if decision is None:
        return
    asked_kinds = set()
    for asked in document.evidence_asked:
        if asked.kind in decision.evidence_kinds:
            asked_kinds.add(asked.kind)
            # One entry for each file; what was no file, or came before digests were kept, has one.
            for digest in dict.fromkeys(decision.evidence_files.get(asked.id, ())) or (None,):
                yield _kept_private(asked.title, asked.kind, digest)
    for kind in sorted(decision.evidence_kinds - asked_kinds):
        yield _kept_private(kind_name(kind), kind, None)


def published_description() -> str:
    """What a published entry says of itself, in the reader's language."""
    return str(_("Read by the reviewers and shown here by its author."))


def web_address(url: str) -> str | None:
    """`url` as a badge may name it (RFC 3986, which brackets and lone percent signs are not of).

    None for what is no web address: nothing else is ever linked.
    """
    found = _ADDRESS.match(url)
    if found is None:
        return None
    rest = quote(_LONE_PERCENT.sub("%25", found["rest"]), safe="/?#%:@!$&'()*+,;=~-._")
    before, hash_sign, after = rest.partition("#")
    return f"{found['site']}{before}{hash_sign}{after.replace('#', '%23')}"


def with_published(
    private: Sequence[Mapping[str, Any]], published: Iterable[Published]
) -> list[dict[str, Any]]:
    """The entries of a badge: `private` ones as acceptance fixed them, `published` in their place.

    A file takes the entry with its digest; a text or a link one without a digest. Where the private
    entries name fewer than there were (several links for one thing), an entry is added beside them.
    """
    entries = [dict(item) for item in private]
    for piece in published:
        place = _place(entries, piece)
        if place is None:
            place = _beside(entries, piece.name)
            entries.insert(place, {"type": ["Evidence"], "name": piece.name, "genre": piece.genre})
        entries[place] = _shown(entries[place], piece)
    return entries


def _kept_private(title: str, kind: str, digest: str | None) -> ob.Evidence:
    return ob.Evidence(
        name=title,
        genre=kind_name(kind),
        description=_("Read by the reviewers and kept private."),
        digest_multibase=digest and ob.sha256_multibase(digest),
    )


def _place(entries: Sequence[Mapping[str, Any]], piece: Published) -> int | None:
    read = ob.sha256_multibase(piece.read_sha256) if piece.read_sha256 else None
    free = [
        (place, entry.get("digestMultibase"))
        for place, entry in enumerate(entries)
        if "id" not in entry and entry.get("name") == piece.name
    ]
    wanted = (read, None) if read else (None,)
    return next((place for digest in wanted for place, found in free if found == digest), None)


def _beside(entries: Sequence[Mapping[str, Any]], name: str) -> int:
    """After the last entry of this name, else at the end."""
    same = [place for place, entry in enumerate(entries) if entry.get("name") == name]
    return same[-1] + 1 if same else len(entries)


def _shown(entry: Mapping[str, Any], piece: Published) -> dict[str, Any]:
    """The entry with its address; members in the order in which the model writes them.

    The digest is of what stands at the address (VCDM 2.0, section 5.3).
    """
    made = {
        "id": piece.id,
        "type": entry["type"],
        **{name: value for name, value in entry.items() if name not in ("id", "type")},
        "description": piece.description,
    }
    if piece.sha256:
        made["digestMultibase"] = ob.sha256_multibase(piece.sha256)
    return made
