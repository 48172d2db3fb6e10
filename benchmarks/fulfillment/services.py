"""Postgres, server and worker as child processes, on loopback, stopped at the end."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.children import POSTGRES, ChildProcesses
from benchmarks.effort import cpu_seconds
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.local_stack.address import Address

#: RELOCATION_LIMIT: in a mixed lane, the load carrier of a SKU may be the last one.
SERVICE = {
    "LOG_LEVEL": "warning",
    "FULFILLMENT_INTERVAL": "20ms",
    "RELOCATION_LIMIT": "24",
    "RUNS_KEPT": "1d",
}


@dataclass(frozen=True, slots=True)
class Services:
    """The running services and their child processes."""

    postgres: EmbeddedPostgres
    children: ChildProcesses
    server: Address

    def cpu_seconds(self) -> float:
        """Return the processor time of Postgres, server and worker in seconds."""
        return cpu_seconds(os.getpid()) - sum(os.times()[:2])

    @property
    def database_url(self) -> str:
        """The URL of the database."""
        return self.postgres.dsn


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres during the block, and stop all child processes at its end."""
    with ExitStack() as stack:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        children = ChildProcesses(stack, {**SERVICE, "DATABASE_URL": postgres.dsn})
        yield Services(postgres, children, Address.on_free_port())
