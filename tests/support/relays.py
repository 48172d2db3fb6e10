"""Relays as processes of their own, and what has come of their work."""

import asyncio

from tests.support.invariants import Sql
from tests.support.invariants_of_events import breaches_of_events
from tests.support.kafka import Record, read_topic
from tests.support.processes import RELAY, Process, Processes
from tests.support.waiting import eventually

#: I11: within this time of the end of any fault all is as it should be.
HEALED = 60.0
_BACKLOG = """
    SELECT (SELECT count(*) FROM outbox)
         + (SELECT count(*) FROM order_events
             WHERE position > coalesce((SELECT max(position) FROM relay_positions), 0))
"""


class Relays:
    """The relays of one database and one topic of a Kafka."""

    def __init__(
        self, processes: Processes, fulfilling: Process, database_url: str, sql: Sql, brokers: str, topic: str
    ) -> None:
        """With none at work yet, beside a worker that fulfils."""
        self._processes = processes
        self._fulfilling = fulfilling
        self._database_url = database_url
        self._sql = sql
        self.brokers = brokers
        self.topic = topic

    def start(self, worker_id: str) -> Process:
        """Start one, which takes the role when nobody else has it."""
        return self._processes.worker(
            self._database_url,
            worker_id=worker_id,
            worker_roles="relay",
            kafka_brokers=self.brokers,
            kafka_topic=self.topic,
            kafka_request_timeout="2s",
        )

    async def active(self, worker_id: str) -> Process:
        """Start one and wait until it has the role."""
        relay = self.start(worker_id)
        await relay.serving(RELAY)
        return relay

    async def goes_on(self, within: float = 20.0) -> None:
        """Wait until events are published that were not before."""
        before = await self.position()
        await eventually(lambda: self.has_reached(before + 1), within)

    async def position(self) -> int:
        """Give the position that was saved; 0 before the first."""
        saved: int | None = await self._sql.fetchval("SELECT max(position) FROM relay_positions")
        return saved or 0

    async def has_reached(self, position: int) -> bool:
        """Say whether that position, or a later one, was saved."""
        return await self.position() >= position

    async def is_done(self) -> bool:
        """Say whether all that was committed has been published."""
        return not await self._sql.fetchval(_BACKLOG)

    async def told(self) -> list[Record]:
        """Let no more happen, wait until all is published, and give what Kafka's own consumer reads then."""
        await self._fulfilling.stopped()
        await eventually(self.is_done, HEALED)
        return await asyncio.to_thread(read_topic, self.brokers, self.topic)

    async def breaches(self) -> list[str]:
        """Give every breach of I5 to I7 when all has happened and is published."""
        return await breaches_of_events(self._sql, await self.told())


def repeated(records: list[Record]) -> int:
    """Give how many records tell an event that another has told before."""
    return len(records) - len({record.headers["ce_id"] for record in records})
