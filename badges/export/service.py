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

from badges.achievements import terms
from badges.achievements.images import ImageStore
from badges.achievements.models import AchievementVersion, Issuer
from badges.achievements.service import issuer_document, issuer_keys
from badges.awards.address import check_address
from badges.awards.models import Credential
from badges.awards.status import signed_list
from badges.endorsements import targets
from badges.endorsements.additions import of_issuer
from badges.endorsements.models import Endorsement
from badges.export import content, hosting
from badges.export.folder import ExportFolder
from badges.export.pages import StaticPages
from badges.holdings.portfolio import all_published
from badges.public import hosted
from badges.public.negotiation import to_json
from badges.public.own_documents import achievement_document, profile
from badges.public.pictures import PICTURE_SIZE, badge_png, badge_svg, drawing, logo
from core.errors import NotFoundError
from core.runtime import Runtime
from core.web.assets import assets
from keys.publish import single_jwk
from keys.ring import KeyRing

Progress = Callable[[int, int], None]

OURS = frozenset(
    {"achievements", "credentials", "hosting", "index.html", "issuers", "keys", "ob2",
     "portfolios", "static", "status", "verify", "404.html", "_headers", ".nojekyll"}
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
    certificates: bool = True,
    progress: Progress = lambda _done, _all: None,
) -> Summary:
    """Write the export to `target`, in the place of an earlier one.

    Args:
        runtime: the installation.
        ring: its keys; a status list that has changed since it was last read is signed.
        target: the folder.
        language: a locale that pages are written in.
        certificates: whether each badge's PDF is drawn, which takes longer than all the rest.
        progress: called with the credentials done and all of them.

    Raises:
        ForeignFolderError: the folder is somebody else's.
        ConflictError: badges were issued under another address than the settings name.
        OSError: the disk.
    """
    with runtime.database.snapshot() as session:
        check_address(session, runtime.config.badge_url)
    with ExportFolder(target, OURS) as folder:
        writer = _Writer(runtime, ring, folder, StaticPages(runtime, language), certificates)
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
    certificates: bool

    def __post_init__(self) -> None:
        self.base = self.runtime.config.badge_url
        self.images = ImageStore(self.runtime.config.home / "cache" / "images", self.runtime.files)
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
        for endorsement in content.endorsements(self.runtime):
            self._endorsement(endorsement)
        self._portfolios()
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
        self._text(f"{place}/refresh", credential.document or "")
        if credential.jwt:
            self._text(f"{place}.jwt", credential.jwt)
        self.folder.write(f"{place}.png", badge_png(self.images, credential))
        self.folder.write(f"{place}.svg", badge_svg(self.images, credential))
        self._older(credential)
        if self.certificates:
            picture = self.images.png(drawing(self.images, credential.version), PICTURE_SIZE)
            self.folder.write(f"{place}.pdf", self.pages.certificate(credential, picture))
        page = self.pages.credential(credential, certificate=self.certificates)
        self._text(f"{place}/index.html", page)
        self._text(f"{place}/embed/index.html", self.pages.card(credential))

    def _older(self, credential: Credential) -> None:
        """The Open Badges 2.0 form; a static host cannot say 410, the document says it."""
        place = f"ob2/assertions/{credential.id}"
        try:
            document = hosted.assertion_document(credential, self.base)
        except NotFoundError:
            return  # the badge names no address
        except hosted.WithdrawnError as error:
            self.folder.write(place, to_json(error.document))
            return
        self.folder.write(place, to_json(document))
        png = hosted.hosted_png(self.images, credential, self.base)
        self.folder.write(f"{place}.png", png)
        svg = hosted.hosted_svg(self.images, credential, self.base)
        self.folder.write(f"{place}.svg", svg)

    def _portfolios(self) -> None:
        """The pages that people have opened."""
        with self.runtime.database.snapshot() as session:
            found = all_published(session)
        for one in found:
            page = self.pages.portfolio(one)
            self._text(f"portfolios/{one.portfolio.slug}/index.html", page)

    def _achievement(self, version: AchievementVersion) -> int:
        place = f"achievements/{version.id}"
        svg = drawing(self.images, version)
        with self.runtime.database.snapshot() as session:
            made = achievement_document(session, version, self.base, self.runtime.now())
        self.folder.write(f"{place}.json", to_json(made))
        older = hosted.class_document(version, self.base)
        self.folder.write(f"ob2/classes/{version.id}", to_json(older))
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
            praise = of_issuer(session, issuer, self.runtime.now())
            published = [one for one in terms.every(session, issuer.id) if one.text]
        self.folder.write(f"{place}/did.json", to_json(document))
        self.folder.write(f"{place}.json", to_json(profile(issuer, self.base, praise)))
        older = hosted.issuer_document(issuer, self.base)
        self.folder.write(f"ob2/issuers/{issuer.slug}", to_json(older))
        self._text(f"{place}/index.html", page)
        picture = logo(self.images, issuer)
        if picture is not None:
            self.folder.write(f"{place}/image", picture)
        for one in published:
            self._text(f"{place}/terms/{one.number}/index.html", self.pages.terms(issuer, one))
        for key in keys:
            self.folder.write(f"keys/{key.kid}", to_json(single_jwk(key)))
        return len(keys)

    def _endorsement(self, found: Endorsement) -> None:
        place = f"endorsements/{found.id}"
        with self.runtime.database.snapshot() as session:
            target = targets.of(session, found, self.base)
        self._text(f"{place}.json", found.document or "")
        self._text(f"{place}.jwt", found.jwt or "")
        self._text(f"{place}/index.html", self.pages.endorsement(found, target))

    def _site(self, issuers: list[Issuer], lists: list[str]) -> None:
        """What is the same whatever badges there are."""
        self._text("index.html", self.pages.front(issuers))
        self._text("404.html", self.pages.missing())
        self._text("verify/index.html", self.pages.verify())
        modules = (files("badges.export") / "static" / "verify").iterdir()
        for module in sorted(modules, key=lambda entry: entry.name):
            self.folder.write(f"verify/{module.name}", module.read_bytes())
        for name in ("milepost.css", "favicon.svg", "badge-elsewhere.svg"):
            self.folder.write(f"static/{name}", assets()[name].data)
        for path, text in hosting.documents(self.base, lists).items():
            self._text(path, text)

    def _text(self, path: str, text: str) -> None:
        self.folder.write(path, text.encode())


def to_text(summary: Summary) -> str:
    """A summary as indented JSON."""
    return json.dumps(asdict(summary), indent=2, ensure_ascii=False)
