"""The steps of the demo, each as calls of the public API."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console

from wms.orders.v1 import dead_letter_pb2, event_pb2, order_pb2, orders_pb2
from wms_dev.client import LARGEST_PAGE, Client, at_once
from wms_dev.demo.books import COMPLETED, DEAD_LETTER, Books
from wms_dev.demo.following import follow, place_and_follow
from wms_dev.demo.report import print_statistics
from wms_dev.demo.snapshot import Snapshot
from wms_dev.demo.supervisor import Decisions, carry_out, decide, entries, statistics
from wms_dev.demo.view import new_view
from wms_dev.northwind import northwind_products
from wms_dev.northwind_site import open_site

FIRST_SECONDS, SECOND_SECONDS = 75.0, 40.0


class Guide:
    """Takes each step for the caller, or for the supervisor, and says on the console what it was."""

    def __init__(self, client: Client, supervisor: Client, warehouse_id: str, console: Console) -> None:
        self._client = client
        self._supervisor = supervisor
        self._warehouse_id = warehouse_id
        self._console = console

    async def fill_warehouse(self) -> Counter[str]:
        """Lanes, stations and the opening stock; gives the units received."""
        units = Counter(await open_site(self._client, self._warehouse_id, northwind_products()))
        self._console.print(f"Stock received: {units.total()} units of {len(units)} products")
        return units

    async def place(self, requests: Sequence[orders_pb2.CreateOrderRequest]) -> Snapshot:
        """Place all orders and follow them until each is completed, owed to or dead-lettered."""
        units = sum(item.quantity for request in requests for item in request.items)
        self._console.print(f"Placing {len(requests)} orders for {units} units")
        with new_view(self._console, "Northwind's orders") as view:
            end = await place_and_follow(self._client, requests, view, FIRST_SECONDS)
        done = end.by_status[COMPLETED]
        self._console.print(
            f"{done} orders completed ({done / len(requests):.0%}), {_a_second(end):.0f} a second;"
            f" {len(end.owed)} shipped in part, the rest on backorder; the others found too little stock, five"
            " times each",
            soft_wrap=True,
        )
        return end

    async def decide(self, end: Snapshot) -> Decisions:
        """Decide about the dead letter queue, receive what is missing, and resolve."""
        print_statistics(self._console, await statistics(self._client))
        stock = await self._client.stock(self._warehouse_id)
        available = Counter({one.sku: one.available for one in stock})
        dead = [one for one in end.orders if one.status == DEAD_LETTER]
        decisions = decide(dead, end.owed, available)
        self._console.print(
            f"The supervisor receives {decisions.delivery.total()} units of {len(decisions.delivery)}"
            f" products, then decides: {_words(decisions)}",
            soft_wrap=True,
        )
        await carry_out(self._supervisor, self._warehouse_id, decisions)
        return decisions

    async def follow_again(self, first: Snapshot) -> Snapshot:
        """Follow all orders until the retried ones have come to their end too."""
        with new_view(self._console, "After the supervisor's decisions") as view:
            end = await follow(self._client, [one.order_id for one in first.orders], view, SECOND_SECONDS)
        print_statistics(self._console, await statistics(self._client))
        return end

    async def books(
        self,
        requests: Sequence[orders_pb2.CreateOrderRequest],
        received: Counter[str],
        decisions: Decisions,
        end: Snapshot,
    ) -> Books:
        """Ask the service for everything that is to be added up."""
        escalated = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
        return Books(
            placed={request.order_id: _units(request) for request in requests},
            received=received,
            escalated=frozenset(
                order_id for order_id, decided in decisions.resolutions.items() if decided == escalated
            ),
            orders=end.orders,
            stock=await self._client.stock(self._warehouse_id),
            entries=await entries(self._client, self._warehouse_id),
            histories=await _histories(self._client, end.orders),
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


def _words(decisions: Decisions) -> str:
    return ", ".join(
        f"{decisions.count(value)} {name.removeprefix('DEAD_LETTER_RESOLUTION_').lower().replace('_', ' ')}"
        for name, value in dead_letter_pb2.DeadLetterResolution.items()
        if value
    )


def _a_second(end: Snapshot) -> float:
    """Orders shipped a second, from the first order to the last shipment."""
    shipped = [order.shipments[0].shipped_at.ToNanoseconds() for order in end.orders if order.shipments]
    if not shipped:
        return 0.0
    began = min(order.created_at.ToNanoseconds() for order in end.orders)
    return len(shipped) / ((max(shipped) - began) / 1e9)
