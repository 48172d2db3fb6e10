"""Postgres's configuration, written at each start from the defaults here and the caller's settings."""

import re
from collections.abc import Mapping

from wms_dev.embedded_postgres.folder import DataFolder

DEFAULTS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "default_text_search_config": "pg_catalog.simple",
}

OURS = frozenset(
    {
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "listen_addresses",
        "log_destination",
        "logging_collector",
        "port",
        "unix_socket_directories",
    }
)

ACCESS = "# Nobody comes in but over loopback with the password.\nhost all all 127.0.0.1/32 scram-sha-256\n"


def check_settings(settings: Mapping[str, str], *, ephemeral: bool) -> None:
    """Raise `ValueError` for a setting that is ours to make, is no setting, or would risk kept data."""
    for name, value in settings.items():
        if name.lower() in OURS:
            raise ValueError(f"the setting {name} belongs to the embedded Postgres itself")
        if not re.fullmatch(r"[A-Za-z_][\w.]*", name) or "\n" in value:
            raise ValueError(f"not a setting of Postgres: {name} = {value!r}")
        if name.lower() == "fsync" and not ephemeral and value.lower() != "on":
            raise ValueError("fsync stays on for data that is kept")


def write_configuration(folder: DataFolder, port: int, settings: Mapping[str, str]) -> None:
    """Write both files into the folder; only the caller who holds its lock may."""
    ours = {
        "data_directory": str(folder.cluster),
        "hba_file": str(folder.access_rules),
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
    }
    lines = [f"{name} = {_quoted(value)}\n" for name, value in {**DEFAULTS, **settings, **ours}.items()]
    folder.configuration.write_text("".join(lines))
    folder.access_rules.write_text(ACCESS)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
