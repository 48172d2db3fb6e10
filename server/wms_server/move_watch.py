"""Tells everybody who watches moves."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from wms.orders.v1.storage_pb2 import WatchMovesResponse
from wms_core.application.live_moves import LiveMoves, Look
from wms_core.application.ports import Database
from wms_core.domain.storage import Move, MoveStatus
from wms_server.messages.storage import move_message
from wms_server.move_watcher import MoveWatcher
from wms_server.watch import Watch
from wms_server.watcher import Patience


class MoveWatch(Watch[MoveWatcher]):
    """Those who watch moves in one process (contract: WatchMoves)."""

    busy, idle = 0.1, 0.2

    def __init__(self, database: Database, patience: Patience) -> None:
        """Bear with each watcher as `patience` says."""
        super().__init__()
        self._database = database
        self._patience = patience
        self._live = LiveMoves()

    @contextmanager
    def watching(self, warehouse_id: str, statuses: Collection[MoveStatus]) -> Iterator[MoveWatcher]:
        """Give a watcher of a warehouse's moves in these statuses; it is told until the end of the block."""
        with self._present(MoveWatcher(warehouse_id, frozenset(statuses), self._patience)) as watcher:
            yield watcher

    async def _look(self) -> bool:
        newcomers = [watcher for watcher in self._watchers if watcher.is_new]
        warehouses = {watcher.warehouse_id for watcher in self._watchers}
        whole = {watcher.warehouse_id for watcher in newcomers}
        look = await self._database.read(
            lambda transaction: self._live.look(transaction.storage, warehouses, whole)
        )
        self._tell(look, newcomers)
        return bool(look.changed)

    def _tell(self, look: Look, newcomers: Collection[MoveWatcher]) -> None:
        changed = _by_warehouse(look.changed)
        present = _by_warehouse(look.present)
        for watcher in self._watchers:
            if not watcher.is_new:
                watcher.hear(changed.get(watcher.warehouse_id, ()))
        for watcher in newcomers:
            watcher.show(present.get(watcher.warehouse_id, ()))

    def _forget(self) -> None:
        self._live = LiveMoves()


def _by_warehouse(moves: Sequence[Move]) -> dict[str, list[tuple[Move, bytes]]]:
    """Encode each move once, for all watchers of its warehouse."""
    found: dict[str, list[tuple[Move, bytes]]] = {}
    for move in moves:
        message = WatchMovesResponse(move=move_message(move)).SerializeToString()
        found.setdefault(move.warehouse_id, []).append((move, message))
    return found
