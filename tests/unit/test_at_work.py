"""What is at work goes on and is counted, whoever waits for it."""

import asyncio

import pytest

from tests.support.waiting import bounded
from wms_server.at_work import AtWork, tell


async def _after(gate: asyncio.Event, done: list[str]) -> bytes:
    await gate.wait()
    done.append("done")
    return b"answer"


async def test_who_leaves_stops_nothing() -> None:
    """The work is finished, and counted until then."""
    at_work, gate, done = AtWork(), asyncio.Event(), list[str]()
    outcome = at_work.begin(_after(gate, done))
    outcome.cancel()
    assert at_work.count == 1
    gate.set()
    await bounded(at_work.fewer_than(1), 5)
    assert (done, at_work.count) == (["done"], 0)


async def test_an_outcome_is_told_once() -> None:
    """An answer, or an error as a value; what comes later changes nothing."""
    at_work, gate = AtWork(), asyncio.Event()
    gate.set()
    assert await at_work.begin(_after(gate, [])) == b"answer"

    async def breaks() -> bytes:
        raise ValueError("broken")

    outcome = at_work.begin(breaks())
    assert isinstance(await outcome, ValueError)
    tell(outcome, b"late")
    assert isinstance(outcome.result(), ValueError)


@pytest.mark.parametrize("limit", [1, 2])
async def test_room_is_waited_for(limit: int) -> None:
    """Until fewer are at work than may be, and no longer."""
    at_work, gates = AtWork(), [asyncio.Event() for _ in range(2)]
    for gate in gates:
        at_work.begin(_after(gate, []))
    waiting = asyncio.create_task(at_work.fewer_than(limit))
    for gate in gates[: 2 - limit + 1]:
        assert not waiting.done()
        gate.set()
        await asyncio.sleep(0)
    await bounded(waiting, 5)
    assert at_work.count == limit - 1
    for gate in gates:
        gate.set()
    await at_work.fewer_than(1)
