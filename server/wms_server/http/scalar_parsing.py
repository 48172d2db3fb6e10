"""Parsing of scalars from JSON values and query parameters: exact, or rejected with a message."""

import math
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from wms_server.http.enum_names import allowed_values, enum_numbers_of
from wms_server.http.json_parser import NonFiniteLiteral

_NANOS_PER_UNIT = 10**9
_NUMBER_PATTERN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
#: Numbers with more digits before the point exceed every field; a long exponent is cheap to send.
_MAX_NUMBER_DIGITS = 40
_MAX_UNIT_DIGITS = 18  # digits of an amount before its point
_INTEGER_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


class InvalidValue(Exception):
    """A message that describes an invalid value; it follows the name of the field."""


def parse_text(value: Any) -> str:
    """Parse a string. Raise `InvalidValue` otherwise."""
    if not isinstance(value, str):
        raise InvalidValue("must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must not contain half of a surrogate pair") from None
    return value


def parse_boolean(value: Any) -> bool:
    """Parse true or false. Raise `InvalidValue` otherwise."""
    if not isinstance(value, bool):
        raise InvalidValue("must be true or false")
    return value


def parse_number(value: Any) -> Decimal:
    """Parse a number or a string that contains one. Raise `InvalidValue` otherwise."""
    if isinstance(value, NonFiniteLiteral):
        raise InvalidValue(f"must be a number; {value.literal_text} is not finite")
    if isinstance(value, str) and _NUMBER_PATTERN.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValue("must be a number")
    parsed_number = Decimal(value)
    if not parsed_number.is_finite() or parsed_number.adjusted() > _MAX_NUMBER_DIGITS:
        raise InvalidValue("must be a number within the supported range")
    return parsed_number


def parse_integer(value: Any, min_integer: int, max_integer: int) -> int:
    """Parse an integer within bounds; 2.0 and "2" are 2. Raise `InvalidValue` otherwise."""
    parsed_number = parse_number(value)
    # The comparison precedes the conversion to int: 1e-999999 has many digits as a fraction.
    if (parsed_number and parsed_number.adjusted() < 0) or parsed_number != parsed_number.to_integral_value():
        raise InvalidValue("must be a whole number")
    if not min_integer <= parsed_number <= max_integer:
        raise InvalidValue(f"must be from {min_integer} to {max_integer}")
    return int(parsed_number)


def parse_float(value: Any) -> float:
    """Parse a float, also the strings NaN and Infinity of proto JSON. Raise `InvalidValue` otherwise."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    parsed_float = float(parse_number(value))
    if math.isinf(parsed_float):
        raise InvalidValue("must be a number within the supported range")
    return parsed_float


def parse_money(value: Any, currency_code: str) -> Money:
    """Parse an amount of money from a number, without rounding. Raise `InvalidValue` otherwise."""
    parsed_number = parse_number(value)
    if parsed_number.adjusted() >= _MAX_UNIT_DIGITS:
        raise InvalidValue(f"must be an amount of at most {_MAX_UNIT_DIGITS} digits before the point")
    with localcontext(prec=_MAX_NUMBER_DIGITS) as decimal_context:
        decimal_context.traps[Inexact] = decimal_context.traps[InvalidOperation] = decimal_context.traps[
            Overflow
        ] = True
        try:
            amount_nanos = int((parsed_number * _NANOS_PER_UNIT).to_integral_exact())
        except (Inexact, InvalidOperation, Overflow):
            raise InvalidValue("must be an amount of at most 9 digits after the point") from None
    units, fraction_nanos = divmod(abs(amount_nanos), _NANOS_PER_UNIT)
    amount_sign = -1 if amount_nanos < 0 else 1
    return Money(currency_code=currency_code, units=amount_sign * units, nanos=amount_sign * fraction_nanos)


def parse_time(value: Any) -> Timestamp:
    """Parse an RFC 3339 timestamp. Raise `InvalidValue` otherwise."""
    parsed_time = Timestamp()
    try:
        if _TIME_PATTERN.fullmatch(value):
            # Ten times as fast as protobuf's parser, with the same result for whole microseconds.
            parsed_time.FromDatetime(datetime.fromisoformat(value))
        else:
            parsed_time.FromJsonString(value)
    except (ValueError, TypeError, OverflowError, AttributeError):
        raise InvalidValue("must be an RFC 3339 timestamp, such as 2024-12-27T17:00:00Z") from None
    return parsed_time


def parse_enum(enum_descriptor: EnumDescriptor, value: Any) -> int:
    """Parse an enum value. Raise `InvalidValue` with the allowed values otherwise."""
    numbers_by_name = enum_numbers_of(enum_descriptor)
    if isinstance(value, str) and value in numbers_by_name:
        return numbers_by_name[value]
    if isinstance(value, int) and not isinstance(value, bool) and value in enum_descriptor.values_by_number:
        return value
    raise InvalidValue(f"must be one of {allowed_values(enum_descriptor)}")


def get_scalar_parser(field_descriptor: FieldDescriptor) -> Callable[[Any], Any]:
    """Return the parser of one value of a field that is no message."""
    cpp_type = field_descriptor.cpp_type
    if cpp_type in _INTEGER_RANGES:
        min_integer, max_integer = _INTEGER_RANGES[cpp_type]
        return lambda value: parse_integer(value, min_integer, max_integer)
    if (enum_descriptor := field_descriptor.enum_type) is not None:
        return lambda value: parse_enum(enum_descriptor, value)
    if cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return parse_boolean
    if cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return parse_float
    assert field_descriptor.type == FieldDescriptor.TYPE_STRING, (
        f"{field_descriptor.full_name}: the contract has no bytes"
    )
    return parse_text
