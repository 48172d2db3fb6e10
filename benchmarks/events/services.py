"""Postgres, Kafka, the real server and the real relay as children of ours, on loopback, gone at the end."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.kafka import Kafka
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.address import Address
from wms_dev.stack.readiness import until_serving

#: What is committed is on the disk: fsync, synchronous_commit and full_page_writes are Postgres's defaults.
POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
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
ADVICE = "The benchmark ends here."
READY_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(slots=True)
class Services:
    """Starts what it is asked for, and stops all of it in the opposite order."""

    postgres: EmbeddedPostgres
    kafka: Kafka
    folder: RunFolder
    exit: ExitStack
    server: Address

    def migrate(self) -> None:
        """Make the schema."""
        self._child("migrate", {}).finish(READY_SECONDS, ADVICE)

    async def start_server(self) -> None:
        """Start the gRPC server, with its sequencer, and wait until it serves."""
        child = self._child("server", {"SERVER_ADDR": str(self.server)})
        await _ready("server", self.server, "", child)

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[Child]:
        """Have a relay at work until the end."""
        address = Address.free()
        child = self._child("worker", {"WORKER_ADDR": str(address), "WORKER_ID": f"relay-{address.port}"})
        try:
            await _ready("worker", address, RELAY, child)
            yield child
        finally:
            child.stop(STOP_SECONDS)

    def _child(self, name: str, settings: dict[str, str]) -> Child:
        places = {"DATABASE_URL": self.postgres.dsn, "KAFKA_BROKERS": self.kafka.brokers}
        command = [sys.executable, "-m", "wms_core.command", name]
        child = Child.start(
            name, command, {**SERVICE, **places, **settings}, self.folder.path / f"{name}.log"
        )
        self.exit.callback(child.stop, STOP_SECONDS)
        self.folder.watch(child.process.pid)
        return child


async def _ready(name: str, address: Address, service: str, child: Child) -> None:
    await until_serving(
        name, address.target, service, seconds=READY_SECONDS, still_there=lambda: child.check(ADVICE)
    )


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres and a broker of our own and whatever is started on them, until the end."""
    with ExitStack() as stack:
        folder = RunFolder()
        stack.callback(folder.remove)
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        kafka = stack.enter_context(Kafka(java_options=JAVA))
        yield Services(postgres, kafka, folder, stack, Address.free())
