"""What the application asks of storage; `wms_core.postgres` is the one that answers.

A `Transaction` is a unit of work: all of its stores write in one transaction, which commits when the work
returns and leaves nothing when it raises.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar

from wms_core.application.workloads import BACKGROUND, Usage
from wms_core.domain.allocation import OwedUnits, StockAsked, Wait
from wms_core.domain.backorders import Backorder, BackorderStatus
from wms_core.domain.caller import Caller
from wms_core.domain.change import Change
from wms_core.domain.dead_letters import DeadLetterEntry, DeadLetterStats, Decision
from wms_core.domain.errors import WmsError
from wms_core.domain.events import CycleEvent, EventRecord
from wms_core.domain.levels import EventTally, Levels
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import FailureAttempt, Order, Priority
from wms_core.domain.publishing import LogEvent, ParkedEvent, Refusal, RelayState, Released
from wms_core.domain.receiving import Receipt
from wms_core.domain.retries import EligibleOrder
from wms_core.domain.runs import Pause, Run, RunStatus, WarehouseStats
from wms_core.domain.storage import (
    Allocation,
    Arrival,
    Carrier,
    CarrierLocation,
    CarrierStatus,
    Destination,
    FreeCarrier,
    Lane,
    LaneStatus,
    LaneTrip,
    Move,
    MoveStatus,
    Stock,
    StrayCarrier,
    Wave,
)
from wms_core.domain.workers import Report, Told, Worker, WorkerMode

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: after a key (keyset) or past a number of rows (the seed's form)."""

    size: int
    after: tuple[datetime, str] | None = None
    offset: int = 0


#: Bytes of the elements of an answer: clients refuse one of more than 4 MiB unless they are told otherwise. A
#: page ends early, also as it is read.
MAX_RESPONSE_BYTES = 3_500_000


class ResultPage(NamedTuple, Generic[T]):
    """Elements of a list, at least one if there is any, and whether there are more than these."""

    elements: list[T]
    has_more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; an absent value filters nothing."""

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
    """Which dead letter entries; an absent value filters nothing."""

    resolved: bool | None = None
    failure_status: OrderStatus | None = None
    customer_id: str = ""
    warehouse_id: str = ""
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaneFilter:
    """Which lanes; an absent value filters nothing."""

    warehouse_id: str = ""
    zone: str = ""
    statuses: tuple[LaneStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class CarrierFilter:
    """Which carriers; an absent value filters nothing, without `locations` all that have not left."""

    warehouse_id: str = ""
    sku: str = ""
    lane_id: str = ""
    destination_id: str = ""
    statuses: tuple[CarrierStatus, ...] = ()
    locations: tuple[CarrierLocation, ...] = ()


@dataclass(frozen=True, slots=True)
class BackorderFilter:
    """Which backorders; an absent value filters nothing."""

    order_id: str = ""
    customer_id: str = ""
    warehouse_id: str = ""
    sku: str = ""
    statuses: tuple[BackorderStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; an absent value filters nothing."""

    warehouse_id: str = ""
    statuses: tuple[RunStatus, ...] = ()
    requested_only: bool = False


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; an absent value filters nothing. `statuses` are those after the event."""

    order_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    statuses: frozenset[OrderStatus] = frozenset()
    customer_id: str = ""
    warehouse_id: str = ""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """Where the event log begins and ends: it can be read from any position from `oldest` to `newest`."""

    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request that may be sent again: the same id with the same content gives the first answer."""

    rpc: str
    request_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Fence:
    """The role and the epoch by which a worker replica writes; every transaction is checked against them."""

    role: str
    epoch: int


@dataclass(frozen=True, slots=True, order=True)
class ElectionToken:
    """Which election a candidate won; a later one is greater.

    `folder` is when the place where they vote was made, in milliseconds, so that elections in a new place are
    later than all those in the old one. `node` rises from winner to winner in one place.
    """

    folder: int
    node: int


class OrderStore(Protocol):
    """Orders with their lines, shipments, failures and events."""

    async def insert(self, receipts: Sequence[Receipt]) -> Mapping[str, WmsError]:
        """Insert new orders, each of another id, in one statement; gives why some were left out, by id.

        It is OrderAlreadyExists, WarehouseNotFound or EventTooLarge.
        """
        ...

    async def get(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Give the orders there are, by id."""
        ...

    async def lock(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """Give the orders there are, locked until the end of the transaction."""
        ...

    async def get_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the orders there are, by id, until they have so many bytes."""
        ...

    async def lock_within(self, order_ids: Sequence[str], max_bytes: int) -> ResultPage[Order]:
        """Return the same, all of them locked until the end of the transaction."""
        ...

    async def lock_free(self, order_ids: Sequence[str]) -> dict[str, Order]:
        """As `lock`, but leave out those that another transaction is changing instead of waiting for it."""
        ...

    async def save(self, changes: Sequence[Change]) -> None:
        """Write changes of locked orders with all that belongs to them: lines, events, failures, releases."""
        ...

    async def save_lines(self, order: Order) -> None:
        """Write how far the lines of a locked order have come."""

    async def let_go(self, order_ids: Sequence[str], backorder_ids: Sequence[str], now: datetime) -> None:
        """Let go of what locked orders, or single backorders of them, hold on carriers."""

    async def page(self, wanted: OrderFilter, page: Page) -> ResultPage[Order]:
        """Return one page, newest first, which ends early when its orders are long."""
        ...

    async def eligible(
        self, statuses: Sequence[OrderStatus], max_retries: int, limit: int
    ) -> tuple[list[EligibleOrder], int]:
        """Return the first orders that wait for a retry and have failed fewer times; the number of all."""
        ...

    async def attempts(self, order_id: str, life: int) -> list[FailureAttempt]:
        """Give the failures counted in one life of an order, first to last."""
        ...

    async def history(self, order_id: str, after: int, limit: int) -> ResultPage[EventRecord]:
        """Return events of an order after a sequence number, also those that have no position yet."""
        ...

    async def since(self, order_id: str) -> datetime | None:
        """Say when an order came into its status; None when that event is no longer kept."""
        ...


class EventLogStore(Protocol):
    """The event log, by position."""

    async def bounds(self) -> LogBounds:
        """Say where the log begins and ends now."""
        ...

    async def after(
        self,
        position: int,
        limit: int,
        max_bytes: int = MAX_RESPONSE_BYTES,
        *,
        until: int | None = None,
        wanted: EventFilter | None = None,
    ) -> ResultPage[EventRecord]:
        """Return the next events after a position, up to another one, that the filter lets through.

        It ends early with the event that reaches so many bytes. What was kept when it was asked; `bounds`
        afterwards tells whether that was all.
        """
        ...

    async def drop_oldest(self, kept: timedelta) -> str | None:
        """Drop the oldest partition when every event in it is older and nobody waits for one of them.

        Gives its name, None when there is nothing to drop. Raises ConcurrentChange when somebody reads the
        log all the time.
        """
        ...


class DeadLetterStore(Protocol):
    """Entries of the dead letter queue."""

    async def newest(self, order_id: str) -> DeadLetterEntry | None:
        """Give the newest entry of an order."""
        ...

    async def get(self, entry_id: str) -> DeadLetterEntry | None:
        """Give an entry."""
        ...

    async def decide(self, entry: DeadLetterEntry, decision: Decision) -> None:
        """Add a decision to an entry whose order is locked."""
        ...

    async def page(self, wanted: DeadLetterFilter, page: Page) -> ResultPage[DeadLetterEntry]:
        """Return one page, newest first, which ends early when its entries are long."""
        ...

    async def stats(self) -> DeadLetterStats:
        """Give the counts of one snapshot."""
        ...

    async def fold_counts(self, limit: int) -> int:
        """Make few of many rows that count entries; gives how many there were, up to a limit."""
        ...


class RequestStore(Protocol):
    """Answers of requests that brought an id."""

    async def reserve(self, keys: Sequence[RequestKey]) -> dict[str, tuple[bytes, bytes]]:
        """Take the ids, waiting for whoever holds one; those that were answered come back.

        Returns fingerprint and answer by request id. All keys are of one rpc.
        """
        ...

    async def keep(self, answers: Sequence[tuple[RequestKey, bytes]]) -> None:
        """Keep the answers of reserved ids."""
        ...

    async def give_back(self, keys: Sequence[RequestKey]) -> None:
        """Free reserved ids whose requests failed; failures are not kept."""
        ...

    async def forget(self, kept: timedelta, limit: int) -> int:
        """Remove answers older than `kept` by Postgres's clock; give how many."""
        ...


class StorageStore(Protocol):
    """Lanes, destinations, carriers, moves and waves."""

    async def put_warehouse(self, warehouse_id: str) -> None:
        """Make the warehouse exist."""
        ...

    async def warehouse_exists(self, warehouse_id: str) -> bool:
        """Say whether anything was ever put into the warehouse."""
        ...

    async def role_is_held(self, role: str) -> bool:
        """Say whether a worker holds the role and its heartbeat is fresh."""
        ...

    async def put_lane(self, lane: Lane) -> Lane | None:
        """Make or change a lane; None when it belongs to another warehouse."""
        ...

    async def lanes(self, wanted: LaneFilter, after: str, limit: int) -> list[Lane]:
        """Give lanes by id, after one."""
        ...

    async def lock_lanes(self, lane_ids: Sequence[str]) -> dict[str, Lane]:
        """Give the lanes there are, locked."""
        ...

    async def put_destination(self, destination: Destination) -> Destination | None:
        """Make or change a destination; None when it belongs to another warehouse."""
        ...

    async def destinations(self, warehouse_id: str, after: str, limit: int) -> list[Destination]:
        """Give destinations by id, after one, with the length of their queues."""
        ...

    async def destination(self, destination_id: str) -> Destination | None:
        """Give a destination."""
        ...

    async def insert_carriers(self, carriers: Sequence[Carrier], now: datetime) -> dict[str, Carrier]:
        """Put carriers at the end of locked lanes; gives those that were new, by id."""
        ...

    async def carriers(self, wanted: CarrierFilter, after: str, limit: int) -> list[Carrier]:
        """Give carriers by id, after one."""
        ...

    async def lock_carrier(self, carrier_id: str) -> Carrier | None:
        """Give a carrier, locked."""
        ...

    async def set_carrier_status(self, carrier_id: str, status: str, reason: str, now: datetime) -> Carrier:
        """Change the status of a locked carrier."""
        ...

    async def stock(self, warehouse_id: str, sku: str, after: tuple[str, str], limit: int) -> list[Stock]:
        """Sum up the carriers by warehouse and SKU, after a pair of them."""
        ...

    async def claim_moves(self, warehouse_id: str, limit: int, claimed_by: str, now: datetime) -> list[Move]:
        """Give requested moves to one caller, the oldest first; each move goes to one caller only."""
        ...

    async def live_moves(self, warehouse_ids: Sequence[str]) -> dict[str, dict[str, MoveStatus]]:
        """Give the statuses of the requested and claimed moves by id, for each warehouse that has any."""
        ...

    async def moves(self, move_ids: Sequence[str]) -> list[Move]:
        """Give the moves there are, oldest first."""
        ...

    async def lock_moves(self, move_ids: Sequence[str]) -> dict[str, Move]:
        """Give the moves there are, locked."""
        ...

    async def complete_moves(self, move_ids: Sequence[str], now: datetime) -> dict[str, Move]:
        """Record that claimed, locked moves are done and where their carriers are now."""
        ...

    async def fail_moves(self, move_ids: Sequence[str], reason: str, now: datetime) -> dict[str, Move]:
        """Record that live, locked moves failed; their carriers are where they were, to be inspected."""
        ...

    async def put_wave(self, wave: Wave) -> Wave:
        """Make a wave, or give the one of that id."""
        ...

    async def count_wave(self, wave_id: str) -> int:
        """Count the orders of a wave."""
        ...

    async def set_lane_status(self, lane_id: str, status: LaneStatus, now: datetime) -> Lane:
        """Change the status of a locked lane."""
        ...

    async def new_wave_id(self, year: int) -> str:
        """Give the next wave number of the year."""
        ...

    async def audit(
        self, caller: Caller, action: str, details: Mapping[str, Mapping[str, object]], now: datetime
    ) -> None:
        """Record who did what to which subjects, for changes that are no event of an order."""
        ...


class BackorderStore(Protocol):
    """What is owed to orders."""

    async def get(self, backorder_id: str) -> Backorder | None:
        """Give a backorder."""
        ...

    async def page(self, wanted: BackorderFilter, page: Page) -> list[Backorder]:
        """Give one page, oldest first, with one more than asked when there are more."""
        ...

    async def live_of(self, order_id: str) -> list[str]:
        """Give the backorders of an order that are open or in progress."""
        ...

    async def held(self, backorder_id: str) -> int:
        """Give the units that are allocated to a backorder."""
        ...

    async def orders_owed(self, limit: int) -> list[str]:
        """Give orders with backorders for which there is stock nobody holds, most urgent first."""
        ...

    async def owed_to(self, order_ids: Sequence[str]) -> list[OwedUnits]:
        """Give what locked orders are owed and nothing is allocated for, most urgent first."""
        ...

    async def orders_of(self, backorder_ids: Sequence[str]) -> list[str]:
        """Give the orders that backorders belong to."""
        ...

    async def give_back(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that what is held for backorders of locked orders will not come; `let_go` follows."""

    async def start(self, backorder_ids: Sequence[str], now: datetime) -> None:
        """Record that stock is on its way for backorders."""

    async def deliver(self, units: dict[str, int], now: datetime) -> list[Backorder]:
        """Record units delivered for backorders; gives those that have all of theirs now."""
        ...

    async def write_off(
        self,
        warehouse_id: str,
        order_id: str,
        sku: str,
        quantity: int,
        reason: str,
        actor: str,
        now: datetime,
    ) -> None:
        """Take units out of the books that a picker did not find."""


class FulfillmentStore(Protocol):
    """Runs, pauses and statistics."""

    async def waiting_reason(self, order_id: str) -> str | None:
        """Give why an order waits; None for one that is finished."""
        ...

    async def request_run(self, run_id: str, warehouse_id: str, actor: str, now: datetime) -> Run:
        """Ask the active worker for a cycle."""
        ...

    async def run(self, run_id: str) -> Run | None:
        """Give a run."""
        ...

    async def runs(self, wanted: RunFilter, page: Page) -> list[Run]:
        """Give one page, newest first, with one run more than asked when there are more."""
        ...

    async def run_is_requested(self) -> bool:
        """Say whether anybody waits for a cycle."""
        ...

    async def start_runs(self, worker_id: str, epoch: int, now: datetime) -> list[str]:
        """Take up the runs that were asked for; give up those that a worker before left unfinished."""
        ...

    async def finish_run(self, run: Run, asked: Sequence[str], kept: timedelta) -> None:
        """Write the record of a cycle, into the runs that asked for it if any did; remove old records."""

    async def pause(self, pause: Pause) -> Pause:
        """Stop new work."""
        ...

    async def resume(self, warehouse_id: str) -> None:
        """Let new work begin again."""

    async def pauses(self) -> list[Pause]:
        """Give the pauses that are in force."""
        ...

    async def stats(self, warehouse_id: str, now: datetime) -> list[WarehouseStats]:
        """Sum up each warehouse, or one."""
        ...


class MetricsStore(Protocol):
    """What is measured; only reads."""

    async def newest_position(self) -> int:
        """Give the position at which the event log ends; 0 for an empty one."""
        ...

    async def tally(self, after: int, limit: int) -> EventTally:
        """Sum up the events after a position, that many at most."""
        ...

    async def levels(self, limits_of_age: Mapping[Priority, timedelta], now: datetime) -> Levels:
        """Count what waits; an order older than its priority's limit waits too long."""
        ...


class CycleStore(Protocol):
    """What the fulfillment cycle asks for, in batches."""

    async def due_retries(self, now: datetime, limit: int) -> list[str]:
        """Give orders whose retry is due, the longest due first."""
        ...

    async def received(self, limit: int) -> list[str]:
        """Give orders that wait for validation."""
        ...

    async def advance(
        self,
        fence: Fence,
        order_ids: Sequence[str],
        source: OrderStatus,
        to: OrderStatus,
        told: CycleEvent,
        waves: Sequence[Wave] = (),
    ) -> list[str]:
        """Move orders along one arrow of the table, each into its wave when there are any, and tell of it.

        Waves that are not there yet are made. Gives those that moved; what is in another status or is being
        changed by somebody else stays. Passes the fence by itself.
        """
        ...

    async def validated(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a wave, most urgent first, with their warehouse."""
        ...

    async def open_destinations(self) -> list[Destination]:
        """Give the destinations that are not paused, with their queues and the orders that wait at them."""
        ...

    async def out_of_reach(self, order_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Give by order the open destinations that a SKU of it can't be brought to from where it stands."""
        ...

    async def to_allocate(self, limit: int) -> list[str]:
        """Give orders in a wave that hold nothing yet and may be served now, most urgent first."""
        ...

    async def free_carriers(self, asked: Sequence[StockAsked], most_blockers: int) -> list[FreeCarrier]:
        """Give carriers with units nobody holds, as many as can be needed, oldest first.

        Those with more than `most_blockers` others in front of them are deep.
        """
        ...

    async def promise(
        self, fence: Fence, orders: Sequence[Order], allocations: Sequence[Allocation], now: datetime
    ) -> list[str]:
        """Promise what was planned to orders that nobody has changed since; gives those but the late ones.

        Late is one of whose carriers one can't keep the plan any more: it gets nothing. To hold stock counts
        as a change of an order. Passes the fence by itself.
        """
        ...

    async def lock_promised(self, allocations: Sequence[Allocation]) -> set[str]:
        """Lock the carriers of a plan; gives those that can't keep what the plan promises any more."""
        ...

    async def allocate(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """Reserve units of locked carriers for lines of locked orders."""

    async def touch(self, order_ids: Sequence[str], now: datetime) -> None:
        """Count a change of lines as a change of their orders."""

    async def wait(self, waits: Mapping[str, Wait]) -> None:
        """Record why orders wait; changes no version."""
        ...

    async def request_moves(self, deadline: datetime, now: datetime, limit: int) -> int:
        """Ask for the carriers that are allocated and in a lane, as far as destination queues allow."""
        ...

    async def ready_to_pick(self, limit: int) -> list[str]:
        """Give orders in a wave of which a carrier is on its way or there."""
        ...

    async def arrived_for(self, limit: int) -> list[Arrival]:
        """Give orders for which a carrier is at its destination."""
        ...

    async def pick_arrived(
        self, fence: Fence, order_ids: Sequence[str], told: CycleEvent, *, owed: bool
    ) -> tuple[list[str], dict[str, int]]:
        """Pick what carriers that have arrived hold for orders.

        Gives the orders that nobody else is changing, and the units that were for backorders. Unless `owed`
        these are left alone, and the orders are finished too (`finish_picking`). Passes the fence by itself.
        """
        ...

    async def finish_picking(self, fence: Fence, order_ids: Sequence[str], told: CycleEvent) -> None:
        """Move locked orders in PICKING to PACKING that have everything but backorders.

        Counts as a change of all of them. Passes the fence by itself.
        """

    async def to_return(self, limit: int) -> list[StrayCarrier]:
        """Give carriers with a rest that nobody at their destination holds, locked."""
        ...

    async def blockers(self, limit: int) -> list[StrayCarrier]:
        """Give heads of lanes that nobody wants in front of carriers that are wanted, locked."""
        ...

    async def lanes_with_room(self, warehouse_ids: Sequence[str], limit: int) -> list[Lane]:
        """Give open lanes with free positions, of each zone so many, the emptiest first."""
        ...

    async def request_trips(self, trips: Sequence[LaneTrip], deadline: datetime, now: datetime) -> int:
        """Ask for carriers to be brought into lanes with free positions, which are promised now.

        Returns the number of trips: lanes may have been filled or blocked since they were read.
        """
        ...

    async def overdue_moves(self, now: datetime, limit: int) -> list[str]:
        """Give live moves whose deadline has passed."""
        ...

    async def waiting_for_failed_moves(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a carrier whose move failed, with the reason of the failure."""
        ...

    async def owed_by_failed_moves(self, limit: int) -> list[str]:
        """Give backorders that wait for a carrier whose move failed."""
        ...

    async def waiting_for_held_carriers(self, limit: int) -> list[tuple[str, str]]:
        """Give orders that wait for a carrier that was held since, with the reason."""
        ...

    async def owed_by_held_carriers(self, limit: int) -> list[str]:
        """Give backorders that wait for a carrier that was held since."""
        ...

    async def take_in_failed_moves(self) -> int:
        """Mark failed moves that no order waits for any more as acted on; gives how many."""
        ...


class RelayStore(Protocol):
    """How far the relay to Kafka has come in the log, and what it has parked."""

    async def begin(self) -> int:
        """Note that the relay reads the log from now on; gives the position it has come to."""
        ...

    async def save(self, position: int, *, durably: bool) -> None:
        """Note that everything up to a position was acknowledged, or is parked.

        Unless `durably`, a crash of Postgres may take it away again, with all that its transaction wrote.
        """

    async def report(self, worker_id: str, state: RelayState) -> None:
        """Note how the relay is."""

    async def after(self, position: int, limit: int, limit_bytes: int) -> list[LogEvent]:
        """Give the next events, some at most, and none behind so many stored bytes of payload."""
        ...

    async def of_order(self, order_id: str, sequence: int, upto: int, limit: int) -> list[LogEvent]:
        """Give the events of an order from the how many-th on up to a position, the first few."""
        ...

    async def held(self) -> set[str]:
        """Give the orders of which an event is parked."""
        ...

    async def park(self, refusals: Sequence[Refusal]) -> None:
        """Park events, at most one of an order."""

    async def released(self, limit: int) -> list[Released]:
        """Give parked events that are to be tried again, the oldest first."""
        ...

    async def unpark(self, position: int) -> None:
        """Forget a parked event that was published."""

    async def park_again(self, position: int, refusal: Refusal) -> None:
        """Park a released event once more, or in its place the one behind it that was refused."""

    async def parked(self, order_id: str, after: int, limit: int, limit_bytes: int) -> list[ParkedEvent]:
        """Give parked events after a position, of one order or all.

        Some at most; fewer when their payloads have so many bytes, with one more than fits.
        """
        ...

    async def release(self, event_id: str, now: datetime) -> ParkedEvent | None:
        """Have a parked event tried again, and give it; None when there is none of that id."""
        ...


class WorkerStore(Protocol):
    """Replicas of the worker: what they report, what they are told."""

    async def report(self, report: Report) -> None:
        """Write down that a replica is there; its latest epoch in a role never goes back."""

    async def forget(self) -> None:
        """Forget replicas that are long gone, unless they were told to stay passive."""

    async def told(self, worker_id: str, role: str, epoch: int) -> Told | None:
        """Give what a replica was told about a role, of which it has the epoch of its last term.

        None before its first report.
        """
        ...

    async def page(self, after: str, limit: int) -> list[Worker]:
        """Give replicas that reported lately, by id."""
        ...

    async def worker(self, worker_id: str) -> Worker | None:
        """Give a replica that reported lately, or that was told to stay passive."""
        ...

    async def set_mode(self, worker_id: str, mode: WorkerMode) -> None:
        """Tell a replica whether to take part in elections."""

    async def holder(self, role: str) -> str | None:
        """Give who holds a role, "" for nobody; None when there is no such role."""
        ...

    async def ask_to_step_down(self, role: str) -> None:
        """Ask whoever holds the role now to hand it over."""


class PageTokenStore(Protocol):
    """The keys that page tokens are signed with."""

    async def keys(self) -> list[bytes]:
        """Return the keys, the newest first."""
        ...


class Transaction(Protocol):
    """One unit of work."""

    @property
    def orders(self) -> OrderStore:
        """Orders."""
        ...

    @property
    def events(self) -> EventLogStore:
        """The event log."""
        ...

    @property
    def dead_letters(self) -> DeadLetterStore:
        """Dead letters."""
        ...

    @property
    def requests(self) -> RequestStore:
        """Requests answered before."""
        ...

    @property
    def storage(self) -> StorageStore:
        """Storage."""
        ...

    @property
    def backorders(self) -> BackorderStore:
        """Backorders."""
        ...

    @property
    def fulfillment(self) -> FulfillmentStore:
        """Runs, pauses and statistics."""
        ...

    @property
    def metrics(self) -> MetricsStore:
        """What is measured."""
        ...

    @property
    def workers(self) -> WorkerStore:
        """Replicas of the worker."""
        ...

    @property
    def relay(self) -> RelayStore:
        """The relay to Kafka."""
        ...

    @property
    def cycle(self) -> CycleStore:
        """The fulfillment cycle."""
        ...

    @property
    def page_tokens(self) -> PageTokenStore:
        """The keys of page tokens."""
        ...


class Database(Protocol):
    """Runs work in transactions."""

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        fence: Fence | None = None,
        whole: bool = True,
        usage: Usage = BACKGROUND,
    ) -> T:
        """Run `work` in one transaction and commit; again from the start after a deadlock, a few times.

        With a fence the transaction begins with its check. Raises StaleEpoch, ConcurrentChange,
        StorageUnavailable, and whatever `work` raises; then nothing was written, except that after
        StorageUnavailable in the commit itself the outcome is unknown.

        Work that is not to be `whole` has each of its statements committed by itself, which spares two round
        trips; it should be one statement, as it too is done again, and one that passes the fence by itself if
        there is any.

        `usage` says whose share of the connections it takes. Raises WorkloadOverloaded when that is used up.
        """
        ...

    async def read(self, work: Callable[[Transaction], Awaitable[T]], *, usage: Usage = BACKGROUND) -> T:
        """Run reading work of single statements without a transaction around them."""
        ...


class RoleStore(Protocol):
    """The role of a worker replica, as Postgres keeps it."""

    async def claim(self, role: str, worker_id: str, lease: timedelta) -> int | None:
        """Take the role by a new epoch; None while another worker's heartbeat is fresh."""
        ...

    async def claim_elected(self, role: str, worker_id: str, token: ElectionToken) -> int | None:
        """Take the role by a new epoch as winner of an election, whoever holds it.

        None when the winner of a later election has claimed it before.
        """
        ...

    async def heartbeat(self, fence: Fence) -> None:
        """Say that the holder is alive; raises StaleEpoch when it is the holder no more."""
        ...

    async def release(self, fence: Fence) -> None:
        """Give the role up, so that the next one need not wait for the lease."""
        ...
