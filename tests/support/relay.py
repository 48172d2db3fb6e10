"""Events for the relay to carry, and what has arrived in its topic."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from tests.support.event_log import write_and_commit
from tests.support.invariants import Sql
from tests.support.kafka import bounds
from tests.support.waiting import eventually
from tests.support.worker import Worker, open_worker
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.sequencer import Sequencer


class Arrived(NamedTuple):
    """A message of the topic, as librdkafka reads it."""

    partition: int
    offset: int
    key: str
    headers: dict[str, bytes]
    value: bytes

    @property
    def event_id(self) -> str:
        """The event that it is."""
        return self.headers["ce_id"].decode()

    @property
    def sequence(self) -> int:
        """The how many-th of its order it is."""
        return int(self.headers["ce_sequence"])


def arrived(brokers: str, topic: str) -> list[Arrived]:
    """Give all that a topic has, each partition in its order; nothing when there is no topic."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test", "enable.auto.commit": False})
    try:
        ends = {number: end for number, (_, end) in bounds(consumer, topic).items()}
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends])
        found: list[Arrived] = []
        while len(found) < sum(ends.values()):
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None, message.error()
            headers = dict(_pairs(message.headers()))
            found.append(
                Arrived(
                    message.partition() or 0,
                    message.offset() or 0,
                    (message.key() or b"").decode(),
                    headers,
                    message.value() or b"",
                )
            )
        return found
    finally:
        consumer.close()


def _pairs(headers: object) -> list[tuple[str, bytes]]:
    # librdkafka's binding says that they might be a dictionary, too; it never gives one.
    assert isinstance(headers, list)
    return headers


def by_order(messages: Sequence[Arrived]) -> dict[str, list[int]]:
    """Give the sequence numbers of each order as they arrived, each where it came first."""
    found: dict[str, list[int]] = defaultdict(list)
    for message in sorted(messages, key=lambda one: (one.partition, one.offset)):
        if message.sequence not in found[message.key]:
            found[message.key].append(message.sequence)
    return found


async def log_events(
    database: PostgresDatabase, sql: Sql, order_id: str, number: int, payload: str = ""
) -> None:
    """Write events of an order and have them put into the log; one with a payload of its own is the last."""
    await write_and_commit(sql, order_id, number)
    if payload:
        await sql.execute(
            "UPDATE outbox SET payload = $2 WHERE id = (SELECT max(id) FROM outbox WHERE order_id = $1)",
            order_id,
            payload,
        )
    while await Sequencer(database).move():
        pass


async def position(sql: Sql) -> int:
    """Give the position that the relay has saved; 0 before the first."""
    return await sql.fetchval("SELECT coalesce(max(position), 0) FROM relay_positions")  # type: ignore[no-any-return]


async def newest(sql: Sql) -> int:
    """Give the position at which the log ends."""
    return await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")  # type: ignore[no-any-return]


def caught_up(sql: Sql) -> Callable[[], Any]:
    """Give the condition that the relay has passed all of the log."""

    async def condition() -> bool:
        return await position(sql) == await newest(sql)

    return condition


@asynccontextmanager
async def open_relay(database_url: str, brokers: str, topic: str, **settings: Any) -> AsyncIterator[Worker]:
    """Run a replica that relays."""
    chosen = {"worker_roles": "relay", "kafka_brokers": brokers, "kafka_topic": topic, **settings}
    async with open_worker(database_url, **chosen) as worker:
        yield worker


async def trouble(worker: Worker) -> str:
    """Give what keeps a relay from publishing, as its page of health says."""
    _, page = await worker.page("/health")
    return next((str(part.get("trouble", "")) for part in page["roles"] if part["role"] == "relay"), "")


def limit_batches(brokers: str, topic: str, limit: int) -> None:
    """Have a topic take batches of so many bytes at most."""
    entry = ConfigEntry("max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": brokers})
    client.incremental_alter_configs([resource])[resource].result(20)


async def is_sending() -> bool:
    """Say whether a request of aiokafka's is on its way, in this process."""
    return any("_send_produce_req" in repr(task) for task in asyncio.all_tasks())


async def nothing_is_sent() -> bool:
    """Say whether no producer of aiokafka's is left in this process."""
    return not any("aiokafka" in repr(task) for task in asyncio.all_tasks())


_LOGGED = "SELECT count(*) FROM order_events WHERE order_id = ANY ($1)"
_PARK = """
INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)
SELECT position, event_id, order_id, now(), 1, 'MessageSizeTooLargeError: [Error 10]'
  FROM order_events WHERE order_id = ANY ($1) AND sequence = 1
RETURNING event_id
"""


async def park(sql: Sql, *order_ids: str) -> list[str]:
    """Park the first event of each order, as the relay does, once they are in the log; gives their ids."""

    async def logged() -> bool:
        return await sql.fetchval(_LOGGED, order_ids) >= len(order_ids)  # type: ignore[no-any-return]

    await eventually(logged)
    return [str(row["event_id"]) for row in await sql.fetch(_PARK, order_ids)]


def permit(brokers: str, topic: str, user: str) -> None:
    """Let a user do what it likes with a topic."""
    place = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL)
    rule = AclBinding(*place, f"User:{user}", "*", AclOperation.ALL, AclPermissionType.ALLOW)
    client = AdminClient({"bootstrap.servers": brokers})
    client.create_acls([rule])[rule].result(20)
