"""The supervisor in the demo: reads the dead letter queue and the backorders, executes decisions."""

from collections.abc import Collection, Sequence

import grpc

from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, storage_pb2
from wms_dev.api_client import MAX_PAGE_SIZE, ApiClient, create_request_id, run_concurrently
from wms_dev.demo.decisions import Decisions, Resolution
from wms_dev.sample_data.warehouse_layout import plan_carriers, receive_carriers, serve_from_all_zones

SUPERVISOR_NAME = "supervisor"
RESOLUTION_NOTES = {
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY: "a delivery has arrived",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED: "the customer does not want to wait",
    dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED: "purchasing has to decide",
}
OPEN_BACKORDER_STATUSES = (storage_pb2.BACKORDER_STATUS_OPEN, storage_pb2.BACKORDER_STATUS_IN_PROGRESS)


async def execute_decisions(
    client: ApiClient, warehouse_id: str, decisions: Decisions, carrier_id_prefix: str
) -> None:
    """Open routes, receive the delivery, cancel backorders and resolve dead letters."""
    await serve_from_all_zones(client, warehouse_id, decisions.routes)
    await receive_carriers(
        client, warehouse_id, plan_carriers(decisions.delivery, carrier_id_prefix, both_lanes=True)
    )
    await run_concurrently(
        _cancel_backorder(client, backorder_id, reason)
        for backorder_id, reason in decisions.cancelled_backorders.items()
    )
    await run_concurrently(
        _resolve_dead_letter(client, order_id, resolution)
        for order_id, resolution in decisions.resolutions.items()
    )


async def get_dead_letter_stats(client: ApiClient) -> dead_letters_pb2.GetDeadLetterStatsResponse:
    """Return the statistics of the dead letter queue."""
    request = dead_letters_pb2.GetDeadLetterStatsRequest()
    return await client.call(client.dead_letters.GetDeadLetterStats, request)


async def list_dead_letters(
    client: ApiClient, warehouse_id: str
) -> Sequence[dead_letter_pb2.DeadLetterEntry]:
    """Return all dead letters of a warehouse, resolved or not, newest first."""
    entries_so_far: list[dead_letter_pb2.DeadLetterEntry] = []
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(
        warehouse_id=warehouse_id, page_size=MAX_PAGE_SIZE
    )
    while True:
        page = await client.call(client.dead_letters.ListDeadLetterEntries, request)
        entries_so_far += page.entries
        if not page.next_page_token:
            return entries_so_far
        request.page_token = page.next_page_token


async def list_backorders(
    client: ApiClient, warehouse_id: str, statuses: Collection[storage_pb2.BackorderStatus.ValueType] = ()
) -> Sequence[storage_pb2.Backorder]:
    """Return the backorders of a warehouse in these statuses, or all without statuses, oldest first."""
    backorders_so_far: list[storage_pb2.Backorder] = []
    request = storage_pb2.ListBackordersRequest(
        warehouse_id=warehouse_id, statuses=statuses, page_size=MAX_PAGE_SIZE
    )
    while True:
        page = await client.call(client.storage.ListBackorders, request)
        backorders_so_far += page.backorders
        if not page.next_page_token:
            return backorders_so_far
        request.page_token = page.next_page_token


async def _cancel_backorder(client: ApiClient, backorder_id: str, reason: str) -> None:
    request = storage_pb2.CancelBackorderRequest(
        backorder_id=backorder_id, reason=reason, request_id=create_request_id("give-up")
    )
    try:
        await client.call(client.storage.CancelBackorder, request)
    except grpc.aio.AioRpcError as error:
        # The backorder was fulfilled in the meantime.
        if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
            raise


async def _resolve_dead_letter(client: ApiClient, order_id: str, resolution: Resolution) -> None:
    request = dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order_id,
        resolution=resolution,
        notes=RESOLUTION_NOTES[resolution],
        resolved_by=SUPERVISOR_NAME,
        request_id=create_request_id("resolve"),
    )
    await client.call(client.dead_letters.ResolveDeadLetterEntry, request)
