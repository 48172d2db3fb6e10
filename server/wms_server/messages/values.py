"""Times and enums."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

E = TypeVar("E", bound=StrEnum)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Write a time; nothing stays nothing."""
    return None if moment is None else stamp(moment)


def stamp(moment: datetime) -> Timestamp:
    """Write a time."""
    # Twenty a page of orders: by hand three times as fast as `FromDatetime`.
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def moment(message: Any, field: str) -> datetime | None:
    """Read a time to the microsecond, or None when the field is not set."""
    if not message.HasField(field):
        return None
    value: datetime = getattr(message, field).ToDatetime(tzinfo=UTC)
    return value


@cache
def words(enum: Any, prefix: str, kind: type[E]) -> dict[int, E]:
    """Map the numbers of a contract's enum to the domain's words; numbers without one are left out."""
    return {
        number: kind(word)
        for name, number in enum.items()
        if (word := name.removeprefix(prefix).lower()) in set(kind)
    }


@cache
def numbers(enum: Any, prefix: str) -> dict[str, int]:
    """Map the domain's words to the numbers of a contract's enum."""
    return {name.removeprefix(prefix).lower(): number for name, number in enum.items()}
