"""How many checks run at once: strangers may not hold every thread of a process."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from badges.app import create_app
from badges.public.limits import Turns
from core.errors import UnavailableError
from core.http import HttpClient, Response
from core.runtime import Runtime


class Dawdling(HttpClient):
    """A network that answers once it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Semaphore(0)
        self.release = threading.Event()

    def request(self, method: str, url: str, **_options: Any) -> Response:
        self.waiting.release()
        assert self.release.wait(60)
        return Response(404, {}, b"", url)


def test_half_of_the_threads_stay_free_while_checks_wait_for_other_servers(
    runtime: Runtime,
) -> None:
    network = Dawdling()
    shared = replace(runtime, http=network, config=replace(runtime.config, threads=4), _parts={})
    app = create_app(runtime=shared)
    answers: list[int] = []

    def check() -> None:
        answer = app.test_client().post(
            "/verify", data={"url": "https://slow.example/badge"}, base_url="https://milepost.test"
        )
        answers.append(answer.status_code)

    threads = [threading.Thread(target=check) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert all(network.waiting.acquire(timeout=30) for _ in threads)
        refused = app.test_client().post(
            "/verify",
            data={"url": "https://slow.example/badge"},
            base_url="https://milepost.test",
            headers={"Accept": "text/html"},
        )
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "10"
        assert "One moment, please" in refused.text
        assert app.test_client().get("/livez").status_code == 200
    finally:
        network.release.set()
        for thread in threads:
            thread.join()
    assert answers == [422, 422]
    check()
    assert answers[-1] == 422, "a turn that is over is free again"


@pytest.mark.parametrize(("threads", "turns"), [(1, 1), (2, 1), (4, 2), (9, 4)])
def test_turns_are_half_of_the_threads_and_at_least_one(
    runtime: Runtime, threads: int, turns: int
) -> None:
    from contextlib import ExitStack

    shared = replace(runtime, config=replace(runtime.config, threads=threads), _parts={})
    with ExitStack() as held:
        for _ in range(turns):
            held.enter_context(Turns.of(shared).taken())
        with pytest.raises(UnavailableError):
            held.enter_context(Turns.of(shared).taken())
