"""Requests that are read: a place for each, which one that takes long leaves to others."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.support.waiting import eventually
from wms_core.domain.errors import DeadlinePassed, MalformedMessage, TooManyUnfinished, WmsError
from wms_server import guarded_handlers, incoming_requests
from wms_server.app import RECEIVE_LIMIT_BYTES, WINDOW_BYTES
from wms_server.incoming_requests import IncomingRequests
from wms_server.ingesting import MAX_INGEST_STREAMS
from wms_server.reflection import MAX_REFLECTION_STREAMS


class _Call:
    """A call as gRPC has it: its message comes when the test says so, and to end it ends whoever reads."""

    def __init__(self, connection: str = "one") -> None:
        self.connection = connection
        self.message: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.error: WmsError | None = None
        self.reads = 0

    def peer(self) -> str:
        return self.connection

    async def read(self) -> Any:
        self.reads += 1
        if self.error is not None:
            raise grpc.aio.AbortError
        return await self.message

    async def end(self, error: WmsError) -> None:
        self.error = error
        if not self.message.done():
            self.message.set_exception(grpc.aio.AbortError())
        raise grpc.aio.AbortError


def _reading(incoming: IncomingRequests, call: _Call) -> "asyncio.Task[bytes]":
    return asyncio.create_task(incoming.read(call, call.end))


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming_requests, "MOMENT_SECONDS", 0.02)
    monkeypatch.setattr(incoming_requests, "SHORT_SECONDS", 0.01)


async def test_a_message_that_is_there_is_returned() -> None:
    """And the place is free again."""
    incoming = IncomingRequests(5, max_reading=1)
    for number in range(3):
        call = _Call()
        call.message.set_result(b"%d" % number)
        assert await incoming.read(call, call.end) == b"%d" % number
    assert incoming.count == 0


async def test_calls_beyond_the_places_are_not_read_before_there_is_one() -> None:
    """In their order."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [_Call() for _ in range(3)]
    tasks = [_reading(incoming, call) for call in calls]
    await _turns()
    assert [call.reads for call in calls] == [1, 0, 0]
    for call in calls:
        call.message.set_result(b"x")
        await _turns()
    assert await asyncio.gather(*tasks) == [b"x"] * 3
    assert incoming.count == 0


async def test_what_takes_long_leaves_its_place_and_goes_on() -> None:
    """As many as there are places for the slow; one more is ended, when its place is wanted."""
    incoming = IncomingRequests(5, max_reading=1, max_slow=2)
    slow = [_Call() for _ in range(2)]
    tasks = [_reading(incoming, call) for call in slow]
    await _turns()
    third = _Call()
    ended = _reading(incoming, third)
    await eventually(lambda: _is_read(third))
    await asyncio.sleep(0.1)
    assert third.error is None
    quick = _Call()
    quick.message.set_result(b"quick")
    async with asyncio.timeout(5):
        assert await incoming.read(quick, quick.end) == b"quick"
        with pytest.raises(grpc.aio.AbortError):
            await ended
    assert isinstance(third.error, TooManyUnfinished)
    for call in slow:
        call.message.set_result(b"slow")
    assert await asyncio.gather(*tasks) == [b"slow"] * 2
    assert incoming.count == 0


async def _is_read(call: _Call) -> bool:
    return call.reads > 0


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_request_has_so_long_to_arrive(count: int) -> None:
    """Whether it has a place of the slow, the one that it began in, or waits for one."""
    incoming = IncomingRequests(0.1, max_reading=1, max_slow=1)
    calls = [_Call() for _ in range(count)]
    async with asyncio.timeout(5):
        ended = await asyncio.gather(*(_reading(incoming, call) for call in calls), return_exceptions=True)
    assert {type(error) for error in ended} <= {grpc.aio.AbortError, DeadlinePassed}
    assert isinstance(calls[0].error, DeadlinePassed)
    assert incoming.count == 0


async def test_there_is_an_end_to_waiting() -> None:
    """One more than may wait is refused at once."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=1)
    tasks = [_reading(incoming, _Call()) for _ in range(2)]
    await _turns()
    with pytest.raises(TooManyUnfinished):
        await incoming.read(_Call(), _Call().end)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert incoming.count == 0


async def test_calls_that_are_cancelled_while_they_wait_leave_nothing() -> None:
    """However many: while places are taken nobody else would remove them."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=3)
    first = _Call()
    reading = _reading(incoming, first)
    await _turns()
    for number in range(100):
        waiting = _reading(incoming, _Call(f"connection {number % 5}"))
        await _turns()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert incoming.count == 1
    assert sum(len(line) for line in incoming._waiting.values()) == 0
    first.message.set_result(b"x")
    assert await reading == b"x"


async def test_a_call_that_is_refused_and_cancelled_at_once_gives_no_place_back() -> None:
    """It had none: else one more than may would be read."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=2)
    calls = [_Call("many") for _ in range(3)]
    tasks = [_reading(incoming, call) for call in calls]
    await _turns()
    tasks.append(_reading(incoming, _Call("another")))
    # It refuses the last of the other connection, whose task has not run yet.
    await asyncio.sleep(0)
    tasks[2].cancel()
    await _turns()
    assert [call.reads for call in calls] == [1, 0, 0]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert incoming.count == 0


async def test_connections_take_turns() -> None:
    """One with many calls keeps no other from having its only one read."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [*(_Call("many") for _ in range(4)), _Call("another")]
    tasks = [_reading(incoming, call) for call in calls]
    await _turns()
    calls[0].message.set_result(b"x")
    await _turns()
    calls[1].message.set_result(b"x")
    await _turns()
    assert [call.reads for call in calls] == [1, 1, 0, 0, 1]
    for call in (calls[4], calls[2], calls[3]):
        call.message.set_result(b"x")
        await _turns()
    assert await asyncio.gather(*tasks) == [b"x"] * 5
    assert incoming.count == 0


async def test_the_connection_with_the_most_calls_is_refused_first() -> None:
    """When as many wait as may; a single call of another one still finds room."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=3)
    many = [_Call("many") for _ in range(4)]
    tasks = [_reading(incoming, call) for call in many]
    await _turns()
    other = _Call("another")
    waiting = _reading(incoming, other)
    await _turns()
    with pytest.raises(TooManyUnfinished):
        await tasks[3]
    for call in (many[0], many[1], other, many[2]):
        call.message.set_result(b"x")
        await _turns()
    assert await asyncio.gather(*tasks[:3], waiting) == [b"x"] * 4
    assert incoming.count == 0


async def test_a_client_that_leaves_gives_its_place_back() -> None:
    """Whether it was read, waited, or had just been given a place."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [_Call() for _ in range(3)]
    tasks = [_reading(incoming, call) for call in calls]
    await _turns()
    tasks[1].cancel()
    tasks[0].cancel()
    await _turns()
    calls[2].message.set_result(b"last")
    assert await tasks[2] == b"last"
    assert incoming.count == 0


async def test_a_call_without_a_message_is_malformed() -> None:
    """Its client ends it before it has sent one."""
    incoming = IncomingRequests(5)
    call = _Call()
    call.message.set_result(grpc.aio.EOF)
    with pytest.raises(MalformedMessage):
        await incoming.read(call, call.end)


def test_the_guide_says_what_unfinished_requests_hold_at_the_most() -> None:
    """The sum of all places: messages as large as any, and windows of those that wait."""
    messages = sum(
        (
            *(incoming_requests.MAX_READING, incoming_requests.MAX_SLOW),
            *(guarded_handlers.MAX_READING, guarded_handlers.MAX_SLOW),
            *(MAX_INGEST_STREAMS, MAX_REFLECTION_STREAMS),
        )
    )
    waiting = incoming_requests.MAX_WAITING + guarded_handlers.MAX_WAITING
    mebibytes = (messages * RECEIVE_LIMIT_BYTES + waiting * WINDOW_BYTES) / 2**20
    guide = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"| {messages} messages of {RECEIVE_LIMIT_BYTES / 2**20:.2f} MiB" in guide
    turns = "and connections take turns"
    assert f"{waiting} more calls wait with 256 KiB each, {turns}. Together {mebibytes:.0f} MiB" in guide
