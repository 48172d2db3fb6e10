"""Relays as processes, and the events that they publish."""

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

from tests.support.external.kafka import Record, read_partition_bounds, read_topic
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.event_log import commit_events
from tests.support.invariants.published_events import find_publishing_violations
from tests.support.processes.processes import RELAY_HEALTH, Process, Processes
from tests.support.processes.workers import Worker, open_worker
from tests.support.waiting import eventually
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.event_sequencer import EventSequencer

#: I11: the service recovers within this time after the end of any fault.
RECOVERY_SECONDS = 60.0
_BACKLOG = """
    SELECT (SELECT count(*) FROM outbox)
         + (SELECT count(*) FROM order_events
             WHERE position > coalesce((SELECT max(position) FROM relay_positions), 0))
"""


class Relays:
    """The relays of one database and one topic, started by `start`."""

    def __init__(
        self,
        processes: Processes,
        fulfilling: Process,
        database_url: str,
        sql: SqlConnection,
        brokers: str,
        topic: str,
    ) -> None:
        self._processes = processes
        self._fulfillment_process = fulfilling
        self._database_url = database_url
        self._sql = sql
        self.brokers = brokers
        self.topic = topic

    def start(self, worker_id: str) -> Process:
        """Start a relay, which takes the role if it is free."""
        return self._processes.worker(
            self._database_url,
            worker_id=worker_id,
            worker_roles="relay",
            kafka_brokers=self.brokers,
            kafka_topic=self.topic,
            kafka_request_timeout="2s",
        )

    async def start_active(self, worker_id: str) -> Process:
        """Start a relay and wait until it has the role."""
        relay = self.start(worker_id)
        await relay.wait_until_serving(RELAY_HEALTH)
        return relay

    async def wait_for_progress(self, within: float = 20.0) -> None:
        """Wait until more events are published."""
        position_before = await self.read_position()
        await eventually(lambda: self.has_reached(position_before + 1), within)

    async def read_position(self) -> int:
        """Return the saved position; 0 before the first event."""
        saved_position: int | None = await self._sql.fetchval("SELECT max(position) FROM relay_positions")
        return saved_position or 0

    async def has_reached(self, position: int) -> bool:
        """Return whether this position or a later one was saved."""
        return await self.read_position() >= position

    async def is_everything_published(self) -> bool:
        """Return whether all committed events have been published."""
        return not await self._sql.fetchval(_BACKLOG)

    async def read_all_published(self) -> list[Record]:
        """Stop the fulfillment, wait until all events are published, and return the records of the topic."""
        await self._fulfillment_process.terminate_and_wait()
        await eventually(self.is_everything_published, RECOVERY_SECONDS)
        return await asyncio.to_thread(read_topic, self.brokers, self.topic)

    async def find_violations(self) -> list[str]:
        """Return all violations of I5 to I7, after all events are published."""
        return await find_publishing_violations(self._sql, await self.read_all_published())


def count_repeated(records: list[Record]) -> int:
    """Return the number of records that repeat an event."""
    return len(records) - len({record.headers["ce_id"] for record in records})


class TopicMessage(NamedTuple):
    """A message of a topic, read by librdkafka."""

    partition: int
    offset: int
    key: str
    headers: dict[str, bytes]
    value: bytes

    @property
    def event_id(self) -> str:
        """The id of the event."""
        return self.headers["ce_id"].decode()

    @property
    def sequence(self) -> int:
        """The sequence of the event in its order."""
        return int(self.headers["ce_sequence"])


def read_topic_messages(brokers: str, topic: str) -> list[TopicMessage]:
    """Return all messages of a topic, each partition in order; an empty list without the topic."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "test", "enable.auto.commit": False})
    try:
        ends_by_partition = {
            number: end for number, (_, end) in read_partition_bounds(consumer, topic).items()
        }
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in ends_by_partition])
        topic_messages: list[TopicMessage] = []
        while len(topic_messages) < sum(ends_by_partition.values()):
            message = consumer.poll(10)
            assert message is not None
            assert message.error() is None, message.error()
            headers = dict(_header_pairs(message.headers()))
            topic_messages.append(
                TopicMessage(
                    message.partition() or 0,
                    message.offset() or 0,
                    (message.key() or b"").decode(),
                    headers,
                    message.value() or b"",
                )
            )
        return topic_messages
    finally:
        consumer.close()


def _header_pairs(headers: object) -> list[tuple[str, bytes]]:
    # By the type stubs of librdkafka's binding it may be a dictionary; in fact it is always a list.
    assert isinstance(headers, list)
    return headers


def group_sequences_by_order(messages: Sequence[TopicMessage]) -> dict[str, list[int]]:
    """Return the sequences of each order in the order of their first occurrence."""
    sequences_by_order: dict[str, list[int]] = defaultdict(list)
    for message in sorted(
        messages, key=lambda topic_message: (topic_message.partition, topic_message.offset)
    ):
        if message.sequence not in sequences_by_order[message.key]:
            sequences_by_order[message.key].append(message.sequence)
    return sequences_by_order


async def write_logged_events(
    database: PostgresDatabase, sql: SqlConnection, order_id: str, number: int, payload: str = ""
) -> None:
    """Write events of an order and sequence them into the log; `payload` replaces that of the last one."""
    await commit_events(sql, order_id, number)
    if payload:
        await sql.execute(
            "UPDATE outbox SET payload = $2 WHERE id = (SELECT max(id) FROM outbox WHERE order_id = $1)",
            order_id,
            payload,
        )
    while await EventSequencer(database).sequence_batch():
        pass


async def read_relay_position(sql: SqlConnection) -> int:
    """Return the position that the relay has saved; 0 before the first event."""
    return await sql.fetchval("SELECT coalesce(max(position), 0) FROM relay_positions")  # type: ignore[no-any-return]


async def read_log_end(sql: SqlConnection) -> int:
    """Return the last position of the log."""
    return await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")  # type: ignore[no-any-return]


def caught_up_condition(sql: SqlConnection) -> Callable[[], Any]:
    """Return the condition that the relay has passed the end of the log."""

    async def has_caught_up() -> bool:
        return await read_relay_position(sql) == await read_log_end(sql)

    return has_caught_up


@asynccontextmanager
async def open_relay(database_url: str, brokers: str, topic: str, **settings: Any) -> AsyncIterator[Worker]:
    """Run a worker with the relay role in this process during the block."""
    values = {"worker_roles": "relay", "kafka_brokers": brokers, "kafka_topic": topic, **settings}
    async with open_worker(database_url, **values) as worker:
        yield worker


async def read_publishing_problem(worker: Worker) -> str:
    """Return the reason why a relay does not publish, from its page /health; empty if there is none."""
    _, page = await worker.get_json("/health")
    return next(
        (
            str(role_status.get("trouble", ""))
            for role_status in page["roles"]
            if role_status["role"] == "relay"
        ),
        "",
    )


def limit_batches(brokers: str, topic: str, limit: int) -> None:
    """Limit the batches of a topic to `limit` bytes."""
    entry = ConfigEntry("max.message.bytes", str(limit), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": brokers})
    client.incremental_alter_configs([resource])[resource].result(20)


async def is_sending() -> bool:
    """Return whether a produce request of aiokafka is in flight in this process."""
    return any("_send_produce_req" in repr(task) for task in asyncio.all_tasks())


async def is_no_producer_left() -> bool:
    """Return whether no aiokafka task is left in this process."""
    return not any("aiokafka" in repr(task) for task in asyncio.all_tasks())


_COUNT_LOGGED = "SELECT count(*) FROM order_events WHERE order_id = ANY ($1)"
_INSERT_PARKED = """
INSERT INTO parked_events (position, event_id, order_id, parked_at, attempts, last_error)
SELECT position, event_id, order_id, now(), 1, 'MessageSizeTooLargeError: [Error 10]'
  FROM order_events WHERE order_id = ANY ($1) AND sequence = 1
RETURNING event_id
"""


async def park_first_events(sql: SqlConnection, *order_ids: str) -> list[str]:
    """Wait until the first events of the orders are in the log, and park them. Return their ids."""

    async def are_all_logged() -> bool:
        return await sql.fetchval(_COUNT_LOGGED, order_ids) >= len(order_ids)  # type: ignore[no-any-return]

    await eventually(are_all_logged)
    return [str(row["event_id"]) for row in await sql.fetch(_INSERT_PARKED, order_ids)]


def allow_topic_access(brokers: str, topic: str, user: str) -> None:
    """Allow a user all operations on a topic."""
    topic_pattern = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL)
    acl_binding = AclBinding(*topic_pattern, f"User:{user}", "*", AclOperation.ALL, AclPermissionType.ALLOW)
    client = AdminClient({"bootstrap.servers": brokers})
    client.create_acls([acl_binding])[acl_binding].result(20)
