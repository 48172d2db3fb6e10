"""The steps of the demo, each as calls of the public API."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from wms.orders.v1 import event_pb2, order_pb2, orders_pb2, storage_pb2
from wms_dev.client import LARGEST_PAGE, Client, at_once
from wms_dev.demo.books import COMPLETED, Books
from wms_dev.demo.decisions import Decisions, decide, end_it
from wms_dev.demo.following import follow, place_and_follow, quiet_carriers
from wms_dev.demo.report import print_decisions, print_statistics
from wms_dev.demo.snapshot import Snapshot
from wms_dev.demo.supervisor import OWED, backorders, carry_out, entries, statistics
from wms_dev.demo.topic import Topic
from wms_dev.demo.view import new_view
from wms_dev.northwind import northwind_products
from wms_dev.northwind_site import STATIONS, ZONES, open_site
from wms_dev.simulator.journal import Incident

FIRST_SECONDS, FURTHER_SECONDS = 75.0, 45.0
ROUNDS = 3


class Guide:
    """Takes each step for the caller, or for the supervisor, and says on the console what it was."""

    def __init__(self, client: Client, supervisor: Client, warehouse_id: str, console: Console) -> None:
        self._client = client
        self._supervisor = supervisor
        self._warehouse_id = warehouse_id
        self._console = console
        self._open_stations = {station for station, (zones, _) in STATIONS.items() if zones == ZONES}

    async def fill_warehouse(self) -> Counter[str]:
        """Lanes, stations and the opening stock; gives the units received."""
        units = Counter(await open_site(self._client, self._warehouse_id, northwind_products()))
        self._console.print(f"Stock received: {units.total()} units of {len(units)} products")
        return units

    async def place(self, requests: Sequence[orders_pb2.CreateOrderRequest]) -> Snapshot:
        """Place all orders and follow them until each is completed, or waits for a decision."""
        units = sum(item.quantity for request in requests for item in request.items)
        self._console.print(f"Placing {len(requests)} orders for {units} units")
        with new_view(self._console, "Northwind's orders") as view:
            end = await place_and_follow(self._client, requests, view, FIRST_SECONDS)
        done = end.by_status[COMPLETED]
        self._console.print(
            f"{done} orders completed ({done / len(requests):.0%}), {end.shipped_a_second:.0f} a second;"
            f" {len(end.owed)} shipped in part, the rest on backorder; {len(end.stranded)} wait for a route;"
            f" {len(end.dead)} failed five times, most of them for want of stock",
            soft_wrap=True,
        )
        return end

    async def settle(self, end: Snapshot) -> tuple[Snapshot, list[Decisions]]:
        """Decide about what waits, follow, and decide again, until nothing waits; gives the end.

        From the second time on the supervisor puts an end to all waiting.
        """
        made: list[Decisions] = []
        while len(made) < ROUNDS:
            escalated = frozenset[str]().union(*(one.escalated for one in made))
            dead = [order for order in end.dead if order.order_id not in escalated]
            owed = await backorders(self._client, self._warehouse_id, OWED)
            if not (dead or owed or end.stranded):
                break
            made.append(await self._decide(end, dead, owed, first=not made))
            end = await self._follow(end)
        print_statistics(self._console, await statistics(self._client))
        return end, made

    async def _decide(
        self,
        end: Snapshot,
        dead: Sequence[order_pb2.Order],
        owed: Sequence[storage_pb2.Backorder],
        *,
        first: bool,
    ) -> Decisions:
        """Look at the dead letter queue and the stock, decide and carry out."""
        print_statistics(self._console, await statistics(self._client))
        stock = await self._client.stock(self._warehouse_id)
        available = Counter({one.sku: one.available for one in stock})
        discontinued = {one.sku for one in northwind_products() if one.discontinued}
        routes = {order.destination_id for order in (*end.stranded, *end.owed)} - self._open_stations
        self._open_stations |= routes
        decisions = (
            decide(dead, owed, available, discontinued, end.stranded, routes)
            if first
            else end_it(dead, owed, routes)
        )
        print_decisions(self._console, decisions)
        await carry_out(self._supervisor, self._warehouse_id, decisions, "NEW")
        return decisions

    async def _follow(self, before: Snapshot) -> Snapshot:
        """Follow all orders until the retried ones have come to rest too."""
        with new_view(self._console, "After the supervisor's decisions") as view:
            return await follow(self._client, [one.order_id for one in before.orders], view, FURTHER_SECONDS)

    async def books(
        self,
        requests: Sequence[orders_pb2.CreateOrderRequest],
        received: Counter[str],
        decisions: Sequence[Decisions],
        end: Snapshot,
        incidents: Callable[[], Sequence[Incident]],
        topic: Topic | None,
    ) -> Books:
        """Ask the service for everything that is to be added up, when the last carrier has come to rest."""
        held = await quiet_carriers(self._client, self._warehouse_id)
        histories = await _histories(self._client, end.orders)
        told = sum(len(history) for history in histories.values())
        return Books(
            placed={request.order_id: _units(request) for request in requests},
            received=sum((one.delivery for one in decisions), received),
            escalated=frozenset[str]().union(*(one.escalated for one in decisions)),
            orders=end.orders,
            stock=await self._client.stock(self._warehouse_id),
            entries=await entries(self._client, self._warehouse_id),
            histories=histories,
            given_up=frozenset[str]().union(*(one.given_up for one in decisions)),
            backorders=await backorders(self._client, self._warehouse_id),
            held=held,
            incidents=incidents(),
            published=await asyncio.to_thread(topic.event_ids, told) if topic else None,
        )


async def _histories(
    client: Client, orders: Sequence[order_pb2.Order]
) -> Mapping[str, Sequence[event_pb2.Event]]:
    found: dict[str, Sequence[event_pb2.Event]] = {}

    async def one(order_id: str) -> None:
        request = orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=LARGEST_PAGE)
        found[order_id] = (await client.call(client.orders.GetOrderHistory, request)).events

    await at_once(one(order.order_id) for order in orders)
    return found


def _units(request: orders_pb2.CreateOrderRequest) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in request.items:
        units[item.sku] += item.quantity
    return units
