"""Where pages are followed: what runs there, and how the page's examples are called there."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.support.api import Api
from tests.support.guides.situations import SITUATIONS, Situation
from tests.support.http import open_web
from tests.support.invariants import Sql
from tests.support.orders import stocked
from tests.support.requests import receive
from tests.support.waiting import eventually
from tests.support.worker import open_worker
from wms_core.tether import tethered
from wms_dev.ports import free_port


@dataclass(frozen=True, slots=True)
class Place:
    """The variables of a terminal there, real words for a page's examples, what is the case at a heading."""

    folder: Path
    variables: Mapping[str, str]
    words: Mapping[str, str]
    situations: Mapping[str, Callable[[], Awaitable[Mapping[str, str]]]] = field(default_factory=dict)


Opening = Callable[[str, str, Sql], AbstractAsyncContextManager[Place]]


def place_of(page: str) -> Opening:
    """Give the place for a page: a clone for those that start everything themselves, else a service."""
    return _clone if page in _FROM_NOTHING else _service


_FROM_NOTHING = ("README.md",)
#: Where somebody brings what is ordered, packs it and ships it.
_AT_WORK = ("clients/python/README.md",)


@asynccontextmanager
async def _clone(_page: str, database_url: str, _sql: Sql) -> AsyncIterator[Place]:
    """Nothing runs, and these ports are free."""
    with _folder() as folder:
        server, worker, http, pages = (f"127.0.0.1:{free_port()}" for _ in range(4))
        variables = {
            **_quiet(folder),
            "SERVER_ADDR": server,
            "WORKER_ADDR": worker,
            "WORKER_HTTP_ADDR": pages,
            "HTTP_ADDR": http,
            "SERVER_PROCESSES": "1",
            "DATA_DIR": str(folder / "data"),
            "FULFILLMENT_INTERVAL": "200ms",
        }
        words = {"postgresql://user:password@host/orders_db": database_url}
        yield Place(folder, variables, {**words, **_addresses(server, pages, http)})


@asynccontextmanager
async def _service(page: str, database_url: str, sql: Sql) -> AsyncIterator[Place]:
    """A server, two workers of which one acts, and a hundred units each of SKU-001 and NW-001."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        web = await stack.enter_async_context(open_web(database_url))
        # Not so quick that commands wait for its work.
        pace, lease = timedelta(seconds=0.3), timedelta(seconds=2)
        worker, second = (
            open_worker(database_url, worker_id=name, fulfillment_interval=pace, standalone_lease=lease)
            for name in ("worker-1", "worker-2")
        )
        acting = await stack.enter_async_context(worker)
        await eventually(acting.is_active)
        # So that the role can be handed over.
        await stack.enter_async_context(second)
        await stocked(web.api)
        await web.api.storage.ReceiveCarriers(receive(("CAR-NW", "NW-001", 100)))
        server, http = web.api.address, f"127.0.0.1:{web.port}"
        if page in _AT_WORK:
            await stack.enter_async_context(_warehouse(server))
        variables = {**_quiet(folder), "SERVER_ADDR": server, "DATABASE_URL": database_url}
        words = {**_addresses(server, f"127.0.0.1:{acting.port}", http), "/tmp": str(folder)}
        situations = {
            heading: _bound(situation, web.api, sql)
            for heading, situation in SITUATIONS.get(page, {}).items()
        }
        yield Place(folder, variables, words, situations)


@asynccontextmanager
async def _warehouse(server: str) -> AsyncIterator[None]:
    """Simulate one that is quick and makes no mistakes."""
    command = [sys.executable, "-m", "wms_core.command", "simulate", "--server", server, "--speed", "600"]
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *tethered(command), stdin=quiet, stdout=quiet, stderr=quiet
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _bound(situation: Situation, api: Api, sql: Sql) -> Callable[[], Awaitable[Mapping[str, str]]]:
    return lambda: situation(api, sql)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder outside of pytest's: the stand-in user of an embedded Postgres could not enter that."""
    folder = Path(tempfile.mkdtemp(prefix="wms-test-page-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quiet(folder: Path) -> dict[str, str]:
    return {"TRACING_ENABLED": "false", "TMPDIR": str(folder)}


def _addresses(server: str, worker: str, http: str) -> dict[str, str]:
    """Say where those are that pages have at the ports of the contract."""
    ports = {"8001": server, "8080": http, "8082": worker}
    return {f"{host}:{port}": real for host in ("localhost", "127.0.0.1") for port, real in ports.items()}
