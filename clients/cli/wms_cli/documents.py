"""An order as people and files write it, in the JSON of the service's HTTP, as a request of the API."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.type.money_pb2 import Money

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.jsons import NotJson, read_json, shortened
from wms_cli.options import words
from wms_cli.texts import prefix

_NANO = 1_000_000_000
_MOST_DIGITS_OF_UNITS = 18
_EXACT = Context(prec=_MOST_DIGITS_OF_UNITS + 9, traps=[Inexact])
_PRIORITY = order_pb2.OrderPriority.DESCRIPTOR


class NotAnOrder(ValueError):
    """What was read says nothing that CreateOrder could be asked for."""


def order_of(text: str, currency: str) -> orders_pb2.CreateOrderRequest:
    """Read an order; plain prices are in the currency. Raises NotAnOrder, with what is wrong and where."""
    try:
        document = read_json(text, _decimal)
    except NotJson as error:
        raise NotAnOrder(str(error)) from None
    if not isinstance(document, dict):
        raise NotAnOrder("no JSON object")
    try:
        return ParseDict(_with_floats(_spelt_out(document, currency)), orders_pb2.CreateOrderRequest())
    except (ParseError, TypeError, AttributeError) as error:
        # What follows the first line lists what would have been right.
        message = str(error).partition("\n")[0].replace("wms.orders.v1.", "").strip(" .")
        raise NotAnOrder(shortened(message)) from None


def money_of(amount: Decimal, currency: str) -> Money:
    """Give an amount exactly. Raises NotAnOrder when it has more than nine digits after the point."""
    # The exponent first: to compute with one of a million would overflow or last for ever.
    if not amount.is_finite() or (amount and amount.adjusted() >= _MOST_DIGITS_OF_UNITS):
        raise NotAnOrder(shortened(f"unitPrice: {amount} is no amount of money"))
    try:
        nanos = _EXACT.multiply(amount, Decimal(_NANO))
    except Inexact:
        nanos = Decimal("NaN")
    if nanos != nanos.to_integral_value():
        raise NotAnOrder(shortened(f"unitPrice: {amount} has more than nine digits after the point"))
    units, rest = divmod(abs(int(nanos)), _NANO)
    sign = -1 if amount < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def _spelt_out(document: dict[str, Any], currency: str) -> dict[str, Any]:
    """Put in what protobuf's own JSON writes otherwise: words of enums in full, prices as Money."""
    spelt = dict(document)
    if isinstance(priority := spelt.get("priority"), str | bool | Decimal | float):
        name = str(priority).upper()
        name = name if name.startswith(prefix(_PRIORITY)) else f"{prefix(_PRIORITY)}{name}"
        if name not in _PRIORITY.values_by_name:
            raise NotAnOrder(shortened(f"priority: {priority!r} is none of {words(_PRIORITY)}"))
        spelt["priority"] = name
    if isinstance(items := spelt.get("items"), list):
        spelt["items"] = [_priced(item, currency) for item in items]
    return spelt


def _priced(item: Any, currency: str) -> Any:
    if not isinstance(item, dict):
        return item
    name = "unitPrice" if "unitPrice" in item else "unit_price"
    price = item.get(name)
    if isinstance(price, bool) or not isinstance(price, int | Decimal):
        return item
    money = money_of(Decimal(price), currency)
    written = {"currencyCode": money.currency_code, "units": str(money.units), "nanos": money.nanos}
    return {**item, name: written}


def _with_floats(value: Any) -> Any:
    """Give the numbers that are left as floats: protobuf takes 2.0 for an integer and refuses 1.5 and inf."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_with_floats(element) for element in value]
    if isinstance(value, dict):
        return {name: _with_floats(content) for name, content in value.items()}
    return value


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent of twenty digits.
        return Decimal("Infinity")
