"""The tracker of move changes: it misses no lasting change between two polls or during one."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wms_core.application.move_changes import MoveChanges, MoveChangeTracker
from wms_core.domain.stock.warehouse import Move, MoveKind, MoveStatus

NOW = datetime(2024, 6, 1, tzinfo=UTC)
_S = MoveStatus
_NEXT = {
    _S.REQUESTED: [_S.REQUESTED, _S.CLAIMED, _S.FAILED, _S.CANCELLED],
    _S.CLAIMED: [_S.CLAIMED, _S.COMPLETED, _S.FAILED],
}


class _ChangingMoves:
    """Moves of warehouses that change at any time, also between the two statements of a poll."""

    def __init__(self) -> None:
        self.current: dict[str, MoveStatus] = {}
        self.next_changes: dict[str, MoveStatus] = {}

    async def list_live_statuses(self, warehouse_ids: list[str]) -> dict[str, dict[str, MoveStatus]]:
        statuses_by_warehouse: dict[str, dict[str, MoveStatus]] = {}
        for move_id, status in self.current.items():
            if status.is_live and move_id[:1] in warehouse_ids:
                statuses_by_warehouse.setdefault(move_id[:1], {})[move_id] = status
        self.current |= self.next_changes
        self.next_changes = {}
        return statuses_by_warehouse

    async def list_moves(self, move_ids: list[str]) -> list[Move]:
        return [
            Move(
                move_id,
                move_id[:1],
                "CAR-1",
                "SKU-001",
                1,
                MoveKind.RETRIEVE,
                self.current[move_id],
                NOW,
                NOW,
            )
            for move_id in move_ids
            if move_id in self.current
        ]


async def _poll(
    tracker: MoveChangeTracker, moves: Any, warehouses: str = "A", snapshot_warehouses: str = ""
) -> MoveChanges:
    return await tracker.poll(moves, set(warehouses), set(snapshot_warehouses))


def _statuses_by_id(moves: list[Move]) -> dict[str, MoveStatus]:
    return {move.move_id: move.status for move in moves}


async def test_move_that_ends_during_a_snapshot_is_a_change_for_other_subscribers() -> None:
    """The first statement reads the known status. The second one reads the new status a moment later."""
    tracker, moves = MoveChangeTracker(), _ChangingMoves()
    moves.current = {"A1": _S.CLAIMED}
    await _poll(tracker, moves)
    moves.next_changes = {"A1": _S.COMPLETED}
    changes = await _poll(tracker, moves, snapshot_warehouses="A")
    assert (
        _statuses_by_id(changes.changed_moves)
        == _statuses_by_id(changes.current_moves)
        == {"A1": _S.COMPLETED}
    )
    assert await _poll(tracker, moves) == MoveChanges([], [])


async def test_warehouses_without_subscribers_are_dropped() -> None:
    """Their moves are no changes without subscribers.

    With a new subscriber, all of them are changes again.
    """
    tracker, moves = MoveChangeTracker(), _ChangingMoves()
    moves.current = {"A1": _S.REQUESTED, "B1": _S.REQUESTED}
    assert _statuses_by_id((await _poll(tracker, moves, "AB")).changed_moves) == moves.current
    assert await _poll(tracker, moves, "A") == MoveChanges([], [])
    assert _statuses_by_id((await _poll(tracker, moves, "AB", "B")).current_moves) == {"B1": _S.REQUESTED}


async def test_deleted_move_is_no_change() -> None:
    """A deleted row has no status."""
    tracker, moves = MoveChangeTracker(), _ChangingMoves()
    moves.current = {"A1": _S.REQUESTED}
    await _poll(tracker, moves)
    moves.current = {}
    assert await _poll(tracker, moves) == MoveChanges([], [])


@given(st.data())
async def test_subscriber_knows_the_current_status_of_every_live_move(data: st.DataObject) -> None:
    """After any changes and polls, live moves have their current status, ended moves their last one."""
    tracker, moves, known_statuses = MoveChangeTracker(), _ChangingMoves(), dict[str, MoveStatus]()
    for number in range(data.draw(st.integers(1, 8))):
        moves.current |= _draw_changes(data, moves.current)
        moves.current[f"A{number}"] = _S.REQUESTED
        moves.next_changes = _draw_changes(data, moves.current)
        snapshot_warehouses = data.draw(st.sampled_from(["", "A"]))
        changes = await _poll(tracker, moves, snapshot_warehouses=snapshot_warehouses)
        assert not any(known_statuses.get(move.move_id) is move.status for move in changes.changed_moves)
        known_statuses |= _statuses_by_id(changes.changed_moves)
    known_statuses |= _statuses_by_id((await _poll(tracker, moves)).changed_moves)
    assert known_statuses.items() <= moves.current.items()
    assert {move_id for move_id, status in moves.current.items() if status.is_live} <= known_statuses.keys()


def _draw_changes(data: st.DataObject, current: dict[str, MoveStatus]) -> dict[str, MoveStatus]:
    return {
        move_id: data.draw(st.sampled_from(_NEXT[status]))
        for move_id, status in current.items()
        if status.is_live
    }
