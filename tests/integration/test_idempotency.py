"""Request ids over gRPC: sent again, a request gives its first answer and changes nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Api
from tests.support.failures import failing, failure_of
from tests.support.fulfillment import Fulfillment
from tests.support.group_commit import BOTH_WAYS
from tests.support.invariants import Sql
from tests.support.orders import created, dead_letter, order_in, stocked
from tests.support.relay import park
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from tests.support.site import Site
from tests.support.tables import counts
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    fulfillment_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.order_status import OrderStatus
from wms_core.postgres.queries import query

pytestmark = [*BOTH_WAYS, pytest.mark.also_over_http]

_S = OrderStatus
_WAVE = "WAVE-2024-00001"


async def requests_of(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Give for every changing rpc that is served its call, a request that succeeds, and other content."""
    await stocked(api)
    site = Site(api)
    shipped = await order_in(api, fulfillment, _S.SHIPPED, "I-SHIPPED")
    packing = await order_in(api, fulfillment, _S.PACKING, "I-PACKING")
    short = await order_in(api, fulfillment, _S.PACKING, "I-SHORT")
    await site.stock(("I-SCARCE", "SCARCE", 3))
    await site.order(("SCARCE", 5), order_id="I-OWED")
    await fulfillment.deliver(api)
    (owed,) = (await api.storage.ListBackorders(storage_pb2.ListBackordersRequest())).backorders
    for number in (1, 2, 3):
        await site.lane(f"L-{number}")
        await site.stock((f"I-{number}", f"SKU-{number}", 1), lane_id=f"L-{number}")
        await site.order((f"SKU-{number}", 1), order_id=f"I-M{number}")
    await fulfillment.run()
    one, two, three = await site.claim(limit=3)
    await site.order(("SKU-001", 1), order_id="I-CLAIMED")
    await site.lane("FREE")
    await fulfillment.run()
    validated = await order_in(api, fulfillment, _S.VALIDATED, "I-VALIDATED")
    dead, failed = await created(api), await order_in(api, fulfillment, _S.PENDING_RETRY)
    await dead_letter(api, dead.order_id)
    plain = [(await created(api)).order_id for _ in range(5)]
    (parked,) = await park(sql, plain[4])
    orders, again, queue, storage = api.orders, api.reprocessing, api.dead_letters, api.storage
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
            orders_pb2.UpdateOrderRequest(order_id=plain[0], order=order_pb2.Order(items=[item("B", 1)])),
            {"order_id": plain[1]},
        ),
        "ValidateOrder": (
            orders.ValidateOrder,
            orders_pb2.ValidateOrderRequest(order_id=plain[1]),
            {"order_id": plain[0]},
        ),
        "CancelOrder": (
            orders.CancelOrder,
            orders_pb2.CancelOrderRequest(order_id=plain[2], reason="r"),
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
            again.IncrementRetryCount,
            reprocessing_pb2.IncrementRetryCountRequest(order_id=plain[3], failure_reason="r"),
            {"failure_reason": "s"},
        ),
        "ResetOrder": (
            again.ResetOrder,
            reprocessing_pb2.ResetOrderRequest(order_id=failed.order_id),
            {"order_id": plain[3]},
        ),
        "MoveToDeadLetterQueue": (
            again.MoveToDeadLetterQueue,
            reprocessing_pb2.MoveToDeadLetterQueueRequest(order_id=plain[4], failure_reason="r"),
            {"failure_reason": "s"},
        ),
        "ResolveDeadLetterEntry": (
            queue.ResolveDeadLetterEntry,
            dead_letters_pb2.ResolveDeadLetterEntryRequest(
                order_id=dead.order_id,
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
            storage_pb2.CompleteMoveRequest(move_id=one.move_id),
            {"claimed_by": "wcs-test"},
        ),
        "BatchCompleteMoves": (
            storage.BatchCompleteMoves,
            storage_pb2.BatchCompleteMovesRequest(move_ids=[two.move_id, "gone"]),
            {"move_ids": [two.move_id]},
        ),
        "FailMove": (
            storage.FailMove,
            storage_pb2.FailMoveRequest(move_id=three.move_id, reason="r"),
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
            storage_pb2.CancelBackorderRequest(backorder_id=owed.backorder_id, reason="r"),
            {"reason": "s"},
        ),
        # In this order: nothing can be started while it is paused.
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
            fulfillment_pb2.ReleaseParkedEventRequest(event_id=parked),
            {"event_id": str(uuid4())},
        ),
        "StepDown": (control.StepDown, fulfillment_pb2.StepDownRequest(), {"worker_id": "test"}),
    }


async def test_every_change_that_is_sent_again_gives_its_first_answer(
    api: Api, fulfillment: Fulfillment, sql: Sql
) -> None:
    """Byte for byte and without a further row; with other content it is refused."""
    prepared = await requests_of(api, fulfillment, sql)
    assert set(prepared) == {
        method.name
        for file in (orders_pb2, reprocessing_pb2, dead_letters_pb2, storage_pb2, fulfillment_pb2)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if "request_id" in method.input_type.fields_by_name
    }
    for rpc, (call, request, other) in prepared.items():
        request.request_id = "R-1"
        untouched = await counts(sql)
        first = await call(request)
        kept = await counts(sql)
        assert kept["request_answers"] == untouched["request_answers"] + 1, rpc
        assert kept["audit"] > untouched["audit"], rpc
        assert await call(request) == first, rpc
        changed = type(request)()
        changed.CopyFrom(request)
        for field in other:
            changed.ClearField(field)
        changed.MergeFrom(type(request)(**other))
        failure = await failing(call(changed))
        assert (failure.reason, failure.metadata) == ("REQUEST_ID_REUSED", {"requestId": "R-1"}), rpc
        assert await counts(sql) == kept, rpc


async def test_the_replay_is_the_first_answer_also_after_the_order_has_changed(api: Api) -> None:
    """What was true then, not what is true now."""
    request = create_order(request_id="R-1")
    first = await api.orders.CreateOrder(request)
    await api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=first.order.order_id))
    assert await api.orders.CreateOrder(request) == first


async def test_a_replay_comes_before_existence_etag_and_status(api: Api) -> None:
    """The etag that was right the first time is stale now; the answer is the first one all the same."""
    order = await created(api)
    request = orders_pb2.CancelOrderRequest(order_id=order.order_id, etag=order.etag, request_id="R-1")
    first = await api.orders.CancelOrder(request)
    assert await api.orders.CancelOrder(request) == first


async def test_a_failure_is_not_kept(api: Api) -> None:
    """The same id may succeed later, when what stood in the way is gone."""
    request = create_order(warehouse_id="WH-09", request_id="R-1")
    assert (await failing(api.orders.CreateOrder(request))).reason == "WAREHOUSE_NOT_FOUND"
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    assert (await api.orders.CreateOrder(request)).order.warehouse_id == "WH-09"


async def test_one_id_on_two_rpcs_is_two_requests(api: Api) -> None:
    """An id belongs to its rpc."""
    order = (await api.orders.CreateOrder(create_order(request_id="R-1"))).order
    for request in (
        orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="R-1"),
        orders_pb2.ValidateOrderRequest(order_id=order.order_id, request_id="R-1"),
    ):
        answer = await api.orders.ValidateOrder(request)
        assert answer.order.status == order_pb2.ORDER_STATUS_VALIDATED


async def test_a_request_id_is_one_to_a_hundred_and_twenty_eight_visible_characters(api: Api) -> None:
    """Anything else is a fault of the field."""
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
            assert list((await failing(call)).violations) == ["request_id"]


# Batches


async def test_an_element_of_a_batch_has_a_request_id_of_its_own(api: Api, sql: Sql) -> None:
    """It is the CreateOrder id: replayed from a single call, reused by one, once for two of a batch."""
    single = create_order(request_id="E-1")
    first = (await api.orders.CreateOrder(single)).order
    requests = [
        single,
        create_order(request_id="E-2"),
        create_order(request_id="E-2"),
        create_order(request_id="E-2", customer_id="other"),
        create_order(request_id="E-1", customer_id="other"),
    ]
    answer = await api.orders.BatchCreateOrders(orders_pb2.BatchCreateOrdersRequest(requests=requests))
    results = answer.results
    assert results[0].order == first
    assert results[1].order == results[2].order
    assert failure_of(results[3].status).metadata == {"requestId": "E-2"}
    assert failure_of(results[4].status).reason == "REQUEST_ID_REUSED"
    assert await sql.fetchval("SELECT count(*) FROM orders") == 2
    assert (await api.orders.CreateOrder(requests[1])).order == results[1].order


async def test_an_element_that_failed_may_be_sent_again(api: Api) -> None:
    """Its id was given back: alone, once the warehouse is there, it is made."""
    element = create_order(request_id="E-1", warehouse_id="WH-09")
    batch = orders_pb2.BatchCreateOrdersRequest(requests=[element, create_order()])
    refused = (await api.orders.BatchCreateOrders(batch)).results[0]
    assert failure_of(refused.status).reason == "WAREHOUSE_NOT_FOUND"
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    assert (await api.orders.CreateOrder(element)).order.warehouse_id == "WH-09"


async def test_a_batch_is_replayed_whole_with_its_failures(api: Api, sql: Sql) -> None:
    """Also those that would succeed now."""
    batch = orders_pb2.BatchCreateOrdersRequest(
        requests=[create_order(), create_order(warehouse_id="WH-09")], request_id="B-1"
    )
    first = await api.orders.BatchCreateOrders(batch)
    await api.storage.PutLane(put_lane("L-9", warehouse_id="WH-09"))
    before = await counts(sql)
    assert await api.orders.BatchCreateOrders(batch) == first
    assert await counts(sql) == before


async def test_answers_are_kept_for_at_least_a_day(api: Api, sql: Sql) -> None:
    """The janitor's own query takes what is older than it is told, and nothing younger."""
    await api.orders.CreateOrder(create_order(request_id="OLD"))
    await api.orders.CreateOrder(create_order(request_id="NEW"))
    await sql.execute(
        "UPDATE request_answers SET created_at = now() - interval '49 h' WHERE request_id = 'OLD'"
    )
    assert len(await sql.fetch(query("requests.forget"), timedelta(hours=48), 1000)) == 1
    assert await sql.fetchval("SELECT request_id FROM request_answers") == "NEW"
