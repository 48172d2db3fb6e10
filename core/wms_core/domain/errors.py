"""Every failure that a caller can tell apart.

A class's docstring is its message: the names in braces are the facts it is raised with. They become
attributes here and metadata on the wire. `reason` is a value of the contract's `ErrorReason`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class WmsError(Exception):
    """The request could not be carried out."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, **facts: object) -> None:
        """Keep the facts; they fill the braces of the class's docstring."""
        self.facts = {name: str(value) for name, value in facts.items() if value not in (None, "")}
        super().__init__(" ".join((type(self).__doc__ or "").format_map(facts).split()))


class InvalidArgument(WmsError):
    """The request is wrong whatever the state of the system."""


class PermissionDenied(WmsError):
    """The caller may not make the request."""


class NotFound(WmsError):
    """What the request names does not exist."""


class AlreadyExists(WmsError):
    """What the request would make exists."""


class FailedPrecondition(WmsError):
    """The state of the system does not allow the request; trying again changes nothing."""


class OutOfRange(WmsError):
    """What the request reads from lies outside of what is there."""


class Aborted(WmsError):
    """Somebody else was faster; read again and retry."""


class Unavailable(WmsError):
    """A part of the system is away; the same request may go through later."""


class Exhausted(WmsError):
    """Too much at once; the same request may go through later."""


class DeadlinePassed(WmsError):
    """The call's deadline passed before its work began; nothing was done."""

    reason = "DEADLINE_EXCEEDED"


class DeadlinePassedAtWork(DeadlinePassed):
    """The call's deadline passed while it was at work; whether it was done shows a read, or the same request
    again with its request id.
    """


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One fault of one field: its path (`items[0].quantity`), what is wrong, and the rule's name."""

    field: str
    description: str
    rule: str = ""


class InvalidFields(InvalidArgument):
    """{summary}"""

    reason = "INVALID_REQUEST"

    def __init__(self, faults: Iterable[FieldFault], omitted: int = 0) -> None:
        """Say every fault at once; so many more were found and are left out."""
        self.faults = tuple(faults)
        self.omitted = omitted
        summary = "; ".join(f"{f.field}: {f.description}" for f in self.faults[:20])
        more = len(self.faults) - 20 + omitted
        super().__init__(summary=summary + (f"; and {more} more" if more > 0 else ""))
        self.facts = {}


class PageTooDeep(InvalidArgument):
    """Page numbers and offsets reach the first {limit} results; follow next_page_token instead."""

    reason = "PAGE_TOO_DEEP"


class PositionNotKept(OutOfRange):
    """Events can't be watched from position {position}: they are kept from {oldest_position} on, or it lies
    ahead of them all.
    """

    reason = "POSITION_NOT_KEPT"


class TimeInFuture(InvalidArgument):
    """{field} lies more than 5 minutes ahead of the server's clock, which says {now}."""

    reason = "TIME_IN_FUTURE"


class CarrierLeft(FailedPrecondition):
    """Carrier {carrier_id} is empty and has left the storage."""

    reason = "CARRIER_LEFT"


class Overloaded(Exhausted):
    """This server has {limit} calls in flight; send the same request again a little later."""

    reason = "OVERLOADED"


class TooManyStreams(Overloaded):
    """This server has {limit} streams open; open this one again a little later."""


class WorkloadOverloaded(Overloaded):
    """All {limit} connections for {workload} of this server process are taken, and others wait for them; send
    the same request again a little later.
    """

    def __init__(self, workload: str, limit: int) -> None:
        """Name the kind of work in the message; callers are told the limit alone, as of every overload."""
        super().__init__(workload=workload, limit=limit)
        del self.facts["workload"]


class TooManyBytes(Overloaded):
    """This server holds {limit} bytes of requests and answers; send the same request again a little later."""


class TooManyUnfinished(Overloaded):
    """This server waits for the rest of {limit} requests; send this one again a little later."""


class WatcherTooSlow(Exhausted):
    """The watcher did not read as fast as news came; watch again, and read faster or filter more."""

    reason = "WATCHER_TOO_SLOW"


class ShuttingDown(Unavailable):
    """This server is shutting down; send the same request again, to another one."""

    reason = "SHUTTING_DOWN"


class InvalidPageToken(InvalidArgument):
    """The page token is not one that this list gave for these filters; start again without a token."""

    reason = "INVALID_PAGE_TOKEN"


class RequestIdReused(AlreadyExists):
    """Request id {request_id} was used for other content; use a new id for a new request."""

    reason = "REQUEST_ID_REUSED"


class EtagMismatch(Aborted):
    """Order {order_id} has changed: its etag is {etag} now; read it again."""

    reason = "ETAG_MISMATCH"


class ConcurrentChange(Aborted):
    """Another change to the same rows came between; send the same request again."""

    reason = "CONCURRENT_CHANGE"


class StorageUnavailable(Unavailable):
    """The database can't be reached or does not answer; send the same request again, with its request id."""

    reason = "DATABASE_UNAVAILABLE"


class OrderNotFound(NotFound):
    """There is no order {order_id}."""

    reason = "ORDER_NOT_FOUND"


class OrderAlreadyExists(AlreadyExists):
    """Order {order_id} exists."""

    reason = "ORDER_ALREADY_EXISTS"


class StatusConflict(FailedPrecondition):
    """Order {order_id} is {status}; for this it would have to be {required_statuses}."""

    reason = "ORDER_STATUS_CONFLICT"


class NothingToShip(FailedPrecondition):
    """Nothing has been delivered for order {order_id} since its last shipment."""

    reason = "NOTHING_TO_SHIP"


class BackorderOpen(FailedPrecondition):
    """Order {order_id} has open backorders ({backorder_ids}); fulfil or cancel them first."""

    reason = "BACKORDER_OPEN"


class UnitsNotShipped(FailedPrecondition):
    """{quantity} units delivered for order {order_id} have not been shipped; ship them first."""

    reason = "UNITS_NOT_SHIPPED"


class BackorderNotFound(NotFound):
    """There is no backorder {backorder_id}."""

    reason = "BACKORDER_NOT_FOUND"


class BackorderStatusConflict(FailedPrecondition):
    """Backorder {backorder_id} is {status}; for this it would have to be {required_statuses}."""

    reason = "BACKORDER_STATUS_CONFLICT"


class SkuNotOnOrder(FailedPrecondition):
    """Order {order_id} has no line with SKU {sku}."""

    reason = "SKU_NOT_ON_ORDER"


class QuantityExceeded(FailedPrecondition):
    """Of SKU {sku}, {quantity} units have been delivered for order {order_id} and not shipped; no more can be
    missing.
    """

    reason = "QUANTITY_EXCEEDED"


class WarehouseNotFound(NotFound):
    """There is no warehouse {warehouse_id}; a warehouse exists once it has a lane or a destination."""

    reason = "WAREHOUSE_NOT_FOUND"


class WarehouseMismatch(FailedPrecondition):
    """{resource} belongs to warehouse {warehouse_id}, not to {required_warehouse_id}."""

    reason = "WAREHOUSE_MISMATCH"


class DestinationNotFound(NotFound):
    """There is no destination {destination_id}."""

    reason = "DESTINATION_NOT_FOUND"


class WaveDestinationConflict(FailedPrecondition):
    """Wave {wave_id} goes to destination {destination_id}; every order of a wave has one destination."""

    reason = "WAVE_DESTINATION_CONFLICT"


class LaneNotFound(NotFound):
    """There is no lane {lane_id}."""

    reason = "LANE_NOT_FOUND"


class LaneBlocked(FailedPrecondition):
    """Lane {lane_id} is blocked."""

    reason = "LANE_BLOCKED"


class LaneFull(FailedPrecondition):
    """Lane {lane_id} of {capacity} positions would hold more carriers; {occupied} are taken or promised."""

    reason = "LANE_FULL"


class CarrierNotFound(NotFound):
    """There is no carrier {carrier_id}."""

    reason = "CARRIER_NOT_FOUND"


class CarrierAlreadyExists(AlreadyExists):
    """Carrier {carrier_id} was received before."""

    reason = "CARRIER_ALREADY_EXISTS"


class MoveNotFound(NotFound):
    """There is no move {move_id}."""

    reason = "MOVE_NOT_FOUND"


class MoveStatusConflict(FailedPrecondition):
    """Move {move_id} is {status}; for this it would have to be {required_statuses}."""

    reason = "MOVE_STATUS_CONFLICT"


class MoveClaimedByOther(FailedPrecondition):
    """Move {move_id} was claimed by {claimed_by}."""

    reason = "MOVE_CLAIMED_BY_OTHER"


class DeadLetterEntryNotFound(NotFound):
    """There is no dead letter entry with this id, or none for this order: {entry_id}{order_id}."""

    reason = "DEAD_LETTER_ENTRY_NOT_FOUND"


class DeadLetterAlreadyResolved(FailedPrecondition):
    """Dead letter entry {entry_id} was resolved as {resolution} by {resolved_by}."""

    reason = "DEAD_LETTER_ALREADY_RESOLVED"


class EventTooLarge(InvalidArgument):
    """The event of this change to order {order_id} would be {size} bytes; the limit is {limit}."""

    reason = "EVENT_TOO_LARGE"


class ParkedEventNotFound(NotFound):
    """There is no parked event {event_id}; it may have been released and published."""

    reason = "PARKED_EVENT_NOT_FOUND"


class RunNotFound(NotFound):
    """There is no run {run_id}, or it is no longer kept."""

    reason = "RUN_NOT_FOUND"


class NoActiveWorker(FailedPrecondition):
    """No worker is active in role {role}; start one, and see that it reaches the database."""

    reason = "NO_ACTIVE_WORKER"


class WorkerNotFound(NotFound):
    """No replica {worker_id} of the worker reported lately."""

    reason = "WORKER_NOT_FOUND"


class RoleNotFound(NotFound):
    """There is no role {role}."""

    reason = "ROLE_NOT_FOUND"


class RoleNotHeld(NotFound):
    """Replica {worker_id} does not hold the role {role}."""

    reason = "ROLE_NOT_FOUND"


class FulfillmentPaused(FailedPrecondition):
    """Fulfillment is paused ({pause_reason}); ResumeFulfillment ends it."""

    reason = "FULFILLMENT_PAUSED"


class StaleEpoch(WmsError):
    """Role {role} is at epoch {current}; epoch {epoch} may not write any more."""


class MalformedMessage(InvalidArgument):
    """The request can't be read as this call's message; the client may be built from another contract."""

    reason = "MALFORMED_MESSAGE"


class NotServed(WmsError):
    """This server does not know {method}; the client is built from a newer contract."""

    reason = "NOT_IMPLEMENTED"


class MessageTooLarge(Exhausted):
    """The request is larger than {limit} bytes; split it."""

    reason = "MESSAGE_TOO_LARGE"


class ResponseTooLarge(FailedPrecondition):
    """The answer would be larger than {limit} bytes; nothing was changed. Ask for fewer orders at once."""

    reason = "RESPONSE_TOO_LARGE"
