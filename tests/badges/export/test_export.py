"""An export alone is enough to verify a badge, holds nothing private, and is never half there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import urllib3
from cryptography.hazmat.primitives import serialization
from openbadgeslib.ob3.verifier import OB3Verifier
from openvc.proof.data_integrity import DataIntegrityProofSuite

from badges.app import create_app
from badges.awards import service as awards
from badges.export import ForeignFolderError, export_static
from badges.export import service as exporting
from badges.export.folder import MARKER, ExportFolder
from badges.openbadges import Outcome, ResolutionError, contexts, verify
from badges.openbadges.multikey import decode_multikey, public_jwk
from badges.public.certificate import CertificateWords, certificate_pdf
from core.errors import ConflictError
from core.http import Response
from core.runtime import Runtime
from tests.badges.export.conftest import Exported, static_host
from tests.support.badges import District, add_person, issue_credential
from tests.support.environment import BASE_URL


class HostAlone:
    """Fetches from the static host whatever is under the badges' origin, and nothing else."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.asked: list[str] = []

    def get(self, url: str) -> urllib3.BaseHTTPResponse:
        assert url.startswith(f"{BASE_URL}/"), f"{url} is not in the export"
        self.asked.append(url)
        with urllib3.PoolManager() as pool:
            path = url.removeprefix(BASE_URL)
            return pool.request("GET", self.host + path, retries=urllib3.Retry(redirect=2))

    def fetch(self, url: str, accept: str) -> tuple[bytes, str]:
        answer = self.get(url)
        if answer.status != 200:
            raise ResolutionError(f"{url}: {answer.status}", status=answer.status)
        return answer.data, answer.headers.get("content-type", "")


def forms(exported: Exported, credential: Any) -> dict[str, bytes]:
    return {
        form: (exported.folder / "credentials" / f"{credential.id}.{form}").read_bytes()
        for form in ("json", "jwt", "png", "svg")
    }


def test_our_verifier_needs_the_folder_alone(exported: Exported) -> None:
    now = exported.district.runtime.now()
    with static_host(exported.folder) as host:
        for form, data in forms(exported, exported.good).items():
            web = HostAlone(host)
            report = verify(data, resolver=web, now=now, recipient="wren@alder-valley.example")
            assert report.valid, (form, report.to_dict())
            assert web.asked
        for data in forms(exported, exported.revoked).values():
            report = verify(data, resolver=HostAlone(host), now=now)
            assert report.outcome is Outcome.INVALID
            codes = [step.message.code for step in report.steps if step.status.value == "failed"]
            assert codes == ["status.revocation"]
        older = exported.folder / "ob2" / "assertions"
        for form in ("png", "svg"):
            picture = (older / f"{exported.good.id}.{form}").read_bytes()
            report = verify(picture, resolver=HostAlone(host), now=now)
            assert (report.valid, report.version) == (True, 2), report.to_dict()
        gone = verify(
            (older / str(exported.revoked.id)).read_bytes(), resolver=HostAlone(host), now=now
        )
        assert gone.outcome is Outcome.INVALID


def test_our_page_on_another_installation_verifies_against_the_folder(
    exported: Exported, runtime: Runtime
) -> None:
    class Network:
        def __init__(self, host: str) -> None:
            self.alone = HostAlone(host)

        def get(self, url: str, **_options: Any) -> Response:
            answer = self.alone.get(url)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status, headers, answer.data, url)

    config = replace(runtime.config, base_url="https://other.test", badge_url="https://other.test")
    with static_host(exported.folder) as host:
        elsewhere = replace(runtime, config=config, http=Network(host))  # type: ignore[arg-type]
        client = create_app(runtime=elsewhere).test_client()
        for credential, outcome in ((exported.good, "valid"), (exported.revoked, "invalid")):
            address = f"{BASE_URL}/credentials/{credential.id}"
            # The badge's own address shows a page here, which names the document.
            for form in ("", "/", ".json", ".jwt", ".png"):
                answer = client.post("/verify", data={"url": f"{address}{form}"})
                assert answer.json["outcome"] == outcome, (form, answer.json["steps"])
                assert "read_here" not in answer.json["details"]


def test_verifiers_by_other_hands_take_what_the_folder_serves(exported: Exported) -> None:
    known = {url: contexts.load_context(url) for url in contexts.FILES}
    with static_host(exported.folder) as host:
        web = HostAlone(host)
        did = json.loads(web.get(f"{BASE_URL}/issuers/alder-valley/did.json").data)
        document = json.loads(web.get(f"{BASE_URL}/credentials/{exported.good.id}.json").data)
        method = next(
            item
            for item in did["verificationMethod"]
            if item["id"] == document["proof"][0]["verificationMethod"]
        )
        jwk = public_jwk(decode_multikey(method["publicKeyMultibase"]))
        single = {**document, "proof": document["proof"][0]}
        DataIntegrityProofSuite().verify(
            single,
            public_key_jwk=jwk,
            now=exported.district.runtime.now(),
            extra_contexts=known,
        )
        token = web.get(f"{BASE_URL}/credentials/{exported.good.id}.jwt").data.decode()
        rsa = next(item for item in did["verificationMethod"] if "publicKeyJwk" in item)
        key = json.loads(web.get(f"{BASE_URL}/keys/{rsa['publicKeyJwk']['kid']}").data)
        public = jwt.PyJWK(key).key
        pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        read = OB3Verifier(pem).verify(token)
        assert read.id == f"{BASE_URL}/credentials/{exported.good.id}"


def test_a_badge_that_its_holder_keeps_private_is_nowhere(exported: Exported) -> None:
    hidden = (str(exported.private.id), "Ida Hidden")
    for path, data in exported.files().items():
        for words in hidden:
            assert words not in path
            assert words.encode() not in data, path
    assert str(exported.good.id) not in (exported.folder / "index.html").read_text()


def test_a_badge_taken_back_is_gone_from_the_next_export(exported: Exported) -> None:
    runtime, learner = exported.district.runtime, exported.district.learner
    with runtime.database.transaction() as session:
        awards.unpublish(session, exported.good.id, learner.id, runtime.now())
    exported.again()
    assert not list(exported.folder.rglob(f"{exported.good.id}*"))
    assert list(exported.folder.rglob(f"{exported.revoked.id}*"))


def test_every_address_in_it_leads_somewhere_in_it(exported: Exported) -> None:
    """Addresses under the origin in documents, and links of pages, as a file server finds them."""

    def there(path: str) -> bool:
        place = exported.folder / path.lstrip("/")
        return place.is_file() or (place / "index.html").is_file()

    missing = set()
    for name, data in exported.files().items():
        if name.startswith("hosting/") or name.endswith((".png", ".jwt", ".js", ".css")):
            continue
        text = data.decode()
        for found in re.findall(rf"{re.escape(BASE_URL)}(/[^\s\"'<>#?,]*)", text):
            if not there(found):
                missing.add((name, found))
        for link in re.findall(r'(?:href|src)="([^"#][^"]*)"', text) if "html" in name else ():
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = "" if link.startswith("/") else str(Path(name).parent)
            path = os.path.normpath(f"/{base}/{parts.path}")
            if not there(path):
                missing.add((name, link))
    assert missing == set()


def test_pages_run_no_script_of_their_own_and_no_page_needs_another_site(
    exported: Exported,
) -> None:
    for name, data in exported.files().items():
        if not name.endswith(".html"):
            continue
        text = data.decode()
        assert "default-src 'none'; script-src 'self'" in text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), name
        assert not re.search(r"\son\w+=|\sstyle=", text), name
        assert not re.search(r'(?:src|<link[^>]*stylesheet[^>]*href)="https?:', text), name
        assert 'method="post"' not in text, name


def test_the_same_badges_give_the_same_bytes(exported: Exported, tmp_path: Path) -> None:
    before = exported.files()
    times = {name: (exported.folder / name).stat().st_mtime_ns for name in before}
    summary = exported.again()
    assert exported.files() == before
    assert summary.changed == 0
    kept = {name for name, when in times.items() if not name.endswith((MARKER, "SHA256SUMS"))}
    assert all((exported.folder / name).stat().st_mtime_ns == times[name] for name in kept)
    other = export_static(
        exported.district.runtime,
        exported.district.ring,
        tmp_path / "other" / "deep",
        certificates=False,
    )
    assert other.files == summary.files
    elsewhere = Exported(
        exported.district, tmp_path / "other" / "deep", exported.good, exported.revoked,
        exported.private,
    )  # fmt: skip
    assert elsewhere.files() == before


def test_each_badge_has_its_certificate_the_same_on_any_day(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    district, place = exported.district, exported.folder / "credentials"
    written: list[CertificateWords] = []

    def spy(words: CertificateWords, picture: bytes) -> bytes:
        written.append(words)
        return certificate_pdf(words, picture)

    monkeypatch.setattr("badges.export.pages.certificate_pdf", spy)

    def files(now: datetime) -> dict[str, bytes]:
        runtime = replace(district.runtime, clock=lambda: now)
        export_static(runtime, district.ring, exported.folder, language="es")
        return {path.stem: path.read_bytes() for path in place.glob("*.pdf")}

    page, good = place / str(exported.good.id) / "index.html", str(exported.good.id)
    assert ".pdf" not in page.read_text(), "left out, and so not linked"
    made = files(district.runtime.now())
    assert f'href="../../credentials/{good}.pdf"' in page.read_text()
    assert set(made) == {good, str(exported.revoked.id)}
    assert f"/URI ({BASE_URL}/credentials/{good})".encode() in made[good], "where the code leads"
    assert b"/Lang (es)" in made[good]
    words = {one.address.rsplit("/", 1)[1]: one for one in written}
    assert words[good].over_name == "Esta insignia se otorgó a"
    assert (words[good].made_on, words[good].warning) == ("", "")
    assert "la retiró" in words[str(exported.revoked.id)].warning
    assert files(district.runtime.now() + timedelta(days=4 * 366)) == made


def test_the_digests_are_those_of_the_files(exported: Exported) -> None:
    lines = (exported.folder / "SHA256SUMS").read_text().splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    files = exported.files()
    assert set(files) - set(listed) == {MARKER, "SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest


def test_an_interrupted_export_leaves_the_old_one(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = exported.files()
    district = exported.district
    issue_credential(district, add_person(district.runtime, district.organisation, "Ada New"))

    def stop(*_args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting._Writer, "_site", stop)
    with pytest.raises(KeyboardInterrupt):
        exported.again()
    monkeypatch.undo()
    assert exported.files() == before
    assert sorted(path.name for path in exported.folder.parent.glob(".site*")) == []
    assert exported.again().changed > 0


def test_what_a_killed_run_left_is_cleared_away(exported: Exported) -> None:
    before = exported.files()
    left = exported.folder.parent / ".site.milepost-new"
    left.mkdir()
    (left / "half").write_text("x")
    # Killed between the two names, where the system cannot swap folders in one step.
    exported.folder.rename(exported.folder.parent / ".site.milepost-old")
    exported.again()
    assert exported.files() == before
    assert not left.exists()


def test_without_the_one_step_swap_it_still_takes_the_place(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("badges.export.folder._exchange", lambda _new, _old: False)
    before = exported.files()
    exported.again()
    assert exported.files() == before
    assert sorted(path.name for path in exported.folder.parent.glob(".site*")) == []


def test_somebody_elses_folder_is_never_touched(exported: Exported, tmp_path: Path) -> None:
    runtime, ring = exported.district.runtime, exported.district.ring
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(ForeignFolderError, match="no export wrote"):
        export_static(runtime, ring, foreign)
    (foreign / MARKER).write_text("[]")
    with pytest.raises(ForeignFolderError, match="no export wrote"):
        export_static(runtime, ring, foreign)
    assert (foreign / "thesis.txt").read_text() == "years of work"
    (exported.folder / "CNAME").write_text("badges.example.org")
    with pytest.raises(ForeignFolderError, match="CNAME"):
        exported.again()
    assert (exported.folder / "CNAME").exists()
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(ForeignFolderError, match="is a file"):
        export_static(runtime, ring, file)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert export_static(runtime, ring, empty).credentials == 2


def test_two_exports_at_once_do_not_meet(exported: Exported) -> None:
    with (
        ExportFolder(exported.folder, exporting.OURS),
        pytest.raises(ForeignFolderError, match="under way"),
    ):
        exported.again()
    exported.again()


def test_badges_of_another_address_are_not_exported_under_this_one(
    exported: Exported, tmp_path: Path
) -> None:
    config = replace(exported.district.runtime.config, badge_url="https://moved.test")
    moved = replace(exported.district.runtime, config=config)
    with pytest.raises(ConflictError, match="badge_address_changed"):
        export_static(moved, exported.district.ring, tmp_path / "moved")
    assert not (tmp_path / "moved").exists()


def test_many_badges_are_read_in_batches(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("badges.export.content.BATCH", 1)
    told: list[tuple[int, int]] = []
    before = exported.files()
    summary = export_static(
        exported.district.runtime,
        exported.district.ring,
        exported.folder,
        certificates=False,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]
    assert (summary.credentials, exported.files()) == (2, before)


def test_an_installation_without_badges_exports_its_issuer(
    district: District, tmp_path: Path
) -> None:
    summary = export_static(district.runtime, district.ring, tmp_path / "site")
    assert (summary.credentials, summary.issuers, summary.achievements) == (0, 1, 1)
    assert "Alder Valley Schools" in (tmp_path / "site" / "index.html").read_text()


def test_hosts_are_told_the_types(exported: Exported) -> None:
    headers = (exported.folder / "_headers").read_text()
    nginx = (exported.folder / "hosting" / "nginx.conf").read_text()
    assert "Access-Control-Allow-Origin: *" in headers
    assert f"/status/{exported.good.status_list_id}\n" in headers
    assert "server_name milepost.test;" in nginx
    assert nginx.count("{") == nginx.count("}")
    assert "once a" in (exported.folder / "hosting" / "README.txt").read_text()
