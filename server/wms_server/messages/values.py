"""Times and enums."""

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

E = TypeVar("E", bound=StrEnum)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """Write a time; nothing stays nothing."""
    if moment is None:
        return None
    value = Timestamp()
    value.FromDatetime(moment)
    return value


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
