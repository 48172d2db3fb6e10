"""How long an event is on its way from its commit to Kafka, at a steady rate."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
from confluent_kafka import Consumer, TopicPartition

from benchmarks.events.services import PARTITIONS, TOPIC
from benchmarks.queries import query

WRITERS = 10
LATEST_SECONDS = 30.0


async def delays(
    url: str, brokers: str, rate: int, seconds: float, told: Callable[[int], None]
) -> list[float]:
    """Give the seconds from the start of each commit to the time at which the broker noted the event."""
    ends = await asyncio.to_thread(_ends, brokers)
    written = await _write(url, rate, seconds, told)
    noted = await asyncio.to_thread(_read, brokers, ends, set(written))
    return [noted[event_id] - begun for event_id, begun in written.items()]


async def _write(url: str, rate: int, seconds: float, told: Callable[[int], None]) -> dict[str, float]:
    """Commit an event each so often, each in its own transaction."""
    written: dict[str, float] = {}
    pool = await asyncpg.create_pool(url, min_size=WRITERS, max_size=WRITERS)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(WRITERS):
                group.create_task(_write_some(pool, number, rate / WRITERS, seconds, written, told))
    finally:
        await pool.close()
    return written


async def _write_some(
    pool: "asyncpg.Pool[asyncpg.Record]",
    number: int,
    rate: float,
    seconds: float,
    written: dict[str, float],
    told: Callable[[int], None],
) -> None:
    async with pool.acquire() as connection:
        newest: int = await connection.fetchval(query("log.newest"))
        start = time.monotonic() + number / (rate * WRITERS)
        for turn in range(int(rate * seconds)):
            # By the clock and not by pauses: who is late catches up.
            await asyncio.sleep(max(0.0, start + turn / rate - time.monotonic()))
            begun = time.time()
            event_id: str = await connection.fetchval(
                query("log.tell_one"), f"ORD-DELAY-{number}-{turn}-{newest}", newest
            )
            written[event_id] = begun
            told(1)


def _ends(brokers: str) -> list[TopicPartition]:
    consumer = _consumer(brokers)
    try:
        places = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=10)[1]
        return places
    finally:
        consumer.close()


def _read(brokers: str, places: list[TopicPartition], wanted: set[str]) -> dict[str, float]:
    """Read on from there until all are found; gives when the broker has noted each."""
    consumer, noted = _consumer(brokers), dict[str, float]()
    deadline = time.monotonic() + LATEST_SECONDS
    try:
        consumer.assign(places)
        while missing := wanted - noted.keys():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} events have not come to Kafka")
            for message in consumer.consume(1000, timeout=0.5):
                event_id = dict(message.headers() or []).get("ce_id", b"")
                noted[str(event_id, "ascii")] = message.timestamp()[1] / 1000
        return noted
    finally:
        consumer.close()


def _consumer(brokers: str) -> Consumer:
    return Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
