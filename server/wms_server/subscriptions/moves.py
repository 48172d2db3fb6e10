"""Subscriptions to moves (contract: WatchMoves)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from wms.orders.v1.storage_pb2 import MoveHeartbeat, WatchMovesResponse
from wms_core.application.database import Database
from wms_core.application.move_changes import MoveChanges, MoveChangeTracker
from wms_core.domain.stock.warehouse import Move, MoveStatus
from wms_core.runtime.clock import DATABASE_CLOCK
from wms_server.mapping.common import to_optional_timestamp
from wms_server.mapping.storage import to_move_message
from wms_server.subscriptions.broadcaster import Broadcaster, Subscriber, SubscriberLimits

EncodedMoves = Iterable[tuple[Move, bytes]]


class MoveSubscriber(Subscriber[bytes]):
    """A subscriber to the moves of one warehouse; its messages are encoded."""

    def __init__(
        self, warehouse_id: str, statuses: frozenset[MoveStatus], subscriber_limits: SubscriberLimits
    ) -> None:
        super().__init__(subscriber_limits, _encode_heartbeat, len)
        self.warehouse_id = warehouse_id
        self._statuses = statuses

    def receive_snapshot(self, encoded_moves: EncodedMoves) -> None:
        """Enqueue the current moves, and the heartbeat that ends them."""
        self.enqueue_initial([*self._select_messages(encoded_moves), _encode_heartbeat()])

    def receive(self, encoded_moves: EncodedMoves) -> None:
        """Enqueue changed moves."""
        self.enqueue(self._select_messages(encoded_moves))

    def _select_messages(self, encoded_moves: EncodedMoves) -> Iterable[bytes]:
        return (message for move, message in encoded_moves if move.status in self._statuses)


def _encode_heartbeat() -> bytes:
    move_heartbeat = MoveHeartbeat(sent_at=to_optional_timestamp(DATABASE_CLOCK.now()))
    return WatchMovesResponse(heartbeat=move_heartbeat).SerializeToString()


class MoveBroadcaster(Broadcaster[MoveSubscriber]):
    """The move subscribers of one process (contract: WatchMoves)."""

    busy_poll_seconds, idle_poll_seconds = 0.1, 0.2

    def __init__(self, database: Database, subscriber_limits: SubscriberLimits) -> None:
        super().__init__()
        self._database = database
        self._subscriber_limits = subscriber_limits
        self._change_tracker = MoveChangeTracker()

    @contextmanager
    def subscribe(self, warehouse_id: str, statuses: Collection[MoveStatus]) -> Iterator[MoveSubscriber]:
        """Yield a subscriber to a warehouse's moves in these statuses, until the end of the block."""
        with self._keep_subscribed(
            MoveSubscriber(warehouse_id, frozenset(statuses), self._subscriber_limits)
        ) as move_subscriber:
            yield move_subscriber

    async def _poll(self) -> bool:
        new_subscribers = [
            move_subscriber for move_subscriber in self._active_subscribers if move_subscriber.is_new
        ]
        warehouses = {move_subscriber.warehouse_id for move_subscriber in self._active_subscribers}
        snapshot_warehouses = {move_subscriber.warehouse_id for move_subscriber in new_subscribers}
        move_changes = await self._database.read(
            lambda transaction: self._change_tracker.poll(
                transaction.warehouse_storage, warehouses, snapshot_warehouses
            )
        )
        self._publish_changes(move_changes, new_subscribers)
        return bool(move_changes.changed_moves)

    def _publish_changes(
        self, move_changes: MoveChanges, new_subscribers: Collection[MoveSubscriber]
    ) -> None:
        changed_by_warehouse = _encode_by_warehouse(move_changes.changed_moves)
        current_by_warehouse = _encode_by_warehouse(move_changes.current_moves)
        for move_subscriber in self._active_subscribers:
            if not move_subscriber.is_new:
                move_subscriber.receive(changed_by_warehouse.get(move_subscriber.warehouse_id, ()))
        for move_subscriber in new_subscribers:
            move_subscriber.receive_snapshot(current_by_warehouse.get(move_subscriber.warehouse_id, ()))

    def _reset_state(self) -> None:
        self._change_tracker = MoveChangeTracker()


def _encode_by_warehouse(moves: Sequence[Move]) -> dict[str, list[tuple[Move, bytes]]]:
    """Encode each move once, for all subscribers of its warehouse."""
    encoded_by_warehouse: dict[str, list[tuple[Move, bytes]]] = {}
    for move in moves:
        message = WatchMovesResponse(move=to_move_message(move)).SerializeToString()
        encoded_by_warehouse.setdefault(move.warehouse_id, []).append((move, message))
    return encoded_by_warehouse
