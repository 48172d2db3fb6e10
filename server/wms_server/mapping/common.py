"""Conversion of timestamps and enums."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

EnumT = TypeVar("EnumT", bound=StrEnum)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_optional_timestamp(utc_time: datetime | None) -> Timestamp | None:
    """Return a timestamp message, or None for None."""
    return None if utc_time is None else to_timestamp(utc_time)


def to_timestamp(utc_time: datetime) -> Timestamp:
    """Return a timestamp message."""
    # Three times as fast as `FromDatetime`; each page of orders needs many.
    since_epoch = utc_time - _UNIX_EPOCH
    return Timestamp(
        seconds=since_epoch.days * 86_400 + since_epoch.seconds, nanos=since_epoch.microseconds * 1_000
    )


def read_datetime(message: Any, field: str) -> datetime | None:
    """Return a time field to the microsecond, or None when it is not set."""
    if not message.HasField(field):
        return None
    value: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    return value


@cache
def enum_names(proto_enum: Any, prefix: str, domain_enum: type[EnumT]) -> dict[int, EnumT]:
    """Return the domain's values by the numbers of a proto enum; numbers without a value are omitted."""
    return {
        number: domain_enum(enum_name)
        for name, number in proto_enum.items()
        if (enum_name := name.removeprefix(prefix).lower()) in set(domain_enum)
    }


@cache
def enum_numbers(proto_enum: Any, prefix: str) -> dict[str, int]:
    """Return the numbers of a proto enum by the domain's values."""
    return {name.removeprefix(prefix).lower(): number for name, number in proto_enum.items()}
