"""`python -m lti_tool.sample.lms PORT`: the practice LMS with links to what the district offers.

Started by `milepost demo`; the practice LMS itself refuses any setting but demo and test.
"""

from __future__ import annotations

import signal
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from badges.achievements.service import published
from core import log
from core.config import Config
from core.runtime import Runtime
from core.scope import unscoped
from lti_tool.sample.district import CLIENT_ID, DEPLOYMENT_ID
from lti_tool.sandbox import ResourceLinkSpec, SandboxConfig, create_sandbox


def sandbox_config(runtime: Runtime, lms_url: str) -> SandboxConfig:
    """The practice LMS's settings: one link per micro-credential, and the pages for each role."""
    config = runtime.config
    with (
        runtime.database.snapshot() as session,
        unscoped(session, "the demo's LMS links to everything"),
    ):
        versions = published(session)
    base = config.base_url
    links = [
        ResourceLinkSpec(
            title=str(version.document["name"]),
            description=str(version.document["description"]),
            target_link_uri=f"{base}/to/micro-credential/{version.achievement_id}",
            score_maximum=100,
        )
        for version in versions
    ]
    links += [
        ResourceLinkSpec("My path", "What is met and what comes next.", f"{base}/to/path"),
        ResourceLinkSpec("Reviews", "Colleagues' work that waits to be read.", f"{base}/to/queue"),
        ResourceLinkSpec("Milepost", "The page for your role.", f"{base}/to/home"),
    ]
    return SandboxConfig(
        data_dir=Path(config.home) / "practice-lms",
        client_id=CLIENT_ID,
        deployment_id=DEPLOYMENT_ID,
        base_url=lms_url,
        tool_base_url=base,
        links=links,
        environment=config.environment,
        translations_dir=Path(str(files("core.web") / "translations")),
    )


class _Quiet(WSGIRequestHandler):
    """Does not log requests; they carry people's names."""

    def log_request(self, *_args: Any) -> None:
        """Nothing."""


def main(port: int) -> None:
    """Serve until asked to stop."""
    config = Config.from_env()
    log.configure(config.log_level, config.log_format)
    runtime = Runtime.from_config(config)
    app = create_sandbox(sandbox_config(runtime, f"http://127.0.0.1:{port}"))
    runtime.close()
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)

    def stop(*_args: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
