"""The relay to Kafka in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from wms_core.domain.publishing import LogEvent, ParkedEvent, Refusal, RelayState, Released
from wms_core.postgres.connection import Connection
from wms_core.postgres.order_rows import event_from
from wms_core.postgres.queries import query

_RELAY = "kafka"


class PostgresRelayStore:
    """See `application.ports.RelayStore`."""

    def __init__(self, connection: Connection) -> None:
        """Work on a connection whose transaction has begun."""
        self._connection = connection

    async def begin(self) -> int:
        """Note that the relay reads the log from now on; gives the position it has come to."""
        await self._connection.execute(query("relay.begin"), _RELAY)
        position: int = await self._connection.fetchval(query("relay.position"), _RELAY)
        return position

    async def save(self, position: int, *, durably: bool) -> None:
        """Note that everything up to a position was acknowledged, or is parked; see the port."""
        await self._connection.execute(query("relay.save"), _RELAY, position, durably)

    async def report(self, worker_id: str, state: RelayState) -> None:
        """Note how the relay is."""
        await self._connection.execute(query("relay.report"), _RELAY, worker_id, state)

    async def after(self, position: int, limit: int, limit_bytes: int) -> list[LogEvent]:
        """Give the next events, some at most, and none behind so many stored bytes of payload."""
        rows = await self._connection.fetch(query("relay.after"), position, limit, limit_bytes)
        return [LogEvent(*row) for row in rows]

    async def of_order(self, order_id: str, sequence: int, upto: int, limit: int) -> list[LogEvent]:
        """Give the events of an order from the how many-th on up to a position, the first few."""
        rows = await self._connection.fetch(query("relay.of_order"), order_id, sequence, upto, limit)
        return [LogEvent(*row) for row in rows]

    async def held(self) -> set[str]:
        """Give the orders of which an event is parked."""
        return {row["order_id"] for row in await self._connection.fetch(query("relay.held"))}

    async def park(self, refusals: Sequence[Refusal]) -> None:
        """Park events, at most one of an order."""
        events = [refusal.event for refusal in refusals]
        await self._connection.execute(
            query("relay.park"),
            [event.position for event in events],
            [event.event_id for event in events],
            [event.order_id for event in events],
            [refusal.error for refusal in refusals],
        )

    async def released(self, limit: int) -> list[Released]:
        """Give parked events that are to be tried again, the oldest first."""
        return [Released(*row) for row in await self._connection.fetch(query("relay.released"), limit)]

    async def unpark(self, position: int) -> None:
        """Forget a parked event that was published."""
        await self._connection.execute(query("relay.unpark"), position)

    async def park_again(self, position: int, refusal: Refusal) -> None:
        """Park a released event once more, or in its place the one behind it that was refused."""
        event = refusal.event
        await self._connection.execute(
            query("relay.park_again"), position, event.position, event.event_id, refusal.error
        )

    async def parked(self, order_id: str, after: int, limit: int, limit_bytes: int) -> list[ParkedEvent]:
        """Give parked events after a position, of one order or all; see the port for how many."""
        rows = await self._connection.fetch(query("relay.parked"), after, order_id, limit, limit_bytes)
        return [_parked(row) for row in rows]

    async def release(self, event_id: str, now: datetime) -> ParkedEvent | None:
        """Have a parked event tried again, and give it; None when there is none of that id."""
        try:
            known = UUID(event_id)
        except ValueError:
            return None
        position = await self._connection.fetchval(query("relay.release"), known, now)
        return (await self.parked("", position - 1, 1, 1))[0] if position else None


def _parked(row: asyncpg.Record) -> ParkedEvent:
    return ParkedEvent(
        event=event_from(row),
        parked_at=row["parked_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        held_up=row["held_up"],
    )
