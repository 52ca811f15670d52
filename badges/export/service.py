"""`milepost badge export-static`: writes the folder, credential by credential.

The same database gives the same bytes: nothing in an export says when it was made. Status lists
are written last, so that a revocation during the run is in the list if it is on a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from badges.achievements.images import ImageStore
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import issuer_document, issuer_keys
from badges.awards.address import check_address
from badges.awards.models import Credential
from badges.awards.status import signed_list
from badges.export import content, hosting
from badges.export.folder import ExportFolder
from badges.export.pages import StaticPages
from badges.public.negotiation import to_json
from badges.public.own_documents import achievement_document, profile
from badges.public.pictures import PICTURE_SIZE, badge_png, badge_svg, drawing
from core.runtime import Runtime
from core.web.assets import assets
from keys.publish import single_jwk
from keys.ring import KeyRing

Progress = Callable[[int, int], None]

OURS = frozenset(
    {"achievements", "credentials", "hosting", "index.html", "issuers", "keys", "static", "status",
     "verify", "404.html", "_headers", ".nojekyll"}
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What an export holds. `changed` counts the files that differ from the export before."""

    folder: str
    origin: str
    issuers: int
    keys: int
    status_lists: int
    achievements: int
    credentials: int
    files: int
    bytes: int
    changed: int


def export_static(
    runtime: Runtime,
    ring: KeyRing,
    target: Path,
    *,
    language: str = "en",
    progress: Progress = lambda _done, _all: None,
) -> Summary:
    """Write the export to `target`, in the place of an earlier one.

    Args:
        runtime: the installation.
        ring: its keys; a status list that has changed since it was last read is signed.
        target: the folder.
        language: a locale that pages are written in.
        progress: called with the credentials done and all of them.

    Raises:
        ForeignFolderError: the folder is somebody else's.
        ConflictError: badges were issued under another address than the settings name.
        OSError: the disk.
    """
    with runtime.database.snapshot() as session:
        check_address(session, runtime.config.badge_url)
    with ExportFolder(target, OURS) as folder:
        writer = _Writer(runtime, ring, folder, StaticPages(runtime, language))
        counts = writer.everything(progress)
        origin = runtime.config.badge_url
        folder.finish({"origin": origin, **counts})
        return Summary(
            folder=str(folder.target),
            origin=origin,
            files=folder.files,
            bytes=folder.bytes,
            changed=folder.changed,
            **counts,
        )


@dataclass
class _Writer:
    runtime: Runtime
    ring: KeyRing
    folder: ExportFolder
    pages: StaticPages

    def __post_init__(self) -> None:
        self.base = self.runtime.config.badge_url
        self.images = ImageStore(self.runtime.config.home / "cache" / "images")
        self._pictures: dict[str, bytes] = {}

    def everything(self, progress: Progress) -> dict[str, int]:
        """Write all files; how many there are of each kind."""
        total = content.credential_count(self.runtime)
        done = 0
        for credential in content.credentials(self.runtime):
            self._credential(credential)
            done += 1
            progress(done, max(done, total))
        achievements = sum(map(self._achievement, content.versions(self.runtime)))
        issuers = content.issuers(self.runtime)
        keys = sum(map(self._issuer, issuers))
        lists = content.status_lists(self.runtime)
        for list_id in lists:
            found = signed_list(self.runtime, self.ring, list_id)
            self._text(f"status/{list_id}", found.document)
            self._text(f"status/{list_id}.jwt", found.jwt)
        self._site(issuers, [str(list_id) for list_id in lists])
        return {
            "issuers": len(issuers),
            "keys": keys,
            "status_lists": len(lists),
            "achievements": achievements,
            "credentials": done,
        }

    def _credential(self, credential: Credential) -> None:
        place = f"credentials/{credential.id}"
        self._text(f"{place}.json", credential.document or "")
        if credential.jwt:
            self._text(f"{place}.jwt", credential.jwt)
        self.folder.write(f"{place}.png", badge_png(self.images, credential))
        self.folder.write(f"{place}.svg", badge_svg(credential))
        self._text(f"{place}/index.html", self.pages.credential(credential))

    def _achievement(self, version: AchievementVersion) -> int:
        place = f"achievements/{version.id}"
        svg = drawing(version)
        self.folder.write(f"{place}.json", to_json(achievement_document(version, self.base)))
        self.folder.write(f"{place}/image.png", self.images.png(svg, PICTURE_SIZE))
        self._text(f"{place}/image.svg", svg)
        self._text(f"{place}/index.html", self.pages.achievement(version))
        return 1

    def _issuer(self, issuer: Issuer) -> int:
        place = f"issuers/{issuer.slug}"
        with self.runtime.database.snapshot() as session:
            keys = issuer_keys(session, issuer)
            document = issuer_document(session, issuer)
            page = self.pages.issuer(session, issuer)
        self.folder.write(f"{place}/did.json", to_json(document))
        self.folder.write(f"{place}.json", to_json(profile(issuer, self.base)))
        self._text(f"{place}/index.html", page)
        for key in keys:
            self.folder.write(f"keys/{key.kid}", to_json(single_jwk(key)))
        return len(keys)

    def _site(self, issuers: list[Issuer], lists: list[str]) -> None:
        """What is the same whatever badges there are."""
        self._text("index.html", self.pages.front(issuers))
        self._text("404.html", self.pages.missing())
        self._text("verify/index.html", self.pages.verify())
        modules = (files("badges.export") / "static" / "verify").iterdir()
        for module in sorted(modules, key=lambda entry: entry.name):
            self.folder.write(f"verify/{module.name}", module.read_bytes())
        for name in ("milepost.css", "favicon.svg"):
            self.folder.write(f"static/{name}", assets()[name].data)
        for path, text in hosting.documents(self.base, lists).items():
            self._text(path, text)

    def _text(self, path: str, text: str) -> None:
        self.folder.write(path, text.encode())


def to_text(summary: Summary) -> str:
    """A summary as indented JSON."""
    return json.dumps(asdict(summary), indent=2, ensure_ascii=False)
