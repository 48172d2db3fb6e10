"""One watcher of moves: what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Iterable

from wms.orders.v1.storage_pb2 import MoveHeartbeat, WatchMovesResponse
from wms_core.domain.errors import WatcherTooSlow
from wms_core.domain.storage import Move, MoveStatus
from wms_server.calls import now_utc
from wms_server.messages.values import timestamp

#: Seconds without a message after which a heartbeat is sent (contract: WatchMoves).
HEARTBEAT = 10.0


class MoveWatcher:
    """A buffer between the one who looks and one stream. It is new until `begin`; `end` ends it for good."""

    def __init__(self, warehouse_id: str, statuses: frozenset[MoveStatus], room: int) -> None:
        """Take moves in these statuses; hold `room` messages beside those of the beginning."""
        self.warehouse_id = warehouse_id
        self._statuses = statuses
        self._room = room
        self._waiting: deque[WatchMovesResponse] = deque()
        self._some = asyncio.Event()
        self._error: type[Exception] | None = None
        self.is_new = True

    @property
    def has_ended(self) -> bool:
        """Whether it takes nothing any more."""
        return self._error is not None

    def begin(self, present: Iterable[tuple[Move, WatchMovesResponse]]) -> None:
        """Take what there is at the beginning, however much, and the heartbeat that ends it."""
        self.is_new = False
        self._waiting.extend(message for move, message in present if move.status in self._statuses)
        self._waiting.append(_heartbeat())
        self._room += len(self._waiting)
        self._some.set()

    def tell(self, news: Iterable[tuple[Move, WatchMovesResponse]]) -> None:
        """Take what is new; ends with WatcherTooSlow when there is no room for it."""
        if self.has_ended:
            return
        self._waiting.extend(message for move, message in news if move.status in self._statuses)
        if len(self._waiting) > self._room:
            self._waiting.clear()
            self.end(WatcherTooSlow)
        elif self._waiting:
            self._some.set()

    def end(self, error: type[Exception]) -> None:
        """Let `next` raise this once nothing waits any more."""
        self._error = error
        self._some.set()

    async def next(self) -> WatchMovesResponse:
        """Give the next message; a heartbeat when, after the beginning, none has come for 10 s.

        Raises what it was ended with.
        """
        while not self._waiting:
            if self._error is not None:
                raise self._error
            self._some.clear()
            try:
                async with asyncio.timeout(None if self.is_new else HEARTBEAT):
                    await self._some.wait()
            except TimeoutError:
                return _heartbeat()
        return self._waiting.popleft()


def _heartbeat() -> WatchMovesResponse:
    return WatchMovesResponse(heartbeat=MoveHeartbeat(sent_at=timestamp(now_utc())))
