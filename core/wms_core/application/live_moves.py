"""What became of moves since somebody looked last: the one source of all who watch them.

A look compares the live moves of the watched warehouses with those of the look before. It needs no mark of
when a row changed, so a change is found however late its transaction commits; and it costs as much as there
are live moves, however many have ended. A move that is requested and ends between two looks is never seen.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from wms_core.application.ports import StorageStore
from wms_core.domain.storage import Move, MoveStatus

Statuses = Mapping[str, MoveStatus]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, each part oldest first.

    `changed`: the moves whose status is another one than at the look before, those that were not live then
    and those that ended included. `present`: every live move of the warehouses that were asked for whole; one
    that ended just now may be among them, as it is.
    """

    changed: list[Move]
    present: list[Move]


class LiveMoves:
    """The live moves of some warehouses, as they were at the last look; one task at a time may look."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: Mapping[str, Statuses] = {}

    async def look(
        self, storage: StorageStore, warehouses: Collection[str], whole: Collection[str] = ()
    ) -> Look:
        """Look at these warehouses, and forget others; those in `whole` are told from the ground up.

        When it raises, the next look finds what this one would have found.
        """
        live = await storage.live_moves(sorted(warehouses))
        moved = {
            move_id
            for warehouse in warehouses
            for move_id in _moved(self._known.get(warehouse, {}), live.get(warehouse, {}))
        }
        present = {move_id for warehouse in whole for move_id in live.get(warehouse, {})}
        wanted = sorted(moved | present)
        moves = await storage.moves(wanted) if wanted else []
        look = Look(
            # Also one that was only asked for as present may have changed since its status was read.
            changed=[move for move in moves if self._is_news(move)],
            present=[move for move in moves if move.move_id in present],
        )
        self._known = _with(live, moves)
        return look

    def _is_news(self, move: Move) -> bool:
        return self._known.get(move.warehouse_id, {}).get(move.move_id) is not move.status


def _moved(before: Statuses, now: Statuses) -> set[str]:
    """Name the moves that were not there before, are in another status, or are gone."""
    changed = {move_id for move_id, status in now.items() if before.get(move_id) is not status}
    return changed | (before.keys() - now.keys())


def _with(live: dict[str, dict[str, MoveStatus]], moves: Collection[Move]) -> Mapping[str, Statuses]:
    """Give what is known after moves were read in full, a moment later than their statuses."""
    for move in moves:
        statuses = live.setdefault(move.warehouse_id, {})
        if move.status.is_live:
            statuses[move.move_id] = move.status
        else:
            statuses.pop(move.move_id, None)
    return live
