"""Environments in which pages are run: running processes, variables, and values for examples."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.support.builders.orders import receive_stock
from tests.support.builders.requests import receive
from tests.support.clients.grpc_api import Api
from tests.support.clients.http import open_http_server
from tests.support.docs_runner.scenarios import SCENARIOS, Scenario
from tests.support.invariants.database import SqlConnection
from tests.support.processes.workers import open_worker
from tests.support.waiting import eventually
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.free_port import find_free_port


@dataclass(frozen=True, slots=True)
class DocsEnvironment:
    """Variables of the shell, replacements for examples of a page, and the scenario of each heading."""

    folder: Path
    variables: Mapping[str, str]
    replacements: Mapping[str, str]
    scenarios: Mapping[str, Callable[[], Awaitable[Mapping[str, str]]]] = field(default_factory=dict)


EnvironmentOpener = Callable[[str, str, SqlConnection], AbstractAsyncContextManager[DocsEnvironment]]


def find_environment(page: str) -> EnvironmentOpener:
    """Return the environment for a page: empty for pages that start all processes, otherwise a service."""
    return _open_clone if page in _SELF_STARTED_PAGES else _open_service


_SELF_STARTED_PAGES = ("README.md",)
#: Pages that need a simulated warehouse, which delivers, packs and ships orders.
_SIMULATED_WAREHOUSE_PAGES = ("clients/python/README.md",)


@asynccontextmanager
async def _open_clone(_page: str, database_url: str, _sql: SqlConnection) -> AsyncIterator[DocsEnvironment]:
    """Yield an environment without processes, with free ports."""
    with _temporary_folder() as folder:
        server, worker, http, pages = (f"127.0.0.1:{find_free_port()}" for _ in range(4))
        variables = {
            **_quiet_variables(folder),
            "SERVER_ADDR": server,
            "WORKER_ADDR": worker,
            "WORKER_HTTP_ADDR": pages,
            "HTTP_ADDR": http,
            "SERVER_PROCESSES": "1",
            "DATA_DIR": str(folder / "data"),
            "FULFILLMENT_INTERVAL": "200ms",
        }
        replacements = {"postgresql://user:password@host/orders_db": database_url}
        yield DocsEnvironment(folder, variables, {**replacements, **_map_addresses(server, pages, http)})


@asynccontextmanager
async def _open_service(page: str, database_url: str, sql: SqlConnection) -> AsyncIterator[DocsEnvironment]:
    """Yield an environment with a server, two workers, and 100 units each of SKU-001 and NW-001."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_temporary_folder())
        http_server = await stack.enter_async_context(open_http_server(database_url))
        # A shorter interval would slow down the commands on the same machine.
        cycle_interval, lease = timedelta(seconds=0.3), timedelta(seconds=2)
        worker, second_worker = (
            open_worker(
                database_url, worker_id=name, fulfillment_interval=cycle_interval, standalone_lease=lease
            )
            for name in ("worker-1", "worker-2")
        )
        active_worker = await stack.enter_async_context(worker)
        await eventually(active_worker.is_active)
        # The second worker takes the role over when a page hands it over.
        await stack.enter_async_context(second_worker)
        await receive_stock(http_server.api)
        await http_server.api.storage.ReceiveCarriers(receive(("CAR-NW", "NW-001", 100)))
        server, http = http_server.api.address, f"127.0.0.1:{http_server.port}"
        if page in _SIMULATED_WAREHOUSE_PAGES:
            await stack.enter_async_context(_simulate_warehouse(server))
        variables = {**_quiet_variables(folder), "SERVER_ADDR": server, "DATABASE_URL": database_url}
        replacements = {
            **_map_addresses(server, f"127.0.0.1:{active_worker.port}", http),
            "/tmp": str(folder),
        }
        scenarios = {
            heading: _bind_scenario(scenario, http_server.api, sql)
            for heading, scenario in SCENARIOS.get(page, {}).items()
        }
        yield DocsEnvironment(folder, variables, replacements, scenarios)


@asynccontextmanager
async def _simulate_warehouse(server: str) -> AsyncIterator[None]:
    """Simulate a fast warehouse without errors during the block."""
    command = [sys.executable, "-m", "wms_core.cli", "simulate", "--server", server, "--speed", "600"]
    null_device = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *with_parent_death_signal(command), stdin=null_device, stdout=null_device, stderr=null_device
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


def _bind_scenario(
    scenario: Scenario, api: Api, sql: SqlConnection
) -> Callable[[], Awaitable[Mapping[str, str]]]:
    return lambda: scenario(api, sql)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yield a folder outside of pytest's, which the system user of an embedded Postgres can't enter."""
    folder = Path(tempfile.mkdtemp(prefix="wms-test-page-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _quiet_variables(folder: Path) -> dict[str, str]:
    return {"TRACING_ENABLED": "false", "TMPDIR": str(folder)}


def _map_addresses(server: str, worker: str, http: str) -> dict[str, str]:
    """Return the real addresses for the default addresses in pages."""
    ports = {"8001": server, "8080": http, "8082": worker}
    return {
        f"{host}:{port}": real_address
        for host in ("localhost", "127.0.0.1")
        for port, real_address in ports.items()
    }
