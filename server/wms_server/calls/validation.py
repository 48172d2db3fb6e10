"""Validation of requests by the rules of the protos, and by the few rules that protos cannot express."""

from collections.abc import Iterator
from functools import cache
from itertools import islice

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Violation, collect_violations

from wms.orders.v1.order_pb2 import ORDER_PRIORITY_STANDARD
from wms.orders.v1.orders_pb2 import CreateOrderRequest, UpdateOrderRequest
from wms_core.domain.errors import FieldError, InvalidFields
from wms_server.calls.fast_validation import passes_fast_validation
from wms_server.limits.request_limits import find_list_errors, is_ignored

_TIMESTAMP_TYPE = "google.protobuf.Timestamp"
_UPDATABLE_FIELDS = frozenset({"shipping_address", "priority", "promised_delivery_at", "items"})


#: Field errors that are reported of one message.
MAX_FIELD_ERRORS = 100


def validate_message(message: Message) -> None:
    """Raise `InvalidFields` with the field errors of a message, if it has any."""
    if error := find_invalid_fields(message):
        raise error


def find_invalid_fields(
    message: Message, prefix: str = "", *, fail_fast: bool = False
) -> InvalidFields | None:
    """Return the field errors of a message, or None if it is valid.

    Their number is limited by `MAX_FIELD_ERRORS`; with `fail_fast` the rules report only the first. Paths
    begin with the prefix. If a list is too long, only the lengths of lists are checked.
    """
    if isinstance(message, CreateOrderRequest) and passes_fast_validation(message):
        return None
    if length_errors := list(islice(find_list_errors(message, prefix), MAX_FIELD_ERRORS)):
        return InvalidFields(length_errors)
    field_violations = collect_violations(message, fail_fast=fail_fast)
    field_errors = [
        _to_field_error(field_violation, prefix) for field_violation in field_violations[:MAX_FIELD_ERRORS]
    ]
    # Each timestamp has at most one error here and lists are short, so no limit is needed.
    field_errors += _find_broken_times(message, prefix)
    omitted_count = max(0, len(field_violations) - MAX_FIELD_ERRORS)
    if isinstance(message, UpdateOrderRequest) and (change_errors := _find_invalid_changes(message)):
        field_errors += change_errors.field_errors
        omitted_count += change_errors.omitted
    return InvalidFields(field_errors, omitted_count) if field_errors else None


def get_changed_fields(request: UpdateOrderRequest) -> frozenset[str]:
    """Return the fields that an update changes: its mask, or without a mask the updatable fields set."""
    if request.update_mask.paths:
        return _UPDATABLE_FIELDS.intersection(request.update_mask.paths)
    return _UPDATABLE_FIELDS.intersection(field.name for field, _ in request.order.ListFields())


def _find_invalid_changes(request: UpdateOrderRequest) -> InvalidFields | None:
    """Validate the changed fields by the rules of `CreateOrder`, with placeholders for the others."""
    changed_names = get_changed_fields(request)
    if not changed_names and not request.update_mask.paths:
        return InvalidFields(
            [FieldError("order", "must set at least one field that can be changed", "required")]
        )
    probe_request = CreateOrderRequest(customer_id="-", priority=ORDER_PRIORITY_STANDARD)
    probe_request.items.add(sku="-", quantity=1)
    probe_request.shipping_address.street = probe_request.shipping_address.city = "-"
    probe_request.shipping_address.country = "US"
    for name in changed_names:
        probe_request.ClearField(name)  # type: ignore[arg-type]
    updated_order = request.order
    if "priority" in changed_names:
        probe_request.priority = updated_order.priority
    if "items" in changed_names:
        probe_request.items.extend(updated_order.items)
    if "shipping_address" in changed_names and updated_order.HasField("shipping_address"):
        probe_request.shipping_address.CopyFrom(updated_order.shipping_address)
    if "promised_delivery_at" in changed_names and updated_order.HasField("promised_delivery_at"):
        probe_request.promised_delivery_at.CopyFrom(updated_order.promised_delivery_at)
    return find_invalid_fields(probe_request, "order.")


def _to_field_error(field_violation: Violation, prefix: str) -> FieldError:
    violation_proto = field_violation.proto
    path = ".".join(
        path_element.field_name
        + ("" if path_element.subscript is None else f"[{path_element.subscript.value}]")
        for path_element in (violation_proto.field.elements if violation_proto.field else ())
    )
    return FieldError(prefix + path, violation_proto.message, violation_proto.rule_id)


def _find_broken_times(message: Message, prefix: str) -> Iterator[FieldError]:
    """Yield an error for each timestamp with invalid nanoseconds, which the rules of protos cannot check."""
    for field in _find_time_fields(message.DESCRIPTOR):
        if field.is_repeated:
            for index, list_element in enumerate(getattr(message, field.name)):
                yield from _find_broken_times(list_element, f"{prefix}{field.name}[{index}].")
        elif message.HasField(field.name):
            value = getattr(message, field.name)
            if not isinstance(value, Timestamp):
                yield from _find_broken_times(value, f"{prefix}{field.name}.")
            elif not 0 <= value.nanos < 1_000_000_000:
                yield FieldError(
                    prefix + field.name, "nanos must be from 0 to 999,999,999", "timestamp.nanos"
                )


@cache
def _find_time_fields(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in message.fields if not is_ignored(field) and _has_times(field, ()))


def _has_times(field: FieldDescriptor, outer_types: tuple[str, ...]) -> bool:
    message_type = field.message_type
    if message_type is None or message_type.full_name in outer_types or message_type.GetOptions().map_entry:
        return False
    if message_type.full_name == _TIMESTAMP_TYPE:
        return not field.is_repeated
    return any(
        _has_times(inner_field, (*outer_types, message_type.full_name)) for inner_field in message_type.fields
    )
