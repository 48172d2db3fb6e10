"""One watcher of moves: which of them it is told of."""

from collections.abc import Iterable

from wms.orders.v1.storage_pb2 import MoveHeartbeat, WatchMovesResponse
from wms_core.clock import CLOCK
from wms_core.domain.storage import Move, MoveStatus
from wms_server.messages.values import timestamp
from wms_server.watcher import Patience, Watcher

News = Iterable[tuple[Move, bytes]]


class MoveWatcher(Watcher[bytes]):
    """A watcher of the moves of one warehouse; its messages are encoded."""

    def __init__(self, warehouse_id: str, statuses: frozenset[MoveStatus], patience: Patience) -> None:
        """Take moves in these statuses."""
        super().__init__(patience, _heartbeat, len)
        self.warehouse_id = warehouse_id
        self._statuses = statuses

    def show(self, present: News) -> None:
        """Take what there is at the beginning, and the heartbeat that ends it."""
        self.begin([*self._wanted(present), _heartbeat()])

    def hear(self, news: News) -> None:
        """Take what is new."""
        self.tell(self._wanted(news))

    def _wanted(self, news: News) -> Iterable[bytes]:
        return (message for move, message in news if move.status in self._statuses)


def _heartbeat() -> bytes:
    life = MoveHeartbeat(sent_at=timestamp(CLOCK.now()))
    return WatchMovesResponse(heartbeat=life).SerializeToString()
