"""Format the values of a message for people, by the type of each field."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

_MAX_INLINE_FIELDS = 8
_MAX_EXACT_INTEGER = 2**53  # above it, a float can't represent every integer


def format_field(message: Message, field: FieldDescriptor, *, as_date: bool = False) -> str:
    """Return the text of a field's value; empty if it is not set. Times are ages, or dates with `as_date`."""
    value = getattr(message, field.name)
    if field.is_repeated:
        return ", ".join(_format_elements(field, value, as_date))
    if field.has_presence and not message.HasField(field.name):
        return ""
    return _format_value(field, value, as_date)


def list_fields(message: Message) -> list[FieldDescriptor]:
    """Return the fields of a message, in the order of the contract."""
    # protobuf has two implementations of this type, and the type stubs name both.
    fields: Any = message.DESCRIPTOR.fields
    return list(fields)


def format_enum(enum: EnumDescriptor, number: int) -> str:
    """Return an enum value as the short lower-case name in the JSON of the service; empty for unspecified."""
    enum_value = enum.values_by_number.get(number)
    if enum_value is None:
        return str(number)
    short_name = enum_value.name.removeprefix(enum_prefix(enum)).lower()
    return "" if short_name == "unspecified" else short_name


def enum_prefix(enum: EnumDescriptor) -> str:
    """Return the common prefix of the names of an enum's values."""
    return enum.values[0].name.removesuffix("UNSPECIFIED")


def format_duration(duration: timedelta) -> str:
    """Return a duration in one unit, the largest of which there are at least two."""
    seconds = duration.total_seconds()
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def format_age(timestamp: Timestamp) -> str:
    """Return the age of a time, or the time until it, by the clock of this machine."""
    seconds = datetime.now(UTC).timestamp() - timestamp.seconds - timestamp.nanos / 1e9
    # The clocks of two machines may differ a little: up to 1 s in the future counts as now.
    if seconds < -1:
        return f"in {format_duration(timedelta(seconds=-seconds))}"
    return f"{format_duration(timedelta(seconds=max(seconds, 0)))} ago"


def fits_on_line(field: FieldDescriptor) -> bool:
    """Return whether a field's value fits on a line: not a message, or a known or small one."""
    message_type = field.message_type
    if (
        message_type is None
        or message_type.full_name in _INLINE_MESSAGE_TYPES
        or message_type.GetOptions().map_entry
    ):
        return True
    if field.is_repeated or len(message_type.fields) > _MAX_INLINE_FIELDS:
        return False
    return all(
        not inner_field.is_repeated and inner_field.message_type is None
        for inner_field in message_type.fields
    )


def _format_elements(field: FieldDescriptor, value: Any, as_date: bool) -> Iterable[str]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return (f"{key} {value[key]}" for key in sorted(value))
    if field.message_type is not None:
        return (_format_value(field, element, as_date).replace(", ", " ") for element in value)
    return (_format_value(field, element, as_date) for element in value)


def _format_value(field: FieldDescriptor, value: Any, as_date: bool) -> str:
    if field.enum_type is not None:
        return format_enum(field.enum_type, value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "yes" if value else "no"
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return f"{value:.4g}"
    if field.message_type is None:
        return _replace_unprintable(str(value))
    return _format_message(value, as_date)


def _format_message(value: Message, as_date: bool) -> str:
    if isinstance(value, Timestamp):
        return format_date(value) if as_date else format_age(value)
    if isinstance(value, Duration):
        return format_duration(value.ToTimedelta())
    if isinstance(value, Money):
        return format_money(value)
    if isinstance(value, Struct):
        return json.dumps(restore_integers(MessageToDict(value)), ensure_ascii=False)
    parts = (format_field(value, field, as_date=as_date) for field in list_fields(value))
    return ", ".join(part for part in parts if part)


def restore_integers(value: Any) -> Any:
    """Return JSON with whole numbers as integers: a Struct has floats only, and 2 would be printed as 2.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT_INTEGER:
        return int(value)
    if isinstance(value, list):
        return [restore_integers(element) for element in value]
    if isinstance(value, dict):
        return {key: restore_integers(member) for key, member in value.items()}
    return value


def format_date(timestamp: Timestamp) -> str:
    """Return a time as a date in UTC, to the second, with its age."""
    date_text = Timestamp(seconds=timestamp.seconds).ToJsonString().replace("T", " ")
    return f"{date_text} ({format_age(timestamp)})"


def format_money(money: Money) -> str:
    """Return an exact amount of money, with at least two digits after the point."""
    sign = "-" if money.units < 0 or money.nanos < 0 else ""
    fraction = f"{abs(money.nanos):09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{abs(money.units)}.{fraction} {money.currency_code}"


def _replace_unprintable(text: str) -> str:
    """Replace characters that could control a terminal."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


_INLINE_MESSAGE_TYPES = {kind.DESCRIPTOR.full_name for kind in (Timestamp, Duration, Money, Struct)}
