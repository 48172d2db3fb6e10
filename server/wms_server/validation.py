"""The rules that the protos declare, and the few that they can't."""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from protovalidate import Violation, collect_violations

from wms_core.domain.errors import FieldFault, InvalidFields

_TIMESTAMP = "google.protobuf.Timestamp"


def validate(message: Message, prefix: str = "") -> None:
    """Raise InvalidFields with every fault of a message."""
    if found := faults(message, prefix):
        raise InvalidFields(found)


def faults(message: Message, prefix: str = "") -> list[FieldFault]:
    """Give every fault of a message; paths begin with the prefix."""
    found = [_fault(violation, prefix) for violation in collect_violations(message)]
    found += _broken_times(message, prefix)
    return found


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
    return tuple(field for field in message.fields if _has_times(field, ()))


def _has_times(field: FieldDescriptor, above: tuple[str, ...]) -> bool:
    kind = field.message_type
    if kind is None or kind.full_name in above or kind.GetOptions().map_entry:
        return False
    if kind.full_name == _TIMESTAMP:
        return not field.is_repeated
    return any(_has_times(inner, (*above, kind.full_name)) for inner in kind.fields)
