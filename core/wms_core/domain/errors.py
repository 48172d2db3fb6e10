"""Errors that a caller can distinguish.

A class's docstring is its message. The names in braces are the metadata with which the error is raised; they
are sent to the caller as well. `reason` is a value of the contract's `ErrorReason`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class WmsError(Exception):
    """The request could not be carried out."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, **metadata: object) -> None:
        self.metadata = {name: str(value) for name, value in metadata.items() if value not in (None, "")}
        super().__init__(" ".join((type(self).__doc__ or "").format_map(metadata).split()))


class InvalidArgument(WmsError):
    """The request is invalid, regardless of the state of the system."""


class PermissionDenied(WmsError):
    """The caller may not make the request."""


class NotFound(WmsError):
    """A resource that the request names does not exist."""


class AlreadyExists(WmsError):
    """A resource that the request would create already exists."""


class FailedPrecondition(WmsError):
    """The state of the system does not allow the request; a retry in the same state fails again."""


class OutOfRange(WmsError):
    """The request reads from outside of the available range."""


class OperationAborted(WmsError):
    """A concurrent request changed the same data; read it again and retry."""


class ServiceUnavailable(WmsError):
    """A part of the system is unavailable; retry the same request later."""


class ResourceExhausted(WmsError):
    """A limit is reached; retry the same request later."""


class DeadlinePassed(WmsError):
    """The call's deadline passed before its work began; the call changed nothing."""

    reason = "DEADLINE_EXCEEDED"


class DeadlinePassedAtWork(DeadlinePassed):
    """The call's deadline passed while it was in progress, so its outcome is unknown; read the data, or send
    the same request again with its request id.
    """


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error of one field: its path (`items[0].quantity`), a description, and the name of the violated
    rule.
    """

    field: str
    error_description: str
    rule_name: str = ""


class InvalidFields(InvalidArgument):
    """{summary}"""

    reason = "INVALID_REQUEST"

    def __init__(self, field_errors: Iterable[FieldError], omitted: int = 0) -> None:
        """Take all field errors. `omitted` is the number of further errors that are not listed."""
        self.field_errors = tuple(field_errors)
        self.omitted = omitted
        error_summary = "; ".join(
            f"{field_error.field}: {field_error.error_description}" for field_error in self.field_errors[:20]
        )
        remaining_count = len(self.field_errors) - 20 + omitted
        super().__init__(
            summary=error_summary + (f"; and {remaining_count} more" if remaining_count > 0 else "")
        )
        self.metadata = {}


class PageTooDeep(InvalidArgument):
    """Page numbers and offsets reach only the first {limit} results; use next_page_token instead."""

    reason = "PAGE_TOO_DEEP"


class PositionNotKept(OutOfRange):
    """Position {position} is outside of the event log: it is before the oldest kept position
    {oldest_position}, or after the newest event.
    """

    reason = "POSITION_NOT_KEPT"


class TimeInFuture(InvalidArgument):
    """{field} is more than 5 minutes ahead of the server's clock ({now})."""

    reason = "TIME_IN_FUTURE"


class CarrierLeft(FailedPrecondition):
    """Carrier {carrier_id} is empty and has left the storage."""

    reason = "CARRIER_LEFT"


class ServerOverloaded(ResourceExhausted):
    """This server has reached its limit of {limit} calls in flight; send the same request again later."""

    reason = "OVERLOADED"


class TooManyStreams(ServerOverloaded):
    """This server has reached its limit of {limit} open streams; open this stream again later."""


class WorkloadOverloaded(ServerOverloaded):
    """All {limit} connections for {workload} of this server process are in use, and other calls wait for
    them; send the same request again later.
    """

    def __init__(self, workload_name: str, limit: int) -> None:
        """Name the workload in the message only; the metadata of an overload has just the limit."""
        super().__init__(workload=workload_name, limit=limit)
        del self.metadata["workload"]


class TooManyBytes(ServerOverloaded):
    """This server has reached its limit of {limit} bytes of requests and responses; send the same request
    again later.
    """


class TooManyUnfinished(ServerOverloaded):
    """This server has reached its limit of {limit} incomplete requests; send the same request again later."""


class WatcherTooSlow(ResourceExhausted):
    """The client read more slowly than messages arrived; watch again, and read faster or filter more."""

    reason = "WATCHER_TOO_SLOW"


class ShuttingDown(ServiceUnavailable):
    """This server is shutting down; send the same request again to another server."""

    reason = "SHUTTING_DOWN"


class InvalidPageToken(InvalidArgument):
    """The page token does not belong to this list and its filters; start again without a token."""

    reason = "INVALID_PAGE_TOKEN"


class RequestIdReused(AlreadyExists):
    """Request id {request_id} was used for different content; use a new id for a new request."""

    reason = "REQUEST_ID_REUSED"


class EtagMismatch(OperationAborted):
    """Order {order_id} has changed and its etag is now {etag}; read it again."""

    reason = "ETAG_MISMATCH"


class ConcurrentChange(OperationAborted):
    """A concurrent change affected the same rows; send the same request again."""

    reason = "CONCURRENT_CHANGE"


class StorageUnavailable(ServiceUnavailable):
    """The database is unreachable or does not answer; send the same request again, with its request id."""

    reason = "DATABASE_UNAVAILABLE"


class OrderNotFound(NotFound):
    """There is no order {order_id}."""

    reason = "ORDER_NOT_FOUND"


class OrderAlreadyExists(AlreadyExists):
    """Order {order_id} already exists."""

    reason = "ORDER_ALREADY_EXISTS"


class StatusConflict(FailedPrecondition):
    """Order {order_id} is {status}; this call requires status {required_statuses}."""

    reason = "ORDER_STATUS_CONFLICT"


class NothingToShip(FailedPrecondition):
    """Order {order_id} has no delivered units to ship."""

    reason = "NOTHING_TO_SHIP"


class BackorderOpen(FailedPrecondition):
    """Order {order_id} has open backorders ({backorder_ids}); await their fulfillment, or cancel them."""

    reason = "BACKORDER_OPEN"


class UnitsNotShipped(FailedPrecondition):
    """Order {order_id} has {quantity} delivered units that are not shipped; ship them first."""

    reason = "UNITS_NOT_SHIPPED"


class BackorderNotFound(NotFound):
    """There is no backorder {backorder_id}."""

    reason = "BACKORDER_NOT_FOUND"


class BackorderStatusConflict(FailedPrecondition):
    """Backorder {backorder_id} is {status}; this call requires status {required_statuses}."""

    reason = "BACKORDER_STATUS_CONFLICT"


class SkuNotOnOrder(FailedPrecondition):
    """Order {order_id} has no line with SKU {sku}."""

    reason = "SKU_NOT_ON_ORDER"


class QuantityExceeded(FailedPrecondition):
    """Order {order_id} has {quantity} delivered units of SKU {sku} that are not shipped; report at most these
    as missing.
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
    """Lane {lane_id} cannot hold this many carriers: {occupied} of its {capacity} positions are taken or
    reserved.
    """

    reason = "LANE_FULL"


class CarrierNotFound(NotFound):
    """There is no carrier {carrier_id}."""

    reason = "CARRIER_NOT_FOUND"


class CarrierAlreadyExists(AlreadyExists):
    """Carrier {carrier_id} was already received."""

    reason = "CARRIER_ALREADY_EXISTS"


class MoveNotFound(NotFound):
    """There is no move {move_id}."""

    reason = "MOVE_NOT_FOUND"


class MoveStatusConflict(FailedPrecondition):
    """Move {move_id} is {status}; this call requires status {required_statuses}."""

    reason = "MOVE_STATUS_CONFLICT"


class MoveClaimedByOther(FailedPrecondition):
    """Move {move_id} was claimed by {claimed_by}; report it with the same claimed_by, or with none."""

    reason = "MOVE_CLAIMED_BY_OTHER"


class DeadLetterEntryNotFound(NotFound):
    """There is no dead letter entry for this id or order: {entry_id}{order_id}."""

    reason = "DEAD_LETTER_ENTRY_NOT_FOUND"


class DeadLetterAlreadyResolved(FailedPrecondition):
    """Dead letter entry {entry_id} was already resolved as {resolution} by {resolved_by}."""

    reason = "DEAD_LETTER_ALREADY_RESOLVED"


class EventTooLarge(InvalidArgument):
    """The event of this change to order {order_id} would be {size} bytes; the limit is {limit}."""

    reason = "EVENT_TOO_LARGE"


class ParkedEventNotFound(NotFound):
    """There is no parked event {event_id}; it may have been released and published."""

    reason = "PARKED_EVENT_NOT_FOUND"


class RunNotFound(NotFound):
    """There is no run {run_id}; its record may have expired."""

    reason = "RUN_NOT_FOUND"


class NoActiveWorker(FailedPrecondition):
    """No worker is active in role {role}; start a worker, and check that it can connect to the database."""

    reason = "NO_ACTIVE_WORKER"


class WorkerNotFound(NotFound):
    """There is no worker replica {worker_id} with a recent heartbeat."""

    reason = "WORKER_NOT_FOUND"


class RoleNotFound(NotFound):
    """There is no role {role}."""

    reason = "ROLE_NOT_FOUND"


class RoleNotHeld(NotFound):
    """Replica {worker_id} does not have the role {role}."""

    reason = "ROLE_NOT_FOUND"


class FulfillmentPaused(FailedPrecondition):
    """Fulfillment is paused ({pause_reason}); call ResumeFulfillment first."""

    reason = "FULFILLMENT_PAUSED"


class StaleEpoch(WmsError):
    """Role {role} is at epoch {current}; writes with epoch {epoch} are rejected."""


class MalformedMessage(InvalidArgument):
    """The request cannot be parsed as this call's message; the client may be built from another contract."""

    reason = "MALFORMED_MESSAGE"


class NotServed(WmsError):
    """This server does not implement {method}; the client may be built from a newer contract."""

    reason = "NOT_IMPLEMENTED"


class MessageTooLarge(ResourceExhausted):
    """The request is larger than {limit} bytes; split it."""

    reason = "MESSAGE_TOO_LARGE"


class ResponseTooLarge(FailedPrecondition):
    """The response would be larger than {limit} bytes; nothing was changed. Request fewer orders at once."""

    reason = "RESPONSE_TOO_LARGE"
