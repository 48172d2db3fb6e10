"""The servers that the cases run against, each in its state."""

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
from wms_dev.conformance.fault_proxy import FaultProxy
from wms_dev.conformance.torn import TornConnections
from wms_dev.embedded_postgres import EmbeddedPostgres, temporary_data_dir
from wms_dev.processes.child import Child
from wms_dev.processes.run_folder import RunFolder
from wms_dev.stack.address import Address
from wms_dev.stack.readiness import until_serving

ADVICE = "What it says above is the reason."
START_SECONDS, STOP_SECONDS = 60.0, 5.0
FULFILLMENT = "wms.orders.worker.fulfillment"
_UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
#: Nobody listens there.
_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
#: The order whose row stays locked.
HELD = "HELD"

_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "main": {},
    "strict": {"EVENT_MAX_BYTES": "1000", "DEADLINE_CAP": "1s", "MAX_STREAMS": "1"},
    "contended": {"DATABASE_STATEMENT_TIMEOUT": "1s"},
    "leaving": {"DATABASE_STATEMENT_TIMEOUT": "1h", "DEADLINE_CAP": "1h", "DRAIN_GRACE": "1h"},
    "adrift": {},
}
#: Bytes: a few orders.
_TORN_AFTER = 3_000
# What a case does with its orders is not done by the worker meanwhile, until it has validated them.
_WORKER = {"FULFILLMENT_INTERVAL": "100ms", "AUTO_VALIDATE": "false"}


@dataclass
class Stage:
    """Processes and their databases."""

    folder: RunFolder
    exit: AsyncExitStack
    main_url: str = ""
    second_url: str = ""

    async def start(self) -> dict[str, str]:
        """Start everything; gives the servers' addresses by name."""
        await self._databases()
        addresses = {name: Address.free() for name in _SETTINGS}
        worker = Address.free()
        children = {name: self._server(name, str(address)) for name, address in addresses.items()}
        children["worker"] = self._child(
            "worker",
            "worker",
            {"DATABASE_URL": self.main_url, "WORKER_ADDR": str(worker), "WORKER_HTTP_ADDR": "", **_WORKER},
        )
        awaited = [(name, address.target, "") for name, address in addresses.items() if name != "adrift"]
        for name, target, service in [*awaited, ("worker", worker.target, FULFILLMENT)]:
            child = children[name]
            await until_serving(
                name,
                target,
                service,
                seconds=START_SECONDS,
                still_there=lambda child=child: child.check(ADVICE),  # type: ignore[misc]
            )
        targets = {name: address.target for name, address in addresses.items()}
        await self._prepare(targets, children["leaving"])
        proxy = await self.exit.enter_async_context(FaultProxy(targets["main"]))
        torn = await self.exit.enter_async_context(TornConnections(targets["main"], _TORN_AFTER))
        nobody = Address.free().target
        return {**targets, "faulty": proxy.target, "torn": torn.target, "nobody": nobody}

    async def _databases(self) -> None:
        postgres = EmbeddedPostgres(temporary_data_dir(), ephemeral=True, settings=_UNSAFE)
        self.exit.callback(postgres.stop)
        self.main_url = postgres.start()
        base, _, name = self.main_url.rpartition("/")
        sql = await asyncpg.connect(self.main_url)
        await sql.execute("CREATE DATABASE second")
        await sql.close()
        self.second_url = f"{base}/second{'?' + name.partition('?')[2] if '?' in name else ''}"
        for url in (self.main_url, self.second_url):
            self._child("migration", "migrate", {"DATABASE_URL": url}).finish(START_SECONDS, ADVICE)

    def _server(self, name: str, address: str) -> Child:
        url = {"main": self.main_url, "adrift": _NOWHERE}.get(name, self.second_url)
        return self._child(name, "server", {"DATABASE_URL": url, "SERVER_ADDR": address, **_SETTINGS[name]})

    def _child(self, name: str, command: str, settings: Mapping[str, str]) -> Child:
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
        program = [sys.executable, "-m", "wms_core.command", command]
        child = Child.start(name, program, environment, self.folder.path / f"{name}.log")
        self.exit.callback(child.stop, STOP_SECONDS)
        self.folder.watch(child.process.pid)
        return child

    async def _prepare(self, targets: Mapping[str, str], leaving: Child) -> None:
        """Bring the servers into their states."""
        sql = await asyncpg.connect(self.second_url)
        self.exit.push_async_callback(sql.close)
        channels = {
            name: await self.exit.enter_async_context(grpc.aio.insecure_channel(targets[name]))
            for name in ("strict", "leaving")
        }
        # Without its table the service has a fault.
        await sql.execute("ALTER TABLE lanes RENAME TO lanes_elsewhere")
        orders: Any = orders_pb2_grpc.OrderServiceStub(channels["strict"])
        await orders.CreateOrder(_order(HELD))
        # Until the end of this connection.
        await sql.execute("BEGIN")
        await sql.execute("SELECT FROM orders FOR UPDATE")
        # A read waits for a lock as long as a statement may take; a write gives up sooner.
        await sql.execute("LOCK TABLE fulfillment_runs")
        # The one stream that may be open.
        watch = orders.WatchOrders(orders_pb2.WatchOrdersRequest())
        await watch.read()
        self.exit.callback(watch.cancel)
        runs: Any = fulfillment_pb2_grpc.FulfillmentServiceStub(channels["leaving"])
        kept = runs.GetFulfillmentRun(fulfillment_pb2.GetFulfillmentRunRequest(run_id="RUN-1"))
        self.exit.callback(kept.cancel)
        await self._until_waiting(sql)
        leaving.process.terminate()
        await _until_refused(orders_pb2_grpc.OrderServiceStub(channels["leaving"]))

    async def _until_waiting(self, sql: Any) -> None:
        """Return when a call waits for the table."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                if await sql.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    return
                await asyncio.sleep(0.05)


async def _until_refused(orders: Any) -> None:
    """Return when the server takes no call any more."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                await orders.GetOrder(orders_pb2.GetOrderRequest(order_id=HELD))
            except grpc.aio.AioRpcError:
                return
            await asyncio.sleep(0.05)


def _order(order_id: str) -> orders_pb2.CreateOrderRequest:
    return orders_pb2.CreateOrderRequest(
        order_id=order_id,
        customer_id="C",
        priority=order_pb2.ORDER_PRIORITY_STANDARD,
        items=[order_pb2.OrderItem(sku="S", quantity=1)],
        shipping_address=order_pb2.ShippingAddress(street="1", city="B", country="US"),
    )


@asynccontextmanager
async def open_stage() -> AsyncIterator[dict[str, str]]:
    """Run the servers until the end; gives their addresses by name.

    Raises a `Problem` or `EmbeddedPostgresError` when one does not start; nothing is left running then.
    """
    async with AsyncExitStack() as stack:
        folder = RunFolder()
        stack.callback(folder.remove)
        yield await Stage(folder, stack).start()
