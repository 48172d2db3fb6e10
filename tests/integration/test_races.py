"""Many callers at once, each on a connection of its own: one wins, and the books add up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from tests.support.api import Api, client, open_api
from tests.support.failures import Failure, failing
from tests.support.fulfillment import Fulfillment
from tests.support.invariants import Sql, breaches
from tests.support.orders import (
    assert_legal,
    created,
    dead_letter,
    history,
    order_in,
    read,
    status_of,
    stocked,
    told,
)
from tests.support.requests import create_order, item, put_destination, receive
from tests.support.site import Site
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    storage_pb2,
)
from wms_core.domain.order_status import OrderStatus

_S = OrderStatus


@pytest.fixture
async def apis(api: Api, database_url: str) -> AsyncIterator[list[Api]]:
    """Give clients of two servers on one database, ten connections to each."""
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(open_api(database_url))
        clients = []
        for address in (api.address, second.address):
            for number in range(10):
                # Channels of different options do not share a connection.
                options = (("grpc.use_local_subchannel_pool", 1), ("wms.test", number))
                channel = grpc.aio.insecure_channel(address, options=options)
                clients.append(client(await stack.enter_async_context(channel), address))
        yield clients


@pytest.fixture(autouse=True)
async def _sound(sql: Sql) -> AsyncIterator[None]:
    """Whatever raced, no promise that the database can be asked about is broken."""
    yield
    assert await breaches(sql) == []


async def at_once(apis: list[Api], count: int, call: Callable[[Api, int], Awaitable[Any]]) -> list[Any]:
    """Make that many calls at the same time, spread over the connections; gives answers and failures."""

    async def one(number: int) -> Any:
        made = call(apis[number % len(apis)], number)
        try:
            return await made
        except grpc.aio.AioRpcError as error:
            return await failing(_raised(error))

    return await asyncio.gather(*(one(number) for number in range(count)))


async def _raised(error: BaseException) -> None:
    raise error


def reasons(outcomes: Iterable[Any]) -> Counter[str]:
    """Count how calls ended: `OK`, or the reason of their failure."""
    return Counter(one.reason if isinstance(one, Failure) else "OK" for one in outcomes)


# Creating


async def test_fifty_calls_with_one_request_id_make_one_order(apis: list[Api], sql: Sql) -> None:
    """All fifty are answered alike, from both servers."""
    request = create_order(request_id="R-1")
    outcomes = await at_once(apis, 50, lambda api, _: api.orders.CreateOrder(request))
    assert reasons(outcomes) == {"OK": 50}
    assert len({answer.SerializeToString(deterministic=True) for answer in outcomes}) == 1
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1
    assert await told(apis[0], outcomes[0].order.order_id) == ["received"]


async def test_fifty_calls_with_one_request_id_and_other_contents_make_one_order(
    apis: list[Api], sql: Sql
) -> None:
    """Whichever came first is answered to those with its content; the others are refused."""
    outcomes = await at_once(
        apis,
        50,
        lambda api, n: api.orders.CreateOrder(create_order(request_id="R-1", customer_id=f"C-{n % 5}")),
    )
    assert reasons(outcomes) == {"OK": 10, "REQUEST_ID_REUSED": 40}
    assert await sql.fetchval("SELECT count(*) FROM orders") == 1


async def test_of_fifty_orders_with_one_id_one_is_made(apis: list[Api], sql: Sql) -> None:
    """The other forty-nine are told that it exists."""
    outcomes = await at_once(
        apis,
        50,
        lambda api, n: api.orders.CreateOrder(create_order(order_id="SAME", customer_id=f"C-{n}")),
    )
    assert reasons(outcomes) == {"OK": 1, "ORDER_ALREADY_EXISTS": 49}
    (made,) = [one for one in outcomes if not isinstance(one, Failure)]
    assert await read(apis[0], "SAME") == made.order
    assert await sql.fetchval("SELECT count(*) FROM audit") == 1


async def test_batches_that_share_their_orders_make_each_once(apis: list[Api], sql: Sql) -> None:
    """In whatever order they name them: nothing waits for each other for ever."""

    def batch(number: int) -> orders_pb2.BatchCreateOrdersRequest:
        names = [f"B-{place}" for place in range(30)]
        if number % 2:
            names.reverse()
        return orders_pb2.BatchCreateOrdersRequest(
            requests=[create_order(order_id=name, request_id=f"R-{name}") for name in names]
        )

    outcomes = await at_once(apis, 12, lambda api, n: api.orders.BatchCreateOrders(batch(n)))
    assert reasons(outcomes) == {"OK": 12}
    for answer in outcomes:
        assert all(result.HasField("order") for result in answer.results)
    assert await sql.fetchval("SELECT count(*) FROM orders") == 30


# One order


@pytest.mark.parametrize("count", [2, 10])
async def test_of_several_decisions_about_one_entry_one_wins(apis: list[Api], count: int, sql: Sql) -> None:
    """The others are told what was decided and by whom; the order did only what the winner said."""
    resolutions = (
        dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY,
        dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
    )
    for round_number in range(5):
        order = await created(apis[0], order_id=f"D-{count}-{round_number}")
        await dead_letter(apis[0], order.order_id)

        def decide(api: Api, number: int, order_id: str = order.order_id) -> Awaitable[Any]:
            return api.dead_letters.ResolveDeadLetterEntry(
                dead_letters_pb2.ResolveDeadLetterEntryRequest(
                    order_id=order_id, resolution=resolutions[number % 2], resolved_by=f"SUP-{number}"
                )
            )

        outcomes = await at_once(apis, count, decide)
        assert reasons(outcomes) == {"OK": 1, "DEAD_LETTER_ALREADY_RESOLVED": count - 1}
        (won,) = [one for one in outcomes if not isinstance(one, Failure)]
        assert {one.metadata["resolvedBy"] for one in outcomes if isinstance(one, Failure)} == {
            won.entry.resolved_by
        }
        expected = _S.RECEIVED if won.entry.resolution == resolutions[0] else _S.CANCELLED
        assert status_of(await read(apis[0], order.order_id)) is expected
        assert (await told(apis[0], order.order_id)).count("dlq-resolved") == 1
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_resolutions") == 5


async def test_of_twenty_failures_at_once_five_are_counted(apis: list[Api], sql: Sql) -> None:
    """The fifth moves the order to the dead letter queue, once; the rest come too late."""
    order = await created(apis[0])
    outcomes = await at_once(
        apis,
        20,
        lambda api, n: api.reprocessing.IncrementRetryCount(
            reprocessing_pb2.IncrementRetryCountRequest(order_id=order.order_id, failure_reason=f"f-{n}")
        ),
    )
    assert reasons(outcomes) == {"OK": 5, "ORDER_STATUS_CONFLICT": 15}
    counted = sorted(one.retry.retry_count for one in outcomes if not isinstance(one, Failure))
    assert counted == [1, 2, 3, 4, 5]
    assert sum(one.moved_to_dead_letter for one in outcomes if not isinstance(one, Failure)) == 1
    assert await told(apis[0], order.order_id) == ["received", *["retry-scheduled"] * 4, "moved-to-dlq"]
    assert await sql.fetchval("SELECT count(*) FROM dead_letter_entries") == 1
    entry = await apis[0].dead_letters.GetDeadLetterEntry(
        dead_letters_pb2.GetDeadLetterEntryRequest(order_id=order.order_id)
    )
    assert len(entry.entry.attempts) == 5


async def test_of_changes_with_one_etag_one_goes_through(apis: list[Api]) -> None:
    """The others are told that the order has changed."""
    order = await created(apis[0])

    def change(api: Api, number: int) -> Awaitable[Any]:
        request = orders_pb2.UpdateOrderRequest(order_id=order.order_id, etag=order.etag)
        request.order.items.append(item(f"SKU-{number}", number + 1))
        return api.orders.UpdateOrder(request)

    outcomes = await at_once(apis, 20, change)
    assert reasons(outcomes) == {"OK": 1, "ETAG_MISMATCH": 19}
    (won,) = [one for one in outcomes if not isinstance(one, Failure)]
    assert await read(apis[0], order.order_id) == won.order


async def test_changes_without_an_etag_come_one_after_the_other(apis: list[Api]) -> None:
    """None is lost: each is an event with a number of its own."""
    order = await created(apis[0])

    def change(api: Api, number: int) -> Awaitable[Any]:
        request = orders_pb2.UpdateOrderRequest(order_id=order.order_id)
        request.order.items.append(item(f"SKU-{number}", number + 1))
        return api.orders.UpdateOrder(request)

    outcomes = await at_once(apis, 20, change)
    assert reasons(outcomes) == {"OK": 20}
    assert len({one.order.etag for one in outcomes}) == 20
    events = await history(apis[0], order.order_id)
    assert len(events) == 21
    assert_legal(events)


async def test_what_was_delivered_is_shipped_once(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Ten calls at once: one shipment, nine are told that there is nothing more."""
    await stocked(apis[0])
    order = await order_in(apis[0], fulfillment, _S.PACKING)
    outcomes = await at_once(
        apis,
        10,
        lambda api, n: api.orders.ShipOrder(
            orders_pb2.ShipOrderRequest(order_id=order.order_id, carrier_code="U", tracking_number=str(n))
        ),
    )
    assert reasons(outcomes) == {"OK": 1, "NOTHING_TO_SHIP": 9}
    shipped = await read(apis[0], order.order_id)
    assert len(shipped.shipments) == 1
    assert [line.quantity_shipped for line in shipped.items] == [2]


async def test_of_ship_and_cancel_one_wins(apis: list[Api], fulfillment: Fulfillment) -> None:
    """An order is shipped or cancelled, never both; what was not shipped is stock again."""
    await stocked(apis[0])
    # What comes back stands in front of the older carrier, and needs a lane to be moved out of its way.
    await Site(apis[0]).lane("LANE-2")
    ended = Counter[_S]()
    for number in range(6):
        order = await order_in(apis[0], fulfillment, _S.PACKING, f"S-{number}")

        def call(api: Api, place: int, name: str = order.order_id, turn: int = number) -> Awaitable[Any]:
            if (place + turn) % 2:
                return api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=name))
            return api.orders.ShipOrder(
                orders_pb2.ShipOrderRequest(order_id=name, carrier_code="U", tracking_number="1")
            )

        outcomes = await at_once(apis, 2, call)
        assert reasons(outcomes) == {"OK": 1, "ORDER_STATUS_CONFLICT": 1}
        ended[status_of(await read(apis[0], order.order_id))] += 1
        await fulfillment.deliver(apis[0])
    assert set(ended) <= {_S.SHIPPED, _S.CANCELLED}


async def test_orders_join_one_wave(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Ten callers, each with a destination of its own and the same orders: one of them has them all."""
    for number in range(10):
        await apis[0].storage.PutDestination(put_destination(f"PACK-{number}"))
    names = [(await order_in(apis[0], fulfillment, _S.VALIDATED)).order_id for _ in range(5)]

    def assign(api: Api, number: int) -> Awaitable[Any]:
        chosen = names if number % 2 else names[::-1]
        return api.orders.AssignOrdersToWave(
            orders_pb2.AssignOrdersToWaveRequest(order_ids=chosen, destination_id=f"PACK-{number}")
        )

    outcomes = await at_once(apis, 10, assign)
    assert reasons(outcomes) == {"OK": 1, "WAVE_DESTINATION_CONFLICT": 9}
    assert len({(await read(apis[0], name)).wave_id for name in names}) == 1


# Stock


async def test_a_lane_never_holds_more_than_it_has_places(apis: list[Api], sql: Sql) -> None:
    """Thirty carriers for ten places, one id among them three times."""
    await Site(apis[0]).lane("LANE-1", capacity=10)
    outcomes = await at_once(
        apis, 30, lambda api, n: api.storage.ReceiveCarriers(receive((f"C-{n // 3}", "A", 1)))
    )
    ended = reasons(outcomes)
    assert ended["OK"] == 10
    assert set(ended) <= {"OK", "CARRIER_ALREADY_EXISTS", "LANE_FULL"}
    assert await sql.fetchval("SELECT occupied FROM lanes") == 10


async def test_each_move_goes_to_one_caller(apis: list[Api], fulfillment: Fulfillment) -> None:
    """Twelve callers share ten moves; each may report its own only, and once."""
    site = Site(apis[0])
    await site.open(lanes=[f"L-{number}" for number in range(10)])
    for number in range(10):
        await site.stock((f"C-{number}", "SKU-001", 2), lane_id=f"L-{number}")
    await site.orders(10)
    await fulfillment.run()

    def claim(api: Api, number: int) -> Awaitable[Any]:
        return api.storage.ClaimMoves(
            storage_pb2.ClaimMovesRequest(warehouse_id="WH-01", max=3, claimed_by=f"crane-{number}")
        )

    claimed = await at_once(apis, 12, claim)
    moves = [move for answer in claimed for move in answer.moves]
    assert len({move.move_id for move in moves}) == len(moves) <= 10
    rest = await site.claim()
    assert len(moves) + len(rest) == 10

    def report(api: Api, number: int) -> Awaitable[Any]:
        move = moves[number % len(moves)]
        request = storage_pb2.CompleteMoveRequest(move_id=move.move_id, claimed_by=move.claimed_by)
        return api.storage.CompleteMove(request)

    assert reasons(await at_once(apis, 3 * len(moves), report)) == {"OK": 3 * len(moves)}
    await site.complete(rest)
    await fulfillment.deliver(apis[0])


async def test_cancelling_against_the_workers_allocation_leaves_stock_that_adds_up(
    apis: list[Api], fulfillment: Fulfillment, sql: Sql
) -> None:
    """Many times, at every moment of the cycle: the order is cancelled and holds nothing, or the worker was
    first and the cancelling lets go of it. No unit is lost, none is there twice.
    """
    site = Site(apis[0])
    await site.lane(capacity=100)
    await site.destination()
    await site.stock(*[(f"C-{number}", "SKU-001", 7) for number in range(12)])
    names: list[str] = []
    for turn in range(8):
        placed = await site.orders(8)
        names += placed

        def cancel(api: Api, number: int, chosen: list[str] = placed) -> Awaitable[Any]:
            return api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=chosen[number], reason="r"))

        if turn % 2:
            await fulfillment.run()
        outcomes, _, _ = await asyncio.gather(
            at_once(apis, 6, cancel), fulfillment.run(), _claim_and_complete(apis[-1])
        )
        assert reasons(outcomes) == {"OK": 6}
        for name in placed[:6]:
            assert status_of(await read(apis[0], name)) is _S.CANCELLED
        assert await breaches(sql) == []
    await fulfillment.deliver(apis[0])
    statuses = Counter([status_of(await read(apis[0], name)) for name in names])
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


async def test_callers_of_every_kind_on_few_orders_leave_only_legal_histories(
    apis: list[Api], fulfillment: Fulfillment
) -> None:
    """Updates, failures, resets, cancellations and the worker at once: each is done or clearly refused."""
    await stocked(apis[0])
    names = [(await created(apis[0])).order_id for _ in range(4)]
    urgent = order_pb2.Order(priority=order_pb2.ORDER_PRIORITY_SAME_DAY)

    def call(api: Api, number: int) -> Awaitable[Any]:
        name = names[number % len(names)]
        kinds: list[Callable[[], Awaitable[Any]]] = [
            lambda: api.orders.UpdateOrder(orders_pb2.UpdateOrderRequest(order_id=name, order=urgent)),
            lambda: api.orders.ValidateOrder(orders_pb2.ValidateOrderRequest(order_id=name)),
            lambda: api.reprocessing.IncrementRetryCount(
                reprocessing_pb2.IncrementRetryCountRequest(order_id=name, failure_reason="r")
            ),
            lambda: api.reprocessing.ResetOrder(reprocessing_pb2.ResetOrderRequest(order_id=name)),
            lambda: api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=name)),
        ]
        return kinds[(number // len(names)) % (5 if number > 60 else 4)]()

    outcomes, _ = await asyncio.gather(at_once(apis, 80, call), fulfillment.run())
    assert set(reasons(outcomes)) <= {"OK", "ORDER_STATUS_CONFLICT"}
    for name in names:
        assert_legal(await history(apis[0], name))
