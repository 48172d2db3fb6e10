"""Postgres, Kafka, server and relay as child processes, on loopback, stopped at the end."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from benchmarks.children import POSTGRES, STOP_SECONDS, ChildProcesses
from wms_dev.embedded.kafka import KafkaCluster
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess

#: Unlike in the tests, the broker compiles its code completely, which is slower at the start.
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
    """The running services, and a way to start a relay."""

    postgres: EmbeddedPostgres
    kafka: KafkaCluster
    children: ChildProcesses
    server: Address

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[ChildProcess]:
        """Run a relay during the block."""
        child = await self.children.start_worker(f"relay-{Address.on_free_port().port}", RELAY)
        try:
            yield child
        finally:
            child.stop(STOP_SECONDS)


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres and a broker during the block, and stop all child processes at its end."""
    with ExitStack() as stack:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        kafka = stack.enter_context(KafkaCluster(java_options=JAVA))
        addresses = {"DATABASE_URL": postgres.dsn, "KAFKA_BROKERS": kafka.addresses}
        yield Services(
            postgres, kafka, ChildProcesses(stack, {**SERVICE, **addresses}), Address.on_free_port()
        )
