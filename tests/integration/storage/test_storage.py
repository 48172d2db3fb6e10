"""StorageService over gRPC: lanes, destinations, carriers, stock, moves and their audit records."""

import json
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.requests import put_destination, put_lane, receive
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import CallFailure, expect_failure, parse_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection, find_violations
from tests.support.invariants.tables import count_table_rows
from wms.orders.v1 import storage_pb2

pytestmark = pytest.mark.also_over_http

OPEN, BLOCKED = storage_pb2.LANE_STATUS_OPEN, storage_pb2.LANE_STATUS_BLOCKED
ON_HOLD = storage_pb2.CARRIER_STATUS_ON_HOLD
AVAILABLE = storage_pb2.CARRIER_STATUS_AVAILABLE
ACTOR = (("x-wms-actor", "crane-9"), ("x-wms-correlation-id", "corr-1"))


async def list_audit_records(sql: SqlConnection) -> list[tuple[str, str, dict[str, object]]]:
    """Return action, subject and detail of the audit records, and check their actor and correlation id."""
    rows = await sql.fetch("SELECT * FROM audit_trail WHERE subject NOT LIKE 'order/%' ORDER BY at, subject")
    assert {(row["actor"], row["correlation_id"]) for row in rows} <= {("crane-9", "corr-1")}
    return [(row["action"], row["subject"], json.loads(row["detail"])) for row in rows]


async def expect_rejection(sql: SqlConnection, call: object) -> CallFailure:
    """Return the failure of a call that must fail and write no rows."""
    before = await count_table_rows(sql)
    failure = await expect_failure(call)  # type: ignore[arg-type]
    assert await count_table_rows(sql) == before
    return failure


async def list_lane_ids(api: Api, **filters: object) -> list[str]:
    """Return the ids of the lanes that match the filters."""
    request = storage_pb2.ListLanesRequest(**filters)  # type: ignore[arg-type]
    return [lane.lane_id for lane in (await api.storage.ListLanes(request)).lanes]


# Lanes


async def test_a_lane_is_created_and_changed(api: Api, sql: SqlConnection) -> None:
    """A new lane is open and empty. A second call changes zone and capacity. Both calls are audited."""
    created = (await api.storage.PutLane(put_lane("L-1", capacity=3), metadata=ACTOR)).lane
    assert (created.lane_id, created.warehouse_id, created.zone) == ("L-1", "WH-01", "A")
    assert (created.capacity, created.occupied, created.status) == (3, 0, OPEN)
    changed = (await api.storage.PutLane(put_lane("L-1", capacity=5, zone="B"), metadata=ACTOR)).lane
    assert (changed.capacity, changed.zone, changed.created_at) == (5, "B", created.created_at)
    listed = (await api.storage.ListLanes(storage_pb2.ListLanesRequest())).lanes
    assert list(listed) == [changed]
    assert await list_audit_records(sql) == [
        ("lane.put", "lane/L-1", {"zone": "A", "capacity": 3, "status": "open"}),
        ("lane.put", "lane/L-1", {"zone": "B", "capacity": 5, "status": "open"}),
    ]


async def test_the_first_lane_or_destination_creates_the_warehouse(api: Api) -> None:
    """Calls for the warehouse fail until then."""
    claim = storage_pb2.ClaimMovesRequest(warehouse_id="WH-05", max=1, claimed_by="me")
    failure = await expect_failure(api.storage.ClaimMoves(claim))
    assert (failure.reason, failure.metadata) == ("WAREHOUSE_NOT_FOUND", {"warehouseId": "WH-05"})
    await api.storage.PutLane(put_lane("L-1", warehouse_id="WH-05"))
    assert not (await api.storage.ClaimMoves(claim)).moves
    await api.storage.PutDestination(put_destination("P-1", warehouse_id="WH-06"))
    claim.warehouse_id = "WH-06"
    assert not (await api.storage.ClaimMoves(claim)).moves


async def test_a_lane_keeps_its_status_unless_a_call_sets_it(api: Api) -> None:
    """PutLane without a status leaves a blocked lane blocked; with a status it changes it."""
    lane = (await api.storage.PutLane(put_lane("L-1", status=BLOCKED))).lane
    assert lane.status == BLOCKED
    assert (await api.storage.PutLane(put_lane("L-1", capacity=4))).lane.status == BLOCKED
    assert (await api.storage.PutLane(put_lane("L-1", status=OPEN))).lane.status == OPEN


async def test_the_capacity_of_a_lane_is_not_reduced_below_its_carriers(api: Api, sql: SqlConnection) -> None:
    """The error has their number. A capacity of exactly this number is allowed."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 1), ("C-2", "A", 1), lane_id="L-1"))
    failure = await expect_rejection(sql, api.storage.PutLane(put_lane("L-1", capacity=1)))
    assert failure.reason == "LANE_FULL"
    assert failure.metadata == {"laneId": "L-1", "capacity": "1", "occupied": "2"}
    assert (await api.storage.PutLane(put_lane("L-1", capacity=2))).lane.occupied == 2


async def test_lanes_and_destinations_cannot_change_their_warehouse(api: Api, sql: SqlConnection) -> None:
    """The error has both warehouses, and the call does not create the other one."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.PutDestination(put_destination("P-1"))
    for name, call in (
        ("L-1", api.storage.PutLane(put_lane("L-1", warehouse_id="WH-02"))),
        ("P-1", api.storage.PutDestination(put_destination("P-1", warehouse_id="WH-02"))),
    ):
        failure = await expect_rejection(sql, call)
        assert failure.reason == "WAREHOUSE_MISMATCH"
        assert failure.metadata == {
            "resource": name,
            "warehouseId": "WH-01",
            "requiredWarehouseId": "WH-02",
        }


async def test_a_lane_is_blocked_and_opened(api: Api, sql: SqlConnection) -> None:
    """Setting the current status changes nothing. Each change is audited with its reason."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    request = storage_pb2.SetLaneStatusRequest(lane_id="L-1", status=BLOCKED, reason="leak")
    lane = (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane
    assert lane.status == BLOCKED
    assert (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane == lane
    request.status, request.reason = OPEN, ""
    assert (await api.storage.SetLaneStatus(request, metadata=ACTOR)).lane.status == OPEN
    changes = [entry for entry in await list_audit_records(sql) if entry[0] == "lane.status"]
    assert changes == [
        ("lane.status", "lane/L-1", {"from": "open", "to": "blocked", "reason": "leak"}),
        ("lane.status", "lane/L-1", {"from": "blocked", "to": "open", "reason": ""}),
    ]
    request.lane_id = "gone"
    failure = await expect_rejection(sql, api.storage.SetLaneStatus(request))
    assert (failure.reason, failure.metadata) == ("LANE_NOT_FOUND", {"laneId": "gone"})


async def test_lanes_are_listed_by_filter_and_in_pages(api: Api) -> None:
    """By warehouse, zone and status. Pages of one entry contain the same lanes as one page."""
    await api.storage.PutLane(put_lane("L-1"))
    await api.storage.PutLane(put_lane("L-2", zone="B", status=BLOCKED))
    await api.storage.PutLane(put_lane("L-3", warehouse_id="WH-02"))
    assert await list_lane_ids(api) == ["L-1", "L-2", "L-3"]
    assert await list_lane_ids(api, warehouse_id="WH-01") == ["L-1", "L-2"]
    assert await list_lane_ids(api, zone="A") == ["L-1", "L-3"]
    assert await list_lane_ids(api, statuses=[BLOCKED]) == ["L-2"]
    request = storage_pb2.ListLanesRequest(page_size=1)
    lane_ids = []
    for _ in range(3):
        response = await api.storage.ListLanes(request)
        lane_ids += [lane.lane_id for lane in response.lanes]
        request.page_token = response.next_page_token
    assert (lane_ids, request.page_token) == (["L-1", "L-2", "L-3"], "")


# Destinations


async def test_a_destination_is_created_and_changed(api: Api, sql: SqlConnection) -> None:
    """The zones keep their order. Changes are audited."""
    request = put_destination("P-1", zones=["B", "A"], queue_capacity=3, paused=True)
    created = (await api.storage.PutDestination(request, metadata=ACTOR)).destination
    assert (created.destination_id, created.warehouse_id, list(created.zones)) == ("P-1", "WH-01", ["B", "A"])
    assert (created.queue_capacity, created.paused, created.in_queue) == (3, True, 0)
    changed = (await api.storage.PutDestination(put_destination("P-1"), metadata=ACTOR)).destination
    assert (changed.paused, list(changed.zones), changed.created_at) == (False, ["A"], created.created_at)
    await api.storage.PutDestination(put_destination("P-2", warehouse_id="WH-02"), metadata=ACTOR)
    listed = await api.storage.ListDestinations(storage_pb2.ListDestinationsRequest(warehouse_id="WH-01"))
    assert list(listed.destinations) == [changed]
    page = storage_pb2.ListDestinationsRequest(page_size=1)
    first = await api.storage.ListDestinations(page)
    page.page_token = first.next_page_token
    second = await api.storage.ListDestinations(page)
    assert [destination.destination_id for destination in (*first.destinations, *second.destinations)] == [
        "P-1",
        "P-2",
    ]
    entries = await list_audit_records(sql)
    assert [entry[:2] for entry in entries] == [
        ("destination.put", "destination/P-1"),
        ("destination.put", "destination/P-1"),
        ("destination.put", "destination/P-2"),
    ]
    assert entries[0][2] == {"queueCapacity": 3, "zones": ["B", "A"], "paused": True}


# ReceiveCarriers


async def test_carriers_are_in_their_lane_in_the_order_received(api: Api, sql: SqlConnection) -> None:
    """At its end, independent of their ids, available for allocation, and audited."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    stored = await api.storage.ReceiveCarriers(
        receive(("C-9", "A", 5), ("C-1", "B", 1_000_000), lane_id="L-1"), metadata=ACTOR
    )
    await api.storage.ReceiveCarriers(receive(("C-5", "A", 1), lane_id="L-1"), metadata=ACTOR)
    assert [carrier.carrier_id for carrier in stored.carriers] == ["C-9", "C-1"]
    response = await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(lane_id="L-1"))
    positions = {carrier.carrier_id: carrier.lane_position for carrier in response.carriers}
    assert positions == {"C-9": 1, "C-1": 2, "C-5": 3}
    first = stored.carriers[0]
    assert (first.sku, first.quantity, first.allocated_quantity) == ("A", 5, 0)
    assert (first.status, first.location) == (AVAILABLE, storage_pb2.CARRIER_LOCATION_IN_LANE)
    assert (first.lane_id, first.destination_id) == ("L-1", "")
    received = [entry for entry in await list_audit_records(sql) if entry[0] == "carrier.received"]
    assert received == [
        ("carrier.received", "carrier/C-1", {"sku": "B", "quantity": 1_000_000, "laneId": "L-1"}),
        ("carrier.received", "carrier/C-9", {"sku": "A", "quantity": 5, "laneId": "L-1"}),
        ("carrier.received", "carrier/C-5", {"sku": "A", "quantity": 1, "laneId": "L-1"}),
    ]


async def test_a_carrier_may_be_older_than_its_receipt_and_on_hold(api: Api) -> None:
    """Its times and status are stored as given. `updated_at` is now."""
    await api.storage.PutLane(put_lane("L-1"))
    times: dict[str, Any] = {"produced_at": Timestamp(seconds=1_000), "received_at": Timestamp(seconds=2_000)}
    request = receive(("C-1", "A", 5), lane_id="L-1", status=ON_HOLD, **times)
    (carrier,) = (await api.storage.ReceiveCarriers(request)).carriers
    assert (carrier.produced_at, carrier.received_at) == (times["produced_at"], times["received_at"])
    assert carrier.status == ON_HOLD
    assert carrier.updated_at.seconds > 1_700_000_000


async def test_receiving_is_all_or_nothing(api: Api, sql: SqlConnection) -> None:
    """If one carrier is invalid, no carrier is received. The error has the carrier and the reason."""
    await api.storage.PutLane(put_lane("L-1", capacity=3))
    await api.storage.PutLane(put_lane("L-B", status=BLOCKED))
    await api.storage.PutLane(put_lane("L-F", warehouse_id="WH-02"))
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 1), lane_id="L-1"))
    valid = ("C-2", "A", 1)
    cases: dict[str, tuple[storage_pb2.ReceiveCarriersRequest, dict[str, str]]] = {
        "WAREHOUSE_NOT_FOUND": (
            receive(valid, lane_id="L-1", warehouse_id="WH-77"),
            {"warehouseId": "WH-77"},
        ),
        "LANE_NOT_FOUND": (receive(valid, lane_id="gone"), {"laneId": "gone"}),
        "LANE_BLOCKED": (receive(valid, lane_id="L-B"), {"laneId": "L-B"}),
        "WAREHOUSE_MISMATCH": (
            receive(valid, lane_id="L-F"),
            {"resource": "L-F", "warehouseId": "WH-02", "requiredWarehouseId": "WH-01"},
        ),
        "LANE_FULL": (
            receive(valid, ("C-3", "A", 1), ("C-4", "A", 1), lane_id="L-1"),
            {"laneId": "L-1", "capacity": "3", "occupied": "1"},
        ),
        "CARRIER_ALREADY_EXISTS": (receive(valid, ("C-1", "A", 1), lane_id="L-1"), {"carrierId": "C-1"}),
    }
    for reason, (request, metadata) in cases.items():
        failure = await expect_rejection(sql, api.storage.ReceiveCarriers(request))
        assert (failure.reason, failure.metadata) == (reason, metadata)
    duplicates = receive(valid, valid, lane_id="L-1")
    failure = await expect_rejection(sql, api.storage.ReceiveCarriers(duplicates))
    assert (failure.reason, failure.metadata) == ("CARRIER_ALREADY_EXISTS", {"carrierId": "C-2"})
    await api.storage.ReceiveCarriers(receive(valid, ("C-3", "A", 1), lane_id="L-1"))
    assert await find_violations(sql) == []


async def test_a_carrier_holds_one_to_a_million_units(api: Api, sql: SqlConnection) -> None:
    """Any other number is a field violation of that carrier."""
    await api.storage.PutLane(put_lane("L-1"))
    for quantity in [0, -1, 1_000_001]:
        request = receive(("C-1", "A", 1), ("C-2", "A", quantity), lane_id="L-1")
        failure = await expect_rejection(sql, api.storage.ReceiveCarriers(request))
        assert list(failure.violations_by_field) == ["carriers[1].quantity"]


# Carriers and stock


async def test_a_carrier_is_put_on_hold_and_released(api: Api, sql: SqlConnection) -> None:
    """Its units are on hold meanwhile. Setting the current status changes nothing. Changes are audited."""
    await api.storage.PutLane(put_lane("L-1"), metadata=ACTOR)
    await api.storage.ReceiveCarriers(receive(("C-1", "A", 5), lane_id="L-1"), metadata=ACTOR)
    request = storage_pb2.SetCarrierStatusRequest(carrier_id="C-1", status=ON_HOLD, reason="damp")
    carrier = (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier
    assert (carrier.status, carrier.status_reason) == (ON_HOLD, "damp")
    assert (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier == carrier
    (stock,) = (await api.storage.GetStock(storage_pb2.GetStockRequest(sku="A"))).stock
    assert (stock.on_hand, stock.allocated, stock.available, stock.on_hold) == (5, 0, 0, 5)
    request.status = AVAILABLE
    assert (await api.storage.SetCarrierStatus(request, metadata=ACTOR)).carrier.status == AVAILABLE
    changes = [entry for entry in await list_audit_records(sql) if entry[0] == "carrier.status"]
    assert [entry[2]["to"] for entry in changes] == ["on_hold", "available"]
    request.carrier_id = "gone"
    failure = await expect_rejection(sql, api.storage.SetCarrierStatus(request))
    assert (failure.reason, failure.metadata) == ("CARRIER_NOT_FOUND", {"carrierId": "gone"})


async def test_carriers_are_listed_by_filter_and_in_pages(
    api: Api, site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """By warehouse, SKU, lane, destination, status and location.

    Carriers that left are listed only on request.
    """
    await site.open(lanes=("L-1", "L-2"))
    await site.put_lane("L-3", warehouse_id="WH-02")
    await site.receive_carriers(("C-1", "SKU-001", 2), lane_id="L-1")
    await site.receive_carriers(("C-2", "A", 2), lane_id="L-2")
    await site.receive_carriers(("C-3", "A", 2), lane_id="L-2", status=ON_HOLD)
    await site.receive_carriers(("C-4", "A", 2), lane_id="L-3", warehouse_id="WH-02")
    await site.place_order()
    await fulfillment.deliver_all(api)

    async def list_ids(**filters: object) -> list[str]:
        request = storage_pb2.ListCarriersRequest(**filters)  # type: ignore[arg-type]
        return [carrier.carrier_id for carrier in (await api.storage.ListCarriers(request)).carriers]

    assert await list_ids() == ["C-2", "C-3", "C-4"]
    assert await list_ids(locations=[storage_pb2.CARRIER_LOCATION_LEFT]) == ["C-1"]
    assert await list_ids(sku="A", warehouse_id="WH-01") == ["C-2", "C-3"]
    assert await list_ids(lane_id="L-3") == ["C-4"]
    assert await list_ids(statuses=[ON_HOLD]) == ["C-3"]
    assert await list_ids(destination_id="PACK-1") == []
    first = await api.storage.ListCarriers(storage_pb2.ListCarriersRequest(page_size=2))
    page = storage_pb2.ListCarriersRequest(page_size=2, page_token=first.next_page_token)
    second = await api.storage.ListCarriers(page)
    assert [carrier.carrier_id for carrier in (*first.carriers, *second.carriers)] == ["C-2", "C-3", "C-4"]
    assert not second.next_page_token


async def test_stock_on_hand_is_the_sum_of_its_parts(
    api: Api, site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """On hand = allocated + available + on hold, by warehouse and SKU."""
    await site.open()
    await site.put_lane("FAR", warehouse_id="WH-02")
    await site.receive_carriers(("C-1", "SKU-001", 5), ("C-2", "B", 7))
    await site.receive_carriers(("C-3", "SKU-001", 4), status=ON_HOLD)
    await site.receive_carriers(("C-4", "B", 1), lane_id="FAR", warehouse_id="WH-02")
    await site.place_order(("SKU-001", 3))
    await fulfillment.run()

    async def stock(**filters: object) -> list[tuple[str, str, int, int, int, int]]:
        response = await api.storage.GetStock(storage_pb2.GetStockRequest(**filters))  # type: ignore[arg-type]
        return [
            (entry.warehouse_id, entry.sku, entry.on_hand, entry.allocated, entry.available, entry.on_hold)
            for entry in response.stock
        ]

    b, sku = ("WH-01", "B", 7, 0, 7, 0), ("WH-01", "SKU-001", 9, 3, 2, 4)
    far = ("WH-02", "B", 1, 0, 1, 0)
    assert await stock() == [b, sku, far]
    assert await stock(sku="B") == [b, far]
    assert await stock(warehouse_id="WH-01") == [b, sku]
    assert await stock(sku="gone") == []
    request = storage_pb2.GetStockRequest(page_size=1)
    keys = []
    for _ in range(3):
        response = await api.storage.GetStock(request)
        keys += [(entry.warehouse_id, entry.sku) for entry in response.stock]
        request.page_token = response.next_page_token
    assert (keys, request.page_token) == ([b[:2], sku[:2], far[:2]], "")


# Moves


async def request_moves(site: WarehouseDriver, fulfillment: Fulfillment, count: int = 1) -> None:
    """Prepare and run a cycle that requests `count` moves, one for each order, each of the head of a lane."""
    await site.open(lanes=[f"LANE-{number}" for number in range(1, count + 1)])
    for number in range(count):
        await site.receive_carriers((f"C-{number}", "SKU-001", 2), lane_id=f"LANE-{number + 1}")
    await site.place_orders(count)
    await fulfillment.run()


async def test_a_claimed_move_has_all_details(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Carrier, SKU, quantity, origin, destination and deadline. Claiming is audited."""
    await request_moves(site, fulfillment)
    request = storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=10, claimed_by="crane")
    (move,) = (await site.api.storage.ClaimMoves(request, metadata=ACTOR)).moves
    assert (move.carrier_id, move.sku, move.quantity) == ("C-0", "SKU-001", 2)
    assert (move.kind, move.status) == (storage_pb2.MOVE_KIND_RETRIEVE, storage_pb2.MOVE_STATUS_CLAIMED)
    assert (move.from_lane_id, move.to_lane_id, move.destination_id) == ("LANE-1", "", "PACK-1")
    assert (move.claimed_by, move.warehouse_id) == ("crane", "WH-01")
    assert move.deadline_at.seconds > move.claimed_at.seconds >= move.requested_at.seconds
    assert not move.HasField("finished_at")
    assert not (await site.api.storage.ClaimMoves(request)).moves
    rows = await sql.fetch("SELECT actor, subject, detail FROM audit_trail WHERE action = 'move.claimed'")
    assert [(row["actor"], row["subject"]) for row in rows] == [("crane-9", f"move/{move.move_id}")]
    assert json.loads(rows[0]["detail"]) == {"carrierId": "C-0", "claimedBy": "crane"}


async def test_a_claim_returns_the_oldest_moves_up_to_its_limit(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """The next claim returns the rest."""
    await request_moves(site, fulfillment, count=3)
    first = await site.claim_moves(limit=2)
    second = await site.claim_moves(limit=2)
    assert (len(first), len(second)) == (2, 1)
    assert len({move.move_id for move in (*first, *second)}) == 3


async def test_a_move_is_completed_once(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The carrier is at its destination. A second report returns the same move and is not audited."""
    await request_moves(site, fulfillment)
    (claimed,) = await site.claim_moves()
    request = storage_pb2.CompleteMoveRequest(move_id=claimed.move_id)
    completed = (await site.api.storage.CompleteMove(request, metadata=ACTOR)).move
    assert completed.status == storage_pb2.MOVE_STATUS_COMPLETED
    assert completed.HasField("finished_at")
    assert (await site.api.storage.CompleteMove(request, metadata=ACTOR)).move == completed
    assert await site.get_location("C-0") == "AT_DESTINATION"
    rows = await sql.fetch("SELECT actor, subject FROM audit_trail WHERE action = 'move.completed'")
    assert [tuple(row) for row in rows] == [("crane-9", f"move/{claimed.move_id}")]


async def test_a_move_fails_once(site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection) -> None:
    """The carrier stays in its lane and requires inspection. A second report returns the same move."""
    await request_moves(site, fulfillment)
    (claimed,) = await site.claim_moves()
    request = storage_pb2.FailMoveRequest(move_id=claimed.move_id, reason="jammed")
    failed = (await site.api.storage.FailMove(request, metadata=ACTOR)).move
    assert (failed.status, failed.failure_reason) == (storage_pb2.MOVE_STATUS_FAILED, "jammed")
    request.reason = "again"
    assert (await site.api.storage.FailMove(request, metadata=ACTOR)).move == failed
    carrier = await site.get_carrier("C-0")
    assert (carrier.lane_id, carrier.status) == ("LANE-1", storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED)
    rows = await sql.fetch("SELECT actor, detail FROM audit_trail WHERE action = 'move.failed'")
    assert [(row["actor"], json.loads(row["detail"])["reason"]) for row in rows] == [("crane-9", "jammed")]


async def test_reports_of_unclaimed_or_finished_moves_are_rejected(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Unknown, unclaimed, claimed by another caller, failed, completed: each has its own error."""
    await request_moves(site, fulfillment, count=4)
    complete, fail = site.api.storage.CompleteMove, site.api.storage.FailMove
    unclaimed = await sql.fetchval("SELECT move_id FROM moves ORDER BY requested_at, move_id DESC LIMIT 1")
    completed_move, failed_move, claimed_move = await site.claim_moves(limit=3)
    await complete(storage_pb2.CompleteMoveRequest(move_id=completed_move.move_id))
    await fail(storage_pb2.FailMoveRequest(move_id=failed_move.move_id, reason="jam"))

    async def report_both(move_id: str, claimed_by: str = "") -> list[CallFailure]:
        return [
            await expect_rejection(sql, call)
            for call in (
                complete(storage_pb2.CompleteMoveRequest(move_id=move_id, claimed_by=claimed_by)),
                fail(storage_pb2.FailMoveRequest(move_id=move_id, claimed_by=claimed_by, reason="x")),
            )
        ]

    for failure in await report_both("gone"):
        assert (failure.reason, failure.metadata) == ("MOVE_NOT_FOUND", {"moveId": "gone"})
    for failure in await report_both(claimed_move.move_id, "another caller"):
        assert failure.reason == "MOVE_CLAIMED_BY_OTHER"
        assert failure.metadata == {"moveId": claimed_move.move_id, "claimedBy": "wcs-test"}
    for failure in await report_both(unclaimed):
        assert failure.reason == "MOVE_STATUS_CONFLICT"
        assert failure.metadata == {
            "moveId": unclaimed,
            "status": "requested",
            "requiredStatuses": "claimed",
        }
    completed = await expect_rejection(
        sql, fail(storage_pb2.FailMoveRequest(move_id=completed_move.move_id, reason="x"))
    )
    assert (completed.reason, completed.metadata["status"]) == ("MOVE_STATUS_CONFLICT", "completed")
    failed = await expect_rejection(
        sql, complete(storage_pb2.CompleteMoveRequest(move_id=failed_move.move_id))
    )
    assert (failed.reason, failed.metadata["status"]) == ("MOVE_STATUS_CONFLICT", "failed")


async def test_each_report_of_a_batch_has_its_own_result(
    site: WarehouseDriver, fulfillment: Fulfillment
) -> None:
    """In the order of the request. An invalid report does not affect the others."""
    await request_moves(site, fulfillment, count=2)
    first, second = await site.claim_moves()
    request = storage_pb2.BatchCompleteMovesRequest(move_ids=[second.move_id, "gone", first.move_id])
    response = await site.api.storage.BatchCompleteMoves(request)
    assert response.results[0].move.move_id == second.move_id
    assert response.results[2].move.move_id == first.move_id
    failure = parse_failure(response.results[1].status)
    assert (failure.reason, failure.metadata) == ("MOVE_NOT_FOUND", {"moveId": "gone"})
    assert await site.get_location("C-0") == await site.get_location("C-1") == "AT_DESTINATION"


async def test_the_status_of_a_carrier_that_left_cannot_change(
    site: WarehouseDriver, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """It is empty and gone. Its id cannot be used again."""
    await request_moves(site, fulfillment)
    await fulfillment.deliver_all(site.api)
    request = storage_pb2.SetCarrierStatusRequest(carrier_id="C-0", status=ON_HOLD)
    failure = await expect_rejection(sql, site.api.storage.SetCarrierStatus(request))
    assert (failure.reason, failure.metadata) == ("CARRIER_LEFT", {"carrierId": "C-0"})
    reuse_failure = await expect_rejection(sql, site.api.storage.ReceiveCarriers(receive(("C-0", "A", 1))))
    assert reuse_failure.reason == "CARRIER_ALREADY_EXISTS"
