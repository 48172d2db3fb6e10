"""Postgres, the real server and the real worker as children of ours, on loopback, gone at the end."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks.children import POSTGRES, Children
from benchmarks.effort import cpu_seconds
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.stack.address import Address

#: In a mixed lane the carrier that is wanted may be the last one.
SERVICE = {
    "LOG_LEVEL": "warning",
    "FULFILLMENT_INTERVAL": "20ms",
    "RELOCATION_LIMIT": "24",
    "RUNS_KEPT": "1d",
}


@dataclass(frozen=True, slots=True)
class Services:
    """What is there, and what can be started on it."""

    postgres: EmbeddedPostgres
    children: Children
    server: Address

    def cpu_seconds(self) -> float:
        """Give the processor time of Postgres, server and worker so far."""
        return cpu_seconds(os.getpid()) - sum(os.times()[:2])

    @property
    def database_url(self) -> str:
        """Where Postgres is."""
        return self.postgres.dsn


@contextmanager
def open_services() -> Iterator[Services]:
    """Run a Postgres of our own and whatever is started on it, until the end."""
    with ExitStack() as stack:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=POSTGRES)
        stack.callback(postgres.stop)
        postgres.start()
        children = Children(stack, {**SERVICE, "DATABASE_URL": postgres.dsn})
        yield Services(postgres, children, Address.free())
