"""Faults in the simulated warehouse and their rates."""

import math
from dataclasses import dataclass, fields
from enum import Enum, auto

from wms.orders.v1 import storage_pb2
from wms_dev.errors import UserError
from wms_dev.simulator.seeded_random import SeededRandom

RETRIEVE = storage_pb2.MOVE_KIND_RETRIEVE
MIN_DAMAGE_SHARE, MAX_DAMAGE_SHARE = 0.1, 0.5


class InvalidRate(UserError):
    """A rate is not between 0 and 1."""


class MoveOutcome(Enum):
    """The result of a move."""

    ARRIVES = auto()
    BREAKS_DOWN = auto()  # the crane stops; the load carrier stays in place
    LOST = auto()  # the load carrier is not in the recorded lane
    DAMAGED = auto()  # it arrives with damaged units


@dataclass(frozen=True)
class FaultRates:
    """The rate of each kind of fault, from 0 to 1.

    `breakdown` is a share of all moves, `lost` and `damaged` are shares of the moves to a destination,
    `not_found` and `mismatch` are shares of the packed order lines, and `found` is a share of the searches
    for lost load carriers.

    Raises:
        InvalidRate: A rate is not between 0 and 1.
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
                raise InvalidRate(f"the rate of {field.name} is {rate}; it must be from 0 to 1")


@dataclass(frozen=True)
class FaultPlan:
    """The faults by subject. They depend on the seed, not on time or order of the calls."""

    seeded_random: SeededRandom
    rates: FaultRates

    def choose_move_outcome(
        self, carrier_id: str, kind: storage_pb2.MoveKind.ValueType, number: int
    ) -> MoveOutcome:
        """Return the result of the `number`-th move of a kind of a load carrier."""
        subject, rates = f"{carrier_id}/{kind}/{number}", self.rates
        if kind == RETRIEVE and self.seeded_random.is_hit(rates.lost, "lost", subject):
            return MoveOutcome.LOST
        if self.seeded_random.is_hit(rates.breakdown, "breakdown", subject):
            return MoveOutcome.BREAKS_DOWN
        if kind == RETRIEVE and self.seeded_random.is_hit(rates.damaged, "damaged", subject):
            return MoveOutcome.DAMAGED
        return MoveOutcome.ARRIVES

    def choose_damaged_units(self, carrier_id: str, quantity: int) -> int:
        """Return how many units of a damaged load carrier are unusable, at least one."""
        return max(
            1,
            int(
                quantity
                * self.seeded_random.draw_between(MIN_DAMAGE_SHARE, MAX_DAMAGE_SHARE, "damage", carrier_id)
            ),
        )

    def choose_short_pick(self, order_id: str, line: int, quantity: int) -> tuple[int, str] | None:
        """Return the missing units of an order line and the reason, or None if no unit is missing."""
        subject = f"{order_id}/{line}"
        if self.seeded_random.is_hit(self.rates.not_found, "not_found", subject):
            return quantity, "not_found"
        if self.seeded_random.is_hit(self.rates.mismatch, "mismatch", subject):
            return max(
                1, int(quantity * self.seeded_random.draw_share("missing", subject) / 2)
            ), "quantity_mismatch"
        return None

    def is_carrier_found(self, carrier_id: str, search: int) -> bool:
        """Return whether the inspector finds a lost load carrier in the `search`-th search."""
        return self.seeded_random.is_hit(self.rates.found, "found", f"{carrier_id}/{search}")
