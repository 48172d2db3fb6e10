"""The OrderService: each function runs one call inside a transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from wms_core.application import dead_letters
from wms_core.application.database import (
    MAX_RESPONSE_BYTES,
    OrderFilter,
    Page,
    RequestKey,
    ResultPage,
    Transaction,
)
from wms_core.application.idempotency import replay_response
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import (
    BackorderOpen,
    DestinationNotFound,
    OrderAlreadyExists,
    OrderNotFound,
    RequestIdReused,
    ResponseTooLarge,
    UnitsNotShipped,
    WarehouseMismatch,
    WaveDestinationConflict,
    WmsError,
)
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders import lifecycle
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.intake import accept
from wms_core.domain.orders.orders import NewOrder, Order, OrderUpdate
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.warehouse import Wave

#: Maximum number of backorders in an error (contract: BACKORDER_OPEN).
_MAX_LISTED_BACKORDERS = 10


class CreateOrderCommand(NamedTuple):
    """A requested order with an encoder of its response; `key` is set for a request with an id."""

    new_order: NewOrder
    caller: Caller
    now: datetime
    key: RequestKey | None
    encode_response: Callable[[], bytes]


async def create(
    transaction: Transaction, create_commands: Sequence[CreateOrderCommand]
) -> list[CreateOrderCommand | bytes | WmsError]:
    """Create orders. Return one result per command: the command itself, a stored response, or an error.

    The command stands for a created order without request id. With a request id the result is the stored
    response, new or of an earlier request. Two commands with the same request id create one order, or the
    second one gets an error when their contents differ.
    """
    request_keys: dict[str, RequestKey] = {}
    for create_command in create_commands:
        if create_command.key is not None:
            request_keys.setdefault(create_command.key.request_id, create_command.key)
    if not request_keys:
        return await _insert_orders(transaction, create_commands) if create_commands else []
    stored_responses = await transaction.idempotency_keys.reserve(list(request_keys.values()))
    new_commands = [
        create_command
        for create_command in create_commands
        if _is_first_request(create_command.key, request_keys, stored_responses)
    ]
    created_outcomes = iter(await _insert_orders(transaction, new_commands) if new_commands else [])
    responses_by_id: dict[str, bytes | WmsError] = {}
    create_outcomes: list[CreateOrderCommand | bytes | WmsError] = []
    for key in (create_command.key for create_command in create_commands):
        if key is None:
            create_outcomes.append(next(created_outcomes))
        elif key.request_id in stored_responses:
            create_outcomes.append(_replay_or_error(key, *stored_responses[key.request_id]))
        elif key is request_keys[key.request_id]:
            create_outcome = next(created_outcomes)
            responses_by_id[key.request_id] = (
                create_outcome.encode_response()
                if isinstance(create_outcome, CreateOrderCommand)
                else create_outcome
            )
            create_outcomes.append(responses_by_id[key.request_id])
        elif key.content_fingerprint != request_keys[key.request_id].content_fingerprint:
            create_outcomes.append(RequestIdReused(request_id=key.request_id))
        else:
            create_outcomes.append(responses_by_id[key.request_id])
    await _store_responses(transaction, request_keys, responses_by_id)
    return create_outcomes


async def _insert_orders(
    transaction: Transaction, create_commands: Sequence[CreateOrderCommand]
) -> list[CreateOrderCommand | bytes | WmsError]:
    """Insert orders in one statement. Return for each its command or its own error, in the given order.

    Of two commands with the same order id the first one counts, and the second only if the first was
    rejected.
    """
    create_outcomes: list[CreateOrderCommand | bytes | WmsError] = list(create_commands)
    pending_commands = dict(enumerate(create_commands))
    while pending_commands:
        first_by_order_id: dict[str, int] = {}
        for number, create_command in pending_commands.items():
            first_by_order_id.setdefault(create_command.new_order.order_id, number)
        # Keep the given order: it is the order of their events.
        chosen_commands = [create_commands[number] for number in first_by_order_id.values()]
        insert_errors = await transaction.orders.insert(
            [
                accept(create_command.new_order, create_command.caller, create_command.now)
                for create_command in chosen_commands
            ]
        )
        for number, create_command in list(pending_commands.items()):
            order_id = create_command.new_order.order_id
            error = insert_errors.get(order_id)
            if first_by_order_id[order_id] == number:
                if error is not None:
                    create_outcomes[number] = error
            elif error is None or isinstance(error, OrderAlreadyExists):
                create_outcomes[number] = OrderAlreadyExists(order_id=order_id)
            else:
                continue
            del pending_commands[number]
    return create_outcomes


def _replay_or_error(key: RequestKey, content_fingerprint: bytes, response: bytes) -> bytes | WmsError:
    try:
        return replay_response(key, content_fingerprint, response)
    except RequestIdReused as error:
        return error


def _is_first_request(
    key: RequestKey | None,
    request_keys: dict[str, RequestKey],
    stored_responses: dict[str, tuple[bytes, bytes]],
) -> bool:
    return key is None or (key is request_keys[key.request_id] and key.request_id not in stored_responses)


async def _store_responses(
    transaction: Transaction,
    request_keys: dict[str, RequestKey],
    responses_by_id: dict[str, bytes | WmsError],
) -> None:
    """Store the responses; failures are not stored, so their keys are released."""
    successful_responses = [
        (request_keys[name], response)
        for name, response in responses_by_id.items()
        if isinstance(response, bytes)
    ]
    failed_keys = [
        request_keys[name] for name, response in responses_by_id.items() if isinstance(response, WmsError)
    ]
    if successful_responses:
        await transaction.idempotency_keys.store_responses(successful_responses)
    if failed_keys:
        await transaction.idempotency_keys.release_keys(failed_keys)


async def get(transaction: Transaction, order_id: str) -> Order:
    """Return an order. Raises OrderNotFound."""
    orders_by_id = await find(transaction, [order_id])
    if order_id not in orders_by_id:
        raise OrderNotFound(order_id=order_id)
    return orders_by_id[order_id]


async def find(transaction: Transaction, order_ids: Sequence[str]) -> dict[str, Order]:
    """Return the existing orders by id."""
    return await transaction.orders.get(list(dict.fromkeys(order_ids)))


async def get_many(transaction: Transaction, order_ids: Sequence[str]) -> dict[str, Order]:
    """Return orders by id. Raises OrderNotFound for the first missing order, ResponseTooLarge."""
    page = await transaction.orders.get_within(list(dict.fromkeys(order_ids)), MAX_RESPONSE_BYTES)
    return _all_of(page, order_ids)


def _all_of(page: ResultPage[Order], order_ids: Sequence[str]) -> dict[str, Order]:
    if page.has_more:
        raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
    existing_orders = {order.order_id: order for order in page.elements}
    for order_id in order_ids:
        if order_id not in existing_orders:
            raise OrderNotFound(order_id=order_id)
    return existing_orders


async def lock_order(transaction: Transaction, order_id: str, etag: str = "") -> Order:
    """Return an order, locked, after a check of its etag. Raises OrderNotFound, EtagMismatch."""
    orders_by_id = await transaction.orders.lock_orders([order_id])
    if order_id not in orders_by_id:
        raise OrderNotFound(order_id=order_id)
    orders_by_id[order_id].check_etag(etag)
    return orders_by_id[order_id]


async def save_change(transaction: Transaction, change: OrderChange) -> Order:
    """Write a change and return the order after it."""
    await transaction.orders.save([change])
    return change.order


async def list_page(transaction: Transaction, order_filter: OrderFilter, page: Page) -> ResultPage[Order]:
    """Return a page, newest first."""
    return await transaction.orders.list_page(order_filter, page)


async def update(
    transaction: Transaction, order_id: str, etag: str, changes: OrderUpdate, caller: Caller, now: datetime
) -> Order:
    """Change the fields of the field mask. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await lock_order(transaction, order_id, etag)
    return await save_change(transaction, lifecycle.update(order, changes, caller, now))


async def validate(
    transaction: Transaction, order_id: str, etag: str, caller: Caller, now: datetime
) -> Order:
    """Validate an order. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await lock_order(transaction, order_id, etag)
    return await save_change(transaction, lifecycle.validate(order, caller, now))


async def cancel(
    transaction: Transaction, order_id: str, etag: str, reason: str, caller: Caller, now: datetime
) -> Order:
    """Cancel an order; the entry of a dead-lettered order is resolved as well.

    Raises OrderNotFound, EtagMismatch, StatusConflict.
    """
    order = await lock_order(transaction, order_id, etag)
    if order.status is OrderStatus.DEAD_LETTER:
        return await dead_letters.cancel(transaction, order, reason, caller, now)
    return await save_change(transaction, lifecycle.cancel(order, reason, caller, now))


async def ship(
    transaction: Transaction,
    order_id: str,
    etag: str,
    carrier_code: str,
    tracking_number: str,
    caller: Caller,
    now: datetime,
) -> Order:
    """Ship the delivered units. Raises OrderNotFound, EtagMismatch, StatusConflict, NothingToShip."""
    order = await lock_order(transaction, order_id, etag)
    return await save_change(transaction, lifecycle.ship(order, carrier_code, tracking_number, caller, now))


async def complete(
    transaction: Transaction,
    order_id: str,
    etag: str,
    delivered_at: datetime | None,
    caller: Caller,
    now: datetime,
) -> Order:
    """Confirm the delivery of an order without open backorders and unshipped units.

    Raises OrderNotFound, EtagMismatch, StatusConflict, BackorderOpen, UnitsNotShipped.
    """
    order = await lock_order(transaction, order_id, etag)
    if order.status is OrderStatus.SHIPPED:
        if open_backorder_ids := await transaction.backorders.list_live_ids(order_id):
            raise BackorderOpen(
                order_id=order_id, backorder_ids=",".join(open_backorder_ids[:_MAX_LISTED_BACKORDERS])
            )
        if unshipped_units := sum(item.delivered - item.shipped for item in order.items):
            raise UnitsNotShipped(order_id=order_id, quantity=unshipped_units)
    return await save_change(transaction, lifecycle.complete(order, delivered_at, caller, now))


async def assign_to_wave(
    transaction: Transaction,
    order_ids: Sequence[str],
    destination_id: str,
    wave_id: str,
    caller: Caller,
    now: datetime,
) -> tuple[Wave, list[Order], int]:
    """Assign all orders to one wave, or none. Return the wave, these orders, and its number of orders.

    An empty `wave_id` creates a new wave. If all orders are already in one wave to that destination, nothing
    changes.

    Raises DestinationNotFound, OrderNotFound, ResponseTooLarge, WarehouseMismatch, WaveDestinationConflict,
    StatusConflict.
    """
    destination = await transaction.warehouse_storage.get_destination(destination_id)
    if destination is None:
        raise DestinationNotFound(destination_id=destination_id)
    locked_orders = await transaction.orders.lock_within(list(dict.fromkeys(order_ids)), MAX_RESPONSE_BYTES)
    orders_by_id = _all_of(locked_orders, order_ids)
    for order_id in order_ids:
        if (order := orders_by_id[order_id]).warehouse_id != destination.warehouse_id:
            raise WarehouseMismatch(
                resource=order_id,
                warehouse_id=order.warehouse_id,
                required_warehouse_id=destination.warehouse_id,
            )
    wave_assignments = {(order.wave_id, order.destination_id) for order in orders_by_id.values()}
    if (
        not wave_id
        and len(wave_assignments) == 1
        and (current_assignment := wave_assignments.pop())[1] == destination_id
    ):
        wave_id = current_assignment[0] or ""
    wave = Wave(
        wave_id=wave_id or await transaction.warehouse_storage.new_wave_id(now.year),
        warehouse_id=destination.warehouse_id,
        destination_id=destination_id,
        created_at=now,
    )
    wave = await transaction.warehouse_storage.put_wave(wave)
    if wave.destination_id != destination_id:
        raise WaveDestinationConflict(wave_id=wave.wave_id, destination_id=wave.destination_id)
    changes = {
        order_id: lifecycle.assign_to_wave(order, wave.wave_id, destination_id, caller, now)
        for order_id, order in orders_by_id.items()
    }
    await transaction.orders.save(list(changes.values()))
    count = await transaction.warehouse_storage.count_wave_orders(wave.wave_id)
    return wave, [changes[order_id].order for order_id in order_ids], count


async def list_history(
    transaction: Transaction, order_id: str, after_sequence: int, limit: int
) -> ResultPage[EventRecord]:
    """Return events of an order after a sequence number, oldest first. Raises OrderNotFound."""
    page = await transaction.orders.list_events(order_id, after_sequence, limit)
    if not page.elements:
        await get(transaction, order_id)
    return page
