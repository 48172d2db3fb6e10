"""What goes wrong in the simulated warehouse, and how often."""

import math
from dataclasses import dataclass, fields
from enum import Enum, auto

from wms.orders.v1 import storage_pb2
from wms_dev.problem import Problem
from wms_dev.simulator.chance import Chance

RETRIEVE = storage_pb2.MOVE_KIND_RETRIEVE
LEAST_DAMAGE, MOST_DAMAGE = 0.1, 0.5


class RateWrong(Problem):
    """A rate is not a share."""


class Fate(Enum):
    """How a carrier's trip ends."""

    ARRIVES = auto()
    BREAKS_DOWN = auto()  # the crane stops; the carrier stays where it was
    LOST = auto()  # the carrier is not where the books say
    DAMAGED = auto()  # it arrives, a part of its goods can't be used


@dataclass(frozen=True)
class Rates:
    """How often each kind strikes, 0 to 1; raises `RateWrong` for anything else.

    `breakdown` is a share of all trips, `lost` and `damaged` of those to a destination; `not_found` and
    `mismatch` of the order lines that are packed; `found` of the lost carriers that the inspector looks for.
    """

    breakdown: float = 0.0
    lost: float = 0.0
    damaged: float = 0.0
    not_found: float = 0.0
    mismatch: float = 0.0
    found: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            rate = getattr(self, field.name)
            if math.isnan(rate) or not 0 <= rate <= 1:
                raise RateWrong(f"the rate of {field.name} is {rate}, and must be from 0 to 1")


@dataclass(frozen=True)
class Fates:
    """What befalls whom: the same for the same seed, whenever it is asked."""

    chance: Chance
    rates: Rates

    def of_trip(self, carrier_id: str, kind: storage_pb2.MoveKind.ValueType, number: int) -> Fate:
        """How the carrier's so-many-th trip of a kind ends."""
        subject, rates = f"{carrier_id}/{kind}/{number}", self.rates
        if kind == RETRIEVE and self.chance.strikes(rates.lost, "lost", subject):
            return Fate.LOST
        if self.chance.strikes(rates.breakdown, "breakdown", subject):
            return Fate.BREAKS_DOWN
        if kind == RETRIEVE and self.chance.strikes(rates.damaged, "damaged", subject):
            return Fate.DAMAGED
        return Fate.ARRIVES

    def damaged_units(self, carrier_id: str, quantity: int) -> int:
        """How many of the units on a damaged carrier can't be used: at least one."""
        return max(1, int(quantity * self.chance.between(LEAST_DAMAGE, MOST_DAMAGE, "damage", carrier_id)))

    def of_line(self, order_id: str, line: int, quantity: int) -> tuple[int, str] | None:
        """How many units of an order line the picker misses, and the kind; None when all are there."""
        subject = f"{order_id}/{line}"
        if self.chance.strikes(self.rates.not_found, "not_found", subject):
            return quantity, "not_found"
        if self.chance.strikes(self.rates.mismatch, "mismatch", subject):
            return max(1, int(quantity * self.chance.draw("missing", subject) / 2)), "quantity_mismatch"
        return None

    def is_found(self, carrier_id: str, search: int) -> bool:
        """Whether the inspector finds a lost carrier at the so-many-th search."""
        return self.chance.strikes(self.rates.found, "found", f"{carrier_id}/{search}")
