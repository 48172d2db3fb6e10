"""Embedded Postgres for development, the demo and the tests, which stops with its parent process.

    parent (make demo, pytest) --pipe--> supervisor --PR_SET_PDEATHSIG--> postgres

The supervisor detects the exit of the parent by the end of the pipe. Postgres gets a signal of the kernel
when the supervisor exits. Only the standard library is used, because the supervisor starts without
site-packages.
"""

from wms_dev.embedded.postgres.binaries import find_postgres_binaries
from wms_dev.embedded.postgres.data_locations import default_data_dir, temporary_data_dir
from wms_dev.embedded.postgres.errors import (
    DataFolderForeign,
    DataFolderInUse,
    DataFolderKept,
    DataFolderUnreachable,
    DataFolderUnusable,
    EmbeddedPostgresError,
    OsUserMissing,
    PortInUse,
    PostgresNotFound,
    StartFailed,
    SupervisorFailed,
    VersionMismatch,
)
from wms_dev.embedded.postgres.server import EmbeddedPostgres

__all__ = [
    "DataFolderForeign",
    "DataFolderInUse",
    "DataFolderKept",
    "DataFolderUnreachable",
    "DataFolderUnusable",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "OsUserMissing",
    "PortInUse",
    "PostgresNotFound",
    "StartFailed",
    "SupervisorFailed",
    "VersionMismatch",
    "default_data_dir",
    "find_postgres_binaries",
    "temporary_data_dir",
]
