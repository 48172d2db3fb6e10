"""Concurrent calls on separate connections: exactly one succeeds, and the invariants hold."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

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
)
from tests.support.builders.requests import create_order, item, put_destination, receive
from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.errors import CallFailure, expect_failure
from tests.support.clients.grpc_api import Api, client, open_api
from tests.support.invariants.database import SqlConnection, find_violations
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.orders.status import OrderStatus

_S = OrderStatus


@pytest.fixture
async def apis(api: Api, database_url: str) -> AsyncIterator[list[Api]]:
    """Yield clients of two servers on one database, with ten connections to each."""
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(open_api(database_url))
        clients = []
        for address in (api.address, second.address):
            for number in range(10):
                # Channels with different options do not share a connection.
                options = (("grpc.use_local_subchannel_pool", 1), ("wms.test", number))
                channel = grpc.aio.insecure_channel(address, options=options)
                clients.append(client(await stack.enter_async_context(channel), address))
        yield clients


@pytest.fixture(autouse=True)
async def _invariants_hold(sql: SqlConnection) -> AsyncIterator[None]:
    """Assert that the invariants of the database hold after the races."""
    yield
    assert await find_violations(sql) == []


async def call_concurrently(
    apis: list[Api], count: int, call: Callable[[Api, int], Awaitable[Any]]
) -> list[Any]:
    """Make `count` calls concurrently, spread over the connections. Return responses and failures."""

    async def make_call(number: int) -> Any:
        pending_call = call(apis[number % len(apis)], number)
        try:
            return await pending_call
        except grpc.aio.AioRpcError as error:
            return await expect_failure(_raised(error))

    return await asyncio.gather(*(make_call(number) for number in range(count)))


async def _raised(error: BaseException) -> None:
    raise error


def count_outcomes(outcomes: Iterable[Any]) -> Counter[str]:
    """Count the results of calls: `OK`, or the reason of the failure."""
    return Counter(outcome.reason if isinstance(outcome, CallFailure) else "OK" for outcome in outcomes)


# Creating


async def test_fifty_calls_with_the_same_request_id_create_one_order(
    apis: list[Api], sql: SqlConnection
) -> None:
    """All fifty get the same response, from both servers."""
    request = create_order(request_id="R-1")
    outcomes = await call_concurrently(apis, 50, lambda api, _: api.orders.CreateOrder(request))
    assert count_outcomes(outcomes) == {"OK": 50}
    assert len({response.SerializeToString(deterministic=True) for response in outcomes}) == 1
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1
    assert await list_event_types(apis[0], outcomes[0].order.order_id) == ["received"]


async def test_fifty_calls_with_the_same_request_id_and_different_content_create_one_order(
    apis: list[Api], sql: SqlConnection
) -> None:
    """Calls with the content of the first call get its response, and the others are rejected."""
    outcomes = await call_concurrently(
        apis,
        50,
        lambda api, n: api.orders.CreateOrder(create_order(request_id="R-1", customer_id=f"C-{n % 5}")),
    )
    assert count_outcomes(outcomes) == {"OK": 10, "REQUEST_ID_REUSED": 40}
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1


async def test_fifty_orders_with_the_same_id_create_one_order(apis: list[Api], sql: SqlConnection) -> None:
    """The other forty-nine fail because the order exists."""
    outcomes = await call_concurrently(
        apis,
        50,
        lambda api, n: api.orders.CreateOrder(create_order(order_id="SAME", customer_id=f"C-{n}")),
    )
    assert count_outcomes(outcomes) == {"OK": 1, "ORDER_ALREADY_EXISTS": 49}
    (created,) = [outcome for outcome in outcomes if not isinstance(outcome, CallFailure)]
    assert await read_order(apis[0], "SAME") == created.order
    assert await sql.fetchval("SELECT count(*) FROM audit_trail") == 1


async def test_batches_with_the_same_orders_create_each_order_once(
    apis: list[Api], sql: SqlConnection
) -> None:
    """Batches with the opposite order of ids do not deadlock."""

    def batch(number: int) -> orders_pb2.BatchCreateOrdersRequest:
        order_ids = [f"B-{index}" for index in range(30)]
        if number % 2:
            order_ids.reverse()
        return orders_pb2.BatchCreateOrdersRequest(
            requests=[create_order(order_id=order_id, request_id=f"R-{order_id}") for order_id in order_ids]
        )

    outcomes = await call_concurrently(apis, 12, lambda api, n: api.orders.BatchCreateOrders(batch(n)))
    assert count_outcomes(outcomes) == {"OK": 12}
    for response in outcomes:
        assert all(result.HasField("order") for result in response.results)
    assert await sql.fetchval("SELECT count(*) FROM orders") == 30


# One order


@pytest.mark.parametrize("count", [2, 10])
async def test_one_of_several_concurrent_resolutions_succeeds(
    apis: list[Api], count: int, sql: SqlConnection
) -> None:
    """The errors name the winner, and the order has the effect of that resolution only."""
    resolutions = (
        dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
        dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
    )
    for round_number in range(5):
        order = await place_order(apis[0], order_id=f"D-{count}-{round_number}")
        await dead_letter_order(apis[0], order.order_id)

        def resolve_entry(api: Api, number: int, order_id: str = order.order_id) -> Awaitable[Any]:
            return api.dead_letters.ResolveDeadLetterEntry(
                dead_letters_pb2.ResolveDeadLetterEntryRequest(
                    order_id=order_id, resolution=resolutions[number % 2], resolved_by=f"SUP-{number}"
                )
            )

        outcomes = await call_concurrently(apis, count, resolve_entry)
        assert count_outcomes(outcomes) == {"OK": 1, "DEAD_LETTER_ALREADY_RESOLVED": count - 1}
        (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, CallFailure)]
        assert {
            outcome.metadata["resolvedBy"] for outcome in outcomes if isinstance(outcome, CallFailure)
        } == {winner.entry.resolved_by}
        expected = _S.RECEIVED if winner.entry.resolution == resolutions[0] else _S.CANCELLED
        assert domain_status_of(await read_order(apis[0], order.order_id)) is expected
        assert (await list_event_types(apis[0], order.order_id)).count("dlq-resolved") == 1
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_resolutions") == 5


async def test_five_of_twenty_concurrent_failures_are_counted(apis: list[Api], sql: SqlConnection) -> None:
    """The fifth one moves the order to the dead letter queue. The later ones are rejected."""
    order = await place_order(apis[0])
    outcomes = await call_concurrently(
        apis,
        20,
        lambda api, n: api.reprocessing.IncrementRetryCount(
            reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason=f"f-{n}")
        ),
    )
    assert count_outcomes(outcomes) == {"OK": 5, "ORDER_STATUS_CONFLICT": 15}
    retry_counts = sorted(
        outcome.retry.retry_count for outcome in outcomes if not isinstance(outcome, CallFailure)
    )
    assert retry_counts == [1, 2, 3, 4, 5]
    assert (
        sum(outcome.moved_to_dead_letter for outcome in outcomes if not isinstance(outcome, CallFailure)) == 1
    )
    assert await list_event_types(apis[0], order.order_id) == [
        "received",
        *["retry-scheduled"] * 4,
        "moved-to-dlq",
    ]
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_entries") == 1
    entry = await apis[0].dead_letters.GetDeadLetterEntry(
        dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order.order_id)
    )
    assert len(entry.entry.attempts) == 5


async def test_one_of_several_updates_with_the_same_etag_succeeds(apis: list[Api]) -> None:
    """The others fail with ETAG_MISMATCH."""
    order = await place_order(apis[0])

    def update_items(api: Api, number: int) -> Awaitable[Any]:
        request = orders_pb2.UpdateOrderRequest(order_id=order.order_id, etag=order.etag)
        request.order.items.append(item(f"SKU-{number}", number + 1))
        return api.orders.UpdateOrder(request)

    outcomes = await call_concurrently(apis, 20, update_items)
    assert count_outcomes(outcomes) == {"OK": 1, "ETAG_MISMATCH": 19}
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, CallFailure)]
    assert await read_order(apis[0], order.order_id) == winner.order


async def test_concurrent_updates_without_an_etag_all_succeed(apis: list[Api]) -> None:
    """No update is lost: each has its own event and sequence."""
    order = await place_order(apis[0])

    def update_items(api: Api, number: int) -> Awaitable[Any]:
        request = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
        request.order.items.append(item(f"SKU-{number}", number + 1))
        return api.orders.UpdateOrder(request)

    outcomes = await call_concurrently(apis, 20, update_items)
    assert count_outcomes(outcomes) == {"OK": 20}
    assert len({outcome.order.etag for outcome in outcomes}) == 20
    events = await read_history(apis[0], order.order_id)
    assert len(events) == 21
    assert_valid_history(events)


async def test_delivered_units_are_shipped_once(apis: list[Api], fulfillment: Fulfillment) -> None:
    """One of ten concurrent calls creates a shipment. The others fail with NOTHING_TO_SHIP."""
    await receive_stock(apis[0])
    order = await place_order_in_status(apis[0], fulfillment, _S.PACKING)
    outcomes = await call_concurrently(
        apis,
        10,
        lambda api, n: api.orders.ShipOrder(
            orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="U", tracking_number=str(n))
        ),
    )
    assert count_outcomes(outcomes) == {"OK": 1, "NOTHING_TO_SHIP": 9}
    shipped = await read_order(apis[0], order.order_id)
    assert len(shipped.shipments) == 1
    assert [line.quantity_shipped for line in shipped.items] == [2]


async def test_order_is_shipped_or_cancelled_but_not_both(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Units that were not shipped return to stock."""
    await receive_stock(apis[0])
    # The returning carrier stands in front of the older one, which needs a lane for its relocation.
    await WarehouseDriver(apis[0]).put_lane("LANE-2")
    status_counts = Counter[_S]()
    for number in range(6):
        order = await place_order_in_status(apis[0], fulfillment, _S.PACKING, f"S-{number}")

        def ship_or_cancel(
            api: Api, index: int, order_id: str = order.order_id, turn: int = number
        ) -> Awaitable[Any]:
            if (index + turn) % 2:
                return api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id))
            return api.orders.ShipOrder(
                orders_pb2.ShipOrderRequest(order_id=order_id, carrier_code="U", tracking_number="1")
            )

        outcomes = await call_concurrently(apis, 2, ship_or_cancel)
        assert count_outcomes(outcomes) == {"OK": 1, "ORDER_STATUS_CONFLICT": 1}
        status_counts[domain_status_of(await read_order(apis[0], order.order_id))] += 1
        await fulfillment.deliver_all(apis[0])
    assert set(status_counts) <= {_S.SHIPPED, _S.CANCELLED}


async def test_concurrent_wave_assignments_create_one_wave(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Ten callers assign the same orders to different destinations. One of them gets all orders."""
    for number in range(10):
        await apis[0].storage.PutDestination(put_destination(f"PACK-{number}"))
    order_ids = [(await place_order_in_status(apis[0], fulfillment, _S.VALIDATED)).order_id for _ in range(5)]

    def assign(api: Api, number: int) -> Awaitable[Any]:
        requested_ids = order_ids if number % 2 else order_ids[::-1]
        return api.orders.AssignOrdersToWave(
            orders_pb2.AssignOrdersToWaveRequest(order_ids=requested_ids, destination_id=f"PACK-{number}")
        )

    outcomes = await call_concurrently(apis, 10, assign)
    assert count_outcomes(outcomes) == {"OK": 1, "WAVE_DESTINATION_CONFLICT": 9}
    assert len({(await read_order(apis[0], name)).wave_id for name in order_ids}) == 1


# Stock


async def test_lane_never_exceeds_its_capacity(apis: list[Api], sql: SqlConnection) -> None:
    """Thirty load carriers for ten positions, with three calls for each id."""
    await WarehouseDriver(apis[0]).put_lane("LANE-1", capacity=10)
    outcomes = await call_concurrently(
        apis, 30, lambda api, n: api.storage.ReceiveCarriers(receive((f"C-{n // 3}", "A", 1)))
    )
    counts = count_outcomes(outcomes)
    assert counts["OK"] == 10
    assert set(counts) <= {"OK", "CARRIER_ALREADY_EXISTS", "LANE_FULL"}
    assert await sql.fetchval("SELECT occupied FROM lanes") == 10


async def test_each_move_is_claimed_by_one_caller(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Twelve callers share ten moves, and each reports its own moves. Repeated reports succeed."""
    warehouse = WarehouseDriver(apis[0])
    await warehouse.open(lanes=[f"L-{number}" for number in range(10)])
    for number in range(10):
        await warehouse.receive_carriers((f"C-{number}", "SKU-001", 2), lane_id=f"L-{number}")
    await warehouse.place_orders(10)
    await fulfillment.run()

    def claim(api: Api, number: int) -> Awaitable[Any]:
        return api.storage.ClaimMoves(
            storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=3, claimed_by=f"crane-{number}")
        )

    claims = await call_concurrently(apis, 12, claim)
    moves = [move for claim_response in claims for move in claim_response.moves]
    assert len({move.move_id for move in moves}) == len(moves) <= 10
    unclaimed = await warehouse.claim_moves()
    assert len(moves) + len(unclaimed) == 10

    def report(api: Api, number: int) -> Awaitable[Any]:
        move = moves[number % len(moves)]
        request = storage_pb2.CompleteMoveRequest(move_id=move.move_id, claimed_by=move.claimed_by)
        return api.storage.CompleteMove(request)

    assert count_outcomes(await call_concurrently(apis, 3 * len(moves), report)) == {"OK": 3 * len(moves)}
    await warehouse.complete_moves(unclaimed)
    await fulfillment.deliver_all(apis[0])


async def test_stock_reconciles_after_cancellations_during_allocation(
    apis: list[Api], fulfillment: Fulfillment, sql: SqlConnection
) -> None:
    """Cancellations race with the cycle at every moment.

    The order is cancelled without allocations, or the worker was first and the cancellation releases the
    allocations. No unit is lost or counted twice.
    """
    warehouse = WarehouseDriver(apis[0])
    await warehouse.put_lane(capacity=100)
    await warehouse.put_destination()
    await warehouse.receive_carriers(*[(f"C-{number}", "SKU-001", 7) for number in range(12)])
    order_ids: list[str] = []
    for round_number in range(8):
        round_order_ids = await warehouse.place_orders(8)
        order_ids += round_order_ids

        def cancel(api: Api, number: int, cancelled_ids: list[str] = round_order_ids) -> Awaitable[Any]:
            return api.orders.CancelOrder(
                orders_pb2.CancelOrderRequest(order_id=cancelled_ids[number], reason="r")
            )

        if round_number % 2:
            await fulfillment.run()
        outcomes, _, _ = await asyncio.gather(
            call_concurrently(apis, 6, cancel), fulfillment.run(), _claim_and_complete(apis[-1])
        )
        assert count_outcomes(outcomes) == {"OK": 6}
        for order_id in round_order_ids[:6]:
            assert domain_status_of(await read_order(apis[0], order_id)) is _S.CANCELLED
        assert await find_violations(sql) == []
    await fulfillment.deliver_all(apis[0])
    statuses = Counter([domain_status_of(await read_order(apis[0], order_id)) for order_id in order_ids])
    assert statuses[_S.CANCELLED] == 48
    assert set(statuses) <= {_S.CANCELLED, _S.PACKING, _S.PENDING_RETRY}
    assert await sql.fetchval("SELECT sum(allocated) FROM carriers") == 0
    assert await sql.fetchval("SELECT min(quantity) FROM carriers") >= 0
    on_hand = await sql.fetchval("SELECT sum(quantity) FROM carriers")
    delivered = await sql.fetchval("SELECT sum(delivered) FROM order_items")
    assert (on_hand + delivered, delivered) == (84, 2 * statuses[_S.PACKING])


async def _claim_and_complete(api: Api) -> None:
    claim = storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=50, claimed_by="crane")
    moves = (await api.storage.ClaimMoves(claim)).moves
    if moves:
        request = storage_pb2.BatchCompleteMovesRequest(move_ids=[move.move_id for move in moves])
        await api.storage.BatchCompleteMoves(request)


async def test_concurrent_calls_of_all_kinds_leave_only_legal_histories(
    apis: list[Api], fulfillment: Fulfillment
) -> None:
    """Updates, failures, resets, cancellations and the worker race. Each call succeeds or is rejected."""
    await receive_stock(apis[0])
    order_ids = [(await place_order(apis[0])).order_id for _ in range(4)]
    urgent = order_pb2.Order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)

    def make_call(api: Api, number: int) -> Awaitable[Any]:
        order_id = order_ids[number % len(order_ids)]
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: api.orders.UpdateOrder(orders_pb2.UpdateOrderRequest(order_id=order_id, order=urgent)),
            lambda: api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=order_id)),
            lambda: api.reprocessing.IncrementRetryCount(
                reprocessing_pb2.IncrementRetryCountRequest(order_id=order_id, failure_reason="r")
            ),
            lambda: api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=order_id)),
            lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id)),
        ]
        return calls[(number // len(order_ids)) % (5 if number > 60 else 4)]()

    outcomes, _ = await asyncio.gather(call_concurrently(apis, 80, make_call), fulfillment.run())
    assert set(count_outcomes(outcomes)) <= {"OK", "ORDER_STATUS_CONFLICT"}
    for order_id in order_ids:
        assert_valid_history(await read_history(apis[0], order_id))
