"""Where goods are and how they travel: lanes, destinations, carriers, moves, waves."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class LaneStatus(StrEnum):
    """Whether carriers may be put into and taken from a lane."""

    OPEN = "open"
    BLOCKED = "blocked"


class CarrierStatus(StrEnum):
    """Whether what a carrier holds may be allocated."""

    AVAILABLE = "available"
    ON_HOLD = "on_hold"
    INSPECTION_REQUIRED = "inspection_required"


class CarrierLocation(StrEnum):
    """Where a carrier is."""

    IN_LANE = "in_lane"
    MOVING = "moving"
    AT_DESTINATION = "at_destination"
    LEFT = "left"  # empty and gone; its row stays as history


class MoveKind(StrEnum):
    """Which trip."""

    RETRIEVE = "retrieve"  # lane to destination
    RELOCATE = "relocate"  # a blocker, lane to lane
    RETURN = "return"  # destination to lane


class MoveStatus(StrEnum):
    """How far a trip is."""

    REQUESTED = "requested"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """Whether the trip is still to be made or under way."""
        return self in (MoveStatus.REQUESTED, MoveStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Lane:
    """A first-in first-out row of positions; `occupied` counts those that are taken or promised."""

    lane_id: str
    warehouse_id: str
    zone: str
    capacity: int
    occupied: int = 0
    status: LaneStatus = LaneStatus.OPEN
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where carriers are brought for packing; `in_queue` counts those there or on their way."""

    destination_id: str
    warehouse_id: str
    queue_capacity: int
    zones: tuple[str, ...]
    paused: bool = False
    in_queue: int = 0
    waiting_orders: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """A tote or pallet with a quantity of one SKU, of which `allocated` units are promised to orders.

    `lane_position` is its place in its lane, 1 for the head.
    """

    carrier_id: str
    warehouse_id: str
    sku: str
    quantity: int
    allocated: int
    status: CarrierStatus
    location: CarrierLocation
    produced_at: datetime
    received_at: datetime
    lane_id: str | None = None
    lane_position: int | None = None
    destination_id: str | None = None
    status_reason: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One trip of one carrier."""

    move_id: str
    warehouse_id: str
    carrier_id: str
    sku: str
    quantity: int
    kind: MoveKind
    status: MoveStatus
    requested_at: datetime
    deadline_at: datetime
    from_lane_id: str | None = None
    to_lane_id: str | None = None
    destination_id: str | None = None
    claimed_by: str | None = None
    claimed_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """The units of a SKU in a warehouse: on hand = allocated + available + on hold."""

    warehouse_id: str
    sku: str
    on_hand: int
    allocated: int
    available: int
    on_hold: int


@dataclass(frozen=True, slots=True)
class Wave:
    """Orders released together to one destination."""

    wave_id: str
    warehouse_id: str
    destination_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FreeCarrier:
    """A carrier as allocation sees it: the units nobody holds, where it goes, what it could serve.

    `zone` is that of the lane it stands in or is on its way to. `age_rank` is lower for older ones and the
    same for those produced at the same time; `blockers` counts the carriers in front of it in its lane that
    nobody wants, `deep` says that these are too many. `comes_back` says of one that goes somewhere, or is on
    its way, that it will stand in a lane again without anybody's doing.
    """

    carrier_id: str
    warehouse_id: str
    sku: str
    free: int
    zone: str | None
    destination_id: str | None
    reachable: bool
    age_rank: float = 0.0
    blockers: int = 0
    deep: bool = False
    comes_back: bool = False


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units of a carrier promised to a line of an order, or to a backorder of that line."""

    order_id: str
    line_number: int
    carrier_id: str
    destination_id: str
    quantity: int
    backorder_id: str | None = None


class Arrival(NamedTuple):
    """An order for which a carrier is at its destination; `owed` if any of it is for a backorder."""

    order_id: str
    destination_id: str
    owed: bool


@dataclass(frozen=True, slots=True)
class StrayCarrier:
    """A carrier that is in the way, at a destination (which has zones) or in a lane, and where it may go.

    `homes` are lanes in these zones that hold its SKU.
    """

    carrier_id: str
    warehouse_id: str
    zones: frozenset[str]
    destination_id: str | None = None
    lane_id: str | None = None
    homes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneTrip:
    """A carrier's way into a lane: back from a destination, or from another lane."""

    carrier_id: str
    warehouse_id: str
    kind: MoveKind
    to_lane_id: str
    destination_id: str | None = None
    from_lane_id: str | None = None
