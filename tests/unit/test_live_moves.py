"""Looking at moves: whatever happens between two looks, and during one, nothing that lasts is missed."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wms_core.application.live_moves import LiveMoves, Look
from wms_core.domain.storage import Move, MoveKind, MoveStatus

NOW = datetime(2024, 6, 1, tzinfo=UTC)
_S = MoveStatus
_NEXT = {
    _S.REQUESTED: [_S.REQUESTED, _S.CLAIMED, _S.FAILED, _S.CANCELLED],
    _S.CLAIMED: [_S.CLAIMED, _S.COMPLETED, _S.FAILED],
}


class _Moves:
    """Moves of warehouses that change at any moment, also between the two statements of a look."""

    def __init__(self) -> None:
        self.now: dict[str, MoveStatus] = {}
        self.soon: dict[str, MoveStatus] = {}

    async def live_moves(self, warehouse_ids: list[str]) -> dict[str, dict[str, MoveStatus]]:
        found: dict[str, dict[str, MoveStatus]] = {}
        for move_id, status in self.now.items():
            if status.is_live and move_id[:1] in warehouse_ids:
                found.setdefault(move_id[:1], {})[move_id] = status
        self.now |= self.soon
        self.soon = {}
        return found

    async def moves(self, move_ids: list[str]) -> list[Move]:
        return [
            Move(one, one[:1], "CAR-1", "SKU-001", 1, MoveKind.RETRIEVE, self.now[one], NOW, NOW)
            for one in move_ids
            if one in self.now
        ]


async def _look(live: LiveMoves, moves: Any, warehouses: str = "A", whole: str = "") -> Look:
    return await live.look(moves, set(warehouses), set(whole))


def _told(moves: list[Move]) -> dict[str, MoveStatus]:
    return {move.move_id: move.status for move in moves}


async def test_a_move_that_ends_while_a_newcomer_is_shown_it_is_news_to_the_others() -> None:
    """Its status was read as the known one; read in full a moment later, it is another."""
    live, moves = LiveMoves(), _Moves()
    moves.now = {"A1": _S.CLAIMED}
    await _look(live, moves)
    moves.soon = {"A1": _S.COMPLETED}
    look = await _look(live, moves, whole="A")
    assert _told(look.changed) == _told(look.present) == {"A1": _S.COMPLETED}
    assert await _look(live, moves) == Look([], [])


async def test_warehouses_that_nobody_watches_any_more_are_forgotten() -> None:
    """Their moves are no news while nobody watches, and all of them are when somebody does again."""
    live, moves = LiveMoves(), _Moves()
    moves.now = {"A1": _S.REQUESTED, "B1": _S.REQUESTED}
    assert _told((await _look(live, moves, "AB")).changed) == moves.now
    assert await _look(live, moves, "A") == Look([], [])
    assert _told((await _look(live, moves, "AB", "B")).present) == {"B1": _S.REQUESTED}


async def test_a_move_that_is_there_no_more_is_no_news() -> None:
    """Rows that were removed have no status to tell."""
    live, moves = LiveMoves(), _Moves()
    moves.now = {"A1": _S.REQUESTED}
    await _look(live, moves)
    moves.now = {}
    assert await _look(live, moves) == Look([], [])


@given(st.data())
async def test_whoever_follows_knows_how_it_is(data: st.DataObject) -> None:
    """After any changes and looks each live move is known as it is, and each that was told as it ended."""
    live, moves, known = LiveMoves(), _Moves(), dict[str, MoveStatus]()
    for number in range(data.draw(st.integers(1, 8))):
        moves.now |= _changed(data, moves.now)
        moves.now[f"A{number}"] = _S.REQUESTED
        moves.soon = _changed(data, moves.now)
        whole = data.draw(st.sampled_from(["", "A"]))
        look = await _look(live, moves, whole=whole)
        assert not any(known.get(move.move_id) is move.status for move in look.changed)
        known |= _told(look.changed)
    known |= _told((await _look(live, moves)).changed)
    assert known.items() <= moves.now.items()
    assert {one for one, status in moves.now.items() if status.is_live} <= known.keys()


def _changed(data: st.DataObject, now: dict[str, MoveStatus]) -> dict[str, MoveStatus]:
    return {
        move_id: data.draw(st.sampled_from(_NEXT[status]))
        for move_id, status in now.items()
        if status.is_live
    }
