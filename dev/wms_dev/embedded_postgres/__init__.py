"""A Postgres of our own for development, the demo and the tests, whose life is tied to ours.

    owner (make demo, pytest) --pipe--> keeper --PR_SET_PDEATHSIG--> postgres

The keeper sees the owner's end on the pipe, Postgres sees the keeper's end by a signal of the kernel.
Standard library only: the keeper starts without site-packages.
"""

from wms_dev.embedded_postgres.binaries import postgres_binaries
from wms_dev.embedded_postgres.errors import (
    DataFolderForeign,
    DataFolderInUse,
    DataFolderKept,
    DataFolderUnreachable,
    DataFolderUnusable,
    EmbeddedPostgresError,
    KeeperFailed,
    NoAccount,
    PortTaken,
    PostgresNotFound,
    StartFailed,
    VersionMismatch,
)
from wms_dev.embedded_postgres.locations import default_data_dir, temporary_data_dir
from wms_dev.embedded_postgres.server import EmbeddedPostgres

__all__ = [
    "DataFolderForeign",
    "DataFolderInUse",
    "DataFolderKept",
    "DataFolderUnreachable",
    "DataFolderUnusable",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "KeeperFailed",
    "NoAccount",
    "PortTaken",
    "PostgresNotFound",
    "StartFailed",
    "VersionMismatch",
    "default_data_dir",
    "postgres_binaries",
    "temporary_data_dir",
]
