"""The OrderService: each function is one call's work inside a transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from wms_core.application import dead_letters
from wms_core.application.once import replay
from wms_core.application.ports import (
    MAX_RESPONSE_BYTES,
    OrderFilter,
    Page,
    RequestKey,
    ResultPage,
    Transaction,
)
from wms_core.domain import lifecycle
from wms_core.domain.caller import Caller
from wms_core.domain.change import Change
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
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import NewOrder, Order, OrderChanges
from wms_core.domain.receiving import receive
from wms_core.domain.storage import Wave

#: Backorders that an error names (contract: BACKORDER_OPEN).
_TOLD_BACKORDERS = 10


class Wish(NamedTuple):
    """An order that somebody asks for, and what writes its answer; `key` is that of a request with an id."""

    new: NewOrder
    caller: Caller
    now: datetime
    key: RequestKey | None
    answer: Callable[[], bytes]


async def create(transaction: Transaction, wishes: Sequence[Wish]) -> list[Wish | bytes | WmsError]:
    """Take orders in; each gives its wish, which is granted, or the answer under its request id, or an error.

    Two with the same request id are one order, or an error when their contents differ.
    """
    keys: dict[str, RequestKey] = {}
    for wish in wishes:
        if wish.key is not None:
            keys.setdefault(wish.key.request_id, wish.key)
    if not keys:
        return await _create(transaction, wishes) if wishes else []
    answered = await transaction.requests.reserve(list(keys.values()))
    fresh = [wish for wish in wishes if _first(wish.key, keys, answered)]
    made = iter(await _create(transaction, fresh) if fresh else [])
    kept: dict[str, bytes | WmsError] = {}
    outcomes: list[Wish | bytes | WmsError] = []
    for key in (wish.key for wish in wishes):
        if key is None:
            outcomes.append(next(made))
        elif key.request_id in answered:
            outcomes.append(_replayed(key, *answered[key.request_id]))
        elif key is keys[key.request_id]:
            outcome = next(made)
            kept[key.request_id] = outcome.answer() if isinstance(outcome, Wish) else outcome
            outcomes.append(kept[key.request_id])
        elif key.fingerprint != keys[key.request_id].fingerprint:
            outcomes.append(RequestIdReused(request_id=key.request_id))
        else:
            outcomes.append(kept[key.request_id])
    await _keep(transaction, keys, kept)
    return outcomes


async def _create(transaction: Transaction, wishes: Sequence[Wish]) -> list[Wish | bytes | WmsError]:
    """Take orders in by one statement; each gives its wish or its own error, in the order given.

    Of two with the same id the first one is made; the second only when the first was refused.
    """
    outcomes: list[Wish | bytes | WmsError] = list(wishes)
    waiting = dict(enumerate(wishes))
    while waiting:
        first: dict[str, int] = {}
        for number, wish in waiting.items():
            first.setdefault(wish.new.order_id, number)
        # In the order given, in which their events are told.
        chosen = [wishes[number] for number in first.values()]
        refused = await transaction.orders.insert(
            [receive(wish.new, wish.caller, wish.now) for wish in chosen]
        )
        for number, wish in list(waiting.items()):
            order_id = wish.new.order_id
            error = refused.get(order_id)
            if first[order_id] == number:
                if error is not None:
                    outcomes[number] = error
            elif error is None or isinstance(error, OrderAlreadyExists):
                outcomes[number] = OrderAlreadyExists(order_id=order_id)
            else:
                continue
            del waiting[number]
    return outcomes


def _replayed(key: RequestKey, fingerprint: bytes, answer: bytes) -> bytes | WmsError:
    try:
        return replay(key, fingerprint, answer)
    except RequestIdReused as error:
        return error


def _first(
    key: RequestKey | None, keys: dict[str, RequestKey], answered: dict[str, tuple[bytes, bytes]]
) -> bool:
    return key is None or (key is keys[key.request_id] and key.request_id not in answered)


async def _keep(
    transaction: Transaction, keys: dict[str, RequestKey], kept: dict[str, bytes | WmsError]
) -> None:
    """Keep the answers; failures are not kept, so their ids are given back."""
    answers = [(keys[name], answer) for name, answer in kept.items() if isinstance(answer, bytes)]
    failed = [keys[name] for name, answer in kept.items() if isinstance(answer, WmsError)]
    if answers:
        await transaction.requests.keep(answers)
    if failed:
        await transaction.requests.give_back(failed)


async def get(transaction: Transaction, order_id: str) -> Order:
    """Give an order. Raises OrderNotFound."""
    found = await find(transaction, [order_id])
    if order_id not in found:
        raise OrderNotFound(order_id=order_id)
    return found[order_id]


async def find(transaction: Transaction, order_ids: Sequence[str]) -> dict[str, Order]:
    """Give those of the orders that exist, by id."""
    return await transaction.orders.get(list(dict.fromkeys(order_ids)))


async def get_many(transaction: Transaction, order_ids: Sequence[str]) -> dict[str, Order]:
    """Return orders by id. Raises OrderNotFound for the first that does not exist, ResponseTooLarge."""
    page = await transaction.orders.get_within(list(dict.fromkeys(order_ids)), MAX_RESPONSE_BYTES)
    return _all_of(page, order_ids)


def _all_of(page: ResultPage[Order], order_ids: Sequence[str]) -> dict[str, Order]:
    if page.has_more:
        raise ResponseTooLarge(limit=MAX_RESPONSE_BYTES)
    found = {order.order_id: order for order in page.elements}
    for order_id in order_ids:
        if order_id not in found:
            raise OrderNotFound(order_id=order_id)
    return found


async def locked(transaction: Transaction, order_id: str, etag: str = "") -> Order:
    """Give an order locked and with the etag expected. Raises OrderNotFound, EtagMismatch."""
    found = await transaction.orders.lock([order_id])
    if order_id not in found:
        raise OrderNotFound(order_id=order_id)
    found[order_id].expect(etag)
    return found[order_id]


async def saved(transaction: Transaction, change: Change) -> Order:
    """Write a change and give the order after it."""
    await transaction.orders.save([change])
    return change.order


async def list_page(transaction: Transaction, wanted: OrderFilter, page: Page) -> ResultPage[Order]:
    """Return a page, newest first."""
    return await transaction.orders.page(wanted, page)


async def update(
    transaction: Transaction, order_id: str, etag: str, changes: OrderChanges, caller: Caller, now: datetime
) -> Order:
    """Change what was asked for. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await locked(transaction, order_id, etag)
    return await saved(transaction, lifecycle.update(order, changes, caller, now))


async def validate(
    transaction: Transaction, order_id: str, etag: str, caller: Caller, now: datetime
) -> Order:
    """Say that an order can be worked on. Raises OrderNotFound, EtagMismatch, StatusConflict."""
    order = await locked(transaction, order_id, etag)
    return await saved(transaction, lifecycle.validate(order, caller, now))


async def cancel(
    transaction: Transaction, order_id: str, etag: str, reason: str, caller: Caller, now: datetime
) -> Order:
    """Give an order up; of a dead-lettered one the entry is resolved too.

    Raises OrderNotFound, EtagMismatch, StatusConflict.
    """
    order = await locked(transaction, order_id, etag)
    if order.status is OrderStatus.DEAD_LETTER:
        return await dead_letters.cancel(transaction, order, reason, caller, now)
    return await saved(transaction, lifecycle.cancel(order, reason, caller, now))


async def ship(
    transaction: Transaction,
    order_id: str,
    etag: str,
    carrier_code: str,
    tracking_number: str,
    caller: Caller,
    now: datetime,
) -> Order:
    """Ship what has been delivered. Raises OrderNotFound, EtagMismatch, StatusConflict, NothingToShip."""
    order = await locked(transaction, order_id, etag)
    return await saved(transaction, lifecycle.ship(order, carrier_code, tracking_number, caller, now))


async def complete(
    transaction: Transaction,
    order_id: str,
    etag: str,
    delivered_at: datetime | None,
    caller: Caller,
    now: datetime,
) -> Order:
    """Confirm the delivery, when nothing is owed and nothing delivered waits for its shipment.

    Raises OrderNotFound, EtagMismatch, StatusConflict, BackorderOpen, UnitsNotShipped.
    """
    order = await locked(transaction, order_id, etag)
    if order.status is OrderStatus.SHIPPED:
        if open_ones := await transaction.backorders.live_of(order_id):
            raise BackorderOpen(order_id=order_id, backorder_ids=",".join(open_ones[:_TOLD_BACKORDERS]))
        if waiting := sum(item.delivered - item.shipped for item in order.items):
            raise UnitsNotShipped(order_id=order_id, quantity=waiting)
    return await saved(transaction, lifecycle.complete(order, delivered_at, caller, now))


async def assign_to_wave(
    transaction: Transaction,
    order_ids: Sequence[str],
    destination_id: str,
    wave_id: str,
    caller: Caller,
    now: datetime,
) -> tuple[Wave, list[Order], int]:
    """Put all of the orders into one wave, or none. An absent `wave_id` makes a new wave, except when the
    orders are all in one wave to that destination already: then nothing changes.
    Gives the wave, these orders, and how many orders the wave has.

    Raises DestinationNotFound, OrderNotFound, ResponseTooLarge, WarehouseMismatch, WaveDestinationConflict,
    StatusConflict.
    """
    destination = await transaction.storage.destination(destination_id)
    if destination is None:
        raise DestinationNotFound(destination_id=destination_id)
    locked_orders = await transaction.orders.lock_within(list(dict.fromkeys(order_ids)), MAX_RESPONSE_BYTES)
    found = _all_of(locked_orders, order_ids)
    for order_id in order_ids:
        if (order := found[order_id]).warehouse_id != destination.warehouse_id:
            raise WarehouseMismatch(
                resource=order_id,
                warehouse_id=order.warehouse_id,
                required_warehouse_id=destination.warehouse_id,
            )
    joined = {(order.wave_id, order.destination_id) for order in found.values()}
    if not wave_id and len(joined) == 1 and (present := joined.pop())[1] == destination_id:
        wave_id = present[0] or ""
    wave = Wave(
        wave_id=wave_id or await transaction.storage.new_wave_id(now.year),
        warehouse_id=destination.warehouse_id,
        destination_id=destination_id,
        created_at=now,
    )
    wave = await transaction.storage.put_wave(wave)
    if wave.destination_id != destination_id:
        raise WaveDestinationConflict(wave_id=wave.wave_id, destination_id=wave.destination_id)
    changes = {
        order_id: lifecycle.assign_to_wave(order, wave.wave_id, destination_id, caller, now)
        for order_id, order in found.items()
    }
    await transaction.orders.save(list(changes.values()))
    count = await transaction.storage.count_wave(wave.wave_id)
    return wave, [changes[order_id].order for order_id in order_ids], count


async def history(transaction: Transaction, order_id: str, after: int, limit: int) -> ResultPage[EventRecord]:
    """Return events of an order after a sequence number, oldest first. Raises OrderNotFound."""
    page = await transaction.orders.history(order_id, after, limit)
    if not page.elements:
        await get(transaction, order_id)
    return page
