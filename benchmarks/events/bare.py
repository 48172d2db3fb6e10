"""What the relay is held to: producers without Postgres, and a relay of the simplest kind."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from benchmarks.connection import Connection
from benchmarks.queries import query
from wms_core.domain.publishing import LogEvent
from wms_core.postgres.relay_store import PostgresRelayStore
from wms_worker.messages import Headers, headers

BATCH_BYTES = 1_000_000
READ, READ_BYTES = 20_000, 1_000_000_000

Message = tuple[bytes, bytes, Headers]


async def messages(connection: Connection, count: int) -> list[Message]:
    """Give the last events of the log as the relay sends them."""
    store = PostgresRelayStore(connection)
    position: int = await connection.fetchval(query("log.newest")) - count
    found: list[LogEvent] = []
    while len(found) < count and (more := await store.after(position, READ, READ_BYTES)):
        found += more
        position = more[-1].position
    return [(event.order_id.encode(), event.payload.encode(), headers(event)) for event in found]


async def bare_rate(brokers: str, topic: str, sent: Sequence[Message]) -> float:
    """Give messages a second that a bare producer has acknowledged, with the relay's settings."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", compression_type="lz4", max_batch_size=BATCH_BYTES
    )
    await producer.start()
    try:
        await producer.partitions_for(topic)
        began = time.perf_counter()
        waiting = [
            await producer.send(topic, value, key=key, headers=attributes) for key, value, attributes in sent
        ]
        await asyncio.gather(*waiting)
        return len(sent) / (time.perf_counter() - began)
    finally:
        await producer.stop()


async def simple_rate(connection: Connection, brokers: str, topic: str, seconds: float) -> float:
    """Give events a second of a relay that reads, sends and marks one after the other."""
    await connection.execute(query("log.make_simple"))
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", compression_type="lz4")
    await producer.start()
    done, began = 0, time.perf_counter()
    try:
        while (spent := time.perf_counter() - began) < seconds:
            row = await connection.fetchrow(query("log.unmarked"))
            assert row is not None
            await producer.send_and_wait(topic, row["payload"].encode(), key=row["order_id"].encode())
            await connection.execute(query("log.mark"), row["id"])
            done += 1
    finally:
        await producer.stop()
    return done / spent
