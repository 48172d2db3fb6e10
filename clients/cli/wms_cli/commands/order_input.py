"""Parse an order from options or from the JSON of the HTTP API into a request of the gRPC API."""

import re
import sys
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from pathlib import Path
from typing import Any

import typer
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.commands.call import InvalidJson, read_json, shorten_message
from wms_cli.framework.command import enum_words
from wms_cli.framework.formatting import enum_prefix

_NANOS_PER_UNIT = 1_000_000_000
_MAX_UNIT_DIGITS = 18
_EXACT_CONTEXT = Context(prec=_MAX_UNIT_DIGITS + 9, traps=[Inexact])
_PRIORITY_ENUM = order_pb2.OrderPriority.DESCRIPTOR


class InvalidOrder(ValueError):
    """The input can't be parsed into a CreateOrder request; the message has the field and the cause."""


def parse_order(text: str, currency: str) -> orders_pb2.CreateOrderRequest:
    """Parse an order; plain prices are in `currency`. Raises InvalidOrder."""
    try:
        document = read_json(text, _parse_decimal)
    except InvalidJson as error:
        raise InvalidOrder(str(error)) from None
    if not isinstance(document, dict):
        raise InvalidOrder("not a JSON object")
    try:
        return ParseDict(
            _decimals_to_floats(_to_protobuf_json(document, currency)), orders_pb2.CreateOrderRequest()
        )
    except (ParseError, TypeError, AttributeError) as error:
        # The lines after the first one list all valid names.
        message = str(error).partition("\n")[0].replace("wms.orders.v1.", "").strip(" .")
        raise InvalidOrder(shorten_message(message)) from None


def to_money(amount: Decimal, currency: str) -> Money:
    """Return an amount exactly. Raises InvalidOrder for more than nine digits after the point."""
    # Check the exponent first: arithmetic with an exponent of a million overflows or takes forever.
    if not amount.is_finite() or (amount and amount.adjusted() >= _MAX_UNIT_DIGITS):
        raise InvalidOrder(shorten_message(f"unitPrice: {amount} is not an amount of money"))
    try:
        nanos = _EXACT_CONTEXT.multiply(amount, Decimal(_NANOS_PER_UNIT))
    except Inexact:
        nanos = Decimal("NaN")
    if nanos != nanos.to_integral_value():
        raise InvalidOrder(shorten_message(f"unitPrice: {amount} has more than nine digits after the point"))
    units, unit_nanos = divmod(abs(int(nanos)), _NANOS_PER_UNIT)
    sign = -1 if amount < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * unit_nanos)


def _to_protobuf_json(document: dict[str, Any], currency: str) -> dict[str, Any]:
    """Return the document in protobuf's own JSON: full names of enum values, prices as Money."""
    canonical = dict(document)
    if isinstance(priority := canonical.get("priority"), str | bool | Decimal | float):
        name = str(priority).upper()
        name = (
            name if name.startswith(enum_prefix(_PRIORITY_ENUM)) else f"{enum_prefix(_PRIORITY_ENUM)}{name}"
        )
        if name not in _PRIORITY_ENUM.values_by_name:
            raise InvalidOrder(
                shorten_message(
                    f"priority: unknown value {priority!r}; choose from: {enum_words(_PRIORITY_ENUM)}"
                )
            )
        canonical["priority"] = name
    if isinstance(items := canonical.get("items"), list):
        canonical["items"] = [_convert_price(item, currency) for item in items]
    return canonical


def _convert_price(item: Any, currency: str) -> Any:
    if not isinstance(item, dict):
        return item
    name = "unitPrice" if "unitPrice" in item else "unit_price"
    price = item.get(name)
    if isinstance(price, bool) or not isinstance(price, int | Decimal):
        return item
    money = to_money(Decimal(price), currency)
    money_json = {"currencyCode": money.currency_code, "units": str(money.units), "nanos": money.nanos}
    return {**item, name: money_json}


def _decimals_to_floats(value: Any) -> Any:
    """Return the remaining numbers as floats: protobuf accepts 2.0 as an integer and rejects 1.5 and inf."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_decimals_to_floats(element) for element in value]
    if isinstance(value, dict):
        return {name: _decimals_to_floats(content) for name, content in value.items()}
    return value


def _parse_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # Decimal rejects exponents of about twenty digits.
        return Decimal("Infinity")


_STDIN_PATH = Path("-")
_ITEM_PATTERN = re.compile(r"(?P<sku>.+)=(?P<quantity>\d{1,10})(?:@(?P<price>\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """Options of `orders create`; `file` excludes the others."""

    file: Path | None
    customer: str
    lines: tuple[str, ...]
    priority: order_pb2.OrderPriority.ValueType
    address: order_pb2.ShippingAddress
    promised: Timestamp | None
    warehouse: str
    order: str
    whole: bool


def build_request(order_options: OrderOptions, currency: str) -> orders_pb2.CreateOrderRequest:
    """Return the request; the service checks whether it is complete. Raises typer.BadParameter."""
    try:
        if order_options.file is not None:
            if order_options.customer or order_options.lines or order_options.order:
                raise typer.BadParameter("--file has the complete order: leave out the other options.")
            return parse_order(_read_text(order_options.file), currency)
        return orders_pb2.CreateOrderRequest(
            customer_id=order_options.customer,
            priority=order_options.priority,
            items=[_parse_item(line, currency) for line in order_options.lines],
            shipping_address=order_options.address,
            promised_delivery_at=order_options.promised,
            warehouse_id=order_options.warehouse,
            order_id=order_options.order,
            allow_partial=False if order_options.whole else None,
        )
    except InvalidOrder as error:
        raise typer.BadParameter(str(error)) from None


def _parse_item(line: str, currency: str) -> order_pb2.OrderItem:
    item_match = _ITEM_PATTERN.fullmatch(line)
    if item_match is None or int(item_match["quantity"]) >= 2**31:
        raise typer.BadParameter(f"--item {line!r} is not SKU=QUANTITY or SKU=QUANTITY@PRICE.")
    price = to_money(Decimal(item_match["price"]), currency) if item_match["price"] else None
    return order_pb2.OrderItem(sku=item_match["sku"], quantity=int(item_match["quantity"]), unit_price=price)


def _read_text(file: Path) -> str:
    try:
        raw_bytes = sys.stdin.buffer.read() if file == _STDIN_PATH else file.read_bytes()
        return raw_bytes.decode("utf-8-sig")
    except OSError as error:
        raise typer.BadParameter(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text.") from None
