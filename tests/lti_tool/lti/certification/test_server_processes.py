"""Real server processes: sixteen replays at once, and a platform that stalls."""

from __future__ import annotations

import json
import threading

from core.identity import Organisation, create_organisation
from core.runtime import Runtime
from lti_tool.lti.registration import add_deployment, add_platform
from tests.lti_tool.lti.served import Answer, Visitor, at_once, serving
from tests.support import local_http
from tests.support.hostile_platform import HostilePlatform
from tests.support.local_http import LocalServer, Request, local_server


def connected(runtime: Runtime, district: Organisation, server: LocalServer) -> HostilePlatform:
    """A platform at `server` that may launch."""
    platform = HostilePlatform(issuer=server.url)
    server.routes["/jwks.json"] = lambda _request: local_http.Answer(body=platform.jwks())
    with runtime.database.transaction(district.scope) as session:
        row = add_platform(
            session, district, name="LMS", family="sandbox", site_url=server.url,
            client_id=platform.client_id, now=runtime.now(),
        )  # fmt: skip
        add_deployment(session, row, platform.deployment_id, now=runtime.now())
    return platform


def district_of(runtime: Runtime) -> Organisation:
    with runtime.database.transaction() as session:
        return create_organisation(session, name="Alder Valley Schools", slug="alder-valley")


def test_of_sixteen_replays_at_two_server_processes_one_goes_through(
    any_runtime: Runtime, server: LocalServer
) -> None:
    platform = connected(any_runtime, district_of(any_runtime), server)
    target = f"{any_runtime.config.base_url}/to/home"
    with serving(any_runtime, processes=2, threads=8) as port:
        visitor = Visitor(port)
        pending = visitor.begin(platform, target)
        token = platform.token(platform.claims(pending))
        form = {"id_token": token, "state": pending.state}
        answers = at_once(16, lambda: visitor.post("/lti/launch", form))
    assert sorted(answer.status for answer in answers) == [303] + [409] * 15
    told = {json.loads(answer.body)["error"] for answer in answers if answer.status == 409}
    assert told == {"launch_reused"}
    counts = any_runtime.database.engine
    with counts.connect() as connection:
        for table in ("web_sessions", "people", "memberships"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 1


def test_a_stalled_platform_leaves_a_servers_threads_to_the_others(
    runtime: Runtime, server: LocalServer
) -> None:
    """One process of four threads; eight people launch from a platform that does not answer."""
    district = district_of(runtime)
    platform = connected(runtime, district, server)
    target = f"{runtime.config.base_url}/to/home"
    released, reached = threading.Event(), threading.Event()

    def stall(_request: Request) -> local_http.Answer:
        reached.set()
        released.wait(60)
        return local_http.Answer(503)

    with local_server() as silent, serving(runtime, processes=1, threads=4) as port:
        stalled = connected(runtime, district, silent)
        silent.routes["/jwks.json"] = stall
        people = [Visitor(port) for _ in range(8)]
        waiting = [(visitor, visitor.begin(stalled, target)) for visitor in people]
        answers: list[Answer] = []
        threads = [
            threading.Thread(target=lambda v=v, p=p: answers.append(v.finish(stalled, p)))
            for v, p in waiting
        ]
        try:
            for thread in threads:
                thread.start()
            assert reached.wait(30)
            for _ in range(3):
                visitor = Visitor(port)
                assert visitor.finish(platform, visitor.begin(platform, target)).status == 303
            assert not released.is_set()
        finally:
            released.set()
            for thread in threads:
                thread.join(60)
    assert [answer.status for answer in answers] == [503] * 8
