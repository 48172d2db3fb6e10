"""Warehouse model: lanes, destinations, load carriers, moves, waves and allocations."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class LaneStatus(StrEnum):
    """Status of a lane: carriers can move into and out of an open one only."""

    OPEN = "open"
    BLOCKED = "blocked"


class CarrierStatus(StrEnum):
    """Status of a load carrier: only units of an available one are allocated."""

    AVAILABLE = "available"
    ON_HOLD = "on_hold"
    INSPECTION_REQUIRED = "inspection_required"


class CarrierLocation(StrEnum):
    """Location of a load carrier."""

    IN_LANE = "in_lane"
    MOVING = "moving"
    AT_DESTINATION = "at_destination"
    LEFT = "left"  # empty and left the storage; its row stays as history


class MoveKind(StrEnum):
    """Kind of a move."""

    RETRIEVE = "retrieve"  # lane to destination
    RELOCATE = "relocate"  # lane to lane, out of the way of other carriers
    RETURN = "return"  # destination to lane


class MoveStatus(StrEnum):
    """Status of a move."""

    REQUESTED = "requested"
    CLAIMED = "claimed"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """True while the move is requested or claimed."""
        return self in (MoveStatus.REQUESTED, MoveStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Lane:
    """A first-in first-out row of positions; `occupied_positions` counts taken and reserved ones."""

    lane_id: str
    warehouse_id: str
    zone: str
    capacity: int
    occupied_positions: int = 0
    status: LaneStatus = LaneStatus.OPEN
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """A place where load carriers are picked for packing; `queued_carriers` are there or on their way."""

    destination_id: str
    warehouse_id: str
    queue_capacity: int
    zones: tuple[str, ...]
    is_paused: bool = False
    queued_carriers: int = 0
    waiting_orders: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """A tote or pallet with units of one SKU, of which `allocated_units` are allocated to orders.

    `lane_position` is its place in its lane, 1 for the head.
    """

    carrier_id: str
    warehouse_id: str
    sku: str
    quantity: int
    allocated_units: int
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
    """One trip of one load carrier."""

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
class StockLevel:
    """The units of a SKU in a warehouse: on hand = allocated + available + on hold."""

    warehouse_id: str
    sku: str
    on_hand: int
    allocated_units: int
    available_units: int
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
    """A load carrier for the allocation rule: its free units, its destination and its reachability.

    `zone` is that of the lane where the carrier is or to which it moves. `age_rank` is lower for older
    carriers and equal for those produced at the same time. `blocker_count` counts the unallocated carriers in
    front of it in its lane, and `is_deep` marks a count beyond the limit. `is_returning` marks a carrier that
    is moving or at a destination and returns to a lane without further action.
    """

    carrier_id: str
    warehouse_id: str
    sku: str
    free_units: int
    zone: str | None
    destination_id: str | None
    is_reachable: bool
    age_rank: float = 0.0
    blocker_count: int = 0
    is_deep: bool = False
    is_returning: bool = False


@dataclass(frozen=True, slots=True)
class Allocation:
    """Units of a load carrier that are reserved for a line of an order, or for a backorder of that line."""

    order_id: str
    line_number: int
    carrier_id: str
    destination_id: str
    quantity: int
    backorder_id: str | None = None


class CarrierArrival(NamedTuple):
    """An order with a load carrier at its destination; `has_backorder` if any units are for a backorder."""

    order_id: str
    destination_id: str
    has_backorder: bool


@dataclass(frozen=True, slots=True)
class DisplacedCarrier:
    """A load carrier to be moved into another lane, from a destination or from a lane.

    `zones` are the zones to which it may go, and `same_sku_lanes` the lanes in them with its SKU.
    """

    carrier_id: str
    warehouse_id: str
    zones: frozenset[str]
    destination_id: str | None = None
    lane_id: str | None = None
    same_sku_lanes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneMove:
    """A planned move of a load carrier into a lane: from a destination, or from another lane."""

    carrier_id: str
    warehouse_id: str
    kind: MoveKind
    to_lane_id: str
    destination_id: str | None = None
    from_lane_id: str | None = None
