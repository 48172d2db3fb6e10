"""Failures of the relay and of Kafka: killed at each step, frozen, disconnected.

Real processes and a real broker. The tests check the records that Kafka's own console consumer reads at the
end.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.support.builders.load import run_order_load
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.external.kafka import new_topic_name, revive_brokers, run_kafka
from tests.support.faults.row_locks import wait_for_lock_waiters
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.published_events import find_publishing_violations, record_events
from tests.support.processes.processes import FULFILLMENT_HEALTH, RELAY_HEALTH, Process, Processes
from tests.support.processes.relays import Relays, count_repeated
from tests.support.pytest_helpers import FAULT_DURATIONS, SHORT_DURATIONS
from tests.support.waiting import eventually
from wms_dev.embedded.kafka import KafkaCluster

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.1
#: Without a renewal, a role is free after a second.
TAKEOVER_SECONDS = 5.0


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaCluster]:
    """Yield a single broker, which its tests restore."""
    with run_kafka() as kafka:
        yield kafka


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Yield a starter of workers."""
    started = Processes(tmp_path)
    yield started
    started.kill_all()


@pytest.fixture
async def fulfilling(processes: Processes, database_url: str, sql: SqlConnection) -> Process:
    """Return a worker that only has the fulfillment role. From now on, each committed event is recorded."""
    await record_events(sql)
    worker = processes.worker(database_url, worker_roles="fulfillment")
    await worker.wait_until_serving(FULFILLMENT_HEALTH)
    return worker


@pytest.fixture
def relays(
    processes: Processes, fulfilling: Process, database_url: str, sql: SqlConnection, broker: KafkaCluster
) -> Iterator[Relays]:
    """Yield the relays of the test's own topic, beside a fulfillment worker."""
    yield Relays(processes, fulfilling, database_url, sql, broker.addresses, new_topic_name())
    broker.restore_nodes()


class Steps:
    """The steps at which a relay is blocked and killed. Each one creates work and waits for the step."""

    def __init__(self, relays: Relays, broker: KafkaCluster, sql: SqlConnection, database_url: str) -> None:
        self._relays = relays
        self._broker = broker
        self._sql = sql
        self._database_url = database_url

    @asynccontextmanager
    async def before_send(self) -> AsyncIterator[None]:
        """The relay has events, and the broker is down."""
        self._broker.nodes[0].kill()
        await eventually(self._has_work)
        yield
        await revive_brokers(self._broker)

    @asynccontextmanager
    async def after_send(self) -> AsyncIterator[None]:
        """The broker has received the events and has not processed them yet."""
        self._broker.nodes[0].freeze()
        await eventually(self._has_work)
        yield
        self._broker.nodes[0].unfreeze()

    @asynccontextmanager
    async def after_ack(self) -> AsyncIterator[None]:
        """Kafka has the events, and the relay cannot save its position in Postgres."""
        connection = await asyncpg.connect(self._database_url)
        try:
            async with connection.transaction():
                await connection.execute("SELECT FROM relay_positions FOR UPDATE")
                await wait_for_lock_waiters(self._sql)
                yield
        finally:
            await connection.close()

    @asynccontextmanager
    async def after_saving(self) -> AsyncIterator[None]:
        """Postgres has just saved a new position."""
        await self._relays.wait_for_progress()
        yield

    async def _has_work(self) -> bool:
        return not await self._relays.is_everything_published()


async def test_killed_relay_neither_loses_nor_reorders_events(
    site: WarehouseDriver, relays: Relays, broker: KafkaCluster, sql: SqlConnection, database_url: str
) -> None:
    """The next relay continues from the saved position.

    Only acknowledged events without a saved position repeat.
    """
    steps = Steps(relays, broker, sql, database_url)
    async with run_order_load(site, PAUSE):
        relay = await relays.start_active("first")
        for step in (steps.before_send, steps.after_send, steps.after_ack, steps.after_saving):
            await relays.wait_for_progress()
            async with step():
                relay.send_signal(signal.SIGKILL)
                await relay.wait_for_exit()
            relay = await relays.start_active(f"next-to-{step.__name__}")
    records = await relays.read_all_published()
    assert await find_publishing_violations(sql, records) == []
    assert count_repeated(records) > 0
    assert await find_violations(sql) == []


async def test_restarts_of_broker_lose_no_event(
    site: WarehouseDriver, relays: Relays, broker: KafkaCluster
) -> None:
    """The broker is killed and restarted, ten times in `make soak`. The relay process stays the same."""
    async with run_order_load(site, PAUSE):
        relay = await relays.start_active("relay")
        for _ in range(FAULT_DURATIONS.broker_restarts):
            await relays.wait_for_progress()
            broker.nodes[0].kill()
            await revive_brokers(broker)
    assert await relays.find_violations() == []
    assert await relay.is_serving(RELAY_HEALTH)


async def test_backlog_drains_after_kafka_outage(
    site: WarehouseDriver, relays: Relays, fulfilling: Process, broker: KafkaCluster, sql: SqlConnection
) -> None:
    """Orders are accepted and packed during the outage, which lasts minutes in `make soak`.

    No process restarts.
    """
    async with run_order_load(site, PAUSE) as placed:
        relay = await relays.start_active("relay")
        await relays.wait_for_progress()
        broker.nodes[0].kill()
        before = len(placed)
        await asyncio.sleep(FAULT_DURATIONS.kafka_outage_seconds)
        await eventually(partial(_is_next_order_packed, site, placed, before))
        assert not await relays.is_everything_published()
        await revive_brokers(broker)
        await relays.wait_for_progress()
    assert await relay.is_serving(RELAY_HEALTH)
    assert await fulfilling.is_serving(FULFILLMENT_HEALTH)
    assert await relays.find_violations() == []
    assert await find_violations(sql) == []


async def test_open_transaction_does_not_delay_relay(
    site: WarehouseDriver, relays: Relays, sql: SqlConnection, database_url: str
) -> None:
    """This holds even if the transaction has an older event of its own."""
    connection = await asyncpg.connect(database_url)
    async with run_order_load(site, PAUSE):
        await relays.start_active("relay")
        await relays.wait_for_progress()
        async with _open_transaction(connection):
            deadline = asyncio.get_running_loop().time() + FAULT_DURATIONS.open_transaction_seconds
            while asyncio.get_running_loop().time() < deadline:
                committed: int = await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")
                await eventually(partial(relays.has_reached, committed), within=5)
    await connection.close()
    assert await relays.find_violations() == []


async def test_frozen_relay_is_replaced(site: WarehouseDriver, relays: Relays, sql: SqlConnection) -> None:
    """The thawed relay only repeats published events with the same bytes, and saves no position."""
    async with run_order_load(site, PAUSE):
        first = await relays.start_active("first")
        second = relays.start("second")
        await relays.wait_for_progress()
        first.send_signal(signal.SIGSTOP)
        await second.wait_until_serving(RELAY_HEALTH, within=TAKEOVER_SECONDS)
        await relays.wait_for_progress()
        first.send_signal(signal.SIGCONT)
        await first.wait_until_not_serving(RELAY_HEALTH, within=TAKEOVER_SECONDS)
        await relays.wait_for_progress()
        assert await second.is_serving(RELAY_HEALTH)
    assert await relays.find_violations() == []
    assert await find_violations(sql) == []


@pytest.mark.skipif(
    FAULT_DURATIONS is SHORT_DURATIONS, reason="three brokers take their time to start: make soak"
)
async def test_relay_tolerates_loss_of_one_broker_of_three(
    site: WarehouseDriver, processes: Processes, fulfilling: Process, database_url: str, sql: SqlConnection
) -> None:
    """The topic has three copies, and the remaining two are enough to publish all events."""
    with run_kafka(3) as kafka:
        relays = Relays(processes, fulfilling, database_url, sql, kafka.addresses, new_topic_name())
        async with run_order_load(site, PAUSE):
            relay = await relays.start_active("relay")
            await relays.wait_for_progress()
            kafka.nodes[0].kill()
            await relays.wait_for_progress()
        assert await relays.find_violations() == []
        assert await relay.is_serving(RELAY_HEALTH)


@asynccontextmanager
async def _open_transaction(connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Write an event in a transaction that stays open until the end of the block, and roll it back."""
    transaction = connection.transaction()
    await transaction.start()
    status = await connection.execute("""
        INSERT INTO outbox SELECT (jsonb_populate_record(NULL::outbox, to_jsonb(e) || jsonb_build_object(
                   'id', nextval('outbox_id'), 'event_id', gen_random_uuid(), 'order_id', 'ORD-LEFT-OPEN'))).*
          FROM order_events AS e WHERE sequence = 1 LIMIT 1""")
    assert status == "INSERT 0 1"
    try:
        yield
    finally:
        await transaction.rollback()


async def _is_next_order_packed(site: WarehouseDriver, placed: list[str], number: int) -> bool:
    """Return whether the order after the first `number` ones has been placed and packed."""
    return len(placed) > number and await site.read_status(placed[number]) == "PACKING"
