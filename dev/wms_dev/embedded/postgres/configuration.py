"""Postgres's configuration, written at each start from the defaults and the caller's settings."""

import re
from collections.abc import Mapping

from wms_dev.embedded.postgres.data_directory import DataDirectory

DEFAULT_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "default_text_search_config": "pg_catalog.simple",
}

RESERVED_SETTINGS = frozenset(
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

ACCESS_RULES = (
    "# Connections only over loopback and with the password.\nhost all all 127.0.0.1/32 scram-sha-256\n"
)


def check_settings(settings: Mapping[str, str], *, ephemeral: bool) -> None:
    """Check the settings of the caller.

    Raises:
        ValueError: A setting is reserved, malformed, or would risk persistent data.
    """
    for name, value in settings.items():
        if name.lower() in RESERVED_SETTINGS:
            raise ValueError(f"the setting {name} is reserved for the embedded Postgres")
        if not re.fullmatch(r"[A-Za-z_][\w.]*", name) or "\n" in value:
            raise ValueError(f"not a Postgres setting: {name} = {value!r}")
        if name.lower() == "fsync" and not ephemeral and value.lower() != "on":
            raise ValueError("fsync must be on for persistent data")


def write_configuration(folder: DataDirectory, port: int, settings: Mapping[str, str]) -> None:
    """Write both configuration files. The caller must hold the lock of the folder."""
    fixed_settings = {
        "data_directory": str(folder.cluster),
        "hba_file": str(folder.access_rules),
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
    }
    lines = [
        f"{name} = {_quote_value(value)}\n"
        for name, value in {**DEFAULT_SETTINGS, **settings, **fixed_settings}.items()
    ]
    folder.configuration.write_text("".join(lines))
    folder.access_rules.write_text(ACCESS_RULES)


def _quote_value(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
