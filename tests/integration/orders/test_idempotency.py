"""Request ids over gRPC: a repeated request returns its stored response and changes nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.builders.fulfillment import Fulfillment
from tests.support.builders.orders import dead_letter_order, place_order, place_order_in_status, receive_stock
from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import expect_failure, parse_failure
from tests.support.clients.grpc_api import Api
from tests.support.invariants.database import SqlConnection
from tests.support.invariants.tables import count_table_rows
from tests.support.processes.relays import park_first_events
from tests.support.pytest_helpers import WITH_AND_WITHOUT_BATCHING
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    fulfillment_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.named_queries import query

pytestmark = [*WITH_AND_WITHOUT_BATCHING, pytest.mark.also_over_http]

_S = OrderStatus
_WAVE = "WAVE-2024-00001"


async def build_requests(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Return the method, a valid request and different content for every changing rpc."""
    await receive_stock(api)
    warehouse = WarehouseDriver(api)
    shipped = await place_order_in_status(api, fulfillment, _S.SHIPPED, "I-SHIPPED")
    packing = await place_order_in_status(api, fulfillment, _S.PACKING, "I-PACKING")
    short = await place_order_in_status(api, fulfillment, _S.PACKING, "I-SHORT")
    await warehouse.receive_carriers(("I-SCARCE", "SCARCE", 3))
    await warehouse.place_order(("SCARCE", 5), order_id="I-OWED")
    await fulfillment.deliver_all(api)
    (backorder,) = (await api.storage.ListBackorders(storage_pb2.ListBackordersRequest())).backorders
    for number in (1, 2, 3):
        await warehouse.put_lane(f"L-{number}")
        await warehouse.receive_carriers((f"I-{number}", f"SKU-{number}", 1), lane_id=f"L-{number}")
        await warehouse.place_order((f"SKU-{number}", 1), order_id=f"I-M{number}")
    await fulfillment.run()
    first_move, second_move, third_move = await warehouse.claim_moves(limit=3)
    await warehouse.place_order(("SKU-001", 1), order_id="I-CLAIMED")
    await warehouse.put_lane("FREE")
    await fulfillment.run()
    validated = await place_order_in_status(api, fulfillment, _S.VALIDATED, "I-VALIDATED")
    dead_lettered, failed = (
        await place_order(api),
        await place_order_in_status(api, fulfillment, _S.PENDING_RETRY),
    )
    await dead_letter_order(api, dead_lettered.order_id)
    order_ids = [(await place_order(api)).order_id for _ in range(5)]
    (parked_event_id,) = await park_first_events(sql, order_ids[4])
    orders, reprocessing, dead_letters, storage = api.orders, api.reprocessing, api.dead_letters, api.storage
    control = api.fulfillment
    return {
        "CreateOrder": (orders.CreateOrder, create_order(), {"customer_id": "other"}),
        "BatchCreateOrders": (
            orders.BatchCreateOrders,
            orders_pb2.BatchCreateOrdersRequest(requests=[create_order(), create_order(customer_id="")]),
            {"requests": [create_order()]},
        ),
        "UpdateOrder": (
            orders.UpdateOrder,
            orders_pb2.UpdateOrderRequest(order_id=order_ids[0], order=order_pb2.Order(items=[item("B", 1)])),
            {"order_id": order_ids[1]},
        ),
        "ValidateOrder": (
            orders.ValidateOrder,
            orders_pb2.ValidateOrderRequest(order_id=order_ids[1]),
            {"order_id": order_ids[0]},
        ),
        "CancelOrder": (
            orders.CancelOrder,
            orders_pb2.CancelOrderRequest(order_id=order_ids[2], reason="r"),
            {"reason": "s"},
        ),
        "ShipOrder": (
            orders.ShipOrder,
            orders_pb2.ShipOrderRequest(order_id=packing.order_id, carrier_code="U", tracking_number="1"),
            {"tracking_number": "2"},
        ),
        "CompleteOrder": (
            orders.CompleteOrder,
            orders_pb2.CompleteOrderRequest(order_id=shipped.order_id),
            {"order_id": packing.order_id},
        ),
        "AssignOrdersToWave": (
            orders.AssignOrdersToWave,
            orders_pb2.AssignOrdersToWaveRequest(order_ids=[validated.order_id], destination_id="PACK-1"),
            {"wave_id": _WAVE},
        ),
        "IncrementRetryCount": (
            reprocessing.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(order_id=order_ids[3], failure_reason="r"),
            {"failure_reason": "s"},
        ),
        "ResetOrder": (
            reprocessing.ResetOrder,
            reprocessing_pb2.ResetOrderRequest(order_id=failed.order_id),
            {"order_id": order_ids[3]},
        ),
        "MoveToDeadLetterQueue": (
            reprocessing.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=order_ids[4], failure_reason="r"),
            {"failure_reason": "s"},
        ),
        "ResolveDeadLetterEntry": (
            dead_letters.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id=dead_lettered.order_id,
                resolution=dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
                resolved_by="S",
            ),
            {"notes": "n"},
        ),
        "PutLane": (storage.PutLane, put_lane("NEW"), {"lane": put_lane("NEW", zone="B").lane}),
        "PutDestination": (
            storage.PutDestination,
            put_destination("NEW"),
            {"destination": put_destination("NEW", zones=["B"]).destination},
        ),
        "ReceiveCarriers": (
            storage.ReceiveCarriers,
            receive(("I-NEW", "B", 1), lane_id="FREE"),
            {"carriers": receive(("I-OTHER", "B", 1), lane_id="FREE").carriers},
        ),
        "SetCarrierStatus": (
            storage.SetCarrierStatus,
            storage_pb2.SetCarrierStatusRequest(
                carrier_id="CAR-1", status=storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED
            ),
            {"reason": "n"},
        ),
        "SetLaneStatus": (
            storage.SetLaneStatus,
            storage_pb2.SetLaneStatusRequest(lane_id="LANE-1", status=storage_pb2.LANE_STATUS_BLOCKED),
            {"reason": "n"},
        ),
        "ClaimMoves": (
            storage.ClaimMoves,
            storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=1, claimed_by="wcs"),
            {"max": 2},
        ),
        "CompleteMove": (
            storage.CompleteMove,
            storage_pb2.CompleteMoveRequest(move_id=first_move.move_id),
            {"claimed_by": "wcs-test"},
        ),
        "BatchCompleteMoves": (
            storage.BatchCompleteMoves,
            storage_pb2.BatchCompleteMovesRequest(move_ids=[second_move.move_id, "gone"]),
            {"move_ids": [second_move.move_id]},
        ),
        "FailMove": (
            storage.FailMove,
            storage_pb2.FailMoveRequest(move_id=third_move.move_id, reason="r"),
            {"reason": "s"},
        ),
        "ReportShortPick": (
            storage.ReportShortPick,
            storage_pb2.ReportShortPickRequest(
                order_id=short.order_id,
                sku="SKU-001",
                missing_quantity=1,
                reason=storage_pb2.SHORT_PICK_REASON_DAMAGED,
            ),
            {"reason": storage_pb2.SHORT_PICK_REASON_NOT_FOUND},
        ),
        "CancelBackorder": (
            storage.CancelBackorder,
            storage_pb2.CancelBackorderRequest(backorder_id=backorder.backorder_id, reason="r"),
            {"reason": "s"},
        ),
        # This order matters: StartFulfillment fails during a pause.
        "StartFulfillment": (
            control.StartFulfillment,
            fulfillment_pb2.StartFulfillmentRequest(),
            {"warehouse_id": "WH-01"},
        ),
        "PauseFulfillment": (
            control.PauseFulfillment,
            fulfillment_pb2.PauseFulfillmentRequest(warehouse_id="WH-01", reason="r"),
            {"reason": "s"},
        ),
        "ResumeFulfillment": (
            control.ResumeFulfillment,
            fulfillment_pb2.ResumeFulfillmentRequest(warehouse_id="WH-01"),
            {"reason": "s"},
        ),
        "SetWorkerMode": (
            control.SetWorkerMode,
            fulfillment_pb2.SetWorkerModeRequest(worker_id="test", mode=fulfillment_pb2.WORKER_MODE_PASSIVE),
            {"mode": fulfillment_pb2.WORKER_MODE_AUTO},
        ),
        "ReleaseParkedEvent": (
            control.ReleaseParkedEvent,
            fulfillment_pb2.ReleaseParkedEventRequest(event_id=parked_event_id),
            {"event_id": str(uuid4())},
        ),
        "StepDown": (control.StepDown, fulfillment_pb2.StepDownRequest(), {"worker_id": "test"}),
    }


async def test_every_repeated_change_returns_its_stored_response(
    api: Api, fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """The response is identical and no row is added. Different content is rejected."""
    requests = await build_requests(api, fulfillment, sql)
    assert set(requests) == {
        method.name
        for file in (orders_pb2, reprocessing_pb2, dead_letters_pb2, storage_pb2, fulfillment_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    }
    for rpc, (call, request, other_content) in requests.items():
        request.request_id = "R-1"
        rows_before = await count_table_rows(sql)
        first_response = await call(request)
        rows_after = await count_table_rows(sql)
        assert rows_after["request_answers"] == rows_before["request_answers"] + 1, rpc
        assert rows_after["audit_trail"] > rows_before["audit_trail"], rpc
        assert await call(request) == first_response, rpc
        changed = type(request)()
        changed.CopyFrom(request)
        for field in other_content:
            changed.ClearField(field)
        changed.MergeFrom(type(request)(**other_content))
        failure = await expect_failure(call(changed))
        assert (failure.reason, failure.metadata) == ("REQUEST_ID_REUSED", {"requestId": "R-1"}), rpc
        assert await count_table_rows(sql) == rows_after, rpc


async def test_replay_returns_the_first_response_after_later_changes(api: Api) -> None:
    """The response has the former state of the order."""
    request = create_order(request_id="R-1")
    first = await api.orders.CreateOrder(request)
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=first.order.order_id))
    assert await api.orders.CreateOrder(request) == first


async def test_replay_is_checked_before_existence_etag_and_status(api: Api) -> None:
    """The etag is stale in the repeated call, which still returns the stored response."""
    order = await place_order(api)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, etag=order.etag, request_id="R-1")
    first = await api.orders.CancelOrder(request)
    assert await api.orders.CancelOrder(request) == first


async def test_failure_is_not_stored(api: Api) -> None:
    """The same request id may succeed later."""
    request = create_order(warehouse_id="WH-09", request_id="R-1")
    assert (await expect_failure(api.orders.CreateOrder(request))).reason == "WAREHOUSE_NOT_FOUND"
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    assert (await api.orders.CreateOrder(request)).order.warehouse_id == "WH-09"


async def test_request_ids_of_different_rpcs_are_independent(api: Api) -> None:
    """A request id belongs to its rpc."""
    order = (await api.orders.CreateOrder(create_order(request_id="R-1"))).order
    for request in (
        orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="R-1"),
        orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="R-1"),
    ):
        response = await api.orders.ValidateOrder(request)
        assert response.order.status == order_pb2.ORDER_STATUS_VALIDATED


async def test_request_id_has_one_to_128_visible_ascii_characters(api: Api) -> None:
    """Other ids are field errors."""
    for request_id, valid in [
        ("!", True),
        ("~" * 128, True),
        ("a" * 129, False),
        ("with space", False),
        ("é", False),
        ("\t", False),
    ]:
        call = api.orders.CreateOrder(create_order(request_id=request_id))
        if valid:
            await call
        else:
            assert list((await expect_failure(call)).violations_by_field) == ["request_id"]


# Batches


async def test_elements_of_a_batch_have_their_own_request_ids(api: Api, sql: SqlConnection) -> None:
    """They are the ids of CreateOrder: shared with single calls and within the batch."""
    single = create_order(request_id="E-1")
    first = (await api.orders.CreateOrder(single)).order
    requests = [
        single,
        create_order(request_id="E-2"),
        create_order(request_id="E-2"),
        create_order(request_id="E-2", customer_id="other"),
        create_order(request_id="E-1", customer_id="other"),
    ]
    response = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    results = response.results
    assert results[0].order == first
    assert results[1].order == results[2].order
    assert parse_failure(results[3].status).metadata == {"requestId": "E-2"}
    assert parse_failure(results[4].status).reason == "REQUEST_ID_REUSED"
    assert await sql.fetchval("SELECT count(*) FROM orders") == 2
    assert (await api.orders.CreateOrder(requests[1])).order == results[1].order


async def test_failed_element_of_a_batch_may_be_repeated(api: Api) -> None:
    """Its request id is released, and a later single call creates the order."""
    element = create_order(request_id="E-1", warehouse_id="WH-09")
    batch = orders_pb2.BatchCreateOrdersRequest(requests=[element, create_order()])
    rejected = (await api.orders.BatchCreateOrders(batch)).results[0]
    assert parse_failure(rejected.status).reason == "WAREHOUSE_NOT_FOUND"
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    assert (await api.orders.CreateOrder(element)).order.warehouse_id == "WH-09"


async def test_batch_replay_includes_its_failures(api: Api, sql: SqlConnection) -> None:
    """This includes failures that would succeed now."""
    batch = orders_pb2.BatchCreateOrdersRequest(
        requests=[create_order(), create_order(warehouse_id="WH-09")], request_id="B-1"
    )
    first = await api.orders.BatchCreateOrders(batch)
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    before = await count_table_rows(sql)
    assert await api.orders.BatchCreateOrders(batch) == first
    assert await count_table_rows(sql) == before


async def test_only_expired_responses_are_deleted(api: Api, sql: SqlConnection) -> None:
    """The query of the housekeeping deletes responses older than its limit only."""
    await api.orders.CreateOrder(create_order(request_id="OLD"))
    await api.orders.CreateOrder(create_order(request_id="NEW"))
    await sql.execute(
        "UPDATE request_answers SET created_at = now() - interval '49 h' WHERE request_id = 'OLD'"
    )
    assert len(await sql.fetch(query("requests.delete_expired"), timedelta(hours=48), 1000)) == 1
    assert await sql.fetchval("SELECT request_id FROM request_answers") == "NEW"
