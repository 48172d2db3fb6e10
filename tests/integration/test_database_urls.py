"""What a process makes of DATABASE_URL: libpq's parameters, and databases that can't be used."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from tests.support.event_log import connected
from tests.support.postgres import database_named, execute
from tests.support.processes import Process, Processes
from tests.support.proxy import open_proxy
from tests.support.waiting import time_limit
from wms_core.postgres.address import parse_database_url
from wms_core.postgres.database import PoolOptions, open_database
from wms_dev.ports import free_port

pytestmark = pytest.mark.one_postgres

#: As providers print them, beside what else libpq knows.
_HONOURED = (
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
#: Parameters with what is said of them.
_REFUSED = {
    "sslmode": "sslmode has no value",
    "sslmode=": "sslmode has no value",
    "sslmode=maybe": "sslmode can only be disable or allow",
    "sslmode=verify-full&sslrootcert=/nowhere/root.crt": "sslrootcert names no file",
    "channel_binding=require": "channel_binding can only be disable or prefer",
    "gssencmode=require": "gssencmode can only be disable or prefer",
    "require_auth=scram-sha-256": "require_auth is unknown here",
    "connect_timeout=soon": "connect_timeout is a whole number",
    f"connect_timeout={'9' * 400}": "connect_timeout is a whole number up to 2147483",
    "keepalives_idle=40000": "keepalives_idle is a whole number up to 32767",
    "keepalives_count=%D9%A3": "keepalives_count is a whole number",
    "ssl=require": "ssl can only be true",
    "ssl": "ssl has no value",
    "port=99999": "port is one number from 1 to 65535",
    "load_balance_hosts=round-robin": "load_balance_hosts can only be disable or random",
    "target_session_attrs=any-of-them": "target_session_attrs can only be",
    "pgbouncer=true&schema=public": "pgbouncer is unknown here",
    "password=s3cret&client_encoding=latin1": "client_encoding can only be",
}
_ENCODINGS = ("LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII")


@pytest.mark.parametrize("parameters", _HONOURED)
async def test_parameters_of_libpq_are_honoured(database_url: str, parameters: str) -> None:
    """A URL can be used as a provider prints it."""
    async with open_database(f"{database_url}?{parameters}", PoolOptions(max_size=1)) as database:
        assert await database.read(lambda transaction: transaction.storage.warehouse_exists("WH-01"))


async def test_parameters_of_the_session_reach_postgres(database_url: str) -> None:
    """Options as the URL has them; the name is ours, which Postgres shows."""
    url = f"{database_url}?options=-c%20work_mem%3D8MB&fallback_application_name=other"
    async with open_database(url, PoolOptions(max_size=1)) as database, database.connection() as connection:
        assert await connection.fetchval("SHOW work_mem") == "8MB"
        assert await connection.fetchval("SHOW application_name") == "wms-orders"


async def test_the_socket_is_set_as_the_url_says(database_url: str) -> None:
    """A peer that is gone without a word is noticed in the time that was asked for."""
    url = f"{database_url}?keepalives_idle=31&keepalives_interval=7&keepalives_count=4&tcp_user_timeout=9000"
    address = parse_database_url(url)
    connection = await address.connect(5)
    try:
        socket: Any = cast("Any", connection)._transport.get_extra_info("socket")
        set_to = [socket.getsockopt(level, name) for level, name, _ in address.socket_options]
    finally:
        await connection.close()
    assert set_to == [value for _, _, value in address.socket_options]
    assert set(set_to) == {1, 31, 7, 4, 9000}


async def test_a_host_that_says_nothing_is_passed_over(database_url: str) -> None:
    """The next one is asked after `connect_timeout`, or after a share of the time for all."""
    host = database_url.partition("@")[2].partition("/")[0]
    async with open_proxy(database_url) as proxy:
        proxy.freeze()
        silent = proxy.url.partition("@")[2].partition("/")[0]
        url = database_url.replace(host, f"127.0.0.1:{free_port()},{silent},{host}")
        async with time_limit(10):
            connection = await parse_database_url(f"{url}?connect_timeout=1").connect(5)
        try:
            assert await connection.fetchval("SELECT 1") == 1
        finally:
            await connection.close()


@pytest.mark.parametrize(
    "host", ["db..example", f"{'a' * 64}.example", "db:99999", "db:0", "db:\u0663", ".db"]
)
def test_a_host_that_nobody_can_look_up_is_refused(host: str) -> None:
    """Before the resolver raises an error of its own; nothing of the URL is shown."""
    with pytest.raises(ValueError, match=r"host name|host:port") as refused:
        parse_database_url(f"postgresql://wms:hunter2@{host}/orders")
    assert "hunter2" not in str(refused.value)
    assert host not in str(refused.value)


def test_a_host_that_is_left_out_is_the_drivers_default() -> None:
    """As libpq has it: a port alone is one of this machine."""
    (host,) = parse_database_url("postgresql://wms@:5433/orders").hosts
    assert host == {"host": "", "port": 5433}


@pytest.mark.parametrize("command", ["server", "worker", "migrate", "config"])
@pytest.mark.parametrize("parameters", ["sslmode", "channel_binding=require"])
async def test_a_parameter_that_can_not_be_honoured_is_named_by_every_command(
    processes: Processes, database_url: str, command: str, parameters: str
) -> None:
    """In one line, without the password."""
    text = await _refusal(processes, command, f"{database_url}?{parameters}")
    assert _REFUSED[parameters] in " ".join(text.split())
    assert _password(database_url) not in text


@pytest.mark.parametrize("parameters", _REFUSED)
def test_a_parameter_that_can_not_be_honoured_is_named(parameters: str) -> None:
    """With what it may be, never with what was given."""
    with pytest.raises(ValueError, match="its parameter") as caught:
        parse_database_url(f"postgresql://wms:s3cret@db/orders?{parameters}")
    assert _REFUSED[parameters] in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("password", ["12?34=s3cret", "12/s3cret", "12#s3cret", "s3cret:1", "s3cret@1"])
def test_a_password_that_is_not_escaped_is_never_shown(password: str) -> None:
    """What looks like a parameter or a database may be a part of it."""
    try:
        address = parse_database_url(f"postgresql://wms:{password}@db/orders")
    except ValueError as error:
        assert "s3cret" not in str(error)  # noqa: PT017 # either outcome is right
    else:
        assert "s3cret" not in repr(address)


@asynccontextmanager
async def _encoded(postgres: str, encoding: str) -> AsyncIterator[str]:
    """Make a database with an encoding, and remove it at the end."""
    name = f"encoded_{uuid.uuid4().hex}"
    await execute(postgres, f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    try:
        yield database_named(postgres, name)
    finally:
        await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def latin(postgres: str) -> AsyncIterator[str]:
    """Give the URL of a database that knows fewer letters than we store."""
    async with _encoded(postgres, "LATIN1") as url:
        yield url


@pytest.mark.parametrize("encoding", _ENCODINGS)
async def test_a_database_that_can_not_hold_every_text_is_refused(
    processes: Processes, postgres: str, encoding: str
) -> None:
    """Nothing is made in it; the refusal says which encoding it has and how to make another one."""
    async with _encoded(postgres, encoding) as url:
        text = await _refusal(processes, "migrate", url)
        assert encoding in text
        assert "ENCODING 'UTF8'" in text
        async with connected(url) as sql:
            assert not await sql.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


@pytest.mark.parametrize("command", ["server", "worker", "config"])
async def test_every_command_refuses_a_database_that_can_not_hold_every_text(
    processes: Processes, latin: str, command: str
) -> None:
    """At its start, before a call that the contract allows could fail."""
    text = await _refusal(processes, command, latin)
    assert "LATIN1" in text


async def _refusal(processes: Processes, command: str, url: str) -> str:
    """Return what a command says that ends because of its database."""
    if command == "config":
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "wms_core.command", "config", "server"],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        code, text = done.returncode, done.stdout + done.stderr
    else:
        process: Process = getattr(processes, command)(url)
        code, text = await process.ended(within=60), process.text
    assert code == 1
    assert "Traceback" not in text
    return text


def _password(url: str) -> str:
    return url.partition("@")[0].rpartition(":")[2]
