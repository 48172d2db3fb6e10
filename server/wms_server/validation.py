"""The rules that the protos declare, and the few that they can't."""

from collections.abc import Iterator
from functools import cache
from itertools import islice

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Violation, collect_violations

from wms.orders.v1.order_pb2 import ORDER_PRIORITY_STANDARD
from wms.orders.v1.orders_pb2 import CreateOrderRequest, UpdateOrderRequest
from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server.request_limits import is_ignored, list_faults
from wms_server.sure import surely_valid

_TIMESTAMP = "google.protobuf.Timestamp"
_UPDATABLE = frozenset({"shipping_address", "priority", "promised_delivery_at", "items"})


#: Faults of one message that are told.
MAX_FAULTS = 100


def validate(message: Message) -> None:
    """Raise InvalidFields with the faults of a message."""
    if error := invalid_fields(message):
        raise error


def invalid_fields(message: Message, prefix: str = "", *, fail_fast: bool = False) -> InvalidFields | None:
    """Return the faults of a message, if it has any: all of them up to a limit, or the first one alone.

    Paths begin with the prefix. Of a message with a list that is too long nothing else is judged.
    """
    if isinstance(message, CreateOrderRequest) and surely_valid(message):
        return None
    if too_long := list(islice(list_faults(message, prefix), MAX_FAULTS)):
        return InvalidFields(too_long)
    violations = collect_violations(message, fail_fast=fail_fast)
    faults = [_fault(violation, prefix) for violation in violations[:MAX_FAULTS]]
    # A timestamp has one fault here at most, and the lists have few elements: these need no limit.
    faults += _broken_times(message, prefix)
    omitted = max(0, len(violations) - MAX_FAULTS)
    if isinstance(message, UpdateOrderRequest) and (changes := _invalid_changes(message)):
        faults += changes.faults
        omitted += changes.omitted
    return InvalidFields(faults, omitted) if faults else None


def changed_fields(request: UpdateOrderRequest) -> frozenset[str]:
    """Name what an update changes: what its mask says; without one, the changeable fields that are set."""
    if request.update_mask.paths:
        return _UPDATABLE.intersection(request.update_mask.paths)
    return _UPDATABLE.intersection(field.name for field, _ in request.order.ListFields())


def _invalid_changes(request: UpdateOrderRequest) -> InvalidFields | None:
    """Hold the changed fields to the rules of CreateOrder, with stand-ins for those that stay."""
    changed = changed_fields(request)
    if not changed and not request.update_mask.paths:
        return InvalidFields(
            [FieldFault("order", "must set at least one field that can be changed", "required")]
        )
    asked = CreateOrderRequest(customer_id="-", priority=ORDER_PRIORITY_STANDARD)
    asked.items.add(sku="-", quantity=1)
    asked.shipping_address.street = asked.shipping_address.city = "-"
    asked.shipping_address.country = "US"
    for name in changed:
        asked.ClearField(name)  # type: ignore[arg-type]
    wanted = request.order
    if "priority" in changed:
        asked.priority = wanted.priority
    if "items" in changed:
        asked.items.extend(wanted.items)
    if "shipping_address" in changed and wanted.HasField("shipping_address"):
        asked.shipping_address.CopyFrom(wanted.shipping_address)
    if "promised_delivery_at" in changed and wanted.HasField("promised_delivery_at"):
        asked.promised_delivery_at.CopyFrom(wanted.promised_delivery_at)
    return invalid_fields(asked, "order.")


def _fault(violation: Violation, prefix: str) -> FieldFault:
    proto = violation.proto
    path = ".".join(
        element.field_name + ("" if element.subscript is None else f"[{element.subscript.value}]")
        for element in (proto.field.elements if proto.field else ())
    )
    return FieldFault(prefix + path, proto.message, proto.rule_id)


def _broken_times(message: Message, prefix: str) -> Iterator[FieldFault]:
    """Find timestamps whose nanoseconds are none: the rules of the protos can't see them."""
    for field in _fields_with_times(message.DESCRIPTOR):
        if field.is_repeated:
            for number, element in enumerate(getattr(message, field.name)):
                yield from _broken_times(element, f"{prefix}{field.name}[{number}].")
        elif message.HasField(field.name):
            value = getattr(message, field.name)
            if not isinstance(value, Timestamp):
                yield from _broken_times(value, f"{prefix}{field.name}.")
            elif not 0 <= value.nanos < 1_000_000_000:
                yield FieldFault(
                    prefix + field.name, "nanos must be from 0 to 999,999,999", "timestamp.nanos"
                )


@cache
def _fields_with_times(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in message.fields if not is_ignored(field) and _has_times(field, ()))


def _has_times(field: FieldDescriptor, above: tuple[str, ...]) -> bool:
    kind = field.message_type
    if kind is None or kind.full_name in above or kind.GetOptions().map_entry:
        return False
    if kind.full_name == _TIMESTAMP:
        return not field.is_repeated
    return any(_has_times(inner, (*above, kind.full_name)) for inner in kind.fields)
