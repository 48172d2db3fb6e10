"""Whose turn it is: who comes during one shares the next, and a late one is not waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from tests.support.waiting import bounded, eventually
from wms_core.application.ports import Database, Transaction
from wms_core.application.workloads import Usage
from wms_core.clock import CLOCK
from wms_core.domain.caller import Caller
from wms_core.traces import Tracing
from wms_server import joining
from wms_server.at_work import AtWork, Outcome
from wms_server.calls import Call
from wms_server.joining import Asked, Joining, JoiningLimits, joined_read


class _Nothing:
    """Stands where the database is: there is nothing to read."""

    async def read(self, work: Callable[[Any], Awaitable[Any]], *, usage: Usage) -> Any:  # noqa: ARG002
        return await work(None)


class _Turns:
    """Holds each turn until it is let go, and knows who is in it."""

    def __init__(self, limits: JoiningLimits) -> None:
        self.begun: list[list[str]] = []
        self._gates: list[asyncio.Event] = []

        @joined_read
        async def method(_: Transaction, asked: Sequence[Asked[str]]) -> list[Outcome]:
            gate = asyncio.Event()
            self.begun.append([one.request for one in asked])
            self._gates.append(gate)
            await gate.wait()
            return [one.request.encode() for one in asked]

        self._joining = Joining(cast(Database, _Nothing()), method, limits, AtWork(), Tracing())

    def ask(self, *names: str) -> "list[asyncio.Future[Outcome]]":
        end = asyncio.get_running_loop().time() + 60
        call = Call("Read", Caller(), CLOCK.now(), end)
        return [self._joining.begin(Asked(name, call, None, 1)) for name in names]

    def let_go(self, number: int) -> None:
        self._gates[number].set()

    async def are(self, count: int) -> None:
        async def begun() -> bool:
            return len(self.begun) >= count

        await eventually(begun)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take no turn for late."""
    monkeypatch.setattr(joining, "PATIENCE", 3600.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every turn for late at once."""
    monkeypatch.setattr(joining, "PATIENCE", 0.0)


async def _many_rounds() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("patient")
async def test_who_comes_during_a_turn_shares_the_next() -> None:
    """In the order in which they came, and all are answered."""
    turns = _Turns(JoiningLimits())
    first = turns.ask("a")
    await turns.are(1)
    later = turns.ask("b", "c")
    await _many_rounds()
    later += turns.ask("d")
    await _many_rounds()
    assert turns.begun == [["a"]]
    turns.let_go(0)
    await turns.are(2)
    turns.let_go(1)
    assert await bounded(asyncio.gather(*first, *later), 10) == [b"a", b"b", b"c", b"d"]
    assert turns.begun == [["a"], ["b", "c", "d"]]


@pytest.mark.usefixtures("impatient")
async def test_beside_late_turns_others_begin_as_many_as_may_be() -> None:
    """One more waits until any of them has ended."""
    turns = _Turns(JoiningLimits(at_once=2))
    asked = turns.ask("a")
    await turns.are(1)
    asked += turns.ask("b")
    await turns.are(2)
    asked += turns.ask("c", "d")
    await _many_rounds()
    assert turns.begun == [["a"], ["b"]]
    turns.let_go(1)
    await turns.are(3)
    assert turns.begun[2] == ["c", "d"]
    turns.let_go(0)
    turns.let_go(2)
    assert await bounded(asyncio.gather(*asked), 10) == [b"a", b"b", b"c", b"d"]


@pytest.mark.usefixtures("patient")
async def test_without_joining_each_call_has_a_turn_of_its_own() -> None:
    """Whoever is under way, and whichever ends first."""
    turns = _Turns(JoiningLimits(calls=1))
    asked = turns.ask("a", "b")
    await turns.are(2)
    turns.let_go(0)
    asked += turns.ask("c", "d")
    await turns.are(4)
    for number in range(4):
        turns.let_go(number)
    assert await bounded(asyncio.gather(*asked), 10) == [b"a", b"b", b"c", b"d"]
    assert turns.begun == [["a"], ["b"], ["c"], ["d"]]
