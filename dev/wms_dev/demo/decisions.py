"""The supervisor's decisions about dead letters, backorders and orders without a route."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from wms.orders.v1 import dead_letter_pb2, order_pb2, storage_pb2
from wms_dev.sample_data.warehouse_layout import CARRIER_UNITS

Resolution: TypeAlias = dead_letter_pb2.DeadLetterResolution.ValueType

# Of ten entries one is escalated, two are cancelled and seven are retried.
ESCALATED_DIGITS, CANCELLED_DIGITS = {9}, {3, 6}
DISCONTINUED_REASON = "discontinued: no more deliveries"
CANCELLED_RESOLUTION = dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
WAITED_TOO_LONG_REASON = "waited too long: the customer accepts the partial delivery"


@dataclass(frozen=True)
class Decisions:
    """Decisions about dead letters and backorders, the stock to deliver, and stations to open.

    `cancelled_backorders` maps the backorders to cancel to their reasons. `routes` are the stations that all
    zones shall serve from now on.
    """

    resolutions: dict[str, Resolution]
    delivery: Counter[str]
    cancelled_backorders: dict[str, str]
    routes: frozenset[str] = frozenset()

    def count(self, resolution: Resolution) -> int:
        """Return the number of dead letters with this resolution."""
        return sum(decided_resolution == resolution for decided_resolution in self.resolutions.values())

    @property
    def escalated_orders(self) -> frozenset[str]:
        """The orders whose dead letters are escalated."""
        escalated = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
        return frozenset(order_id for order_id, decided in self.resolutions.items() if decided == escalated)


def decide_first(
    dead_orders: Iterable[order_pb2.Order],
    open_backorders: Iterable[storage_pb2.Backorder],
    available: Counter[str],
    discontinued: Collection[str],
    stranded: Iterable[order_pb2.Order] = (),
    routes: Iterable[str] = (),
) -> Decisions:
    """Decide about each dead letter and backorder, and order the stock that the continued orders need.

    Stranded orders continue once their stations have routes. `available` are the unallocated units of each
    SKU. Discontinued SKUs cannot be delivered: backorders that exceed their available units are cancelled,
    and so are dead letters.
    """
    last_units = Counter({sku: available[sku] for sku in discontinued})
    needed_units = sum((_count_units(order) for order in stranded), Counter[str]())
    last_units -= needed_units
    cancelled_backorders: dict[str, str] = {}
    for backorder in open_backorders:
        units = Counter({backorder.sku: backorder.quantity - backorder.quantity_fulfilled})
        if _reserve_last_units(units, last_units, discontinued):
            needed_units += units
        else:
            cancelled_backorders[backorder.backorder_id] = DISCONTINUED_REASON
    resolutions: dict[str, Resolution] = {}
    numbers = count(1)
    for order in sorted(dead_orders, key=lambda order: order.order_id):
        units = _count_units(order)
        resolutions[order.order_id] = CANCELLED_RESOLUTION
        if _reserve_last_units(units, last_units, discontinued):
            resolutions[order.order_id] = _choose_resolution(next(numbers))
        if resolutions[order.order_id] == dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY:
            needed_units += units
    delivery = {
        sku: _round_to_full_carriers(n)
        for sku, n in (needed_units - available).items()
        if sku not in discontinued
    }
    return Decisions(resolutions, Counter(delivery), cancelled_backorders, frozenset(routes))


def decide_last(
    dead_orders: Iterable[order_pb2.Order],
    open_backorders: Iterable[storage_pb2.Backorder],
    routes: Iterable[str] = (),
) -> Decisions:
    """Decide so that no order waits afterwards: cancel dead letters and backorders, open all routes."""
    return Decisions(
        resolutions={order.order_id: CANCELLED_RESOLUTION for order in dead_orders},
        delivery=Counter(),
        cancelled_backorders={
            backorder.backorder_id: WAITED_TOO_LONG_REASON for backorder in open_backorders
        },
        routes=frozenset(routes),
    )


def _reserve_last_units(units: Counter[str], last_units: Counter[str], discontinued: Collection[str]) -> bool:
    """Reserve the discontinued units. Return False if there are not enough."""
    needed_last_units = Counter({sku: n for sku, n in units.items() if sku in discontinued})
    if not needed_last_units <= last_units:
        return False
    last_units -= needed_last_units
    return True


def _count_units(order: order_pb2.Order) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in order.items:
        units[item.sku] += item.quantity
    return units


def _round_to_full_carriers(units: int) -> int:
    """Round up, because suppliers deliver full load carriers."""
    return -(-units // CARRIER_UNITS) * CARRIER_UNITS


def _choose_resolution(number: int) -> Resolution:
    if number % 10 in ESCALATED_DIGITS:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
    if number % 10 in CANCELLED_DIGITS:
        return dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED
    return dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY
