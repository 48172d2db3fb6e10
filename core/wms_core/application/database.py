"""Interfaces of the database, which `wms_core.postgres` implements.

A `Transaction` is a unit of work: all of its repositories write in one transaction. It commits when the
operation returns, and rolls back when the operation raises.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from wms_core.application.workloads import BACKGROUND_USAGE, PoolUsage
from wms_core.domain.backlog_metrics import BacklogSnapshot, EventCounts
from wms_core.domain.call_context import Caller
from wms_core.domain.cycle_runs import FulfillmentPause, Run, RunStatus, WarehouseStats
from wms_core.domain.errors import WmsError
from wms_core.domain.events.events import CycleEvent, EventRecord
from wms_core.domain.events.kafka import LogEvent, ParkedEvent, RejectedEvent, RelayState, ReleasedEvent
from wms_core.domain.failures.dead_letters import DeadLetterDecision, DeadLetterEntry, DeadLetterStats
from wms_core.domain.failures.failures import EligibleOrder
from wms_core.domain.orders.backorders import Backorder, BackorderStatus
from wms_core.domain.orders.change import OrderChange
from wms_core.domain.orders.intake import AcceptedOrder
from wms_core.domain.orders.orders import FailureAttempt, Order, Priority
from wms_core.domain.orders.status import OrderStatus
from wms_core.domain.stock.allocation import BackorderedUnits, CandidateLimits, OrderWait, StockDemand
from wms_core.domain.stock.warehouse import (
    Allocation,
    Carrier,
    CarrierArrival,
    CarrierLocation,
    CarrierStatus,
    Destination,
    DisplacedCarrier,
    FreeCarrier,
    Lane,
    LaneMove,
    LaneStatus,
    Move,
    MoveStatus,
    StockLevel,
    Wave,
)
from wms_core.domain.workers import ReplicaCommands, ReplicaReport, Worker, WorkerMode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: after a key (keyset), or after a number of rows (from the Order Service document)."""

    size: int
    after_key: tuple[datetime, str] | None = None
    offset: int = 0


#: Maximum bytes of the elements in a response: clients reject more than 4 MiB by default. A page ends early
#: at this size, also while it is read.
MAX_RESPONSE_BYTES = 3_500_000


class ResultPage(NamedTuple, Generic[T]):
    """Elements of a list, at least one if there is any, and whether more follow."""

    elements: list[T]
    has_more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Filter of orders; an absent value filters nothing."""

    statuses: tuple[OrderStatus, ...] = ()
    priorities: tuple[Priority, ...] = ()
    customer_id: str = ""
    warehouse_id: str = ""
    wave_id: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    overdue_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Filter of dead letters; an absent value filters nothing."""

    is_resolved: bool | None = None
    failure_status: OrderStatus | None = None
    customer_id: str = ""
    warehouse_id: str = ""
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneFilter:
    """Filter of lanes; an absent value filters nothing."""

    warehouse_id: str = ""
    zone: str = ""
    statuses: tuple[LaneStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class CarrierFilter:
    """Filter of carriers; an absent value filters nothing.

    Without `locations`, carriers that left the storage are excluded.
    """

    warehouse_id: str = ""
    sku: str = ""
    lane_id: str = ""
    destination_id: str = ""
    statuses: tuple[CarrierStatus, ...] = ()
    locations: tuple[CarrierLocation, ...] = ()


@dataclass(frozen=True, slots=True)
class BackorderFilter:
    """Filter of backorders; an absent value filters nothing."""

    order_id: str = ""
    customer_id: str = ""
    warehouse_id: str = ""
    sku: str = ""
    statuses: tuple[BackorderStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Filter of runs; an absent value filters nothing."""

    warehouse_id: str = ""
    statuses: tuple[RunStatus, ...] = ()
    requested_only: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Filter of events; an absent value filters nothing. `statuses` are those after the event."""

    order_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    statuses: frozenset[OrderStatus] = frozenset()
    customer_id: str = ""
    warehouse_id: str = ""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """Bounds of the event log: it can be read from any position in `oldest_position` to `newest_position`."""

    oldest_position: int
    newest_position: int


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Idempotency key of a request: the same id with the same content returns the stored response."""

    rpc_name: str
    request_id: str
    content_fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Fence:
    """Fencing token of a worker replica; each of its transactions begins with a check of role and epoch."""

    role: str
    epoch: int


@dataclass(frozen=True, slots=True, order=True)
class ElectionToken:
    """Identity of an election; later elections are greater.

    `folder_created_ms` is the creation time of the election folder in milliseconds, so elections in a new
    folder are later than all of the old folder. `node_number` rises with each election in a folder.
    """

    folder_created_ms: int
    node_number: int


class OrderRepository(Protocol):
    """Orders with their lines, shipments, failures and events."""

    async def insert(self, accepted_orders: Sequence[AcceptedOrder]) -> Mapping[str, WmsError]:
        """Insert new orders with distinct ids in one statement. Return the errors of omitted orders by id.

        An error is OrderAlreadyExists, WarehouseNotFound or EventTooLarge.
        """
        ...

    async def get(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Return the existing orders by id."""
        ...

    async def lock_orders(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Return the existing orders by id, locked until the end of the transaction."""
        ...

    async def get_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the existing orders by id, up to a total of `max_bytes`."""
        ...

    async def lock_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the same as `get_within`, all locked until the end of the transaction."""
        ...

    async def lock_skipping_locked(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Same as `lock_orders`, but omit orders that another transaction has locked instead of waiting."""
        ...

    async def save(self, changes: Sequence[OrderChange]) -> None:
        """Write changes of locked orders: lines, events, failures and releases."""
        ...

    async def save_lines(self, order: Order) -> None:
        """Write the progress of the lines of a locked order."""

    async def release_allocations(
        self, order_ids: Sequence[str], backorder_ids: Sequence[str], now: datetime
    ) -> None:
        """Release the allocations of locked orders, or of single backorders of them."""

    async def list_page(self, order_filter: OrderFilter, page: Page) -> ResultPage[Order]:
        """Return one page, newest first; a page of large orders is shorter."""
        ...

    async def list_eligible(
        self, statuses: Sequence[OrderStatus], max_retries: int, limit: int
    ) -> tuple[list[EligibleOrder], int]:
        """Return the first orders that wait for a retry with fewer failures, and their total number."""
        ...

    async def list_attempts(self, order_id: str, retry_generation: int) -> list[FailureAttempt]:
        """Return the failures of one retry generation of an order, first to last."""
        ...

    async def list_events(self, order_id: str, after_sequence: int, limit: int) -> ResultPage[EventRecord]:
        """Return events of an order after a sequence number, including those without a position yet."""
        ...

    async def get_status_changed_at(self, order_id: str) -> datetime | None:
        """Return when the order reached its status; None when that event is no longer kept."""
        ...


class EventLogRepository(Protocol):
    """The event log, by position."""

    async def read_bounds(self) -> LogBounds:
        """Return the current bounds of the log."""
        ...

    async def list_after(
        self,
        position: int,
        limit: int,
        max_bytes: int = MAX_RESPONSE_BYTES,
        *,
        until_position: int | None = None,
        event_filter: EventFilter | None = None,
    ) -> ResultPage[EventRecord]:
        """Return the next matching events after a position, up to `until_position`.

        The page ends with the event that reaches `max_bytes`. Events may be dropped while they are read: read
        the bounds afterwards to detect a gap.
        """
        ...

    async def drop_oldest_partition(self, retention_period: timedelta) -> str | None:
        """Drop the oldest partition if all of its events have expired and no reader needs them.

        Return its name, or None when there is nothing to drop. Raises ConcurrentChange while the log is read
        without pause.
        """
        ...


class DeadLetterRepository(Protocol):
    """Entries of the dead letter queue."""

    async def find_newest(self, order_id: str) -> DeadLetterEntry | None:
        """Return the newest entry of an order."""
        ...

    async def get(self, entry_id: str) -> DeadLetterEntry | None:
        """Return an entry."""
        ...

    async def record_decision(self, entry: DeadLetterEntry, new_decision: DeadLetterDecision) -> None:
        """Add a decision to an entry whose order is locked."""
        ...

    async def list_page(
        self, dead_letter_filter: DeadLetterFilter, page: Page
    ) -> ResultPage[DeadLetterEntry]:
        """Return one page, newest first; a page of large entries is shorter."""
        ...

    async def read_stats(self) -> DeadLetterStats:
        """Return the counts of one snapshot."""
        ...

    async def compact_counters(self, limit: int) -> int:
        """Merge rows that count entries, up to a limit; return the number of rows before."""
        ...


class IdempotencyRepository(Protocol):
    """Idempotency keys and their stored responses."""

    async def reserve(self, request_keys: Sequence[RequestKey]) -> dict[str, tuple[bytes, bytes]]:
        """Reserve the keys, waiting for other transactions that have one. Return those that have a response.

        The result has fingerprint and response by request id. All keys must belong to one rpc.
        """
        ...

    async def store_responses(self, keyed_responses: Sequence[tuple[RequestKey, bytes]]) -> None:
        """Store the responses of reserved keys."""
        ...

    async def release_keys(self, request_keys: Sequence[RequestKey]) -> None:
        """Release reserved keys of failed requests; failures are not stored."""
        ...

    async def delete_expired(self, retention_period: timedelta, limit: int) -> int:
        """Delete responses older than `retention_period` by the clock of Postgres; return their number."""
        ...


class StorageRepository(Protocol):
    """Lanes, destinations, carriers, moves and waves."""

    async def put_warehouse(self, warehouse_id: str) -> None:
        """Create the warehouse if it does not exist."""
        ...

    async def warehouse_exists(self, warehouse_id: str) -> bool:
        """Return whether the warehouse has or had a lane or a destination."""
        ...

    async def is_role_held(self, role: str) -> bool:
        """Return whether a worker has the role and its heartbeat is fresh."""
        ...

    async def put_lane(self, lane: Lane) -> Lane | None:
        """Create or change a lane; None when it belongs to another warehouse."""
        ...

    async def list_lanes(self, lane_filter: LaneFilter, after_id: str, limit: int) -> list[Lane]:
        """Return lanes by id, after `after_id`."""
        ...

    async def lock_lanes(self, lane_ids: Sequence[str]) -> dict[str, Lane]:
        """Return the existing lanes by id, locked."""
        ...

    async def put_destination(self, destination: Destination) -> Destination | None:
        """Create or change a destination; None when it belongs to another warehouse."""
        ...

    async def list_destinations(self, warehouse_id: str, after_id: str, limit: int) -> list[Destination]:
        """Return destinations by id, after `after_id`, with the length of their queues."""
        ...

    async def get_destination(self, destination_id: str) -> Destination | None:
        """Return a destination."""
        ...

    async def insert_carriers(self, carriers: Sequence[Carrier], now: datetime) -> dict[str, Carrier]:
        """Put carriers at the end of locked lanes; return the new ones by id."""
        ...

    async def list_carriers(self, carrier_filter: CarrierFilter, after_id: str, limit: int) -> list[Carrier]:
        """Return carriers by id, after `after_id`."""
        ...

    async def lock_carrier(self, carrier_id: str) -> Carrier | None:
        """Return a carrier, locked."""
        ...

    async def set_carrier_status(self, carrier_id: str, status: str, reason: str, now: datetime) -> Carrier:
        """Change the status of a locked carrier."""
        ...

    async def list_stock(
        self, warehouse_id: str, sku: str, after_key: tuple[str, str], limit: int
    ) -> list[StockLevel]:
        """Return the stock by warehouse and SKU, after `after_key`."""
        ...

    async def claim_moves(self, warehouse_id: str, limit: int, claimed_by: str, now: datetime) -> list[Move]:
        """Assign requested moves to one caller, the oldest first; each move is assigned once."""
        ...

    async def list_live_statuses(self, warehouse_ids: Sequence[str]) -> dict[str, dict[str, MoveStatus]]:
        """Return the statuses of the requested and claimed moves by id, by warehouse."""
        ...

    async def list_moves(self, move_ids: Sequence[str]) -> list[Move]:
        """Return the existing moves, oldest first."""
        ...

    async def lock_moves(self, move_ids: Sequence[str]) -> dict[str, Move]:
        """Return the existing moves by id, locked."""
        ...

    async def complete_moves(self, move_ids: Sequence[str], now: datetime) -> dict[str, Move]:
        """Record that claimed, locked moves are done, and the new locations of their carriers."""
        ...

    async def fail_moves(self, move_ids: Sequence[str], reason: str, now: datetime) -> dict[str, Move]:
        """Record that live, locked moves failed; their carriers stay where they were, to be inspected."""
        ...

    async def put_wave(self, wave: Wave) -> Wave:
        """Create a wave, or return the existing one with its id."""
        ...

    async def count_wave_orders(self, wave_id: str) -> int:
        """Return the number of orders in a wave."""
        ...

    async def set_lane_status(self, lane_id: str, status: LaneStatus, now: datetime) -> Lane:
        """Change the status of a locked lane."""
        ...

    async def new_wave_id(self, calendar_year: int) -> str:
        """Return the next wave number of the year."""
        ...

    async def record_audit(
        self,
        caller: Caller,
        audit_action: str,
        details_by_subject: Mapping[str, Mapping[str, object]],
        now: datetime,
    ) -> None:
        """Record the actor and subjects of a change that is not an event of an order."""
        ...


class BackorderRepository(Protocol):
    """Backorders, and write-offs of missing units."""

    async def get(self, backorder_id: str) -> Backorder | None:
        """Return a backorder."""
        ...

    async def list_page(self, backorder_filter: BackorderFilter, page: Page) -> list[Backorder]:
        """Return one page, oldest first, with one extra backorder if more follow."""
        ...

    async def list_live_ids(self, order_id: str) -> list[str]:
        """Return the ids of an order's open and in-progress backorders."""
        ...

    async def get_allocated_units(self, backorder_id: str) -> int:
        """Return the units that are allocated to a backorder."""
        ...

    async def list_orders_with_open_backorders(self, limit: int) -> list[str]:
        """Return orders with backorders for which free stock exists, most urgent first."""
        ...

    async def list_backordered_units(self, order_ids: Sequence[str]) -> list[BackorderedUnits]:
        """Return the backordered, unallocated units of locked orders, most urgent first."""
        ...

    async def list_order_ids(self, backorder_ids: Sequence[str]) -> list[str]:
        """Return the orders of backorders."""
        ...

    async def reopen_backorders(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that allocated units of backorders will not arrive; call `release_allocations` next."""

    async def mark_in_progress(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that stock is on its way for backorders."""

    async def record_delivery(self, units_by_backorder: dict[str, int], now: datetime) -> list[Backorder]:
        """Record units delivered for backorders; return the backorders that are now complete."""
        ...

    async def write_off(
        self,
        warehouse_id: str,
        order_id: str,
        sku: str,
        quantity: int,
        reason: str,
        actor_name: str,
        now: datetime,
    ) -> None:
        """Remove units that a picker did not find from the stock."""


class FulfillmentRepository(Protocol):
    """Runs, pauses and statistics."""

    async def read_waiting_reason(self, order_id: str) -> str | None:
        """Return why an order waits; None for a finished order."""
        ...

    async def request_run(self, run_id: str, warehouse_id: str, actor_name: str, now: datetime) -> Run:
        """Request a cycle from the active worker."""
        ...

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run."""
        ...

    async def list_runs(self, run_filter: RunFilter, page: Page) -> list[Run]:
        """Return one page, newest first, with one extra run if more follow."""
        ...

    async def is_run_requested(self) -> bool:
        """Return whether a requested cycle has not started."""
        ...

    async def start_runs(self, worker_id: str, epoch: int, now: datetime) -> list[str]:
        """Start the requested runs, return their ids, and abandon unfinished runs of earlier workers."""
        ...

    async def finish_run(
        self, run: Run, requested_run_ids: Sequence[str], retention_period: timedelta
    ) -> None:
        """Write the record of a cycle, into the runs that requested it if any; delete expired records."""

    async def upsert_pause(self, fulfillment_pause: FulfillmentPause) -> FulfillmentPause:
        """Stop new work; an existing pause of the warehouse is replaced."""
        ...

    async def delete_pause(self, warehouse_id: str) -> None:
        """End the pause of a warehouse."""

    async def list_pauses(self) -> list[FulfillmentPause]:
        """Return the pauses in force."""
        ...

    async def read_warehouse_stats(self, warehouse_id: str, now: datetime) -> list[WarehouseStats]:
        """Return the statistics of each warehouse, or of one."""
        ...


class MetricsRepository(Protocol):
    """Read-only queries for metrics."""

    async def read_newest_position(self) -> int:
        """Return the last position of the event log; 0 if it is empty."""
        ...

    async def count_events(self, after_position: int, limit: int) -> EventCounts:
        """Return the counts of at most `limit` events after a position."""
        ...

    async def read_backlog(self, age_limits: Mapping[Priority, timedelta], now: datetime) -> BacklogSnapshot:
        """Return the counts of waiting work; an order older than its priority's limit is late."""
        ...


class CycleRepository(Protocol):
    """Queries and changes of the fulfillment cycle, in batches."""

    async def list_due_retries(self, now: datetime, limit: int) -> list[str]:
        """Return orders whose retry is due, the longest due first."""
        ...

    async def list_received(self, limit: int) -> list[str]:
        """Return orders that wait for validation."""
        ...

    async def advance_orders(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        source_status: OrderStatus,
        target_status: OrderStatus,
        event_template: CycleEvent,
        waves: Sequence[Wave] = (),
    ) -> list[str]:
        """Move orders along one transition of the status table, with their events and waves, if given.

        Missing waves are created. Return the moved orders. Orders in a different status, or locked by another
        transaction, do not change. Checks the fence itself.
        """
        ...

    async def list_validated(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a wave, most urgent first, with their warehouse."""
        ...

    async def list_open_destinations(self) -> list[Destination]:
        """Return the destinations that are not paused, with their queues and waiting orders."""
        ...

    async def list_unreachable_destinations(self, order_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return by order the open destinations that one of its SKUs cannot reach from its current lanes."""
        ...

    async def list_orders_to_allocate(self, limit: int, candidate_limits: CandidateLimits) -> list[str]:
        """Return orders in a wave without allocations that may be served now, most urgent first."""
        ...

    async def list_free_carriers(
        self, stock_demands: Sequence[StockDemand], max_blocking_carriers: int
    ) -> list[FreeCarrier]:
        """Return carriers with free units, as many as can be needed, oldest first.

        Carriers with more than `max_blocking_carriers` others in front of them are deep.
        """
        ...

    async def allocate_if_unchanged(
        self, fence: Fence, orders: Sequence[Order], allocations: Sequence[Allocation], now: datetime
    ) -> list[str]:
        """Write the allocations of orders that have not changed since the plan. Return all but the late
        orders.

        An order is late if one of its carriers can no longer provide the planned units; it gets no
        allocation. An allocation counts as a change of the order. Checks the fence itself.
        """
        ...

    async def lock_allocated_carriers(self, allocations: Sequence[Allocation]) -> set[str]:
        """Lock the carriers of a plan; return those that can no longer provide the planned units."""
        ...

    async def allocate_locked(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """Reserve units of locked carriers for lines of locked orders."""

    async def bump_version(self, order_ids: Sequence[str], now: datetime) -> None:
        """Raise the version of orders whose lines have changed."""

    async def record_waits(self, waits_by_order: Mapping[str, OrderWait]) -> None:
        """Record why orders wait; this does not change their version."""
        ...

    async def request_moves(self, deadline: datetime, now: datetime, limit: int) -> int:
        """Request moves of allocated carriers in lanes, up to the capacity of the destination queues."""
        ...

    async def list_orders_to_pick(self, limit: int) -> list[str]:
        """Return orders in a wave with a carrier on its way or at the destination."""
        ...

    async def list_arrivals(self, limit: int) -> list[CarrierArrival]:
        """Return orders with a carrier at its destination."""
        ...

    async def pick_arrived(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        event_template: CycleEvent,
        *,
        should_pick_backorders: bool,
    ) -> tuple[list[str], dict[str, int]]:
        """Pick the units of orders from carriers that have arrived.

        Return the orders, without those locked by other transactions, and the picked units by backorder.
        Without `should_pick_backorders` these units are left, and the orders are finished as by
        `finish_picking`. Checks the fence itself.
        """
        ...

    async def finish_picking(
        self, fence: Fence, order_ids: Sequence[str], event_template: CycleEvent
    ) -> None:
        """Move locked orders in PICKING to PACKING if all units but backorders are delivered.

        This counts as a change of all of them. Checks the fence itself.
        """

    async def list_returnable_carriers(self, limit: int) -> list[DisplacedCarrier]:
        """Return carriers with remaining units that no order at their destination needs, locked."""
        ...

    async def list_blocking_carriers(self, limit: int) -> list[DisplacedCarrier]:
        """Return unallocated heads of lanes in front of allocated carriers, locked."""
        ...

    async def list_free_lanes(self, warehouse_ids: Sequence[str], limit: int) -> list[Lane]:
        """Return open lanes with free positions, at most `limit` of each zone, the emptiest first."""
        ...

    async def request_lane_moves(
        self, lane_moves: Sequence[LaneMove], deadline: datetime, now: datetime
    ) -> int:
        """Request moves into lanes with free positions, and reserve these; return the number of moves."""
        ...

    async def list_overdue_moves(self, now: datetime, limit: int) -> list[str]:
        """Return live moves whose deadline has passed."""
        ...

    async def list_orders_of_failed_moves(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a carrier whose move failed, with the reason of the failure."""
        ...

    async def list_backorders_of_failed_moves(self, limit: int) -> list[str]:
        """Return backorders that wait for a carrier whose move failed."""
        ...

    async def list_orders_of_held_carriers(self, limit: int) -> list[tuple[str, str]]:
        """Return orders that wait for a carrier that was put on hold later, with the reason."""
        ...

    async def list_backorders_of_held_carriers(self, limit: int) -> list[str]:
        """Return backorders that wait for a carrier that was put on hold later."""
        ...

    async def process_failed_moves(self) -> int:
        """Mark failed moves without waiting orders as processed; return their number."""
        ...


class RelayRepository(Protocol):
    """Progress of the relay to Kafka in the log, and its parked events."""

    async def start_reading(self) -> int:
        """Record that the relay reads the log; return its position."""
        ...

    async def save(self, position: int, *, is_durable: bool) -> None:
        """Record that all events up to a position are acknowledged or parked.

        Unless `is_durable`, a crash of Postgres may undo this and the rest of the transaction.
        """

    async def report_state(self, worker_id: str, state: RelayState) -> None:
        """Record the state of the relay."""

    async def list_after(self, position: int, limit: int, max_bytes: int) -> list[LogEvent]:
        """Return the next events after a position, up to `limit` events or `max_bytes` of payload."""
        ...

    async def list_of_order(
        self, order_id: str, from_sequence: int, until_position: int, limit: int
    ) -> list[LogEvent]:
        """Return the first events of an order from a sequence number up to a position."""
        ...

    async def list_blocked_orders(self) -> set[str]:
        """Return the orders with a parked event."""
        ...

    async def park_events(self, rejected_events: Sequence[RejectedEvent]) -> None:
        """Park events, at most one per order."""

    async def list_released(self, limit: int) -> list[ReleasedEvent]:
        """Return released events, which are to be published again, the oldest first."""
        ...

    async def delete_parked(self, position: int) -> None:
        """Delete a parked event that was published."""

    async def park_again(self, position: int, rejected_event: RejectedEvent) -> None:
        """Park a released event again, or in its place the later event of its order that was rejected."""

    async def list_parked(
        self, order_id: str, after_position: int, limit: int, max_bytes: int
    ) -> list[ParkedEvent]:
        """Return parked events after a position, of one order or of all.

        At most `limit` events are returned. They end with the event that reaches `max_bytes` of payload.
        """
        ...

    async def release(self, event_id: str, now: datetime) -> ParkedEvent | None:
        """Release a parked event and return it; None if there is none with that id."""
        ...


class WorkerRepository(Protocol):
    """Worker replicas: their reports and commands."""

    async def save_report(self, replica_report: ReplicaReport) -> None:
        """Store the report of a replica; its latest epoch in a role never decreases."""

    async def delete_expired(self) -> None:
        """Delete replicas without a heartbeat for a long time, unless their mode is passive."""

    async def read_commands(self, worker_id: str, role: str, epoch: int) -> ReplicaCommands | None:
        """Return the commands for a replica about a role; `epoch` is that of its latest claim.

        None before its first report.
        """
        ...

    async def list_page(self, after_id: str, limit: int) -> list[Worker]:
        """Return replicas with a recent heartbeat, by id."""
        ...

    async def get_worker(self, worker_id: str) -> Worker | None:
        """Return a replica with a recent heartbeat or in passive mode."""
        ...

    async def set_mode(self, worker_id: str, mode: WorkerMode) -> None:
        """Set the mode of a replica."""

    async def get_holder(self, role: str) -> str | None:
        """Return the leader of a role, "" if there is none; None if the role does not exist."""
        ...

    async def ask_to_step_down(self, role: str) -> None:
        """Ask the current leader to release a role."""


class PageTokenKeyRepository(Protocol):
    """Signing keys of page tokens."""

    async def list_keys(self) -> list[bytes]:
        """Return the keys, the newest first."""
        ...


class Transaction(Protocol):
    """One unit of work."""

    @property
    def orders(self) -> OrderRepository:
        """Orders."""
        ...

    @property
    def event_log(self) -> EventLogRepository:
        """The event log."""
        ...

    @property
    def dead_letters(self) -> DeadLetterRepository:
        """Dead letters."""
        ...

    @property
    def idempotency_keys(self) -> IdempotencyRepository:
        """Idempotency keys and stored responses."""
        ...

    @property
    def warehouse_storage(self) -> StorageRepository:
        """Lanes, destinations, carriers, moves and waves."""
        ...

    @property
    def backorders(self) -> BackorderRepository:
        """Backorders."""
        ...

    @property
    def fulfillment_runs(self) -> FulfillmentRepository:
        """Runs, pauses and statistics."""
        ...

    @property
    def backlog_metrics(self) -> MetricsRepository:
        """Queries for metrics."""
        ...

    @property
    def workers(self) -> WorkerRepository:
        """Worker replicas."""
        ...

    @property
    def relay_progress(self) -> RelayRepository:
        """The relay to Kafka."""
        ...

    @property
    def cycle_queries(self) -> CycleRepository:
        """The fulfillment cycle."""
        ...

    @property
    def page_tokens(self) -> PageTokenKeyRepository:
        """Signing keys of page tokens."""
        ...


class Database(Protocol):
    """Runs operations in transactions."""

    async def run_in_transaction(
        self,
        operation: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        is_transactional: bool = True,
        pool_usage: PoolUsage = BACKGROUND_USAGE,
    ) -> T:
        """Run `operation` in one transaction and commit; after a deadlock retry it a few times.

        With a fence the transaction begins with its check. After an error nothing was written, except that
        after StorageUnavailable in the commit itself the outcome is unknown. Raises StaleEpoch,
        ConcurrentChange, StorageUnavailable, and all errors of `operation`.

        Without `is_transactional` each statement commits by itself, which saves two round trips. The
        operation should then be one statement, because it is retried as well, and check the fence itself if
        there is one.

        `pool_usage` selects the share of the connections. Raises WorkloadOverloaded when it is exhausted.
        """
        ...

    async def read(
        self, operation: Callable[[Transaction], Awaitable[T]], *, pool_usage: PoolUsage = BACKGROUND_USAGE
    ) -> T:
        """Run a read of single statements without a transaction around them."""
        ...


class RoleLeases(Protocol):
    """Roles of worker replicas in Postgres."""

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Claim the role and return the new epoch; None while another replica's heartbeat is fresh."""
        ...

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Claim the role as winner of an election, regardless of its current leader; return the new epoch.

        None when the winner of a later election has already claimed it.
        """
        ...

    async def send_heartbeat(self, fence: Fence) -> None:
        """Renew the lease. Raises StaleEpoch when another replica has claimed the role."""
        ...

    async def release(self, fence: Fence) -> None:
        """Release the role, so that the next leader need not wait for the lease to expire."""
        ...
