"""StorageService over gRPC: lanes, destinations, carriers, stock and moves, and the audit of it all."""

import json
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.failures import Failure, failing, failure_of
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.requests import put_destination, put_lane, receive
from tests.support.site import Site
from tests.support.tables import counts
from wms.orders.v1 import storage_pb2

pytestmark = pytest.mark.also_over_http

OPEN, BLOCKED = storage_pb2.LANE_STATUS_OPEN, storage_pb2.LANE_STATUS_BLOCKED
ON_HOLD = storage_pb2.CARRIER_STATUS_ON_HOLD
AVAILABLE = storage_pb2.CARRIER_STATUS_AVAILABLE
ACTOR = (("x-wms-actor", "crane-9"), ("x-wms-correlation-id", "corr-1"))


async def audited(sql: Sql) -> list[tuple[str, str, dict[str, object]]]:
    """Give action, subject and detail of what was audited, all of it by one actor on one errand."""
    rows = await sql.fetch("SELECT * FROM audit WHERE subject NOT LIKE 'order/%' ORDER BY at, subject")
    assert {(row["actor"], row["correlation_id"]) for row in rows} <= {("crane-9", "corr-1")}
    return [(row["action"], row["subject"], json.loads(row["detail"])) for row in rows]


async def refused(sql: Sql, call: object) -> Failure:
    """Make a call that has to fail and leave nothing behind."""
    before = await counts(sql)
    failure = await failing(call)  # type: ignore[arg-type]
    assert await counts(sql) == before
    return failure


async def lanes(api: Api, **filters: object) -> list[str]:
    """Give the ids of the lanes that pass the filters."""
    request = storage_pb2.ListLanesRequest(**filters)  # type: ignore[arg-type]
    return [lane.lane_id for lane in (await api.storage.ListLanes(request)).lanes]


# Lanes


async def test_a_lane_is_made_and_changed(api: Api, sql: Sql) -> None:
    """New ones are open and empty; the same call again changes zone and capacity; each change is audited."""
    made = (await api.storage.PutLane(put_lane("L-1", capacity=3), metadata=ACTOR)).lane
    assert (made.lane_id, made.warehouse_id, made.zone) == ("L-1", "WH-01", "A")
    assert (made.capacity, made.occupied, made.status) == (3, 0, OPEN)
    changed = (await api.storage.PutLane(put_lane("L-1", capacity=5, zone="B"), metadata=ACTOR)).lane
    assert (changed.capacity, changed.zone, changed.created_at) == (5, "B", made.created_at)
    listed = (await api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert list(listed) == [changed]
    assert await audited(sql) == [
        ("lane.put", "lane/L-1", {"zone": "A", "capacity": 3, "status": "open"}),
        ("lane.put", "lane/L-1", {"zone": "B", "capacity": 5, "status": "open"}),
    ]


async def test_the_first_lane_or_destination_makes_the_warehouse(api: Api) -> None:
    """Before that it does not exist."""
    claim = storage_pb2.ClaimMovesRequest(warehouse_id="WH-05", max=1, claimed_by="me")
    failure = await failing(api.storage.ClaimMoves(claim))
    assert (failure.reason, failure.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-05"})
    await api.storage.PutLane(put_lane("L-1", warehouse_id="WH-05"))
    assert not (await api.storage.ClaimMoves(claim)).moves
    await api.storage.PutDestination(put_destination("P-1", warehouse_id="WH-06"))
    claim.warehouse_id = "WH-06"
    assert not (await api.storage.ClaimMoves(claim)).moves


async def test_a_lane_keeps_its_status_unless_told_otherwise(api: Api) -> None:
    """PutLane without a status leaves a blocked lane blocked; with one it changes it."""
    made = (await api.storage.PutLane(put_lane("L-1", status=BLOCKED))).lane
    assert made.status == BLOCKED
    assert (await api.storage.PutLane(put_lane("L-1", capacity=4))).lane.status == BLOCKED
    assert (await api.storage.PutLane(put_lane("L-1", status=OPEN))).lane.status == OPEN


async def test_a_lane_is_not_made_smaller_than_what_stands_in_it(api: Api, sql: Sql) -> None:
    """The error says how many; exactly as many is allowed."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 1), ("C-2", "A", 1), lane_id="L-1"))
    failure = await refused(sql, api.storage.PutLane(put_lane("L-1", capacity=1)))
    assert failure.reason == "LANE_FULL"
    assert failure.metadata == {"laneId": "L-1", "capacity": "1", "occupied": "2"}
    assert (await api.storage.PutLane(put_lane("L-1", capacity=2))).lane.occupied == 2


async def test_nothing_changes_its_warehouse(api: Api, sql: Sql) -> None:
    """Neither a lane nor a destination; the error names both warehouses, and none is made by it."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.PutDestination(put_destination("P-1"))
    for name, call in (
        ("L-1", api.storage.PutLane(put_lane("L-1", warehouse_id="WH-02"))),
        ("P-1", api.storage.PutDestination(put_destination("P-1", warehouse_id="WH-02"))),
    ):
        failure = await refused(sql, call)
        assert failure.reason == "WAREHOUSE_MISMATCH"
        assert failure.metadata == {
            "resource": name,
            "warehouseId": "WH-01",
            "requiredWarehouseId": "WH-02",
        }


async def test_a_lane_is_blocked_and_opened(api: Api, sql: Sql) -> None:
    """The status it has already changes nothing; each change is audited with its reason."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    request = storage_pb2.SetLaneStatusRequest(lane_id="L-1", status=BLOCKED, reason="leak")
    lane = (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane
    assert lane.status == BLOCKED
    assert (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane == lane
    request.status, request.reason = OPEN, ""
    assert (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane.status == OPEN
    changes = [entry for entry in await audited(sql) if entry[0] == "lane.status"]
    assert changes == [
        ("lane.status", "lane/L-1", {"from": "open", "to": "blocked", "reason": "leak"}),
        ("lane.status", "lane/L-1", {"from": "blocked", "to": "open", "reason": ""}),
    ]
    request.lane_id = "gone"
    failure = await refused(sql, api.storage.SetLaneStatus(request))
    assert (failure.reason, failure.metadata) == ("LANE_NOT_FOUND", {"laneId": "gone"})


async def test_lanes_are_listed_by_filter_and_in_pages(api: Api) -> None:
    """By warehouse, zone and status; pages of one give what one page gives."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.PutLane(put_lane("L-2", zone="B", status=BLOCKED))
    await api.storage.PutLane(put_lane("L-3", warehouse_id="WH-02"))
    assert await lanes(api) == ["L-1", "L-2", "L-3"]
    assert await lanes(api, warehouse_id="WH-01") == ["L-1", "L-2"]
    assert await lanes(api, zone="A") == ["L-1", "L-3"]
    assert await lanes(api, statuses=[BLOCKED]) == ["L-2"]
    request = storage_pb2.ListLanesRequest(page_size=1)
    seen = []
    for _ in range(3):
        answer = await api.storage.ListLanes(request)
        seen += [lane.lane_id for lane in answer.lanes]
        request.page_token = answer.next_page_token
    assert (seen, request.page_token) == (["L-1", "L-2", "L-3"], "")


# Destinations


async def test_a_destination_is_made_and_changed(api: Api, sql: Sql) -> None:
    """Zones keep their order; a change is audited."""
    request = put_destination("P-1", zones=["B", "A"], queue_capacity=3, paused=True)
    made = (await api.storage.PutDestination(request, metadata=ACTOR)).destination
    assert (made.destination_id, made.warehouse_id, list(made.zones)) == ("P-1", "WH-01", ["B", "A"])
    assert (made.queue_capacity, made.paused, made.in_queue) == (3, True, 0)
    changed = (await api.storage.PutDestination(put_destination("P-1"), metadata=ACTOR)).destination
    assert (changed.paused, list(changed.zones), changed.created_at) == (False, ["A"], made.created_at)
    await api.storage.PutDestination(put_destination("P-2", warehouse_id="WH-02"), metadata=ACTOR)
    listed = await api.storage.ListDestinations(storage_pb2.ListDestinationsRequest(warehouse_id="WH-01"))
    assert list(listed.destinations) == [changed]
    page = storage_pb2.ListDestinationsRequest(page_size=1)
    first = await api.storage.ListDestinations(page)
    page.page_token = first.next_page_token
    second = await api.storage.ListDestinations(page)
    assert [one.destination_id for one in (*first.destinations, *second.destinations)] == ["P-1", "P-2"]
    entries = await audited(sql)
    assert [entry[:2] for entry in entries] == [
        ("destination.put", "destination/P-1"),
        ("destination.put", "destination/P-1"),
        ("destination.put", "destination/P-2"),
    ]
    assert entries[0][2] == {"queueCapacity": 3, "zones": ["B", "A"], "paused": True}


# ReceiveCarriers


async def test_carriers_stand_in_their_lane_in_the_order_received(api: Api, sql: Sql) -> None:
    """At the end of it, whatever their ids; free to be allocated; each audited."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    stored = await api.storage.ReceiveCarriers(
        receive(("C-9", "A", 5), ("C-1", "B", 1_000_000), lane_id="L-1"), metadata=ACTOR
    )
    await api.storage.ReceiveCarriers(receive(("C-5", "A", 1), lane_id="L-1"), metadata=ACTOR)
    assert [carrier.carrier_id for carrier in stored.carriers] == ["C-9", "C-1"]
    answer = await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(lane_id="L-1"))
    places = {carrier.carrier_id: carrier.lane_position for carrier in answer.carriers}
    assert places == {"C-9": 1, "C-1": 2, "C-5": 3}
    first = stored.carriers[0]
    assert (first.sku, first.quantity, first.allocated_quantity) == ("A", 5, 0)
    assert (first.status, first.location) == (AVAILABLE, storage_pb2.CARRIER_LOCATION_IN_LANE)
    assert (first.lane_id, first.destination_id) == ("L-1", "")
    received = [entry for entry in await audited(sql) if entry[0] == "carrier.received"]
    assert received == [
        ("carrier.received", "carrier/C-1", {"sku": "B", "quantity": 1_000_000, "laneId": "L-1"}),
        ("carrier.received", "carrier/C-9", {"sku": "A", "quantity": 5, "laneId": "L-1"}),
        ("carrier.received", "carrier/C-5", {"sku": "A", "quantity": 1, "laneId": "L-1"}),
    ]


async def test_a_carrier_may_be_older_than_its_receipt_and_on_hold(api: Api) -> None:
    """Its times and status come back; when it was last changed is now."""
    await api.storage.PutLane(put_lane("L-1"))
    times: dict[str, Any] = {"produced_at": Timestamp(seconds=1_000), "received_at": Timestamp(seconds=2_000)}
    request = receive(("C-1", "A", 5), lane_id="L-1", status=ON_HOLD, **times)
    (carrier,) = (await api.storage.ReceiveCarriers(request)).carriers
    assert (carrier.produced_at, carrier.received_at) == (times["produced_at"], times["received_at"])
    assert carrier.status == ON_HOLD
    assert carrier.updated_at.seconds > 1_700_000_000


async def test_receiving_is_all_or_nothing(api: Api, sql: Sql) -> None:
    """Whatever is wrong with one carrier, none is taken in, and the error says which and why."""
    await api.storage.PutLane(put_lane("L-1", capacity=3))
    await api.storage.PutLane(put_lane("L-B", status=BLOCKED))
    await api.storage.PutLane(put_lane("L-F", warehouse_id="WH-02"))
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 1), lane_id="L-1"))
    good = ("C-2", "A", 1)
    cases: dict[str, tuple[storage_pb2.ReceiveCarriersRequest, dict[str, str]]] = {
        "WAREHOUSE_NOT_FOUND": (
            receive(good, lane_id="L-1", warehouse_id="WH-77"),
            {"warehouseId": "WH-77"},
        ),
        "LANE_NOT_FOUND": (receive(good, lane_id="gone"), {"laneId": "gone"}),
        "LANE_BLOCKED": (receive(good, lane_id="L-B"), {"laneId": "L-B"}),
        "WAREHOUSE_MISMATCH": (
            receive(good, lane_id="L-F"),
            {"resource": "L-F", "warehouseId": "WH-02", "requiredWarehouseId": "WH-01"},
        ),
        "LANE_FULL": (
            receive(good, ("C-3", "A", 1), ("C-4", "A", 1), lane_id="L-1"),
            {"laneId": "L-1", "capacity": "3", "occupied": "1"},
        ),
        "CARRIER_ALREADY_EXISTS": (receive(good, ("C-1", "A", 1), lane_id="L-1"), {"carrierId": "C-1"}),
    }
    for reason, (request, metadata) in cases.items():
        failure = await refused(sql, api.storage.ReceiveCarriers(request))
        assert (failure.reason, failure.metadata) == (reason, metadata)
    twice = receive(good, good, lane_id="L-1")
    failure = await refused(sql, api.storage.ReceiveCarriers(twice))
    assert (failure.reason, failure.metadata) == ("CARRIER_ALREADY_EXISTS", {"carrierId": "C-2"})
    await api.storage.ReceiveCarriers(receive(good, ("C-3", "A", 1), lane_id="L-1"))
    assert await breaches(sql) == []


async def test_a_carrier_holds_one_to_a_million_units(api: Api, sql: Sql) -> None:
    """Anything else is a fault of that carrier."""
    await api.storage.PutLane(put_lane("L-1"))
    for quantity in [0, -1, 1_000_001]:
        request = receive(("C-1", "A", 1), ("C-2", "A", quantity), lane_id="L-1")
        failure = await refused(sql, api.storage.ReceiveCarriers(request))
        assert list(failure.violations) == ["carriers[1].quantity"]


# Carriers and stock


async def test_a_carrier_is_held_and_set_free(api: Api, sql: Sql) -> None:
    """Its stock is on hold meanwhile; the status it has already changes nothing; changes are audited."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 5), lane_id="L-1"), metadata=ACTOR)
    request = storage_pb2.SetCarrierStatusRequest(carrier_id="C-1", status=ON_HOLD, reason="damp")
    carrier = (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier
    assert (carrier.status, carrier.status_reason) == (ON_HOLD, "damp")
    assert (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier == carrier
    (held,) = (await api.storage.GetStock(storage_pb2.GetStockRequest(sku="A"))).stock
    assert (held.on_hand, held.allocated, held.available, held.on_hold) == (5, 0, 0, 5)
    request.status = AVAILABLE
    assert (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier.status == AVAILABLE
    changes = [entry for entry in await audited(sql) if entry[0] == "carrier.status"]
    assert [entry[2]["to"] for entry in changes] == ["on_hold", "available"]
    request.carrier_id = "gone"
    failure = await refused(sql, api.storage.SetCarrierStatus(request))
    assert (failure.reason, failure.metadata) == ("CARRIER_NOT_FOUND", {"carrierId": "gone"})


async def test_carriers_are_listed_by_filter_and_in_pages(
    api: Api, site: Site, fulfillment: Fulfillment
) -> None:
    """By warehouse, SKU, lane, destination, status and place; those that left only when asked for."""
    await site.open(lanes=("L-1", "L-2"))
    await site.lane("L-3", warehouse_id="WH-02")
    await site.stock(("C-1", "SKU-001", 2), lane_id="L-1")
    await site.stock(("C-2", "A", 2), lane_id="L-2")
    await site.stock(("C-3", "A", 2), lane_id="L-2", status=ON_HOLD)
    await site.stock(("C-4", "A", 2), lane_id="L-3", warehouse_id="WH-02")
    await site.order()
    await fulfillment.deliver(api)

    async def listed(**filters: object) -> list[str]:
        request = storage_pb2.ListCarriersRequest(**filters)  # type: ignore[arg-type]
        return [carrier.carrier_id for carrier in (await api.storage.ListCarriers(request)).carriers]

    assert await listed() == ["C-2", "C-3", "C-4"]
    assert await listed(locations=[storage_pb2.CARRIER_LOCATION_LEFT]) == ["C-1"]
    assert await listed(sku="A", warehouse_id="WH-01") == ["C-2", "C-3"]
    assert await listed(lane_id="L-3") == ["C-4"]
    assert await listed(statuses=[ON_HOLD]) == ["C-3"]
    assert await listed(destination_id="PACK-1") == []
    first = await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(page_size=2))
    page = storage_pb2.ListCarriersRequest(page_size=2, page_token=first.next_page_token)
    second = await api.storage.ListCarriers(page)
    assert [one.carrier_id for one in (*first.carriers, *second.carriers)] == ["C-2", "C-3", "C-4"]
    assert not second.next_page_token


async def test_stock_adds_up(api: Api, site: Site, fulfillment: Fulfillment) -> None:
    """On hand is allocated, available and on hold together, by warehouse and SKU."""
    await site.open()
    await site.lane("FAR", warehouse_id="WH-02")
    await site.stock(("C-1", "SKU-001", 5), ("C-2", "B", 7))
    await site.stock(("C-3", "SKU-001", 4), status=ON_HOLD)
    await site.stock(("C-4", "B", 1), lane_id="FAR", warehouse_id="WH-02")
    await site.order(("SKU-001", 3))
    await fulfillment.run()

    async def stock(**filters: object) -> list[tuple[str, str, int, int, int, int]]:
        answer = await api.storage.GetStock(storage_pb2.GetStockRequest(**filters))  # type: ignore[arg-type]
        return [
            (one.warehouse_id, one.sku, one.on_hand, one.allocated, one.available, one.on_hold)
            for one in answer.stock
        ]

    b, sku = ("WH-01", "B", 7, 0, 7, 0), ("WH-01", "SKU-001", 9, 3, 2, 4)
    far = ("WH-02", "B", 1, 0, 1, 0)
    assert await stock() == [b, sku, far]
    assert await stock(sku="B") == [b, far]
    assert await stock(warehouse_id="WH-01") == [b, sku]
    assert await stock(sku="gone") == []
    request = storage_pb2.GetStockRequest(page_size=1)
    seen = []
    for _ in range(3):
        answer = await api.storage.GetStock(request)
        seen += [(one.warehouse_id, one.sku) for one in answer.stock]
        request.page_token = answer.next_page_token
    assert (seen, request.page_token) == ([b[:2], sku[:2], far[:2]], "")


# Moves


async def requested(site: Site, fulfillment: Fulfillment, count: int = 1) -> None:
    """Have the worker ask for that many carriers, one for each order and each the head of its lane."""
    await site.open(lanes=[f"LANE-{number}" for number in range(1, count + 1)])
    for number in range(count):
        await site.stock((f"C-{number}", "SKU-001", 2), lane_id=f"LANE-{number + 1}")
    await site.orders(count)
    await fulfillment.run()


async def test_a_claimed_move_says_all_that_is_to_be_done(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Carrier, SKU, quantity, from where to where and until when; claiming it is audited."""
    await requested(site, fulfillment)
    request = storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=10, claimed_by="crane")
    (move,) = (await site.api.storage.ClaimMoves(request, metadata=ACTOR)).moves
    assert (move.carrier_id, move.sku, move.quantity) == ("C-0", "SKU-001", 2)
    assert (move.kind, move.status) == (storage_pb2.MOVE_KIND_RETRIEVE, storage_pb2.MOVE_STATUS_CLAIMED)
    assert (move.from_lane_id, move.to_lane_id, move.destination_id) == ("LANE-1", "", "PACK-1")
    assert (move.claimed_by, move.warehouse_id) == ("crane", "WH-01")
    assert move.deadline_at.seconds > move.claimed_at.seconds >= move.requested_at.seconds
    assert not move.HasField("finished_at")
    assert not (await site.api.storage.ClaimMoves(request)).moves
    rows = await sql.fetch("SELECT actor, subject, detail FROM audit WHERE action = 'move.claimed'")
    assert [(row["actor"], row["subject"]) for row in rows] == [("crane-9", f"move/{move.move_id}")]
    assert json.loads(rows[0]["detail"]) == {"carrierId": "C-0", "claimedBy": "crane"}


async def test_a_claim_takes_no_more_than_asked_the_oldest_first(
    site: Site, fulfillment: Fulfillment
) -> None:
    """The rest stays for the next claim."""
    await requested(site, fulfillment, count=3)
    first = await site.claim(limit=2)
    second = await site.claim(limit=2)
    assert (len(first), len(second)) == (2, 1)
    assert len({move.move_id for move in (*first, *second)}) == 3


async def test_a_move_is_completed_once(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """The carrier is at its destination; a second report is answered as it is and audited no more."""
    await requested(site, fulfillment)
    (claimed,) = await site.claim()
    request = storage_pb2.CompleteMoveRequest(move_id=claimed.move_id)
    done = (await site.api.storage.CompleteMove(request, metadata=ACTOR)).move
    assert done.status == storage_pb2.MOVE_STATUS_COMPLETED
    assert done.HasField("finished_at")
    assert (await site.api.storage.CompleteMove(request, metadata=ACTOR)).move == done
    assert await site.location("C-0") == "AT_DESTINATION"
    rows = await sql.fetch("SELECT actor, subject FROM audit WHERE action = 'move.completed'")
    assert [tuple(row) for row in rows] == [("crane-9", f"move/{claimed.move_id}")]


async def test_a_move_fails_once(site: Site, fulfillment: Fulfillment, sql: Sql) -> None:
    """The carrier is where it was, to be inspected; a second report is answered as it is."""
    await requested(site, fulfillment)
    (claimed,) = await site.claim()
    request = storage_pb2.FailMoveRequest(move_id=claimed.move_id, reason="jammed")
    failed = (await site.api.storage.FailMove(request, metadata=ACTOR)).move
    assert (failed.status, failed.failure_reason) == (storage_pb2.MOVE_STATUS_FAILED, "jammed")
    request.reason = "again"
    assert (await site.api.storage.FailMove(request, metadata=ACTOR)).move == failed
    carrier = await site.carrier("C-0")
    assert (carrier.lane_id, carrier.status) == ("LANE-1", storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED)
    rows = await sql.fetch("SELECT actor, detail FROM audit WHERE action = 'move.failed'")
    assert [(row["actor"], json.loads(row["detail"])["reason"]) for row in rows] == [("crane-9", "jammed")]


async def test_reports_of_moves_that_are_not_claimed_or_over_are_refused(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Unknown, unclaimed, claimed by another, failed, completed, cancelled: each by its own error."""
    await requested(site, fulfillment, count=4)
    complete, fail = site.api.storage.CompleteMove, site.api.storage.FailMove
    unclaimed = await sql.fetchval("SELECT move_id FROM moves ORDER BY requested_at, move_id DESC LIMIT 1")
    one, two, three = await site.claim(limit=3)
    await complete(storage_pb2.CompleteMoveRequest(move_id=one.move_id))
    await fail(storage_pb2.FailMoveRequest(move_id=two.move_id, reason="jam"))

    async def both(move_id: str, claimed_by: str = "") -> list[Failure]:
        return [
            await refused(sql, call)
            for call in (
                complete(storage_pb2.CompleteMoveRequest(move_id=move_id, claimed_by=claimed_by)),
                fail(storage_pb2.FailMoveRequest(move_id=move_id, claimed_by=claimed_by, reason="x")),
            )
        ]

    for failure in await both("gone"):
        assert (failure.reason, failure.metadata) == ("MOVE_NOT_FOUND", {"moveId": "gone"})
    for failure in await both(three.move_id, "somebody else"):
        assert failure.reason == "MOVE_CLAIMED_BY_OTHER"
        assert failure.metadata == {"moveId": three.move_id, "claimedBy": "wcs-test"}
    for failure in await both(unclaimed):
        assert failure.reason == "MOVE_STATUS_CONFLICT"
        assert failure.metadata == {
            "moveId": unclaimed,
            "status": "requested",
            "requiredStatuses": "claimed",
        }
    completed = await refused(sql, fail(storage_pb2.FailMoveRequest(move_id=one.move_id, reason="x")))
    assert (completed.reason, completed.metadata["status"]) == ("MOVE_STATUS_CONFLICT", "completed")
    failed = await refused(sql, complete(storage_pb2.CompleteMoveRequest(move_id=two.move_id)))
    assert (failed.reason, failed.metadata["status"]) == ("MOVE_STATUS_CONFLICT", "failed")


async def test_a_batch_of_reports_gives_each_its_own_result(site: Site, fulfillment: Fulfillment) -> None:
    """In the order of the request; a bad one does not hurt the others."""
    await requested(site, fulfillment, count=2)
    one, two = await site.claim()
    request = storage_pb2.BatchCompleteMovesRequest(move_ids=[two.move_id, "gone", one.move_id])
    answer = await site.api.storage.BatchCompleteMoves(request)
    assert answer.results[0].move.move_id == two.move_id
    assert answer.results[2].move.move_id == one.move_id
    failure = failure_of(answer.results[1].status)
    assert (failure.reason, failure.metadata) == ("MOVE_NOT_FOUND", {"moveId": "gone"})
    assert await site.location("C-0") == await site.location("C-1") == "AT_DESTINATION"


async def test_a_carrier_that_left_has_no_status_to_change(
    site: Site, fulfillment: Fulfillment, sql: Sql
) -> None:
    """It is empty and gone; its id is not given to another."""
    await requested(site, fulfillment)
    await fulfillment.deliver(site.api)
    request = storage_pb2.SetCarrierStatusRequest(carrier_id="C-0", status=ON_HOLD)
    failure = await refused(sql, site.api.storage.SetCarrierStatus(request))
    assert (failure.reason, failure.metadata) == ("CARRIER_LEFT", {"carrierId": "C-0"})
    again = await refused(sql, site.api.storage.ReceiveCarriers(receive(("C-0", "A", 1))))
    assert again.reason == "CARRIER_ALREADY_EXISTS"
