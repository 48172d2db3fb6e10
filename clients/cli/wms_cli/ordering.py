"""A new order from the command line: each part an option, or all of it JSON."""

import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.documents import NotAnOrder, money_of, order_of

_STDIN = Path("-")
_LINE = re.compile(r"(?P<sku>.+)=(?P<quantity>\d{1,10})(?:@(?P<price>\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Given:
    """What the options say."""

    file: Path | None
    customer: str
    lines: tuple[str, ...]
    priority: order_pb2.OrderPriority.ValueType
    address: order_pb2.ShippingAddress
    promised: Timestamp | None
    warehouse: str
    order: str
    whole: bool


def request_of(given: Given, currency: str) -> orders_pb2.CreateOrderRequest:
    """Give the request. Raises BadParameter when it can't be read; the service says what is missing."""
    try:
        if given.file is not None:
            if given.customer or given.lines or given.order:
                raise typer.BadParameter("--file holds all of the order: leave the other options out.")
            return order_of(_read(given.file), currency)
        return orders_pb2.CreateOrderRequest(
            customer_id=given.customer,
            priority=given.priority,
            items=[_item(line, currency) for line in given.lines],
            shipping_address=given.address,
            promised_delivery_at=given.promised,
            warehouse_id=given.warehouse,
            order_id=given.order,
            allow_partial=False if given.whole else None,
        )
    except NotAnOrder as error:
        raise typer.BadParameter(str(error)) from None


def _item(line: str, currency: str) -> order_pb2.OrderItem:
    found = _LINE.fullmatch(line)
    if found is None or int(found["quantity"]) >= 2**31:
        raise typer.BadParameter(f"--item {line!r} is not SKU=QUANTITY or SKU=QUANTITY@PRICE.")
    price = money_of(Decimal(found["price"]), currency) if found["price"] else None
    return order_pb2.OrderItem(sku=found["sku"], quantity=int(found["quantity"]), unit_price=price)


def _read(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == _STDIN else file.read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not in UTF-8.") from None
