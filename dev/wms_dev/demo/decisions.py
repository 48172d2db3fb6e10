"""What a supervisor decides about what has come to rest: dead letters, backorders, orders without a route."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from wms.orders.v1 import dead_letter_pb2, order_pb2, storage_pb2
from wms_dev.northwind_site import CARRIER_UNITS

Resolution: TypeAlias = dead_letter_pb2.DeadLetterResolution.ValueType

# Of ten entries: one is left to a superior, two customers want their money back, seven their goods.
ESCALATED, CANCELLED = {9}, {3, 6}
DISCONTINUED = "discontinued: no more will come"
HOPELESS = dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
WAITED_LONG_ENOUGH = "waited long enough: the customer takes what has been sent"


@dataclass(frozen=True)
class Decisions:
    """What is to become of each dead order and backorder, what is to be delivered, which stations opened up.

    `given_up` are backorders with the reason, `routes` the stations to be served from everywhere.
    """

    resolutions: dict[str, Resolution]
    delivery: Counter[str]
    given_up: dict[str, str]
    routes: frozenset[str] = frozenset()

    def count(self, resolution: Resolution) -> int:
        """How many orders it was decided for."""
        return sum(decided == resolution for decided in self.resolutions.values())

    @property
    def escalated(self) -> frozenset[str]:
        """The orders that are left to a superior."""
        left = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
        return frozenset(order_id for order_id, decided in self.resolutions.items() if decided == left)


def decide(
    dead: Iterable[order_pb2.Order],
    owed: Iterable[storage_pb2.Backorder],
    available: Counter[str],
    discontinued: Collection[str],
    stranded: Iterable[order_pb2.Order] = (),
    routes: Iterable[str] = (),
) -> Decisions:
    """Decide about every dead order and backorder, and have delivered what those that go on need.

    Stranded orders go on by themselves once there are routes to their stations. `available` are the units of
    each SKU that nobody holds. What is discontinued can't be delivered: what is owed or asked for of it
    beyond those is given up, or its order cancelled.
    """
    left = Counter({sku: available[sku] for sku in discontinued})
    wanted = sum((_units(order) for order in stranded), Counter[str]())
    left -= wanted
    given_up: dict[str, str] = {}
    for backorder in owed:
        units = Counter({backorder.sku: backorder.quantity - backorder.quantity_fulfilled})
        if _can_be_had(units, left, discontinued):
            wanted += units
        else:
            given_up[backorder.backorder_id] = DISCONTINUED
    resolutions: dict[str, Resolution] = {}
    numbers = count(1)
    for order in sorted(dead, key=lambda order: order.order_id):
        units = _units(order)
        resolutions[order.order_id] = HOPELESS
        if _can_be_had(units, left, discontinued):
            resolutions[order.order_id] = _resolution(next(numbers))
        if resolutions[order.order_id] == dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY:
            wanted += units
    delivery = {sku: _full(n) for sku, n in (wanted - available).items() if sku not in discontinued}
    return Decisions(resolutions, Counter(delivery), given_up, frozenset(routes))


def end_it(
    dead: Iterable[order_pb2.Order],
    owed: Iterable[storage_pb2.Backorder],
    routes: Iterable[str] = (),
) -> Decisions:
    """Decide so that nothing is left to wait for: cancel and give up, open every route."""
    return Decisions(
        resolutions={order.order_id: HOPELESS for order in dead},
        delivery=Counter(),
        given_up={backorder.backorder_id: WAITED_LONG_ENOUGH for backorder in owed},
        routes=frozenset(routes),
    )


def _can_be_had(units: Counter[str], left: Counter[str], discontinued: Collection[str]) -> bool:
    """Whether there is enough of what can't be delivered; it is set aside then."""
    last = Counter({sku: n for sku, n in units.items() if sku in discontinued})
    if not last <= left:
        return False
    left -= last
    return True


def _units(order: order_pb2.Order) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in order.items:
        units[item.sku] += item.quantity
    return units


def _full(units: int) -> int:
    """Suppliers deliver full carriers."""
    return -(-units // CARRIER_UNITS) * CARRIER_UNITS


def _resolution(number: int) -> Resolution:
    if number % 10 in ESCALATED:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
    if number % 10 in CANCELLED:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
    return dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY
