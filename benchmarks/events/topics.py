"""Topics of a measurement's own."""

import asyncio

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.events.services import PARTITIONS

#: The broker notes when it has a record: that is the end of the way that is measured.
APPENDED = {"message.timestamp.type": "LogAppendTime"}
KNOWN_SECONDS = 20.0


async def make_topic(brokers: str, name: str) -> None:
    """Make a topic like that of the events and wait until it is known."""
    client = AdminClient({"bootstrap.servers": brokers})
    made = client.create_topics([NewTopic(name, PARTITIONS, 1, config=APPENDED)])[name]
    await asyncio.to_thread(made.result, KNOWN_SECONDS)
    async with asyncio.timeout(KNOWN_SECONDS):
        # Nobody tells when a broker has heard of it.
        while len(client.list_topics(name, timeout=5).topics[name].partitions) < PARTITIONS:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
