"""An order as people and files write it, in the JSON of the service's HTTP, as a request of the API."""

import json
from decimal import Decimal
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.type.money_pb2 import Money

from wms.orders.v1 import order_pb2, orders_pb2
from wms_cli.options import words
from wms_cli.texts import prefix

_NANO = 1_000_000_000
_PRIORITY = order_pb2.OrderPriority.DESCRIPTOR


class NotAnOrder(ValueError):
    """What was read says nothing that CreateOrder could be asked for."""


def order_of(text: str, currency: str) -> orders_pb2.CreateOrderRequest:
    """Read an order; plain prices are in the currency. Raises NotAnOrder, with what is wrong and where."""
    try:
        document = json.loads(
            text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_each_once
        )
    except json.JSONDecodeError as error:
        raise NotAnOrder(f"no JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise NotAnOrder("nested too deeply") from None
    except ValueError as error:
        raise NotAnOrder(str(error)) from None
    if not isinstance(document, dict):
        raise NotAnOrder("no JSON object")
    try:
        return ParseDict(_spelt_out(document, currency), orders_pb2.CreateOrderRequest())
    except (ParseError, TypeError, AttributeError) as error:
        # What follows the first line lists what would have been right.
        raise NotAnOrder(str(error).partition("\n")[0].replace("wms.orders.v1.", "").strip(" .")) from None


def money_of(amount: Decimal, currency: str) -> Money:
    """Give an amount exactly. Raises NotAnOrder when it has more than nine digits after the point."""
    if not amount.is_finite() or abs(amount) >= _NANO * _NANO:
        raise NotAnOrder(f"unitPrice: {amount} is no amount of money")
    nanos = amount * _NANO
    if nanos != nanos.to_integral_value():
        raise NotAnOrder(f"unitPrice: {amount} has more than nine digits after the point")
    units, rest = divmod(abs(int(nanos)), _NANO)
    sign = -1 if amount < 0 else 1
    return Money(currency_code=currency, units=sign * units, nanos=sign * rest)


def _spelt_out(document: dict[str, Any], currency: str) -> dict[str, Any]:
    """Put in what protobuf's own JSON writes otherwise: words of enums in full, prices as Money."""
    spelt = dict(document)
    word = spelt.get("priority")
    if isinstance(word, str) and not word.startswith(prefix(_PRIORITY)):
        name = f"{prefix(_PRIORITY)}{word.upper()}"
        if name not in _PRIORITY.values_by_name:
            raise NotAnOrder(f"priority: {word!r} is none of {words(_PRIORITY)}")
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
        return {key: _whole(value) for key, value in item.items()}
    money = money_of(Decimal(price), currency)
    written = {"currencyCode": money.currency_code, "units": str(money.units), "nanos": money.nanos}
    return {**{key: _whole(value) for key, value in item.items()}, name: written}


def _whole(value: Any) -> Any:
    """Give 2.0 as 2, and what is no whole number as protobuf's JSON reader refuses it."""
    return float(value) if isinstance(value, Decimal) else value


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return document
