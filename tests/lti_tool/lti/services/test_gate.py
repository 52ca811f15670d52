"""An LMS that is down or slow holds up no other."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.http import AddressNotAllowedError, FetchError, Response
from core.outbox import DeliveryError, OutboxMessage
from core.scope import unscoped
from core.worker import Worker
from lti_tool.lti.models import GradeDelivery, ResourceLink
from lti_tool.lti.services.gate import LONGEST_REST_SECONDS, Gate
from tests.lti_tool.lti.services.conftest import Scene, decision
from tests.support.local_http import Answer, local_server

DEAD, ALIVE = "https://dead.example/scores", "https://alive.example/scores"


class Network:
    """Stands for the process's HTTP client: hosts by what they do."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.seconds = 0.0

    def request(self, _method: str, url: str, **_options: Any) -> Response:
        self.sent.append(url)
        if url in self.faults:
            raise self.faults[url]
        return Response(200, {}, b"", url)


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def gate(network: Network) -> Gate:
    return Gate(network, monotonic=lambda: network.seconds)  # type: ignore[arg-type]


def test_a_host_that_does_not_answer_is_left_alone_and_others_are_not(
    network: Network, gate: Gate
) -> None:
    network.faults[DEAD] = FetchError("timeout", "It did not answer in time.")
    with pytest.raises(FetchError):
        gate.request("POST", DEAD)
    for _ in range(100):
        with pytest.raises(DeliveryError) as put_off:
            gate.request("POST", DEAD)
        assert (put_off.value.tried, put_off.value.permanent) == (False, False)
        assert put_off.value.retry_after is not None
        assert timedelta(seconds=30) <= put_off.value.retry_after <= timedelta(seconds=38)
    gate.request("POST", ALIVE)
    assert network.sent == [DEAD, ALIVE]


def test_it_rests_longer_each_time_and_not_for_ever(network: Network, gate: Gate) -> None:
    network.faults[DEAD] = FetchError("unreachable", "It could not be reached.")
    rests = []
    for _ in range(12):
        with pytest.raises(FetchError):
            gate.request("POST", DEAD)
        before = network.seconds
        while True:
            network.seconds += 15
            try:
                gate.request("POST", DEAD)
            except DeliveryError:
                continue
            except FetchError:
                break
        rests.append(network.seconds - before)
        network.seconds += LONGEST_REST_SECONDS
    assert rests[:2] == [30, 120]
    assert rests[-1] == LONGEST_REST_SECONDS


def test_an_answer_of_any_kind_ends_the_rest(network: Network, gate: Gate) -> None:
    network.faults[DEAD] = FetchError("timeout", "It did not answer in time.")
    with pytest.raises(FetchError):
        gate.request("POST", DEAD)
    network.seconds += 31
    network.faults.clear()
    for _ in range(3):
        gate.request("POST", DEAD)
    assert len(network.sent) == 4


def test_an_address_that_is_refused_here_says_nothing_about_its_host(
    network: Network, gate: Gate
) -> None:
    network.faults[DEAD] = AddressNotAllowedError("private")
    for _ in range(3):
        with pytest.raises(AddressNotAllowedError):
            gate.request("POST", DEAD)


def test_few_requests_at_a_time_go_to_one_host() -> None:
    inside, go = threading.Semaphore(0), threading.Event()

    class Slow(Network):
        def request(self, method: str, url: str, **options: Any) -> Response:
            inside.release()
            go.wait(30)
            return super().request(method, url, **options)

    gate = Gate(Slow())  # type: ignore[arg-type]
    threads = [threading.Thread(target=gate.request, args=("POST", DEAD)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=30)
    with pytest.raises(DeliveryError, match="busy") as put_off:
        gate.request("POST", DEAD)
    assert not put_off.value.tried
    go.set()
    for thread in threads:
        thread.join()


def test_scores_of_a_living_lms_arrive_while_another_is_stalled(standard: Scene) -> None:
    """Sixty scores for an LMS that accepts connections and never answers, then one for another."""
    item = standard.platform.add_item(resource_link_id="link-1")
    page = standard.launch("7")
    stalled, over = threading.Semaphore(0), threading.Event()
    with local_server() as dead:

        def never(_request: Any) -> Answer:
            stalled.release()
            over.wait(30)
            return Answer(503)

        dead.routes["/items/1/scores"] = never
        other = second_link(standard, page, f"{dead.url}/items/1")
        for _ in range(60):
            standard.publish("review.decided", decision(page, resource_link_id=other))
        standard.publish("review.decided", decision(page))
        working = Worker(standard.runtime.database, standard.registry, slots=4)
        thread = threading.Thread(target=working.run, kwargs={"poll": 0.05})
        thread.start()
        try:
            assert stalled.acquire(timeout=30), "the dead one was asked"
            pause = threading.Event()
            for _ in range(1500):
                if standard.platform.grade("7", item).given == 100:
                    break
                pause.wait(0.02)
            assert standard.platform.grade("7", item).given == 100, "the dead one stood in the way"
            assert not over.is_set()
            assert dead.count("/items/1/scores") <= 2
        finally:
            working.stop()  # first, so that what waits is not tried once the dead one answers
            over.set()
            thread.join()
        asked = dead.count("/items/1/scores")
    assert [one.state for one in standard.all(GradeDelivery)] == ["sent"]
    with standard.runtime.database.snapshot() as session:
        waiting = session.scalars(
            select(OutboxMessage).where(
                OutboxMessage.topic == "review.decided>grade.post", OutboxMessage.state != "done"
            )
        ).all()
    assert {row.state for row in waiting} == {"ready"}
    assert sum(row.attempts for row in waiting) <= asked, "what was not tried is no attempt"


def second_link(scene: Scene, page: dict[str, Any], url: str) -> str:
    """A link of the same person's whose column is somewhere else."""
    with scene.runtime.database.transaction() as session, unscoped(session, "test"):
        first = session.scalars(select(ResourceLink)).one()
        values = {
            column.name: getattr(first, column.name) for column in ResourceLink.__table__.columns
        }
        del values["id"]
        values |= {"lti_id": "link-2", "line_item_url": url, "scopes": [first.scopes[0]]}
        made = ResourceLink(**values)
        session.add(made)
        session.flush()
        return str(made.id)
