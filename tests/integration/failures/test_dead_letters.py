"""DeadLetterQueueService over gRPC: entries, filters, statistics and resolutions."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import (
    assert_valid_history,
    dead_letter_order,
    domain_status_of,
    list_event_types,
    place_order,
    place_order_in_status,
    read_history,
    read_order,
    receive_stock,
    record_failure,
    to_python_dict,
)
from tests.support.builders.requests import item, put_lane
from tests.support.clients.errors import expect_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, reprocessing_pb2
from wms_core.domain.orders.status import OrderStatus

pytestmark = pytest.mark.also_over_http

_S = OrderStatus
MANUAL_RETRY = dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY
CANCELLED = dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
ESCALATED = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
OPEN = dead_letter_pb2.DEAD_LETTER_RESOLUTION_UNSPECIFIED


def resolve_request(
    order_id: str,
    resolution: dead_letter_pb2.DeadLetterResolution.ValueType,
    notes: str = "Inventory replenished, retrying order",
    **fields: str,
) -> dead_letters_pb2.ResolveDeadLetterEntryRequest:
    """Return a request to resolve the newest entry of an order."""
    return dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order_id, resolution=resolution, notes=notes, **{"resolved_by": "SUPERVISOR-001", **fields}
    )


async def read_entry(api: Api, order_id: str) -> dead_letter_pb2.DeadLetterEntry:
    """Return the newest entry of an order."""
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order_id)
    return (await api.dead_letters.GetDeadLetterEntry(request)).entry


async def place_dead_letter(api: Api, **fields: object) -> order_pb2.Order:
    """Create an order, move it to the dead letter queue and return it."""
    order = await place_order(api, **fields)
    await dead_letter_order(api, order.order_id)
    return await read_order(api, order.order_id)


async def list_order_ids(api: Api, **filters: object) -> list[str]:
    """Return the order ids of the entries that match the filters."""
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(**filters)  # type: ignore[arg-type]
    response = await api.dead_letters.ListDeadLetterEntries(request)
    return [entry.order_id for entry in response.entries]


# GetDeadLetterEntry


async def test_an_entry_has_all_attempts_and_the_order(api: Api, fulfillment: Fulfillment) -> None:
    """Every attempt, and the order before the last failure."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PICKING)
    before = order
    for count in range(1, 5):
        before = await record_failure(api, order.order_id, f"failure {count}")
    last = await api.reprocessing.IncrementRetryCount(
        reprocessing_pb2.IncrementRetryCountRequest(
            order_id=order.order_id, failure_reason="failure 5", workflow_id="wf-5"
        )
    )
    entry = await read_entry(api, order.order_id)
    assert entry.entry_id.startswith("DLQ-")
    assert (entry.order_id, entry.customer_id, entry.warehouse_id) == (order.order_id, "CUST-001", "WH-01")
    assert entry.final_failure_status == order_pb2.ORDER_STATUS_PICKING
    assert entry.final_failure_reason == "failure 5"
    assert entry.total_retry_attempts == len(entry.attempts) == 5
    assert list(entry.attempts) == list(last.retry.attempts)
    assert entry.attempts[4].workflow_id == "wf-5"
    assert entry.order_snapshot == before
    assert (entry.resolution, entry.notes, entry.resolved_by) == (OPEN, "", "")
    assert not entry.HasField("resolved_at")
    assert not entry.resolutions
    assert entry.created_at == last.order.updated_at


async def test_an_entry_is_also_read_by_its_own_id(api: Api) -> None:
    """The same entry. Unknown order and entry ids each have their own error."""
    order = await place_dead_letter(api)
    entry = await read_entry(api, order.order_id)
    request = dead_letters_pb2.GetDeadLetterEntryRequest(entry_id=entry.entry_id)
    assert (await api.dead_letters.GetDeadLetterEntry(request)).entry == entry
    for name in ("order_id", "entry_id"):
        unknown = dead_letters_pb2.GetDeadLetterEntryRequest(**{name: "gone"})
        failure = await expect_failure(api.dead_letters.GetDeadLetterEntry(unknown))
        assert failure.reason == "DEAD_LETTER_ENTRY_NOT_FOUND"
        assert failure.metadata == {"orderId" if name == "order_id" else "entryId": "gone"}


async def test_an_order_dead_lettered_again_has_a_new_entry(api: Api, sql: SqlConnection) -> None:
    """The newest entry is returned.

    Its attempts are those of the current retry generation, and the old entry is unchanged.
    """
    order = await place_order(api)
    for _ in range(5):
        await record_failure(api, order.order_id, "first life")
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, MANUAL_RETRY))
    first = await read_entry(api, order.order_id)
    for _ in range(2):
        await record_failure(api, order.order_id, "second life")
    await dead_letter_order(api, order.order_id, "enough")
    second = await read_entry(api, order.order_id)
    assert second.entry_id != first.entry_id
    assert (second.total_retry_attempts, second.resolution) == (2, OPEN)
    assert {attempt.reason for attempt in second.attempts} == {"second life"}
    assert await list_order_ids(api) == [order.order_id, order.order_id]
    old = dead_letters_pb2.GetDeadLetterEntryRequest(entry_id=first.entry_id)
    assert (await api.dead_letters.GetDeadLetterEntry(old)).entry == first
    assert await find_violations(sql) == []


async def test_the_open_entry_is_the_newest_regardless_of_times(api: Api, sql: SqlConnection) -> None:
    """A call that waited for another one has the earlier time. Its entry can still be resolved."""
    order = await place_dead_letter(api)
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, MANUAL_RETRY))
    first = await read_entry(api, order.order_id)
    await dead_letter_order(api, order.order_id, "second life")
    await sql.execute(
        "UPDATE dead_letter_entries SET created_at = created_at - interval '1 h' WHERE entry_id <> $1",
        first.entry_id,
    )
    assert (await read_entry(api, order.order_id)).final_failure_reason == "second life"
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, CANCELLED))
    assert domain_status_of(await read_order(api, order.order_id)) is _S.CANCELLED


async def test_the_snapshot_does_not_change_with_the_order(api: Api) -> None:
    """It has the earlier state of the order, including lines and prices."""
    order = await place_order(
        api, items=[item("A", 3), item("B", 1)], promised_delivery_at=Timestamp(seconds=9, nanos=5_000)
    )
    await dead_letter_order(api, order.order_id)
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, CANCELLED))
    snapshot = (await read_entry(api, order.order_id)).order_snapshot
    assert snapshot == order


# ResolveDeadLetterEntry


async def test_a_manual_retry_resets_the_order_to_received(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """It has no failures and no wave, and keeps its history. Then the worker serves it."""
    await receive_stock(api)
    order = await place_order_in_status(api, fulfillment, _S.PACKING)
    for _ in range(5):
        await record_failure(api, order.order_id)
    response = await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, MANUAL_RETRY))
    after = response.order
    assert domain_status_of(after) is _S.RECEIVED
    assert (after.retry_count, after.failed_status, after.last_failure_reason) == (0, 0, "")
    assert (after.wave_id, after.destination_id) == ("", "")
    assert after == await read_order(api, order.order_id)
    entry = response.entry
    assert (entry.resolution, entry.resolved_by) == (MANUAL_RETRY, "SUPERVISOR-001")
    assert entry.notes == "Inventory replenished, retrying order"
    assert abs(entry.resolved_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert entry == await read_entry(api, order.order_id)
    known = await api.reprocessing.GetRetryMetadata(
        reprocessing_pb2.GetRetryMetadataRequest(order_id=order.order_id)
    )
    assert (known.retry_count, len(known.attempts)) == (0, 0)
    events = await read_history(api, order.order_id)
    assert [event.type for event in events[-2:]] == ["wms.order.dlq-resolved", "wms.order.retry-started"]
    assert_valid_history(events)
    await fulfillment.deliver_all(api)
    assert domain_status_of(await read_order(api, order.order_id)) is _S.PACKING
    assert await find_violations(sql) == []


async def test_a_cancellation_cancels_the_order(api: Api, sql: SqlConnection) -> None:
    """The notes become the reason of the cancellation."""
    order = await place_dead_letter(api)
    response = await api.dead_letters.ResolveDeadLetterEntry(
        resolve_request(order.order_id, CANCELLED, notes="out of range")
    )
    assert (domain_status_of(response.order), response.order.cancel_reason) == (_S.CANCELLED, "out of range")
    assert response.order == await read_order(api, order.order_id)
    assert response.entry.resolution == CANCELLED
    assert await list_event_types(api, order.order_id) == [
        "received",
        "moved-to-dlq",
        "dlq-resolved",
        "cancelled",
    ]
    assert await find_violations(sql) == []


async def test_an_escalation_resolves_the_entry_and_keeps_the_order(api: Api, sql: SqlConnection) -> None:
    """The entry counts as resolved in filters and statistics, and the order stays a dead letter."""
    order = await place_dead_letter(api)
    response = await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, ESCALATED))
    assert domain_status_of(response.order) is _S.DEAD_LETTER
    assert response.order.etag != order.etag
    assert response.entry.resolution == ESCALATED
    assert await list_order_ids(api, resolved=True) == [order.order_id]
    assert await list_order_ids(api, resolved=False) == []
    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert (stats.resolved_count, dict(stats.by_resolution)) == (1, {"escalated": 1})
    assert await find_violations(sql) == []


@pytest.mark.parametrize("second", [MANUAL_RETRY, CANCELLED])
async def test_an_escalated_entry_can_be_resolved_again(
    api: Api, second: dead_letter_pb2.DeadLetterResolution.ValueType, sql: SqlConnection
) -> None:
    """With one of the other two resolutions. The entry lists both, each with its own event."""
    order = await place_dead_letter(api)
    resolve = api.dead_letters.ResolveDeadLetterEntry
    await resolve(resolve_request(order.order_id, ESCALATED, notes="too big for me"))
    response = await resolve(
        resolve_request(order.order_id, second, notes="done", resolved_by="SUPERVISOR-002")
    )
    assert domain_status_of(response.order) is (_S.RECEIVED if second == MANUAL_RETRY else _S.CANCELLED)
    entry = response.entry
    assert [resolution.resolution for resolution in entry.resolutions] == [ESCALATED, second]
    assert [resolution.notes for resolution in entry.resolutions] == ["too big for me", "done"]
    assert [resolution.resolved_by for resolution in entry.resolutions] == [
        "SUPERVISOR-001",
        "SUPERVISOR-002",
    ]
    assert (entry.resolution, entry.notes, entry.resolved_by) == (second, "done", "SUPERVISOR-002")
    assert entry.resolved_at == entry.resolutions[1].resolved_at
    events = [e for e in await read_history(api, order.order_id) if e.type == "wms.order.dlq-resolved"]
    assert [event.payload["resolution"] for event in events] == [
        "escalated",
        "manual_retry" if second == MANUAL_RETRY else "cancelled",
    ]
    assert await find_violations(sql) == []


async def test_any_other_second_resolution_is_an_error(api: Api, sql: SqlConnection) -> None:
    """The error has the entry, its resolution and the resolver. No row changes."""
    names = {MANUAL_RETRY: "manual_retry", CANCELLED: "cancelled", ESCALATED: "escalated"}
    for first, second in [
        (MANUAL_RETRY, MANUAL_RETRY),
        (MANUAL_RETRY, CANCELLED),
        (MANUAL_RETRY, ESCALATED),
        (CANCELLED, CANCELLED),
        (CANCELLED, MANUAL_RETRY),
        (CANCELLED, ESCALATED),
        (ESCALATED, ESCALATED),
    ]:
        order = await place_dead_letter(api)
        entry = (await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order.order_id, first))).entry
        before = await count_table_rows(sql)
        rejected_request = resolve_request(order.order_id, second, resolved_by="SUPERVISOR-002")
        failure = await expect_failure(api.dead_letters.ResolveDeadLetterEntry(rejected_request))
        assert failure.reason == "DEAD_LETTER_ALREADY_RESOLVED"
        assert failure.metadata == {
            "entryId": entry.entry_id,
            "orderId": order.order_id,
            "resolution": names[first],
            "resolvedBy": "SUPERVISOR-001",
        }
        assert await count_table_rows(sql) == before
        assert await read_entry(api, order.order_id) == entry


async def test_the_event_of_a_resolution_has_all_its_fields(api: Api) -> None:
    """Entry, resolution, notes and resolver. The actor is the caller."""
    order = await place_dead_letter(api)
    await api.dead_letters.ResolveDeadLetterEntry(
        resolve_request(order.order_id, ESCALATED), metadata=(("x-wms-actor", "desk-3"),)
    )
    event = (await read_history(api, order.order_id))[-1]
    assert event.actor == "desk-3"
    body = to_python_dict(event.payload)
    del body["timestamp"]
    assert body == {
        "type": "wms.order.dlq-resolved",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "entryId": (await read_entry(api, order.order_id)).entry_id,
        "resolution": "escalated",
        "notes": "Inventory replenished, retrying order",
        "resolvedBy": "SUPERVISOR-001",
    }


async def test_an_order_without_an_entry_cannot_be_resolved(api: Api) -> None:
    """The missing entry is reported before the etag is checked, also for unknown orders."""
    order = await place_order(api)
    for name in ("gone", order.order_id):
        rejected_request = resolve_request(name, MANUAL_RETRY, etag='"99"')
        failure = await expect_failure(api.dead_letters.ResolveDeadLetterEntry(rejected_request))
        assert (failure.reason, failure.metadata) == ("DEAD_LETTER_ENTRY_NOT_FOUND", {"orderId": name})


async def test_a_stale_etag_stops_a_resolution(api: Api) -> None:
    """It is the etag of the order. With the current one the resolution succeeds."""
    order = await place_order(api)
    await dead_letter_order(api, order.order_id)
    resolve = api.dead_letters.ResolveDeadLetterEntry
    failure = await expect_failure(resolve(resolve_request(order.order_id, CANCELLED, etag=order.etag)))
    assert failure.reason == "ETAG_MISMATCH"
    await resolve(resolve_request(order.order_id, CANCELLED, etag=failure.metadata["etag"]))


# ListDeadLetterEntries and GetDeadLetterStats


async def test_entries_are_filtered(api: Api) -> None:
    """By resolution, failure status, customer and warehouse.

    All filters must match. The newest entry comes first.
    """
    await api.storage.PutLane(put_lane("FAR", warehouse_id="WH-02"))
    first_id = (await place_dead_letter(api, customer_id="A")).order_id
    second_id = (await place_dead_letter(api, customer_id="B", warehouse_id="WH-02")).order_id
    third_id = (await place_order(api, customer_id="A")).order_id
    await api.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=third_id, failure_status=order_pb2.ORDER_STATUS_PACKING, failure_reason="x"
        )
    )
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(first_id, CANCELLED))
    assert await list_order_ids(api) == [third_id, second_id, first_id]
    assert await list_order_ids(api, resolved=True) == [first_id]
    assert await list_order_ids(api, resolved=False) == [third_id, second_id]
    assert await list_order_ids(api, customer_id="A") == [third_id, first_id]
    assert await list_order_ids(api, warehouse_id="WH-02") == [second_id]
    assert await list_order_ids(api, failure_status=order_pb2.ORDER_STATUS_PACKING) == [third_id]
    assert await list_order_ids(api, customer_id="A", resolved=False) == [third_id]
    assert await list_order_ids(api, customer_id="C") == []


async def test_entries_are_filtered_by_age(api: Api, sql: SqlConnection) -> None:
    """At least this many hours old, with fractions."""
    old, new = (await place_dead_letter(api)).order_id, (await place_dead_letter(api)).order_id
    await sql.execute(
        "UPDATE dead_letter_entries SET created_at = now() - interval '45 minutes' WHERE order_id = $1", old
    )
    assert await list_order_ids(api, older_than_hours=0.5) == [old]
    assert await list_order_ids(api, older_than_hours=1) == []
    assert await list_order_ids(api, older_than_hours=0) == [new, old]
    assert await list_order_ids(api, older_than_hours=1_000_000) == []


async def test_entries_are_also_listed_by_limit_and_offset(api: Api) -> None:
    """`limit` is 50 when absent or 0, and may exceed a page.

    `offset` skips entries. Their sum is at most 10,000.
    """
    orders = [(await place_dead_letter(api)).order_id for _ in range(52)][::-1]
    assert await list_order_ids(api, limit=3) == orders[:3]
    assert await list_order_ids(api, limit=3, offset=2) == orders[2:5]
    assert await list_order_ids(api, offset=1) == orders[1:51]
    assert await list_order_ids(api, limit=0) == orders[:50]
    assert await list_order_ids(api, limit=10_000) == orders
    assert await list_order_ids(api, limit=1, offset=9_999) == []
    assert await list_order_ids(api) == orders[:20]
    deepest_request = dead_letters_pb2.ListDeadLetterEntriesRequest(limit=2, offset=9_999)
    failure = await expect_failure(api.dead_letters.ListDeadLetterEntries(deepest_request))
    assert (failure.reason, failure.metadata) == ("PAGE_TOO_DEEP", {"limit": "10000"})


async def test_the_limit_may_exceed_the_largest_page(api: Api, sql: SqlConnection) -> None:
    """Lists with `limit` and `offset` are not bounded by the page size of 200."""
    template = (await place_dead_letter(api)).order_id
    await sql.execute(
        """INSERT INTO dead_letter_entries
           SELECT entry_id || n, order_id, customer_id, warehouse_id, final_failure_status,
                  final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                  created_at - n * interval '1 s', 'cancelled', now()
             FROM dead_letter_entries, generate_series(1, 250) AS n WHERE order_id = $1""",
        template,
    )
    assert len(await list_order_ids(api, limit=251)) == 251
    assert len(await list_order_ids(api, page_size=251)) == 200


async def test_the_two_kinds_of_paging_cannot_be_combined(api: Api) -> None:
    """The server rejects the combination instead of ignoring one of them."""
    for mixed in [
        {"page_size": 5, "limit": 5},
        {"page_size": 5, "offset": 5},
        {"page": 1, "limit": 5},
        {"page": 1, "offset": 5},
        {"page": 1, "page_token": "x"},
        {"limit": 1, "page_token": "x"},
        {"offset": 1, "page_token": "x"},
    ]:
        request = dead_letters_pb2.ListDeadLetterEntriesRequest(**mixed)  # type: ignore[arg-type]
        failure = await expect_failure(api.dead_letters.ListDeadLetterEntries(request))
        assert failure.reason == "INVALID_REQUEST"


async def test_the_statistics_count_unresolved_and_resolved_entries(api: Api, sql: SqlConnection) -> None:
    """Unresolved entries by failure status, resolved ones by resolution, and the time of the oldest
    unresolved one.
    """
    empty = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert empty == dead_letters_pb2.GetDeadLetterStatsResponse()
    orders = [(await place_order(api)).order_id for _ in range(6)]
    statuses = [order_pb2.ORDER_STATUS_PICKING] * 4 + [order_pb2.ORDER_STATUS_PACKING] * 2
    for order_id, status in zip(orders, statuses, strict=True):
        await api.reprocessing.MoveToDeadLetterQueue(
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id=order_id, failure_status=status, failure_reason="x"
            )
        )
    for order_id, resolution in zip(orders, (MANUAL_RETRY, CANCELLED, ESCALATED), strict=False):
        await api.dead_letters.ResolveDeadLetterEntry(resolve_request(order_id, resolution))
    await api.dead_letters.ResolveDeadLetterEntry(resolve_request(orders[2], CANCELLED))
    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert (stats.total_entries, stats.unresolved_count, stats.resolved_count) == (6, 3, 3)
    assert dict(stats.by_failure_status) == {"picking": 1, "packing": 2}
    assert dict(stats.by_resolution) == {"manual_retry": 1, "cancelled": 2}
    assert stats.oldest_unresolved_at == (await read_entry(api, orders[3])).created_at
