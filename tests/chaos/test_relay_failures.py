"""What happens to the relay and to its Kafka: killed at each step, frozen, cut off.

Real processes and a real broker. What is checked is what Kafka's own console consumer reads in the end.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from tests.support.durations import CHOSEN, SHORT
from tests.support.invariants import Sql, breaches
from tests.support.invariants_of_events import breaches_of_events, record_events
from tests.support.kafka import fresh_topic, mend, own_kafka
from tests.support.locks import until_waiting
from tests.support.processes import FULFILLMENT, RELAY, Process, Processes
from tests.support.relays import Relays, repeated
from tests.support.site import Site
from tests.support.traffic import traffic
from tests.support.waiting import eventually
from wms_dev.kafka import Kafka

pytestmark = [pytest.mark.slow, pytest.mark.one_postgres]

PAUSE = 0.1
#: A role that nobody renews is free after a second.
TAKEN = 5.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """Give a single one, which its tests mend."""
    with own_kafka() as kafka:
        yield kafka


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Give what starts workers."""
    started = Processes(tmp_path)
    yield started
    started.end()


@pytest.fixture
async def fulfilling(processes: Processes, database_url: str, sql: Sql) -> Process:
    """Give a worker that fulfils and publishes nothing; each event that is committed from now on is noted."""
    await record_events(sql)
    worker = processes.worker(database_url, worker_roles="fulfillment")
    await worker.serving(FULFILLMENT)
    return worker


@pytest.fixture
def relays(
    processes: Processes, fulfilling: Process, database_url: str, sql: Sql, broker: Kafka
) -> Iterator[Relays]:
    """Give the relays of a topic of the test's own, beside a worker that fulfils."""
    yield Relays(processes, fulfilling, database_url, sql, broker.brokers, fresh_topic())
    broker.mend()


class Steps:
    """Where a relay is held while it is killed; each gives it something to do and waits until it is there."""

    def __init__(self, relays: Relays, broker: Kafka, sql: Sql, database_url: str) -> None:
        """Hold by the broker and by the row of the relay's position."""
        self._relays = relays
        self._broker = broker
        self._sql = sql
        self._database_url = database_url

    @asynccontextmanager
    async def before_send(self) -> AsyncIterator[None]:
        """It has events, and nobody to send them to."""
        self._broker.nodes[0].kill()
        await eventually(self._has_work)
        yield
        await mend(self._broker)

    @asynccontextmanager
    async def after_send(self) -> AsyncIterator[None]:
        """The broker has the events in its ear, and does not hear yet."""
        self._broker.nodes[0].freeze()
        await eventually(self._has_work)
        yield
        self._broker.nodes[0].thaw()

    @asynccontextmanager
    async def after_ack(self) -> AsyncIterator[None]:
        """Kafka has the events, and Postgres cannot note it."""
        other = await asyncpg.connect(self._database_url)
        try:
            async with other.transaction():
                await other.execute("SELECT FROM relay_positions FOR UPDATE")
                await until_waiting(self._sql)
                yield
        finally:
            await other.close()

    @asynccontextmanager
    async def after_saving(self) -> AsyncIterator[None]:
        """Postgres has noted a new position this very moment."""
        await self._relays.goes_on()
        yield

    async def _has_work(self) -> bool:
        return not await self._relays.is_done()


async def test_a_relay_that_is_killed_at_any_step_loses_and_swaps_nothing(
    site: Site, relays: Relays, broker: Kafka, sql: Sql, database_url: str
) -> None:
    """Another goes on from what was saved; only what was acknowledged and not yet noted comes twice."""
    steps = Steps(relays, broker, sql, database_url)
    async with traffic(site, PAUSE):
        relay = await relays.active("first")
        for held in (steps.before_send, steps.after_send, steps.after_ack, steps.after_saving):
            await relays.goes_on()
            async with held():
                relay.signal(signal.SIGKILL)
                await relay.ended()
            relay = await relays.active(f"next-to-{held.__name__}")
    records = await relays.told()
    assert await breaches_of_events(sql, records) == []
    assert repeated(records) > 0
    assert await breaches(sql) == []


async def test_a_broker_that_bounces_under_load_costs_no_event(
    site: Site, relays: Relays, broker: Kafka
) -> None:
    """Killed and started again, ten times in `make soak`; the relay is the same process all the time."""
    async with traffic(site, PAUSE):
        relay = await relays.active("relay")
        for _ in range(CHOSEN.bounces):
            await relays.goes_on()
            broker.nodes[0].kill()
            await mend(broker)
    assert await relays.breaches() == []
    assert await relay.is_serving(RELAY)


async def test_without_kafka_orders_go_on_and_the_backlog_drains_by_itself(
    site: Site, relays: Relays, fulfilling: Process, broker: Kafka, sql: Sql
) -> None:
    """Minutes of it in `make soak`; orders are taken in and packed as before, and nothing is restarted."""
    async with traffic(site, PAUSE) as placed:
        relay = await relays.active("relay")
        await relays.goes_on()
        broker.nodes[0].kill()
        before = len(placed)
        await asyncio.sleep(CHOSEN.kafka_outage)
        await eventually(partial(_is_packed, site, placed, before))
        assert not await relays.is_done()
        await mend(broker)
        await relays.goes_on()
    assert await relay.is_serving(RELAY)
    assert await fulfilling.is_serving(FULFILLMENT)
    assert await relays.breaches() == []
    assert await breaches(sql) == []


async def test_a_transaction_left_open_does_not_hold_the_relay_up(
    site: Site, relays: Relays, sql: Sql, database_url: str
) -> None:
    """Not even one that has an event of its own to tell, older than those that are told meanwhile."""
    other = await asyncpg.connect(database_url)
    async with traffic(site, PAUSE):
        await relays.active("relay")
        await relays.goes_on()
        async with _left_open(other):
            ends = asyncio.get_running_loop().time() + CHOSEN.transaction
            while asyncio.get_running_loop().time() < ends:
                committed: int = await sql.fetchval("SELECT coalesce(max(position), 0) FROM order_events")
                await eventually(partial(relays.has_reached, committed), within=5)
    await other.close()
    assert await relays.breaches() == []


async def test_a_relay_that_was_frozen_finds_another_in_its_place(
    site: Site, relays: Relays, sql: Sql
) -> None:
    """What it still sends when it is thawed was told before, with the same bytes; it notes nothing."""
    async with traffic(site, PAUSE):
        first = await relays.active("first")
        second = relays.start("second")
        await relays.goes_on()
        first.signal(signal.SIGSTOP)
        await second.serving(RELAY, within=TAKEN)
        await relays.goes_on()
        first.signal(signal.SIGCONT)
        await first.not_serving(RELAY, within=TAKEN)
        await relays.goes_on()
        assert await second.is_serving(RELAY)
    assert await relays.breaches() == []
    assert await breaches(sql) == []


@pytest.mark.skipif(CHOSEN is SHORT, reason="three brokers take their time to start: make soak")
async def test_of_three_brokers_one_may_die(
    site: Site, processes: Processes, fulfilling: Process, database_url: str, sql: Sql
) -> None:
    """The topic has three copies; the two that are left are enough to publish all that comes."""
    with own_kafka(3) as kafka:
        relays = Relays(processes, fulfilling, database_url, sql, kafka.brokers, fresh_topic())
        async with traffic(site, PAUSE):
            relay = await relays.active("relay")
            await relays.goes_on()
            kafka.nodes[0].kill()
            await relays.goes_on()
        assert await relays.breaches() == []
        assert await relay.is_serving(RELAY)


@asynccontextmanager
async def _left_open(other: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[None]:
    """Write an event in a transaction that is open until the end, and is then given up."""
    transaction = other.transaction()
    await transaction.start()
    written = await other.execute("""
        INSERT INTO outbox SELECT (jsonb_populate_record(NULL::outbox, to_jsonb(e) || jsonb_build_object(
                   'id', nextval('outbox_id'), 'event_id', gen_random_uuid(), 'order_id', 'ORD-LEFT-OPEN'))).*
          FROM order_events AS e WHERE sequence = 1 LIMIT 1""")
    assert written == "INSERT 0 1"
    try:
        yield
    finally:
        await transaction.rollback()


async def _is_packed(site: Site, placed: list[str], number: int) -> bool:
    """Say whether an order has been placed after so many others, and been packed."""
    return len(placed) > number and await site.status(placed[number]) == "PACKING"
