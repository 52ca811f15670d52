"""Login and launch: both requests through the whole application, session written."""

from __future__ import annotations

import time
from itertools import count

from werkzeug.wrappers import Response

from tests.bench import hello
from tests.bench.bench import Bench
from tests.bench.clock import Work, medians
from tests.bench.figures import Figure, Measured, Peer
from tests.bench.installation import Sample, sample, send, told
from tests.bench.serving import request_of, serve

CALLS, ROUNDS = 20, 50  # long enough to meet the machine in more than one mood


def login_and_launch(bench: Bench) -> Measured:
    """What the server spends on a login and its launch by a teacher who was here before.

    Measured where a web server calls the application; the requests are put together beforehand.
    Every second login is a GET, the others a POST. What the LMS and the browser do in between
    (signing the id_token) does not count.
    """
    return _measured(_served(bench.open(sample)), hello.hello_served())


def login_and_launch_client(bench: Bench) -> Measured:
    """The same through the test client, whose own work as browser and web server counts."""
    return _measured(_sent(bench.open(sample)), hello.hello())


def _measured(work: Work, peer_work: Work) -> Measured:
    seconds, peer = medians(work, peer_work, calls=CALLS, rounds=ROUNDS)
    return Measured(seconds * 1e3, Peer(hello.NAME, peer * 1e3))


def _served(found: Sample) -> Work:
    numbers = count()

    def work() -> float:
        parameters = found.begin()
        if next(numbers) % 2:
            login = serve(found.app, request_of("GET", "/lti/login", query=parameters))
        else:
            login = serve(found.app, request_of("POST", "/lti/login", form=parameters))
        fields = found.answer(login.answer)
        environ = request_of("POST", "/lti/launch", form=fields, cookies=login.cookies)
        launch = serve(found.app, environ)
        _check(launch.answer)
        return login.seconds + launch.seconds

    return work


def _sent(found: Sample) -> Work:
    numbers = count()

    def work() -> float:
        browser, parameters = found.client(), found.begin()
        method = "GET" if next(numbers) % 2 else "POST"
        place = {"query_string" if method == "GET" else "data": parameters}
        began = time.process_time()
        login = send(browser, method, "/lti/login", **place)
        spent = time.process_time() - began
        fields = found.answer(login)
        began = time.process_time()
        launch = send(browser, "POST", "/lti/launch", data=fields)
        spent += time.process_time() - began
        _check(launch)
        return spent

    return work


def _check(launch: Response) -> None:
    if launch.status_code != 303:
        raise RuntimeError(f"the launch answered {told(launch)}")


FIGURES = (
    Figure("launch.login_and_launch_cpu_ms", "cpu ms", "lower", 3, login_and_launch),
    Figure(
        "launch.login_and_launch_client_cpu_ms", "cpu ms", "lower", None, login_and_launch_client
    ),
)
