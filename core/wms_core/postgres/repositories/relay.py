"""Progress, state and parked events of the relay, in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from wms_core.domain.events.kafka import LogEvent, ParkedEvent, RejectedEvent, RelayState, ReleasedEvent
from wms_core.postgres.connection import Connection
from wms_core.postgres.named_queries import query
from wms_core.postgres.repositories.order_rows import to_event_record

_RELAY_NAME = "kafka"


class PostgresRelayRepository:
    """Implement `wms_core.application.database.RelayRepository`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start_reading(self) -> int:
        """Register the relay as a reader of the log, and return its saved position."""
        await self._connection.execute(query("relay.start_reading"), _RELAY_NAME)
        position: int = await self._connection.fetchval(query("relay.get_position"), _RELAY_NAME)
        return position

    async def save(self, position: int, *, is_durable: bool) -> None:
        """Save the position up to which all events are acknowledged or parked; see `RelayRepository`."""
        await self._connection.execute(query("relay.save_position"), _RELAY_NAME, position, is_durable)

    async def report_state(self, worker_id: str, state: RelayState) -> None:
        """Save the state of the relay."""
        await self._connection.execute(query("relay.report_state"), _RELAY_NAME, worker_id, state)

    async def list_after(self, position: int, limit: int, max_bytes: int) -> list[LogEvent]:
        """Return the next events, up to `limit` and up to `max_bytes` of stored payload."""
        rows = await self._connection.fetch(query("relay.list_after"), position, limit, max_bytes)
        return [LogEvent(*row) for row in rows]

    async def list_of_order(
        self, order_id: str, from_sequence: int, until_position: int, limit: int
    ) -> list[LogEvent]:
        """Return the first events of an order from a sequence number up to a position."""
        rows = await self._connection.fetch(
            query("relay.list_of_order"), order_id, from_sequence, until_position, limit
        )
        return [LogEvent(*row) for row in rows]

    async def list_blocked_orders(self) -> set[str]:
        """Return the orders with a parked event."""
        return {row["order_id"] for row in await self._connection.fetch(query("relay.list_blocked_orders"))}

    async def park_events(self, rejected_events: Sequence[RejectedEvent]) -> None:
        """Park events, at most one per order."""
        rejected_log_events = [rejected_event.event for rejected_event in rejected_events]
        await self._connection.execute(
            query("relay.park_events"),
            [event.position for event in rejected_log_events],
            [event.event_id for event in rejected_log_events],
            [event.order_id for event in rejected_log_events],
            [rejected_event.error for rejected_event in rejected_events],
        )

    async def list_released(self, limit: int) -> list[ReleasedEvent]:
        """Return released events, which are published again, the oldest first."""
        return [
            ReleasedEvent(*row) for row in await self._connection.fetch(query("relay.list_released"), limit)
        ]

    async def delete_parked(self, position: int) -> None:
        """Delete a parked event that was published."""
        await self._connection.execute(query("relay.delete_parked"), position)

    async def park_again(self, position: int, rejected_event: RejectedEvent) -> None:
        """Park a released event again, or in its place a later event of its order that was rejected."""
        event = rejected_event.event
        await self._connection.execute(
            query("relay.park_again"), position, event.position, event.event_id, rejected_event.error
        )

    async def list_parked(
        self, order_id: str, after_position: int, limit: int, max_bytes: int
    ) -> list[ParkedEvent]:
        """Return parked events after a position, of one order or all; see `RelayRepository` for limits."""
        rows = await self._connection.fetch(
            query("relay.list_parked"), after_position, order_id, limit, max_bytes
        )
        return [_to_parked_event(row) for row in rows]

    async def release(self, event_id: str, now: datetime) -> ParkedEvent | None:
        """Release a parked event and return it; None if no event with this id is parked."""
        try:
            parsed_id = UUID(event_id)
        except ValueError:
            return None
        position = await self._connection.fetchval(query("relay.release_parked_event"), parsed_id, now)
        return (await self.list_parked("", position - 1, 1, 1))[0] if position else None


def _to_parked_event(row: asyncpg.Record) -> ParkedEvent:
    return ParkedEvent(
        event=to_event_record(row),
        parked_at=row["parked_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        blocked_events=row["held_up"],
    )
