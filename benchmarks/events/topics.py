"""Topics of a measurement."""

import asyncio

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.events.services import PARTITIONS

#: The broker stores the append time of each record, which is the end of the measured delay.
APPEND_TIME_SETTINGS = {"message.timestamp.type": "LogAppendTime"}
METADATA_TIMEOUT_SECONDS = 20.0


async def make_topic(brokers: str, name: str) -> None:
    """Create a topic like that of the events, and wait until the brokers know it."""
    client = AdminClient({"bootstrap.servers": brokers})
    future = client.create_topics([NewTopic(name, PARTITIONS, 1, config=APPEND_TIME_SETTINGS)])[name]
    await asyncio.to_thread(future.result, METADATA_TIMEOUT_SECONDS)
    async with asyncio.timeout(METADATA_TIMEOUT_SECONDS):
        # Brokers send no notification about new topics.
        while len(client.list_topics(name, timeout=5).topics[name].partitions) < PARTITIONS:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
