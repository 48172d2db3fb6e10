"""The servers for the conformance cases, each in its state."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc

from wms.orders.v1 import fulfillment_pb2, fulfillment_pb2_grpc, order_pb2, orders_pb2, orders_pb2_grpc
from wms_dev.conformance.broken_connections import TornConnections
from wms_dev.conformance.fault_proxy import FaultProxy
from wms_dev.embedded.postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.local_stack.address import Address
from wms_dev.local_stack.child_process import ChildProcess
from wms_dev.local_stack.readiness import wait_until_serving
from wms_dev.local_stack.run_directory import RunDirectory

FAILURE_HINT = "The log above shows the cause."
START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS = 60.0, 5.0
FULFILLMENT = "wms.orders.worker.fulfillment"
_UNDURABLE_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
}
# No server listens there.
_UNREACHABLE_DATABASE_URL = "postgresql://nobody@127.0.0.1:1/none"
# The order whose row stays locked.
LOCKED_ORDER_ID = "HELD"

_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "main": {},
    "strict": {"EVENT_MAX_BYTES": "1000", "DEADLINE_CAP": "1s", "MAX_STREAMS": "1"},
    "contended": {"DATABASE_STATEMENT_TIMEOUT": "1s"},
    "leaving": {"DATABASE_STATEMENT_TIMEOUT": "1h", "DEADLINE_CAP": "1h", "DRAIN_GRACE": "1h"},
    "adrift": {},
}
# In bytes: a few orders.
_TORN_AFTER_BYTES = 3_000
# The worker must not change the orders of the cases until they are validated.
_WORKER_SETTINGS = {"FULFILLMENT_INTERVAL": "100ms", "AUTO_VALIDATE": "false"}


@dataclass
class ConformanceServers:
    """The processes of the servers and their databases."""

    folder: RunDirectory
    exit: AsyncExitStack
    main_url: str = ""
    second_url: str = ""

    async def start(self) -> dict[str, str]:
        """Start all processes. Return the servers' addresses by name."""
        await self._create_databases()
        addresses = {name: Address.on_free_port() for name in _SETTINGS}
        worker = Address.on_free_port()
        children = {name: self._start_server(name, str(address)) for name, address in addresses.items()}
        children["worker"] = self._start_child(
            "worker",
            "worker",
            {
                "DATABASE_URL": self.main_url,
                "WORKER_ADDR": str(worker),
                "WORKER_HTTP_ADDR": "",
                **_WORKER_SETTINGS,
            },
        )
        expected_services = [
            (name, address.target, "") for name, address in addresses.items() if name != "adrift"
        ]
        for name, target, service in [*expected_services, ("worker", worker.target, FULFILLMENT)]:
            child = children[name]
            await wait_until_serving(
                name,
                target,
                service,
                timeout_seconds=START_TIMEOUT_SECONDS,
                raise_if_exited=lambda child=child: child.raise_if_exited(FAILURE_HINT),  # type: ignore[misc]
            )
        targets = {name: address.target for name, address in addresses.items()}
        await self._prepare_server_states(targets, children["leaving"])
        proxy = await self.exit.enter_async_context(FaultProxy(targets["main"]))
        torn_connections = await self.exit.enter_async_context(
            TornConnections(targets["main"], _TORN_AFTER_BYTES)
        )
        unused_target = Address.on_free_port().target
        return {**targets, "faulty": proxy.target, "torn": torn_connections.target, "nobody": unused_target}

    async def _create_databases(self) -> None:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=_UNDURABLE_SETTINGS)
        self.exit.callback(postgres.stop)
        self.main_url = postgres.start()
        base, _, name = self.main_url.rpartition("/")
        sql = await asyncpg.connect(self.main_url)
        await sql.execute("CREATE DATABASE second")
        await sql.close()
        self.second_url = f"{base}/second{'?' + name.partition('?')[2] if '?' in name else ''}"
        for url in (self.main_url, self.second_url):
            self._start_child("migration", "migrate", {"DATABASE_URL": url}).wait_for_success(
                START_TIMEOUT_SECONDS, FAILURE_HINT
            )

    def _start_server(self, name: str, address: str) -> ChildProcess:
        url = {"main": self.main_url, "adrift": _UNREACHABLE_DATABASE_URL}.get(name, self.second_url)
        return self._start_child(
            name, "server", {"DATABASE_URL": url, "SERVER_ADDR": address, **_SETTINGS[name]}
        )

    def _start_child(self, name: str, command: str, settings: Mapping[str, str]) -> ChildProcess:
        environment = {
            **os.environ,
            "LOG_FORMAT": "pretty",
            "SERVER_PROCESSES": "1",
            "HTTP_ADDR": "",
            "KAFKA_BROKERS": "",
            "ZOOKEEPER_HOSTS": "",
            "TRACING_ENABLED": "false",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        program = [sys.executable, "-m", "wms_core.cli", command]
        child = ChildProcess.start(name, program, environment, self.folder.path / f"{name}.log")
        self.exit.callback(child.stop, STOP_TIMEOUT_SECONDS)
        self.folder.end_with_parent(child.process.pid)
        return child

    async def _prepare_server_states(self, targets: Mapping[str, str], stopping_server: ChildProcess) -> None:
        """Bring the servers into their states."""
        sql = await asyncpg.connect(self.second_url)
        self.exit.push_async_callback(sql.close)
        channels = {
            name: await self.exit.enter_async_context(grpc.aio.insecure_channel(targets[name]))
            for name in ("strict", "leaving")
        }
        # A missing table causes an internal error.
        await sql.execute("ALTER TABLE lanes RENAME TO lanes_elsewhere")
        orders: Any = orders_pb2_grpc.OrderServiceStub(channels["strict"])
        await orders.CreateOrder(_order_request(LOCKED_ORDER_ID))
        # The transaction stays open as long as this connection.
        await sql.execute("BEGIN")
        await sql.execute("SELECT FROM orders FOR UPDATE")
        # A read waits for a lock until the statement timeout; a write has a shorter lock timeout.
        await sql.execute("LOCK TABLE fulfillment_runs")
        # Uses the only stream that the server allows.
        order_stream = orders.WatchOrders(orders_pb2.WatchOrdersRequest())
        await order_stream.read()
        self.exit.callback(order_stream.cancel)
        fulfillment: Any = fulfillment_pb2_grpc.FulfillmentServiceStub(channels["leaving"])
        waiting_call = fulfillment.GetFulfillmentRun(fulfillment_pb2.GetFulfillmentRunRequest(run_id="RUN-1"))
        self.exit.callback(waiting_call.cancel)
        await self._wait_until_blocked(sql)
        stopping_server.process.terminate()
        await _wait_until_rejected(orders_pb2_grpc.OrderServiceStub(channels["leaving"]))

    async def _wait_until_blocked(self, sql: Any) -> None:
        """Return when a call waits for the locked table."""
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            while True:
                if await sql.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    return
                await asyncio.sleep(0.05)


async def _wait_until_rejected(orders: Any) -> None:
    """Return when the server rejects calls."""
    async with asyncio.timeout(START_TIMEOUT_SECONDS):
        while True:
            try:
                await orders.GetOrder(orders_pb2.GetOrderRequest(order_id=LOCKED_ORDER_ID))
            except grpc.aio.AioRpcError:
                return
            await asyncio.sleep(0.05)


def _order_request(order_id: str) -> orders_pb2.CreateOrderRequest:
    return orders_pb2.CreateOrderRequest(
        order_id=order_id,
        customer_id="C",
        priority=order_pb2.ORDER_PRIORITY_STANDARD,
        items=[order_pb2.OrderItem(sku="S", quantity=1)],
        shipping_address=order_pb2.ShippingAddress(street="1", city="B", country="US"),
    )


@asynccontextmanager
async def open_conformance_servers() -> AsyncIterator[dict[str, str]]:
    """Run the servers, as a context manager. Yield their addresses by name.

    Entering raises a `UserError` or an `EmbeddedPostgresError` after all started processes have been stopped.
    """
    async with AsyncExitStack() as stack:
        folder = RunDirectory()
        stack.callback(folder.remove)
        yield await ConformanceServers(folder, stack).start()
