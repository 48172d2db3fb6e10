"""DATABASE_URL: the supported parameters of libpq, and rejected databases."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from tests.support.external.postgres import database_named, execute
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.invariants.event_log import open_connection
from tests.support.processes.processes import Process, Processes
from tests.support.waiting import time_limit
from wms_core.postgres.database import PoolOptions, open_database
from wms_core.postgres.database_url import parse_database_url
from wms_dev.free_port import find_free_port

pytestmark = pytest.mark.one_postgres

#: URLs as printed by providers, and other parameters of libpq.
_SUPPORTED_PARAMETERS = (
    "connect_timeout=10",
    "channel_binding=prefer&sslmode=prefer",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=15000",
    "gssencmode=disable",
    "fallback_application_name=psql&client_encoding=utf8",
    "application_name=named",
    "load_balance_hosts=random&target_session_attrs=read-write",
    "options=-c%20search_path%3Dpublic%20-c%20work_mem%3D8MB",
    "sslsni=1&sslcompression=0",
)
#: Rejected parameters with their error messages.
_ERROR_BY_PARAMETERS = {
    "sslmode": "sslmode has no value",
    "sslmode=": "sslmode has no value",
    "sslmode=maybe": "sslmode can only be disable or allow",
    "sslmode=verify-full&sslrootcert=/nowhere/root.crt": "sslrootcert must name a file",
    "channel_binding=require": "channel_binding can only be disable or prefer",
    "gssencmode=require": "gssencmode can only be disable or prefer",
    "require_auth=scram-sha-256": "require_auth is unknown here",
    "connect_timeout=soon": "connect_timeout must be a whole number",
    f"connect_timeout={'9' * 400}": "connect_timeout must be a whole number up to 2147483",
    "keepalives_idle=40000": "keepalives_idle must be a whole number up to 32767",
    "keepalives_count=%D9%A3": "keepalives_count must be a whole number",
    "ssl=require": "ssl can only be true",
    "ssl": "ssl has no value",
    "port=99999": "port must be one number from 1 to 65535",
    "load_balance_hosts=round-robin": "load_balance_hosts can only be disable or random",
    "target_session_attrs=any-of-them": "target_session_attrs can only be",
    "pgbouncer=true&schema=public": "pgbouncer is unknown here",
    "password=s3cret&client_encoding=latin1": "client_encoding can only be",
}
_ENCODINGS = ("LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII")


@pytest.mark.parametrize("parameters", _SUPPORTED_PARAMETERS)
async def test_parameters_of_libpq_are_supported(database_url: str, parameters: str) -> None:
    """The URL of a provider works unchanged."""
    async with open_database(f"{database_url}?{parameters}", PoolOptions(max_connections=1)) as database:
        assert await database.read(
            lambda transaction: transaction.warehouse_storage.warehouse_exists("WH-01")
        )


async def test_session_parameters_reach_postgres(database_url: str) -> None:
    """The options come from the URL, but the application name is fixed."""
    url = f"{database_url}?options=-c%20work_mem%3D8MB&fallback_application_name=other"
    async with (
        open_database(url, PoolOptions(max_connections=1)) as database,
        database.acquire_connection() as connection,
    ):
        assert await connection.fetchval("SHOW work_mem") == "8MB"
        assert await connection.fetchval("SHOW application_name") == "wms-orders"


async def test_socket_options_come_from_the_url(database_url: str) -> None:
    """They limit the time in which a dead peer is detected."""
    url = f"{database_url}?keepalives_idle=31&keepalives_interval=7&keepalives_count=4&tcp_user_timeout=9000"
    address = parse_database_url(url)
    connection = await address.open_connection(5)
    try:
        socket: Any = cast("Any", connection)._transport.get_extra_info("socket")
        option_values = [socket.getsockopt(level, name) for level, name, _ in address.socket_options]
    finally:
        await connection.close()
    assert option_values == [value for _, _, value in address.socket_options]
    assert set(option_values) == {1, 31, 7, 4, 9000}


async def test_unresponsive_host_is_skipped(database_url: str) -> None:
    """The next host is tried after `connect_timeout` or a share of the total timeout."""
    host = database_url.partition("@")[2].partition("/")[0]
    async with open_proxy(database_url) as proxy:
        proxy.freeze()
        frozen_host = proxy.url.partition("@")[2].partition("/")[0]
        url = database_url.replace(host, f"127.0.0.1:{find_free_port()},{frozen_host},{host}")
        async with time_limit(10):
            connection = await parse_database_url(f"{url}?connect_timeout=1").open_connection(5)
        try:
            assert await connection.fetchval("SELECT 1") == 1
        finally:
            await connection.close()


@pytest.mark.parametrize(
    "host", ["db..example", f"{'a' * 64}.example", "db:99999", "db:0", "db:\u0663", ".db"]
)
def test_invalid_host_or_port_is_rejected(host: str) -> None:
    """The error comes before the resolver's own error, and contains no part of the URL."""
    with pytest.raises(ValueError, match=r"host name|host:port") as error:
        parse_database_url(f"postgresql://wms:hunter2@{host}/orders")
    assert "hunter2" not in str(error.value)
    assert host not in str(error.value)


@pytest.mark.parametrize("command", ["server", "worker", "migrate", "config"])
@pytest.mark.parametrize("parameters", ["sslmode", "channel_binding=require"])
async def test_every_command_names_an_unsupported_parameter(
    processes: Processes, database_url: str, command: str, parameters: str
) -> None:
    """The message has one line and no password."""
    text = await _run_failing_command(processes, command, f"{database_url}?{parameters}")
    assert _ERROR_BY_PARAMETERS[parameters] in " ".join(text.split())
    assert _password(database_url) not in text


@pytest.mark.parametrize("parameters", _ERROR_BY_PARAMETERS)
def test_unsupported_parameter_is_named(parameters: str) -> None:
    """The error has the allowed values but not the given one."""
    with pytest.raises(ValueError, match="its parameter") as error:
        parse_database_url(f"postgresql://wms:s3cret@db/orders?{parameters}")
    assert _ERROR_BY_PARAMETERS[parameters] in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("password", ["12?34=s3cret", "12/s3cret", "12#s3cret", "s3cret:1", "s3cret@1"])
def test_unescaped_password_is_never_shown(password: str) -> None:
    """Text that looks like a parameter or a database name may be a part of it."""
    try:
        address = parse_database_url(f"postgresql://wms:{password}@db/orders")
    except ValueError as error:
        assert "s3cret" not in str(error)  # noqa: PT017 # both outcomes are correct
    else:
        assert "s3cret" not in repr(address)


@asynccontextmanager
async def _create_encoded_database(postgres: str, encoding: str) -> AsyncIterator[str]:
    """Create a database with an encoding and drop it at the end."""
    name = f"encoded_{uuid.uuid4().hex}"
    await execute(postgres, f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def latin1_url(postgres: str) -> AsyncIterator[str]:
    """Yield the URL of a database with an encoding that lacks most characters."""
    async with _create_encoded_database(postgres, "LATIN1") as url:
        yield url


@pytest.mark.parametrize("encoding", _ENCODINGS)
async def test_database_without_utf_8_is_rejected(processes: Processes, postgres: str, encoding: str) -> None:
    """Nothing is created in it. The error has its encoding and the statement for a new database."""
    async with _create_encoded_database(postgres, encoding) as url:
        text = await _run_failing_command(processes, "migrate", url)
        assert encoding in text
        assert "ENCODING 'UTF8'" in text
        async with open_connection(url) as sql:
            assert not await sql.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


@pytest.mark.parametrize("command", ["server", "worker", "config"])
async def test_every_command_rejects_a_database_without_utf_8(
    processes: Processes, latin1_url: str, command: str
) -> None:
    """The check runs at the start, before a valid call could fail."""
    text = await _run_failing_command(processes, command, latin1_url)
    assert "LATIN1" in text


async def _run_failing_command(processes: Processes, command: str, url: str) -> str:
    """Return the output of a command that fails because of its database."""
    if command == "config":
        completed = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "wms_core.cli", "config", "server"],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        exit_code, output = completed.returncode, completed.stdout + completed.stderr
    else:
        process: Process = getattr(processes, command)(url)
        exit_code, output = await process.wait_for_exit(within=60), process.output_text
    assert exit_code == 1
    assert "Traceback" not in output
    return output


def _password(url: str) -> str:
    return url.partition("@")[0].rpartition(":")[2]
