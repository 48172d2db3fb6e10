"""Postgres, Kafka, the real server and the real relay as children of ours, on loopback, gone at the end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from benchmarks.children import POSTGRES, STOP_SECONDS, Children
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.kafka import Kafka
from wms_dev.processes.child import Child
from wms_dev.stack.address import Address

#: Unlike in the tests the broker may take its time to become quick.
JAVA = ("-Xmx1g", "-XX:TieredStopAtLevel=4")
PARTITIONS = 6
TOPIC = "wms.orders.events"
SERVICE = {
    "LOG_LEVEL": "warning",
    "WORKER_ROLES": "relay",
    "STANDALONE_LEASE": "1s",
    "KAFKA_TOPIC": TOPIC,
    "KAFKA_TOPIC_PARTITIONS": str(PARTITIONS),
    "KAFKA_COMPRESSION": "lz4",
}
RELAY = "wms.orders.worker.relay"


@dataclass(frozen=True, slots=True)
class Services:
    """What is there, and what can be started on it."""

    postgres: EmbeddedPostgres
    kafka: Kafka
    children: Children
    server: Address

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Child]:
        """Have a relay at work until the end."""
        child = await self.children.start_worker(f"relay-{Address.free().port}", RELAY)
        try:
            yield child
        finally:
            child.stop(STOP_SECONDS)


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres and a broker of our own and whatever is started on them, until the end."""
    with ExitStack() as stack:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        kafka = stack.enter_context(Kafka(java_options=JAVA))
        places = {"DATABASE_URL": postgres.dsn, "KAFKA_BROKERS": kafka.brokers}
        yield Services(postgres, kafka, Children(stack, {**SERVICE, **places}), Address.free())
