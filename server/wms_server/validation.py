"""The rules that the protos declare, and the few that they can't."""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Violation, collect_violations

from buf.validate import validate_pb2
from wms.orders.v1.order_pb2 import ORDER_PRIORITY_STANDARD
from wms.orders.v1.orders_pb2 import CreateOrderRequest, UpdateOrderRequest
from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server.sure import surely_valid

_TIMESTAMP = "google.protobuf.Timestamp"
_UPDATABLE = frozenset({"shipping_address", "priority", "promised_delivery_at", "items"})


def validate(message: Message, prefix: str = "") -> None:
    """Raise InvalidFields with every fault of a message."""
    if found := faults(message, prefix):
        raise InvalidFields(found)


def faults(message: Message, prefix: str = "") -> list[FieldFault]:
    """Give every fault of a message; paths begin with the prefix."""
    if isinstance(message, CreateOrderRequest) and surely_valid(message):
        return []
    found = [_fault(violation, prefix) for violation in collect_violations(message)]
    found += _broken_times(message, prefix)
    if isinstance(message, UpdateOrderRequest):
        found += _broken_changes(message)
    return found


def changed_fields(request: UpdateOrderRequest) -> frozenset[str]:
    """Name what an update changes: what its mask says; without one, the changeable fields that are set."""
    if request.update_mask.paths:
        return _UPDATABLE.intersection(request.update_mask.paths)
    return _UPDATABLE.intersection(field.name for field, _ in request.order.ListFields())


def _broken_changes(request: UpdateOrderRequest) -> list[FieldFault]:
    """Hold the changed fields to the rules of CreateOrder, with stand-ins for those that stay."""
    changed = changed_fields(request)
    if not changed and not request.update_mask.paths:
        return [FieldFault("order", "must set at least one field that can be changed", "required")]
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
    return faults(asked, "order.")


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
    return tuple(field for field in message.fields if not _ignored(field) and _has_times(field, ()))


def _ignored(field: FieldDescriptor) -> bool:
    """Say whether the protos leave a field to be checked elsewhere: the elements of a batch, an update."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return validate_pb2.IGNORE_ALWAYS in (rules.ignore, rules.repeated.items.ignore)


def _has_times(field: FieldDescriptor, above: tuple[str, ...]) -> bool:
    kind = field.message_type
    if kind is None or kind.full_name in above or kind.GetOptions().map_entry:
        return False
    if kind.full_name == _TIMESTAMP:
        return not field.is_repeated
    return any(_has_times(inner, (*above, kind.full_name)) for inner in kind.fields)
