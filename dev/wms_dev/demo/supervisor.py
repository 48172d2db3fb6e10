"""The person who looks after the dead letter queue."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2
from wms_dev.client import LARGEST_PAGE, Client, at_once, new_request_id
from wms_dev.northwind_site import carriers, receive

NAME = "supervisor"
# Of ten entries: one is left to a superior, two customers want their money back, seven their goods.
ESCALATED, CANCELLED = {9}, {3, 6}
NOTES = {
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY: "a delivery has come in",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED: "the customer does not want to wait",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED: "purchasing has to decide",
}

Resolution: TypeAlias = dead_letter_pb2.DeadLetterResolution.ValueType


@dataclass(frozen=True)
class Decisions:
    """What is to become of each order, and what must be delivered so that the retried can be shipped."""

    resolutions: dict[str, Resolution]
    delivery: Counter[str]

    def count(self, resolution: Resolution) -> int:
        """How many orders it was decided for."""
        return sum(decided == resolution for decided in self.resolutions.values())


def decide(
    dead: Iterable[order_pb2.Order], owed: Iterable[order_pb2.Order], available: Counter[str]
) -> Decisions:
    """Decide about every dead order, and have delivered what those and the owed ones need.

    `available` are the units of each SKU that nobody holds.
    """
    resolutions: dict[str, Resolution] = {}
    wanted: Counter[str] = Counter()
    for order in owed:
        for item in order.items:
            wanted[item.sku] += item.quantity_backordered
    for number, order in enumerate(sorted(dead, key=lambda order: order.order_id), start=1):
        resolutions[order.order_id] = _resolution(number)
        if resolutions[order.order_id] == dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY:
            for item in order.items:
                wanted[item.sku] += item.quantity
    return Decisions(resolutions, wanted - available)


async def carry_out(client: Client, warehouse_id: str, decisions: Decisions) -> None:
    """Receive the delivery, then resolve every entry."""
    await receive(client, warehouse_id, carriers(decisions.delivery, mark="NEW"))
    await at_once(
        _resolve(client, order_id, resolution) for order_id, resolution in decisions.resolutions.items()
    )


async def statistics(client: Client) -> dead_letters_pb2.GetDeadLetterStatsResponse:
    """How the dead letter queue stands."""
    request = dead_letters_pb2.GetDeadLetterStatsRequest()
    return await client.call(client.dead_letters.GetDeadLetterStats, request)


async def entries(client: Client, warehouse_id: str) -> Sequence[dead_letter_pb2.DeadLetterEntry]:
    """All entries of a warehouse, resolved or not, newest first."""
    found: list[dead_letter_pb2.DeadLetterEntry] = []
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(warehouse_id=warehouse_id, page_size=LARGEST_PAGE)
    while True:
        page = await client.call(client.dead_letters.ListDeadLetterEntries, request)
        found += page.entries
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _resolution(number: int) -> Resolution:
    if number % 10 in ESCALATED:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
    if number % 10 in CANCELLED:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
    return dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY


async def _resolve(client: Client, order_id: str, resolution: Resolution) -> None:
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order_id,
        resolution=resolution,
        notes=NOTES[resolution],
        resolved_by=NAME,
        request_id=new_request_id("resolve"),
    )
    await client.call(client.dead_letters.ResolveDeadLetterEntry, request)
