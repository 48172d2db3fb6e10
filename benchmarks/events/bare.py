"""Baselines of the relay: a producer without Postgres, and a minimal relay."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from aiokafka import AIOKafkaProducer

from benchmarks.connection import Connection
from benchmarks.queries import query
from wms_core.domain.events.kafka import LogEvent
from wms_core.postgres.connection import Connection as PooledConnection
from wms_core.postgres.repositories.relay import PostgresRelayRepository
from wms_worker.relay.kafka_producer import KafkaHeaders, encode_headers

BATCH_BYTES = 1_000_000
READ_EVENTS, READ_BYTES = 20_000, 1_000_000_000

Message = tuple[bytes, bytes, KafkaHeaders]


async def read_log_messages(connection: Connection, count: int) -> list[Message]:
    """Return the last events of the log as messages of the relay."""
    # The repository only needs methods that a plain connection has, too.
    repository = PostgresRelayRepository(cast("PooledConnection", connection))
    position: int = await connection.fetchval(query("log.newest")) - count
    log_events: list[LogEvent] = []
    while len(log_events) < count and (
        next_events := await repository.list_after(position, READ_EVENTS, READ_BYTES)
    ):
        log_events += next_events
        position = next_events[-1].position
    return [(event.order_id.encode(), event.payload.encode(), encode_headers(event)) for event in log_events]


async def measure_bare_rate(brokers: str, topic: str, sent_messages: Sequence[Message]) -> float:
    """Return the acknowledged messages per second of a bare producer with the relay's settings."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", compression_type="lz4", max_batch_size=BATCH_BYTES
    )
    await producer.start()
    try:
        await producer.partitions_for(topic)
        started_at = time.perf_counter()
        send_futures = [
            await producer.send(topic, value, key=key, headers=attributes)
            for key, value, attributes in sent_messages
        ]
        await asyncio.gather(*send_futures)
        return len(sent_messages) / (time.perf_counter() - started_at)
    finally:
        await producer.stop()


async def measure_simple_rate(connection: Connection, brokers: str, topic: str, seconds: float) -> float:
    """Return the events per second of a relay that reads, sends and marks one event at a time."""
    await connection.execute(query("log.create_simple_outbox"))
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", compression_type="lz4")
    await producer.start()
    event_count, started_at = 0, time.perf_counter()
    try:
        while (elapsed_seconds := time.perf_counter() - started_at) < seconds:
            row = await connection.fetchrow(query("log.next_unsent"))
            assert row is not None
            await producer.send_and_wait(topic, row["payload"].encode(), key=row["order_id"].encode())
            await connection.execute(query("log.mark_sent"), row["id"])
            event_count += 1
    finally:
        await producer.stop()
    return event_count / elapsed_seconds
