"""Tells everybody who watches moves: one look at the database for all watchers of this process.

`MoveWatch.run` is the only one that looks, and only while somebody watches. Each watcher has a buffer of its
own; one that falls too far behind is let go, and nobody waits for it.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog

from wms.orders.v1.storage_pb2 import WatchMovesResponse
from wms_core.application.live_moves import LiveMoves, Look
from wms_core.application.ports import Database
from wms_core.domain.errors import StorageUnavailable, WmsError
from wms_core.domain.storage import Move, MoveStatus
from wms_server.messages.storage import move_message
from wms_server.move_watcher import MoveWatcher

# Seconds between two looks, when the last one found something and when it did not (contract: WatchMoves).
_BUSY, _IDLE = 0.1, 0.2
# Seconds that a look may take before it is given up, which takes up to ten more; then the database is away.
_PATIENCE = 5.0
_log = structlog.get_logger(__name__)


class WatchBroken(Exception):
    """A look failed by a fault of ours; the log has it."""


class MoveWatch:
    """The watchers of one process and what they share."""

    def __init__(self, database: Database, room: int) -> None:
        """Let each watcher fall behind by `room` messages."""
        self._database = database
        self._room = room
        self._watchers: set[MoveWatcher] = set()
        self._joined = asyncio.Event()
        self._live = LiveMoves()

    @contextmanager
    def watching(self, warehouse_id: str, statuses: Collection[MoveStatus]) -> Iterator[MoveWatcher]:
        """Give a watcher of a warehouse's moves in these statuses; it is told until the end of the block."""
        watcher = MoveWatcher(warehouse_id, frozenset(statuses), self._room)
        self._watchers.add(watcher)
        self._joined.set()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        """Look again and again while anybody watches, until cancelled; what goes wrong ends the watchers."""
        while True:
            while not self._watchers:
                self._live = LiveMoves()
                self._joined.clear()
                await self._joined.wait()
            self._joined.clear()
            found = await self._looked()
            with suppress(TimeoutError):
                async with asyncio.timeout(_BUSY if found else _IDLE):
                    # Who comes is shown the moves at once.
                    await self._joined.wait()

    async def _looked(self) -> bool:
        """Look once and tell; says whether anything was new."""
        newcomers = [watcher for watcher in self._watchers if watcher.is_new]
        try:
            look = await self._look({watcher.warehouse_id for watcher in newcomers})
        except (WmsError, TimeoutError) as error:
            _log.warning("moves_not_read", error=type(error).__name__)
            self._end(StorageUnavailable)
        except Exception:
            _log.exception("moves_not_read")
            self._end(WatchBroken)
        else:
            self._tell(look, newcomers)
            return bool(look.changed)
        return False

    async def _look(self, whole: Collection[str]) -> Look:
        warehouses = {watcher.warehouse_id for watcher in self._watchers}
        async with asyncio.timeout(_PATIENCE):
            return await self._database.read(
                lambda transaction: self._live.look(transaction.storage, warehouses, whole)
            )

    def _tell(self, look: Look, newcomers: Collection[MoveWatcher]) -> None:
        changed = _by_warehouse(look.changed)
        present = _by_warehouse(look.present)
        for watcher in tuple(self._watchers):
            if not watcher.is_new:
                watcher.tell(changed.get(watcher.warehouse_id, ()))
        for watcher in newcomers:
            watcher.begin(present.get(watcher.warehouse_id, ()))
        self._watchers -= {watcher for watcher in self._watchers if watcher.has_ended}

    def _end(self, error: type[Exception]) -> None:
        """End all watchers; what was known of the moves may be wrong."""
        for watcher in self._watchers:
            watcher.end(error)
        self._watchers.clear()
        self._live = LiveMoves()


def _by_warehouse(moves: Sequence[Move]) -> dict[str, list[tuple[Move, WatchMovesResponse]]]:
    """Write each move once, for all watchers of its warehouse."""
    found: dict[str, list[tuple[Move, WatchMovesResponse]]] = {}
    for move in moves:
        message = WatchMovesResponse(move=move_message(move))
        found.setdefault(move.warehouse_id, []).append((move, message))
    return found
