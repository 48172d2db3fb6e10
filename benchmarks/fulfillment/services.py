"""Postgres, the real server and the real worker as children of ours, on loopback, gone at the end."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.fulfillment.effort import cpu_seconds
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.address import Address
from wms_dev.stack.readiness import until_serving

#: What is committed is on the disk: fsync, synchronous_commit and full_page_writes are Postgres's defaults.
POSTGRES = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
#: In a mixed lane the carrier that is wanted may be the last one.
SERVICE = {
    "LOG_LEVEL": "warning",
    "FULFILLMENT_INTERVAL": "20ms",
    "RELOCATION_LIMIT": "24",
    "RUNS_KEPT": "1d",
}
ADVICE = "The benchmark ends here."
READY_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(slots=True)
class Services:
    """Starts what it is asked for, and stops all of it in the opposite order."""

    postgres: EmbeddedPostgres
    folder: RunFolder
    exit: ExitStack
    server: Address

    def cpu_seconds(self) -> float:
        """Give the processor time of Postgres, server and worker so far."""
        return cpu_seconds(os.getpid()) - sum(os.times()[:2])

    @property
    def database_url(self) -> str:
        """Where Postgres is."""
        return self.postgres.dsn

    def migrate(self) -> None:
        """Make the schema."""
        self._child("migrate", {}).finish(READY_SECONDS, ADVICE)

    async def start_server(self) -> None:
        """Start the gRPC server and wait until it serves."""
        child = self._child("server", {"SERVER_ADDR": str(self.server), "HTTP_ADDR": ""})
        await _ready("server", self.server, "", child)

    async def start_worker(self) -> Child:
        """Start the worker, whose cycles begin at once."""
        address = Address.free()
        child = self._child("worker", {"WORKER_ADDR": str(address), "WORKER_ID": "bench"})
        await _ready("worker", address, "", child)
        return child

    def _child(self, name: str, settings: dict[str, str]) -> Child:
        environment = {"DATABASE_URL": self.database_url, **SERVICE, **settings}
        command = [sys.executable, "-m", "wms_core.command", name]
        child = Child.start(name, command, environment, self.folder.path / f"{name}.log")
        self.exit.callback(child.stop, STOP_SECONDS)
        self.folder.watch(child.process.pid)
        return child


async def _ready(name: str, address: Address, service: str, child: Child) -> None:
    await until_serving(
        name, address.target, service, seconds=READY_SECONDS, still_there=lambda: child.check(ADVICE)
    )


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres of our own and whatever is started on it, until the end."""
    with ExitStack() as stack:
        folder = RunFolder()
        stack.callback(folder.remove)
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        yield Services(postgres, folder, stack, Address.free())
