"""In-flight calls continue and are counted, even if their caller disconnects."""

import asyncio

import pytest
from tests.support.waiting import with_timeout

from wms_server.calls.in_flight import InFlightCalls, resolve


async def _finish_after(gate: asyncio.Event, done: list[str]) -> bytes:
    await gate.wait()
    done.append("done")
    return b"answer"


async def test_cancelled_caller_does_not_stop_the_call() -> None:
    """The call finishes, and is counted until then."""
    in_flight, gate, done = InFlightCalls(), asyncio.Event(), list[str]()
    outcome = in_flight.start_task(_finish_after(gate, done))
    outcome.cancel()
    assert in_flight.count == 1
    gate.set()
    await with_timeout(in_flight.wait_below(1), 5)
    assert (done, in_flight.count) == (["done"], 0)


async def test_result_is_resolved_once() -> None:
    """The result is a response or an error. Later results are ignored."""
    in_flight, gate = InFlightCalls(), asyncio.Event()
    gate.set()
    assert await in_flight.start_task(_finish_after(gate, [])) == b"answer"

    async def fail() -> bytes:
        raise ValueError("broken")

    outcome = in_flight.start_task(fail())
    assert isinstance(await outcome, ValueError)
    resolve(outcome, b"late")
    assert isinstance(outcome.result(), ValueError)


@pytest.mark.parametrize("limit", [1, 2])
async def test_wait_ends_below_the_limit(limit: int) -> None:
    """The wait ends as soon as fewer calls than the limit are in flight."""
    in_flight, gates = InFlightCalls(), [asyncio.Event() for _ in range(2)]
    for gate in gates:
        in_flight.start_task(_finish_after(gate, []))
    wait_task = asyncio.create_task(in_flight.wait_below(limit))
    for gate in gates[: 2 - limit + 1]:
        assert not wait_task.done()
        gate.set()
        await asyncio.sleep(0)
    await with_timeout(wait_task, 5)
    assert in_flight.count == limit - 1
    for gate in gates:
        gate.set()
    await in_flight.wait_below(1)
