"""One watcher: what it is given, in which order, and when it has nothing to say."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from wms.orders.v1.storage_pb2 import WatchMovesResponse
from wms_core.domain.errors import StorageUnavailable, WatcherTooSlow
from wms_core.domain.storage import Move, MoveKind, MoveStatus
from wms_server.messages.storage import move_message
from wms_server.move_watcher import MoveWatcher
from wms_server.watcher import Patience

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def _news(move_id: str, status: MoveStatus = MoveStatus.REQUESTED) -> tuple[Move, bytes]:
    move = Move(move_id, "WH-01", "CAR-1", "SKU-001", 1, MoveKind.RETRIEVE, status, NOW, NOW)
    return move, WatchMovesResponse(move=move_message(move)).SerializeToString()


def _watcher(room: int = 10, quiet: float = 10.0, room_bytes: int = 10_000) -> MoveWatcher:
    return MoveWatcher("WH-01", frozenset({MoveStatus.REQUESTED}), Patience(room, quiet, room_bytes))


async def _next(watcher: MoveWatcher) -> WatchMovesResponse:
    return WatchMovesResponse.FromString(await watcher.next())


async def test_a_heartbeat_comes_when_nothing_else_does() -> None:
    """After the beginning: before it, a heartbeat would say that it is over."""
    watcher = _watcher(quiet=0.01)
    waiting = asyncio.create_task(_next(watcher))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    watcher.show([_news("MOV-1")])
    assert (await waiting).move.move_id == "MOV-1"
    for _ in range(3):
        assert (await _next(watcher)).HasField("heartbeat")
    watcher.hear([_news("MOV-2"), _news("MOV-3", MoveStatus.CLAIMED)])
    assert (await _next(watcher)).move.move_id == "MOV-2"
    assert (await _next(watcher)).HasField("heartbeat")


async def test_a_watcher_has_room_for_so_much_and_no_more() -> None:
    """The beginning counts apart; one that is full keeps nothing, and takes nothing any more."""
    watcher = _watcher(room=2)
    watcher.show([_news(f"MOV-{number}") for number in range(5)])
    watcher.hear([_news("MOV-6"), _news("MOV-7")])
    assert not watcher.has_ended
    watcher.hear([_news("MOV-8")])
    watcher.hear([_news("MOV-9")])
    assert watcher.has_ended
    with pytest.raises(WatcherTooSlow):
        await _next(watcher)


async def test_a_watcher_has_room_for_so_many_bytes_and_no_more() -> None:
    """What it has read makes room again; the beginning counts apart."""
    one = len(_news("MOV-1")[1])
    watcher = _watcher(room=1_000, room_bytes=2 * one)
    watcher.show([_news("MOV-0")])
    for number in range(3):
        watcher.hear([_news(f"MOV-{number}"), _news(f"MOV-{number}")])
        assert not watcher.has_ended
        while watcher._waiting:
            await _next(watcher)
    watcher.hear([_news(f"MOV-{number}") for number in range(9)])
    with pytest.raises(WatcherTooSlow):
        await _next(watcher)


async def test_what_was_told_before_the_end_is_given_first() -> None:
    """Then the error, as often as it is asked."""
    watcher = _watcher()
    watcher.show([])
    watcher.end(StorageUnavailable)
    assert (await _next(watcher)).HasField("heartbeat")
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await _next(watcher)


async def test_what_comes_with_the_end_of_a_pause_goes_before_the_heartbeat() -> None:
    """A heartbeat says that nothing waits, whichever of the two was there first."""
    watcher = _watcher(quiet=0.05)
    watcher.show([])
    await _next(watcher)
    waiting = asyncio.create_task(_next(watcher))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, watcher.hear, [_news("MOV-1")])
    # When the loop goes on both timers are due: they run in order, then the task that the first one wakes.
    time.sleep(0.1)  # noqa: ASYNC251
    assert (await waiting).HasField("move")
