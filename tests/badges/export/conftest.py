"""A district with a published, a revoked and a private badge, exported and served by itself."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from badges.awards import service as awards
from badges.awards.models import Credential
from badges.export import export_static
from core.identity import Organisation
from core.runtime import Runtime
from core.scope import unscoped
from tests.support.badges import District, add_person, issue_credential, make_district


@dataclass
class Exported:
    """An installation's badges and the folder that was written of them."""

    district: District
    folder: Path
    good: Credential
    revoked: Credential
    private: Credential

    def again(self) -> Any:
        """Export once more, without certificates: most tests do not look at them."""
        runtime, ring = self.district.runtime, self.district.ring
        return export_static(runtime, ring, self.folder, certificates=False)

    def files(self) -> dict[str, bytes]:
        """Every file by its path in the folder."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def district(runtime: Runtime, organisation: Organisation) -> District:
    return make_district(runtime, organisation)


@pytest.fixture
def exported(district: District, tmp_path: Path) -> Exported:
    runtime, organisation = district.runtime, district.organisation
    good = issue_credential(district)
    revoked = issue_credential(district, add_person(runtime, organisation, "Noor Prove"))
    private = issue_credential(
        district, add_person(runtime, organisation, "Ida Hidden"), published=False
    )
    with runtime.database.transaction() as session, unscoped(session, "a test"):
        awards.revoke(session, revoked.id, "issued twice", None, runtime.now())
    made = Exported(district, tmp_path / "site", good, revoked, private)
    made.again()
    return made


@contextmanager
def static_host(folder: Path) -> Iterator[str]:
    """Python's plain file server over one folder, on a free port; gives its origin."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
