"""A subscriber to moves: the messages, their order, and the heartbeats of a silent stream."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from wms.orders.v1.storage_pb2 import WatchMovesResponse
from wms_core.domain.errors import StorageUnavailable, WatcherTooSlow
from wms_core.domain.stock.warehouse import Move, MoveKind, MoveStatus
from wms_server.mapping.storage import to_move_message
from wms_server.subscriptions.broadcaster import SubscriberLimits
from wms_server.subscriptions.moves import MoveSubscriber

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def _encoded_move(move_id: str, status: MoveStatus = MoveStatus.REQUESTED) -> tuple[Move, bytes]:
    move = Move(move_id, "WH-01", "CAR-1", "SKU-001", 1, MoveKind.RETRIEVE, status, NOW, NOW)
    return move, WatchMovesResponse(move=to_move_message(move)).SerializeToString()


def _subscriber(
    max_backlog: int = 10, heartbeat_seconds: float = 10.0, max_backlog_bytes: int = 10_000
) -> MoveSubscriber:
    return MoveSubscriber(
        "WH-01",
        frozenset({MoveStatus.REQUESTED}),
        SubscriberLimits(max_backlog, heartbeat_seconds, max_backlog_bytes),
    )


async def _next_message(subscriber: MoveSubscriber) -> WatchMovesResponse:
    return WatchMovesResponse.FromString(await subscriber.next_message())


async def test_silent_stream_has_heartbeats() -> None:
    """No heartbeat precedes the end of the snapshot, because it would mark that end."""
    subscriber = _subscriber(heartbeat_seconds=0.01)
    message_task = asyncio.create_task(_next_message(subscriber))
    done, _ = await asyncio.wait({message_task}, timeout=0.05)
    assert not done
    subscriber.receive_snapshot([_encoded_move("MOV-1")])
    assert (await message_task).move.move_id == "MOV-1"
    for _ in range(3):
        assert (await _next_message(subscriber)).HasField("heartbeat")
    subscriber.receive([_encoded_move("MOV-2"), _encoded_move("MOV-3", MoveStatus.CLAIMED)])
    assert (await _next_message(subscriber)).move.move_id == "MOV-2"
    assert (await _next_message(subscriber)).HasField("heartbeat")


async def test_backlog_is_limited_by_its_messages() -> None:
    """The snapshot does not count. A subscriber above the limit drops its messages and accepts no more."""
    subscriber = _subscriber(max_backlog=2)
    subscriber.receive_snapshot([_encoded_move(f"MOV-{number}") for number in range(5)])
    subscriber.receive([_encoded_move("MOV-6"), _encoded_move("MOV-7")])
    assert not subscriber.has_ended
    subscriber.receive([_encoded_move("MOV-8")])
    subscriber.receive([_encoded_move("MOV-9")])
    assert subscriber.has_ended
    with pytest.raises(WatcherTooSlow):
        await _next_message(subscriber)


async def test_backlog_is_limited_by_its_bytes() -> None:
    """Delivered messages free their bytes. The snapshot does not count."""
    message_bytes = len(_encoded_move("MOV-1")[1])
    subscriber = _subscriber(max_backlog=1_000, max_backlog_bytes=2 * message_bytes)
    subscriber.receive_snapshot([_encoded_move("MOV-0")])
    for number in range(3):
        subscriber.receive([_encoded_move(f"MOV-{number}"), _encoded_move(f"MOV-{number}")])
        assert not subscriber.has_ended
        while subscriber._waiting_messages:
            await _next_message(subscriber)
    subscriber.receive([_encoded_move(f"MOV-{number}") for number in range(9)])
    with pytest.raises(WatcherTooSlow):
        await _next_message(subscriber)


async def test_messages_before_the_end_are_delivered_first() -> None:
    """The error follows, on every further call."""
    subscriber = _subscriber()
    subscriber.receive_snapshot([])
    subscriber.end(StorageUnavailable)
    assert (await _next_message(subscriber)).HasField("heartbeat")
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await _next_message(subscriber)


async def test_message_due_with_a_heartbeat_is_delivered_first() -> None:
    """A heartbeat means that no message waits, whichever timer ran first."""
    subscriber = _subscriber(heartbeat_seconds=0.05)
    subscriber.receive_snapshot([])
    await _next_message(subscriber)
    message_task = asyncio.create_task(_next_message(subscriber))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, subscriber.receive, [_encoded_move("MOV-1")])
    # Both timers are due when the loop continues. They run in order, then the task that the first one wakes.
    time.sleep(0.1)  # noqa: ASYNC251
    assert (await message_task).HasField("move")
