"""The options and arguments that several commands have."""

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Any, TypeAlias

import typer
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from wms.orders.v1 import order_pb2
from wms_cli.texts import prefix, word

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def words(enum: EnumDescriptor) -> str:
    """Name all words of an enum, as the service's JSON writes them."""
    return ", ".join(_words(enum))


def choice(enum: EnumDescriptor) -> dict[str, Any]:
    """Give what makes an option or argument of typer take one of an enum's words, and complete it."""
    known = _words(enum)

    def read(text: str | int) -> int:
        """Give the number of a word; that of a default is one already."""
        if isinstance(text, int):
            return text
        name = text.strip().lower().replace("-", "_")
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]!r}? " if close else ""
            raise typer.BadParameter(f"{text!r} is none. {hint}There are {words(enum)}.")
        return enum.values_by_name[f"{prefix(enum)}{name.upper()}"].number

    def complete(incomplete: str) -> list[str]:
        return [one for one in known if one.startswith(incomplete)]

    return {"parser": read, "autocompletion": complete}


def moment(text: str) -> Timestamp:
    """Read a time: RFC 3339, or an age such as 90m, 2h or 7d."""
    found = Timestamp()
    try:
        if past := re.fullmatch(r"(\d{1,9})([smhd])", text.strip()):
            found.FromDatetime(datetime.now(UTC) - timedelta(seconds=int(past[1]) * _UNITS[past[2]]))
        else:
            found.FromJsonString(text.strip())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a time such as 2026-12-27T17:00:00Z nor an age such as 2h or 7d."
        ) from None
    return found


def _words(enum: EnumDescriptor) -> list[str]:
    return [word(enum, value.number) for value in enum.values if value.number]


OrderId: TypeAlias = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]
Warehouse: TypeAlias = Annotated[
    str, typer.Option("--warehouse", "-w", metavar="ID", help="Only this warehouse.")
]
Customer: TypeAlias = Annotated[
    str, typer.Option("--customer", "-c", metavar="ID", help="Only this customer.")
]
Sku: TypeAlias = Annotated[str, typer.Option("--sku", metavar="SKU", help="Only this SKU.")]
Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", "-n", min=0, help="How many at most; 0 for all there are.")
]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", "-r", help="Why, for those who read it later.")]
Etag: TypeAlias = Annotated[
    str, typer.Option("--etag", help="Refuse when the order was changed since it had this etag.")
]
Statuses: TypeAlias = Annotated[
    list[order_pb2.OrderStatus.ValueType] | None,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        **choice(order_pb2.OrderStatus.DESCRIPTOR),
        help=f"Only these; may be given more than once: {words(order_pb2.OrderStatus.DESCRIPTOR)}.",
    ),
]
LIMIT = 50
