"""Changes of moves since the last poll: the single source for all subscribers of moves.

A poll compares the live moves of the watched warehouses with those of the previous poll. It needs no
timestamp of changes, so it finds a change however late its transaction commits. Its cost grows with the
number of live moves only. A move that is requested and ends between two polls is never seen.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from wms_core.application.database import StorageRepository
from wms_core.domain.stock.warehouse import Move, MoveStatus

MoveStatuses = Mapping[str, MoveStatus]


@dataclass(frozen=True, slots=True)
class MoveChanges:
    """Result of one poll, each part oldest first.

    `changed_moves` have a different status than at the previous poll, including new and ended ones.
    `current_moves` are all live moves of the warehouses that requested a snapshot; a move that has just ended
    may be among them, with its final status.
    """

    changed_moves: list[Move]
    current_moves: list[Move]


class MoveChangeTracker:
    """The live moves of some warehouses at the last poll. Only one task at a time may poll."""

    def __init__(self) -> None:
        self._known_statuses: Mapping[str, MoveStatuses] = {}

    async def poll(
        self,
        storage_repository: StorageRepository,
        warehouses: Collection[str],
        snapshot_warehouses: Collection[str] = (),
    ) -> MoveChanges:
        """Poll these warehouses and forget all others; return a full snapshot of `snapshot_warehouses`.

        After an error, the next poll returns the changes that this one would have returned.
        """
        live_statuses = await storage_repository.list_live_statuses(sorted(warehouses))
        changed_ids = {
            move_id
            for warehouse in warehouses
            for move_id in _find_changed_ids(
                self._known_statuses.get(warehouse, {}), live_statuses.get(warehouse, {})
            )
        }
        current_ids = {
            move_id for warehouse in snapshot_warehouses for move_id in live_statuses.get(warehouse, {})
        }
        queried_ids = sorted(changed_ids | current_ids)
        moves = await storage_repository.list_moves(queried_ids) if queried_ids else []
        move_changes = MoveChanges(
            # A move of a snapshot may have changed since its status was read, too.
            changed_moves=[move for move in moves if self._has_changed(move)],
            current_moves=[move for move in moves if move.move_id in current_ids],
        )
        self._known_statuses = _merge_statuses(live_statuses, moves)
        return move_changes

    def _has_changed(self, move: Move) -> bool:
        return self._known_statuses.get(move.warehouse_id, {}).get(move.move_id) is not move.status


def _find_changed_ids(statuses_before: MoveStatuses, statuses_now: MoveStatuses) -> set[str]:
    """Return the moves that are new, have a different status, or are gone."""
    changed_ids = {
        move_id for move_id, status in statuses_now.items() if statuses_before.get(move_id) is not status
    }
    return changed_ids | (statuses_before.keys() - statuses_now.keys())


def _merge_statuses(
    live_statuses: dict[str, dict[str, MoveStatus]], moves: Collection[Move]
) -> Mapping[str, MoveStatuses]:
    """Return the statuses, updated by the moves, which were read a moment later."""
    for move in moves:
        statuses = live_statuses.setdefault(move.warehouse_id, {})
        if move.status.is_live:
            statuses[move.move_id] = move.status
        else:
            statuses.pop(move.move_id, None)
    return live_statuses
