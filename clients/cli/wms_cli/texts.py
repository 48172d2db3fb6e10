"""How people read the values of a message, by the kind of each field."""

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

_MANY = 8
_EXACT = 2**53  # up to which a float has every integer


def text_of(message: Message, field: FieldDescriptor, *, dated: bool = False) -> str:
    """Give a field's value in words; empty when it is not set. Times are ages, or dates when `dated`."""
    value = getattr(message, field.name)
    if field.is_repeated:
        return ", ".join(_elements(field, value, dated))
    if field.has_presence and not message.HasField(field.name):
        return ""
    return _text(field, value, dated)


def fields_of(message: Message) -> list[FieldDescriptor]:
    """Give the fields of a message, in the order of the contract."""
    # Two implementations of one type, of which the stubs name both.
    fields: Any = message.DESCRIPTOR.fields
    return list(fields)


def word(enum: EnumDescriptor, number: int) -> str:
    """Give an enum's value as the short lower-case word of the service's JSON; empty for unspecified."""
    found = enum.values_by_number.get(number)
    if found is None:
        return str(number)
    short = found.name.removeprefix(prefix(enum)).lower()
    return "" if short == "unspecified" else short


def prefix(enum: EnumDescriptor) -> str:
    """Give what the names of an enum's values begin with."""
    return enum.values[0].name.removesuffix("UNSPECIFIED")


def age(length: timedelta) -> str:
    """Give a length in one unit that people can take in."""
    seconds = length.total_seconds()
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def ago(moment: Timestamp) -> str:
    """Tell how long ago, or in how long, by this machine's clock."""
    seconds = datetime.now(UTC).timestamp() - moment.seconds - moment.nanos / 1e9
    # The clocks of two machines may differ a little.
    if seconds < -1:
        return f"in {age(timedelta(seconds=-seconds))}"
    return f"{age(timedelta(seconds=max(seconds, 0)))} ago"


def on_a_line(field: FieldDescriptor) -> bool:
    """Say whether a field's value is written on a line: no message, or a known or small one."""
    parts = field.message_type
    if parts is None or parts.full_name in _KNOWN or parts.GetOptions().map_entry:
        return True
    if field.is_repeated or len(parts.fields) > _MANY:
        return False
    return all(not one.is_repeated and one.message_type is None for one in parts.fields)


def _elements(field: FieldDescriptor, value: Any, dated: bool) -> Iterable[str]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return (f"{key} {value[key]}" for key in sorted(value))
    if field.message_type is not None:
        return (_text(field, one, dated).replace(", ", " ") for one in value)
    return (_text(field, one, dated) for one in value)


def _text(field: FieldDescriptor, value: Any, dated: bool) -> str:
    if field.enum_type is not None:
        return word(field.enum_type, value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "yes" if value else "no"
    if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return f"{value:.4g}"
    if field.message_type is None:
        return _visible(str(value))
    return _of_message(value, dated)


def _of_message(value: Message, dated: bool) -> str:
    if isinstance(value, Timestamp):
        return date(value) if dated else ago(value)
    if isinstance(value, Duration):
        return age(value.ToTimedelta())
    if isinstance(value, Money):
        return amount(value)
    if isinstance(value, Struct):
        return json.dumps(with_integers(MessageToDict(value)), ensure_ascii=False)
    parts = (text_of(value, field, dated=dated) for field in fields_of(value))
    return ", ".join(part for part in parts if part)


def with_integers(value: Any) -> Any:
    """Return JSON with whole numbers as integers: a Struct has floats only, and 2 would be printed as 2.0."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, list):
        return [with_integers(element) for element in value]
    if isinstance(value, dict):
        return {key: with_integers(member) for key, member in value.items()}
    return value


def date(moment: Timestamp) -> str:
    """Give a time as a date with its second in UTC, and how long ago it was."""
    written = Timestamp(seconds=moment.seconds).ToJsonString().replace("T", " ")
    return f"{written} ({ago(moment)})"


def amount(money: Money) -> str:
    """Write an amount of money, exactly, with two digits at least."""
    sign = "-" if money.units < 0 or money.nanos < 0 else ""
    fraction = f"{abs(money.nanos):09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{abs(money.units)}.{fraction} {money.currency_code}"


def _visible(text: str) -> str:
    """Keep what could steer a terminal from doing so."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


_KNOWN = {kind.DESCRIPTOR.full_name for kind in (Timestamp, Duration, Money, Struct)}
