"""Measure the delay of events from their commits to Kafka, at a steady rate."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
from confluent_kafka import Consumer, TopicPartition

from benchmarks.events.services import PARTITIONS, TOPIC
from benchmarks.queries import query

WRITER_COUNT = 10
MAX_DELAY_SECONDS = 30.0


async def measure_delays(
    url: str, brokers: str, rate: int, seconds: float, count_written: Callable[[int], None]
) -> list[float]:
    """Return the seconds from the start of each commit to the append time of the broker."""
    end_offsets = await asyncio.to_thread(_read_end_offsets, brokers)
    committed_at = await _write_events(url, rate, seconds, count_written)
    appended_at = await asyncio.to_thread(_read_append_times, brokers, end_offsets, set(committed_at))
    return [appended_at[event_id] - commit_started_at for event_id, commit_started_at in committed_at.items()]


async def _write_events(
    url: str, rate: int, seconds: float, count_written: Callable[[int], None]
) -> dict[str, float]:
    """Commit `rate` events per second, each in its own transaction. Return the start times by event id."""
    committed_at: dict[str, float] = {}
    pool = await asyncpg.create_pool(url, min_size=WRITER_COUNT, max_size=WRITER_COUNT)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(WRITER_COUNT):
                group.create_task(
                    _write_some(pool, number, rate / WRITER_COUNT, seconds, committed_at, count_written)
                )
    finally:
        await pool.close()
    return committed_at


async def _write_some(
    pool: "asyncpg.Pool[asyncpg.Record]",
    number: int,
    rate: float,
    seconds: float,
    committed_at: dict[str, float],
    count_written: Callable[[int], None],
) -> None:
    async with pool.acquire() as connection:
        newest: int = await connection.fetchval(query("log.newest"))
        start = time.monotonic() + number / (rate * WRITER_COUNT)
        for turn in range(int(rate * seconds)):
            # By the clock, not by pauses: a late writer catches up.
            await asyncio.sleep(max(0.0, start + turn / rate - time.monotonic()))
            commit_started_at = time.time()
            event_id: str = await connection.fetchval(
                query("log.insert_event"), f"ORD-DELAY-{number}-{turn}-{newest}", newest
            )
            committed_at[event_id] = commit_started_at
            count_written(1)


def _read_end_offsets(brokers: str) -> list[TopicPartition]:
    consumer = _open_consumer(brokers)
    try:
        topic_partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        for topic_partition in topic_partitions:
            topic_partition.offset = consumer.get_watermark_offsets(topic_partition, timeout=10)[1]
        return topic_partitions
    finally:
        consumer.close()


def _read_append_times(
    brokers: str, topic_partitions: list[TopicPartition], event_ids: set[str]
) -> dict[str, float]:
    """Read from the offsets on until all events are found. Return their append times by event id."""
    consumer, appended_at = _open_consumer(brokers), dict[str, float]()
    deadline = time.monotonic() + MAX_DELAY_SECONDS
    try:
        consumer.assign(topic_partitions)
        while missing_ids := event_ids - appended_at.keys():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing_ids)} events have not reached Kafka")
            for message in consumer.consume(1000, timeout=0.5):
                event_id = dict(message.headers() or [])["ce_id"]
                assert isinstance(event_id, bytes)
                appended_at[event_id.decode()] = message.timestamp()[1] / 1000
        return appended_at
    finally:
        consumer.close()


def _open_consumer(brokers: str) -> Consumer:
    return Consumer({"bootstrap.servers": brokers, "group.id": "bench", "enable.auto.commit": False})
