"""The person who looks after the dead letter queue and the backorders: asks, and carries out decisions."""

from collections.abc import Collection, Sequence

import grpc

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, storage_pb2
from wms_dev.client import LARGEST_PAGE, Client, at_once, new_request_id
from wms_dev.demo.decisions import Decisions, Resolution
from wms_dev.northwind_site import carriers, open_routes, receive

NAME = "supervisor"
NOTES = {
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY: "a delivery has come in",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED: "the customer does not want to wait",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED: "purchasing has to decide",
}
OWED = (storage_pb2.BACKORDER_STATUS_OPEN, storage_pb2.BACKORDER_STATUS_IN_PROGRESS)


async def carry_out(client: Client, warehouse_id: str, decisions: Decisions, mark: str) -> None:
    """Open routes, receive the delivery on carriers of this mark, give up backorders, resolve entries."""
    await open_routes(client, warehouse_id, decisions.routes)
    await receive(client, warehouse_id, carriers(decisions.delivery, mark, both_lanes=True))
    await at_once(
        _give_up(client, backorder_id, reason) for backorder_id, reason in decisions.given_up.items()
    )
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


async def backorders(
    client: Client, warehouse_id: str, statuses: Collection[storage_pb2.BackorderStatus.ValueType] = ()
) -> Sequence[storage_pb2.Backorder]:
    """The backorders of a warehouse in these statuses, or all, oldest first."""
    found: list[storage_pb2.Backorder] = []
    request = storage_pb2.ListBackordersRequest(
        warehouse_id=warehouse_id, statuses=statuses, page_size=LARGEST_PAGE
    )
    while True:
        page = await client.call(client.storage.ListBackorders, request)
        found += page.backorders
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def _give_up(client: Client, backorder_id: str, reason: str) -> None:
    request = storage_pb2.CancelBackorderRequest(
        backorder_id=backorder_id, reason=reason, request_id=new_request_id("give-up")
    )
    try:
        await client.call(client.storage.CancelBackorder, request)
    except grpc.aio.AioRpcError as error:
        # Filled in the last moment: so much the better.
        if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
            raise


async def _resolve(client: Client, order_id: str, resolution: Resolution) -> None:
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order_id,
        resolution=resolution,
        notes=NOTES[resolution],
        resolved_by=NAME,
        request_id=new_request_id("resolve"),
    )
    await client.call(client.dead_letters.ResolveDeadLetterEntry, request)
