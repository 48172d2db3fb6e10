"""Reading of requests: each needs a place, and a slow one leaves its place to others."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.support.waiting import eventually

from wms_core.domain.errors import DeadlinePassed, MalformedMessage, TooManyUnfinished, WmsError
from wms_server.app import MAX_RECEIVE_BYTES, WINDOW_BYTES
from wms_server.calls.reflection import MAX_REFLECTION_STREAMS
from wms_server.calls.streaming import MAX_INGEST_STREAMS
from wms_server.limits import guarded_handlers, incoming_requests
from wms_server.limits.incoming_requests import IncomingRequests


class _Call:
    """A gRPC call whose message arrives when the test decides. Ending it also ends its reader."""

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


def _start_reading(incoming: IncomingRequests, call: _Call) -> "asyncio.Task[bytes]":
    return asyncio.create_task(incoming.read_request(call, call.end))


async def _run_event_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming_requests, "SLOW_AFTER_SECONDS", 0.02)
    monkeypatch.setattr(incoming_requests, "BUSY_SLOW_AFTER_SECONDS", 0.01)


async def test_available_message_is_returned() -> None:
    """Its place is free again afterwards."""
    incoming = IncomingRequests(5, max_reading=1)
    for number in range(3):
        call = _Call()
        call.message.set_result(b"%d" % number)
        assert await incoming.read_request(call, call.end) == b"%d" % number
    assert incoming.count == 0


async def test_calls_wait_for_a_place_in_their_order() -> None:
    """A call without a place is not read."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [_Call() for _ in range(3)]
    tasks = [_start_reading(incoming, call) for call in calls]
    await _run_event_loop()
    assert [call.reads for call in calls] == [1, 0, 0]
    for call in calls:
        call.message.set_result(b"x")
        await _run_event_loop()
    assert await asyncio.gather(*tasks) == [b"x"] * 3
    assert incoming.count == 0


async def test_slow_request_moves_to_a_slow_place() -> None:
    """The number of slow places is limited. One more slow request is ended when its place is needed."""
    incoming = IncomingRequests(5, max_reading=1, max_slow=2)
    slow = [_Call() for _ in range(2)]
    tasks = [_start_reading(incoming, call) for call in slow]
    await _run_event_loop()
    third = _Call()
    third_task = _start_reading(incoming, third)
    await eventually(lambda: _is_read(third))
    await asyncio.sleep(0.1)
    assert third.error is None
    quick = _Call()
    quick.message.set_result(b"quick")
    async with asyncio.timeout(5):
        assert await incoming.read_request(quick, quick.end) == b"quick"
        with pytest.raises(grpc.aio.AbortError):
            await third_task
    assert isinstance(third.error, TooManyUnfinished)
    for call in slow:
        call.message.set_result(b"slow")
    assert await asyncio.gather(*tasks) == [b"slow"] * 2
    assert incoming.count == 0


async def _is_read(call: _Call) -> bool:
    return call.reads > 0


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_request_must_arrive_within_the_timeout(count: int) -> None:
    """The timeout holds for a request in a slow place, in its first place, or waiting."""
    incoming = IncomingRequests(0.1, max_reading=1, max_slow=1)
    calls = [_Call() for _ in range(count)]
    async with asyncio.timeout(5):
        results = await asyncio.gather(
            *(_start_reading(incoming, call) for call in calls), return_exceptions=True
        )
    assert {type(error) for error in results} <= {grpc.aio.AbortError, DeadlinePassed}
    assert isinstance(calls[0].error, DeadlinePassed)
    assert incoming.count == 0


async def test_number_of_waiting_calls_is_limited() -> None:
    """The next call is rejected at once."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=1)
    tasks = [_start_reading(incoming, _Call()) for _ in range(2)]
    await _run_event_loop()
    with pytest.raises(TooManyUnfinished):
        await incoming.read_request(_Call(), _Call().end)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert incoming.count == 0


async def test_cancelled_waiting_calls_are_removed() -> None:
    """While all places are taken, only the cancellation can remove them."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=3)
    first = _Call()
    reading = _start_reading(incoming, first)
    await _run_event_loop()
    for number in range(100):
        waiting = _start_reading(incoming, _Call(f"connection {number % 5}"))
        await _run_event_loop()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert incoming.count == 1
    assert sum(len(places) for places in incoming._waiting_by_connection.values()) == 0
    first.message.set_result(b"x")
    assert await reading == b"x"


async def test_rejected_and_cancelled_call_releases_no_place() -> None:
    """It had no place. Otherwise too many calls would be read."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=2)
    calls = [_Call("many") for _ in range(3)]
    tasks = [_start_reading(incoming, call) for call in calls]
    await _run_event_loop()
    tasks.append(_start_reading(incoming, _Call("another")))
    # The new call rejects the last one of the other connection, whose task has not run yet.
    await asyncio.sleep(0)
    tasks[2].cancel()
    await _run_event_loop()
    assert [call.reads for call in calls] == [1, 0, 0]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert incoming.count == 0


async def test_connections_take_turns() -> None:
    """A connection with many calls does not delay the only call of another one."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [*(_Call("many") for _ in range(4)), _Call("another")]
    tasks = [_start_reading(incoming, call) for call in calls]
    await _run_event_loop()
    calls[0].message.set_result(b"x")
    await _run_event_loop()
    calls[1].message.set_result(b"x")
    await _run_event_loop()
    assert [call.reads for call in calls] == [1, 1, 0, 0, 1]
    for call in (calls[4], calls[2], calls[3]):
        call.message.set_result(b"x")
        await _run_event_loop()
    assert await asyncio.gather(*tasks) == [b"x"] * 5
    assert incoming.count == 0


async def test_call_of_the_busiest_connection_is_rejected_first() -> None:
    """If all waiting places are taken, a single call of another connection still gets one."""
    incoming = IncomingRequests(5, max_reading=1, max_waiting=3)
    busy_calls = [_Call("many") for _ in range(4)]
    tasks = [_start_reading(incoming, call) for call in busy_calls]
    await _run_event_loop()
    other_call = _Call("another")
    waiting = _start_reading(incoming, other_call)
    await _run_event_loop()
    with pytest.raises(TooManyUnfinished):
        await tasks[3]
    for call in (busy_calls[0], busy_calls[1], other_call, busy_calls[2]):
        call.message.set_result(b"x")
        await _run_event_loop()
    assert await asyncio.gather(*tasks[:3], waiting) == [b"x"] * 4
    assert incoming.count == 0


async def test_cancelled_call_releases_its_place() -> None:
    """The call may be read, waiting, or just admitted."""
    incoming = IncomingRequests(5, max_reading=1)
    calls = [_Call() for _ in range(3)]
    tasks = [_start_reading(incoming, call) for call in calls]
    await _run_event_loop()
    tasks[1].cancel()
    tasks[0].cancel()
    await _run_event_loop()
    calls[2].message.set_result(b"last")
    assert await tasks[2] == b"last"
    assert incoming.count == 0


async def test_call_without_a_message_is_malformed() -> None:
    """Its client ends it before the first message."""
    incoming = IncomingRequests(5)
    call = _Call()
    call.message.set_result(grpc.aio.EOF)
    with pytest.raises(MalformedMessage):
        await incoming.read_request(call, call.end)


def test_guide_has_the_maximum_memory_of_unfinished_requests() -> None:
    """The sum counts messages of the maximum size for all places, and windows for waiting calls."""
    messages = sum(
        (
            *(incoming_requests.MAX_READING, incoming_requests.MAX_SLOW),
            *(guarded_handlers.MAX_READING, guarded_handlers.MAX_SLOW),
            *(MAX_INGEST_STREAMS, MAX_REFLECTION_STREAMS),
        )
    )
    waiting = incoming_requests.MAX_WAITING + guarded_handlers.MAX_WAITING
    mebibytes = (messages * MAX_RECEIVE_BYTES + waiting * WINDOW_BYTES) / 2**20
    guide = (Path(__file__).parents[4] / "docs" / "guides" / "operations.md").read_text(encoding="utf-8")
    assert f"| {messages} messages of {MAX_RECEIVE_BYTES / 2**20:.2f} MiB" in guide
    turns = "and connections take turns"
    assert f"{waiting} more calls wait with 256 KiB each, {turns}. Together {mebibytes:.0f} MiB" in guide
