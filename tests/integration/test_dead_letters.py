"""DeadLetterQueueService over gRPC: what the queue holds, and decisions that do what they say."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.failures import failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.orders import (
    assert_legal,
    created,
    dead_letter,
    facts,
    fail,
    history,
    order_in,
    read,
    status_of,
    stocked,
    told,
)
from tests.support.requests import item, put_lane
from tests.support.tables import counts
from wms.orders.v1 import dead_letter_pb2, dead_letters_pb2, order_pb2, reprocessing_pb2
from wms_core.domain.order_status import OrderStatus

pytestmark = pytest.mark.also_over_http

_S = OrderStatus
MANUAL_RETRY = dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY
CANCELLED = dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
ESCALATED = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
OPEN = dead_letter_pb2.DEAD_LETTER_RESOLUTION_UNSPECIFIED


def decision(
    order_id: str,
    resolution: dead_letter_pb2.DeadLetterResolution.ValueType,
    notes: str = "Inventory replenished, retrying order",
    **fields: str,
) -> dead_letters_pb2.ResolveDeadLetterEntryRequest:
    """Give a request to decide about an order's newest entry."""
    return dead_letters_pb2.ResolveDeadLetterEntryRequest(
        order_id=order_id, resolution=resolution, notes=notes, **{"resolved_by": "SUPERVISOR-001", **fields}
    )


async def entry_of(api: Api, order_id: str) -> dead_letter_pb2.DeadLetterEntry:
    """Give the newest entry of an order."""
    request = dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order_id)
    return (await api.dead_letters.GetDeadLetterEntry(request)).entry


async def lost(api: Api, **fields: object) -> order_pb2.Order:
    """Give an order that was moved to the dead letter queue."""
    order = await created(api, **fields)
    await dead_letter(api, order.order_id)
    return await read(api, order.order_id)


async def listed(api: Api, **filters: object) -> list[str]:
    """Give the orders of the entries that pass the filters."""
    request = dead_letters_pb2.ListDeadLetterEntriesRequest(**filters)  # type: ignore[arg-type]
    answer = await api.dead_letters.ListDeadLetterEntries(request)
    return [entry.order_id for entry in answer.entries]


# GetDeadLetterEntry


async def test_an_entry_holds_all_that_led_there(api: Api, fulfillment: Fulfillment) -> None:
    """Every attempt, and the order as it was before the last failure."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PICKING)
    before = order
    for count in range(1, 5):
        before = await fail(api, order.order_id, f"failure {count}")
    last = await api.reprocessing.IncrementRetryCount(
        reprocessing_pb2.IncrementRetryCountRequest(
            order_id=order.order_id, failure_reason="failure 5", workflow_id="wf-5"
        )
    )
    entry = await entry_of(api, order.order_id)
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


async def test_an_entry_is_read_by_its_own_id_too(api: Api) -> None:
    """The same entry; ids that nobody knows are not found, each under its own name."""
    order = await lost(api)
    entry = await entry_of(api, order.order_id)
    request = dead_letters_pb2.GetDeadLetterEntryRequest(entry_id=entry.entry_id)
    assert (await api.dead_letters.GetDeadLetterEntry(request)).entry == entry
    for name in ("order_id", "entry_id"):
        unknown = dead_letters_pb2.GetDeadLetterEntryRequest(**{name: "gone"})
        failure = await failing(api.dead_letters.GetDeadLetterEntry(unknown))
        assert failure.reason == "DEAD_LETTER_ENTRY_NOT_FOUND"
        assert failure.metadata == {"orderId" if name == "order_id" else "entryId": "gone"}


async def test_an_order_that_comes_back_is_a_new_entry(api: Api, sql: Sql) -> None:
    """The newest one is given; attempts are those of the present life; the old entry stays as it was."""
    order = await created(api)
    for _ in range(5):
        await fail(api, order.order_id, "first life")
    await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, MANUAL_RETRY))
    first = await entry_of(api, order.order_id)
    for _ in range(2):
        await fail(api, order.order_id, "second life")
    await dead_letter(api, order.order_id, "enough")
    second = await entry_of(api, order.order_id)
    assert second.entry_id != first.entry_id
    assert (second.total_retry_attempts, second.resolution) == (2, OPEN)
    assert {attempt.reason for attempt in second.attempts} == {"second life"}
    assert await listed(api) == [order.order_id, order.order_id]
    old = dead_letters_pb2.GetDeadLetterEntryRequest(entry_id=first.entry_id)
    assert (await api.dead_letters.GetDeadLetterEntry(old)).entry == first
    assert await breaches(sql) == []


async def test_the_open_entry_is_the_newest_whatever_the_times_say(api: Api, sql: Sql) -> None:
    """A call that waited for another has the earlier time; its entry can be decided all the same."""
    order = await lost(api)
    await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, MANUAL_RETRY))
    first = await entry_of(api, order.order_id)
    await dead_letter(api, order.order_id, "second life")
    await sql.execute(
        "UPDATE dead_letter_entries SET created_at = created_at - interval '1 h' WHERE entry_id <> $1",
        first.entry_id,
    )
    assert (await entry_of(api, order.order_id)).final_failure_reason == "second life"
    await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, CANCELLED))
    assert status_of(await read(api, order.order_id)) is _S.CANCELLED


async def test_the_snapshot_does_not_change_with_the_order(api: Api) -> None:
    """It shows the order as it was, lines and prices included."""
    order = await created(
        api, items=[item("A", 3), item("B", 1)], promised_delivery_at=Timestamp(seconds=9, nanos=5_000)
    )
    await dead_letter(api, order.order_id)
    await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, CANCELLED))
    snapshot = (await entry_of(api, order.order_id)).order_snapshot
    assert snapshot == order


# ResolveDeadLetterEntry


async def test_a_manual_retry_puts_the_order_back_to_the_beginning(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """No failures counted, no wave, the history kept; the worker then serves it."""
    await stocked(api)
    order = await order_in(api, fulfillment, _S.PACKING)
    for _ in range(5):
        await fail(api, order.order_id)
    answer = await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, MANUAL_RETRY))
    after = answer.order
    assert status_of(after) is _S.RECEIVED
    assert (after.retry_count, after.failed_status, after.last_failure_reason) == (0, 0, "")
    assert (after.wave_id, after.destination_id) == ("", "")
    assert after == await read(api, order.order_id)
    entry = answer.entry
    assert (entry.resolution, entry.resolved_by) == (MANUAL_RETRY, "SUPERVISOR-001")
    assert entry.notes == "Inventory replenished, retrying order"
    assert abs(entry.resolved_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    assert entry == await entry_of(api, order.order_id)
    known = await api.reprocessing.GetRetryMetadata(
        reprocessing_pb2.GetRetryMetadataRequest(order_id=order.order_id)
    )
    assert (known.retry_count, len(known.attempts)) == (0, 0)
    events = await history(api, order.order_id)
    assert [event.type for event in events[-2:]] == ["wms.order.dlq-resolved", "wms.order.retry-started"]
    assert_legal(events)
    await fulfillment.deliver(api)
    assert status_of(await read(api, order.order_id)) is _S.PACKING
    assert await breaches(sql) == []


async def test_a_cancellation_cancels_the_order(api: Api, sql: Sql) -> None:
    """For good, with the notes as its reason."""
    order = await lost(api)
    answer = await api.dead_letters.ResolveDeadLetterEntry(
        decision(order.order_id, CANCELLED, notes="out of range")
    )
    assert (status_of(answer.order), answer.order.cancel_reason) == (_S.CANCELLED, "out of range")
    assert answer.order == await read(api, order.order_id)
    assert answer.entry.resolution == CANCELLED
    assert await told(api, order.order_id) == ["received", "moved-to-dlq", "dlq-resolved", "cancelled"]
    assert await breaches(sql) == []


async def test_an_escalation_closes_the_entry_and_keeps_the_order(api: Api, sql: Sql) -> None:
    """It counts as resolved, in filters and in the statistics; the order stays in the queue."""
    order = await lost(api)
    answer = await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, ESCALATED))
    assert status_of(answer.order) is _S.DEAD_LETTER
    assert answer.order.etag != order.etag
    assert answer.entry.resolution == ESCALATED
    assert await listed(api, resolved=True) == [order.order_id]
    assert await listed(api, resolved=False) == []
    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert (stats.resolved_count, dict(stats.by_resolution)) == (1, {"escalated": 1})
    assert await breaches(sql) == []


@pytest.mark.parametrize("second", [MANUAL_RETRY, CANCELLED])
async def test_an_escalated_entry_is_decided_once_more(
    api: Api, second: dead_letter_pb2.DeadLetterResolution.ValueType, sql: Sql
) -> None:
    """With one of the other two; both decisions stay in its list, each with an event of its own."""
    order = await lost(api)
    resolve = api.dead_letters.ResolveDeadLetterEntry
    await resolve(decision(order.order_id, ESCALATED, notes="too big for me"))
    answer = await resolve(decision(order.order_id, second, notes="done", resolved_by="SUPERVISOR-002"))
    assert status_of(answer.order) is (_S.RECEIVED if second == MANUAL_RETRY else _S.CANCELLED)
    entry = answer.entry
    assert [one.resolution for one in entry.resolutions] == [ESCALATED, second]
    assert [one.notes for one in entry.resolutions] == ["too big for me", "done"]
    assert [one.resolved_by for one in entry.resolutions] == ["SUPERVISOR-001", "SUPERVISOR-002"]
    assert (entry.resolution, entry.notes, entry.resolved_by) == (second, "done", "SUPERVISOR-002")
    assert entry.resolved_at == entry.resolutions[1].resolved_at
    events = [e for e in await history(api, order.order_id) if e.type == "wms.order.dlq-resolved"]
    assert [event.payload["resolution"] for event in events] == [
        "escalated",
        "manual_retry" if second == MANUAL_RETRY else "cancelled",
    ]
    assert await breaches(sql) == []


async def test_any_other_second_decision_is_an_error(api: Api, sql: Sql) -> None:
    """It names the entry, what was decided and by whom, and changes nothing."""
    words = {MANUAL_RETRY: "manual_retry", CANCELLED: "cancelled", ESCALATED: "escalated"}
    for first, second in [
        (MANUAL_RETRY, MANUAL_RETRY),
        (MANUAL_RETRY, CANCELLED),
        (MANUAL_RETRY, ESCALATED),
        (CANCELLED, CANCELLED),
        (CANCELLED, MANUAL_RETRY),
        (CANCELLED, ESCALATED),
        (ESCALATED, ESCALATED),
    ]:
        order = await lost(api)
        entry = (await api.dead_letters.ResolveDeadLetterEntry(decision(order.order_id, first))).entry
        before = await counts(sql)
        refused = decision(order.order_id, second, resolved_by="SUPERVISOR-002")
        failure = await failing(api.dead_letters.ResolveDeadLetterEntry(refused))
        assert failure.reason == "DEAD_LETTER_ALREADY_RESOLVED"
        assert failure.metadata == {
            "entryId": entry.entry_id,
            "orderId": order.order_id,
            "resolution": words[first],
            "resolvedBy": "SUPERVISOR-001",
        }
        assert await counts(sql) == before
        assert await entry_of(api, order.order_id) == entry


async def test_a_decision_is_told_with_all_its_facts(api: Api) -> None:
    """Entry, resolution, notes and who decided; the actor is the caller."""
    order = await lost(api)
    await api.dead_letters.ResolveDeadLetterEntry(
        decision(order.order_id, ESCALATED), metadata=(("x-wms-actor", "desk-3"),)
    )
    event = (await history(api, order.order_id))[-1]
    assert event.actor == "desk-3"
    body = facts(event.payload)
    del body["timestamp"]
    assert body == {
        "type": "wms.order.dlq-resolved",
        "orderId": order.order_id,
        "customerId": "CUST-001",
        "entryId": (await entry_of(api, order.order_id)).entry_id,
        "resolution": "escalated",
        "notes": "Inventory replenished, retrying order",
        "resolvedBy": "SUPERVISOR-001",
    }


async def test_what_was_never_dead_lettered_cannot_be_resolved(api: Api) -> None:
    """An unknown order and one without an entry: no entry is found, before any etag is looked at."""
    order = await created(api)
    for name in ("gone", order.order_id):
        refused = decision(name, MANUAL_RETRY, etag='"99"')
        failure = await failing(api.dead_letters.ResolveDeadLetterEntry(refused))
        assert (failure.reason, failure.metadata) == ("DEAD_LETTER_ENTRY_NOT_FOUND", {"orderId": name})


async def test_a_stale_etag_stops_a_decision(api: Api) -> None:
    """It is the order's; with the present one the decision goes through."""
    order = await created(api)
    await dead_letter(api, order.order_id)
    resolve = api.dead_letters.ResolveDeadLetterEntry
    failure = await failing(resolve(decision(order.order_id, CANCELLED, etag=order.etag)))
    assert failure.reason == "ETAG_MISMATCH"
    await resolve(decision(order.order_id, CANCELLED, etag=failure.metadata["etag"]))


# ListDeadLetterEntries and GetDeadLetterStats


async def test_entries_are_filtered(api: Api) -> None:
    """By resolution, failure status, customer and warehouse; all filters must hold; newest first."""
    await api.storage.PutLane(put_lane("FAR", warehouse_id="WH-02"))
    one = (await lost(api, customer_id="A")).order_id
    two = (await lost(api, customer_id="B", warehouse_id="WH-02")).order_id
    three = (await created(api, customer_id="A")).order_id
    await api.reprocessing.MoveToDeadLetterQueue(
        reprocessing_pb2.MoveToDeadLetterQueueRequest(
            order_id=three, failure_status=order_pb2.ORDER_STATUS_PACKING, failure_reason="x"
        )
    )
    await api.dead_letters.ResolveDeadLetterEntry(decision(one, CANCELLED))
    assert await listed(api) == [three, two, one]
    assert await listed(api, resolved=True) == [one]
    assert await listed(api, resolved=False) == [three, two]
    assert await listed(api, customer_id="A") == [three, one]
    assert await listed(api, warehouse_id="WH-02") == [two]
    assert await listed(api, failure_status=order_pb2.ORDER_STATUS_PACKING) == [three]
    assert await listed(api, customer_id="A", resolved=False) == [three]
    assert await listed(api, customer_id="C") == []


async def test_entries_are_filtered_by_age(api: Api, sql: Sql) -> None:
    """At least so many hours old; fractions count."""
    old, new = (await lost(api)).order_id, (await lost(api)).order_id
    await sql.execute(
        "UPDATE dead_letter_entries SET created_at = now() - interval '45 minutes' WHERE order_id = $1", old
    )
    assert await listed(api, older_than_hours=0.5) == [old]
    assert await listed(api, older_than_hours=1) == []
    assert await listed(api, older_than_hours=0) == [new, old]
    assert await listed(api, older_than_hours=1_000_000) == []


async def test_entries_come_in_the_seeds_form_too(api: Api) -> None:
    """`limit` is 50 when absent or 0, and goes beyond a page; `offset` skips; together they reach 10,000."""
    orders = [(await lost(api)).order_id for _ in range(52)][::-1]
    assert await listed(api, limit=3) == orders[:3]
    assert await listed(api, limit=3, offset=2) == orders[2:5]
    assert await listed(api, offset=1) == orders[1:51]
    assert await listed(api, limit=0) == orders[:50]
    assert await listed(api, limit=10_000) == orders
    assert await listed(api, limit=1, offset=9_999) == []
    assert await listed(api) == orders[:20]
    deep = dead_letters_pb2.ListDeadLetterEntriesRequest(limit=2, offset=9_999)
    failure = await failing(api.dead_letters.ListDeadLetterEntries(deep))
    assert (failure.reason, failure.metadata) == ("PAGE_TOO_DEEP", {"limit": "10000"})


async def test_the_limit_goes_beyond_the_largest_page(api: Api, sql: Sql) -> None:
    """The seed's form has no pages of 200."""
    template = (await lost(api)).order_id
    await sql.execute(
        """INSERT INTO dead_letter_entries
           SELECT entry_id || n, order_id, customer_id, warehouse_id, final_failure_status,
                  final_failure_reason, total_retry_attempts, attempts, order_snapshot,
                  created_at - n * interval '1 s', 'cancelled', now()
             FROM dead_letter_entries, generate_series(1, 250) AS n WHERE order_id = $1""",
        template,
    )
    assert len(await listed(api, limit=251)) == 251
    assert len(await listed(api, page_size=251)) == 200


async def test_the_forms_of_paging_are_not_mixed(api: Api) -> None:
    """What one form says must not be passed over because of another."""
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
        failure = await failing(api.dead_letters.ListDeadLetterEntries(request))
        assert failure.reason == "INVALID_REQUEST"


async def test_the_statistics_count_what_waits_and_what_was_decided(api: Api, sql: Sql) -> None:
    """By failure status the unresolved, by resolution the resolved; the oldest that waits."""
    empty = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert empty == dead_letters_pb2.GetDeadLetterStatsResponse()
    orders = [(await created(api)).order_id for _ in range(6)]
    statuses = [order_pb2.ORDER_STATUS_PICKING] * 4 + [order_pb2.ORDER_STATUS_PACKING] * 2
    for order_id, status in zip(orders, statuses, strict=True):
        await api.reprocessing.MoveToDeadLetterQueue(
            reprocessing_pb2.MoveToDeadLetterQueueRequest(
                order_id=order_id, failure_status=status, failure_reason="x"
            )
        )
    for order_id, resolution in zip(orders, (MANUAL_RETRY, CANCELLED, ESCALATED), strict=False):
        await api.dead_letters.ResolveDeadLetterEntry(decision(order_id, resolution))
    await api.dead_letters.ResolveDeadLetterEntry(decision(orders[2], CANCELLED))
    stats = await api.dead_letters.GetDeadLetterStats(dead_letters_pb2.GetDeadLetterStatsRequest())
    assert (stats.total_entries, stats.unresolved_count, stats.resolved_count) == (6, 3, 3)
    assert dict(stats.by_failure_status) == {"picking": 1, "packing": 2}
    assert dict(stats.by_resolution) == {"manual_retry": 1, "cancelled": 2}
    assert stats.oldest_unresolved_at == (await entry_of(api, orders[3])).created_at
