"""A quick look that says of most new orders that they keep the rules; of all others protovalidate says it.

It is written by hand, as every order passes it: a walk over the rules of the protos takes nearly twice as
long, and protovalidate seven times. What it passes protovalidate would pass too; `tests/unit/test_sure.py`
holds it to that, and knows which rules it was written for.
"""

import re
from collections.abc import Callable
from typing import Any

from google.type.money_pb2 import Money
from protovalidate import collect_violations

from wms.orders.v1.order_pb2 import OrderItem, OrderPriority, ShippingAddress
from wms.orders.v1.orders_pb2 import CreateOrderRequest

_LONGEST_TEXT, _MOST_LINES, _MOST_UNITS = 256, 500, 1_000_000
_LAST_SECOND = 253_402_300_799  # of the year 9999
_MOST = 1_000  # values of a field that are remembered
_PRIORITIES = frozenset(number for number in OrderPriority.values() if number)
#: Narrower than the rules of the same names, or the same.
_resource_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}").fullmatch
_visible_ascii = re.compile(r"[!-~]{1,128}").fullmatch


def surely_valid(order: CreateOrderRequest) -> bool:
    """Say that a request keeps its rules; False says nothing."""
    if not _is_filled(order.customer_id) or order.priority not in _PRIORITIES:
        return False
    items = order.items
    if not 0 < len(items) <= _MOST_LINES:
        return False
    for item in items:
        if not _is_filled(item.sku) or not 1 <= item.quantity <= _MOST_UNITS:
            return False
        if item.HasField("unit_price") and not _is_price(item.unit_price):
            return False
    # An absent address looks like an empty one.
    return _is_address(order.shipping_address) and _have_their_form(order)


def _have_their_form(order: CreateOrderRequest) -> bool:
    """Look at what may be absent."""
    for resource in (order.order_id, order.warehouse_id):
        if resource and not _resource_id(resource):
            return False
    if order.request_id and not _visible_ascii(order.request_id):
        return False
    if not order.HasField("promised_delivery_at"):
        return True
    promised = order.promised_delivery_at
    return 0 <= promised.seconds <= _LAST_SECOND and 0 <= promised.nanos < 1_000_000_000


def _is_address(address: ShippingAddress) -> bool:
    if not _is_filled(address.street) or not _is_filled(address.city) or not _is_country(address.country):
        return False
    for text in (address.state, address.zip_code, address.recipient_name, address.phone):
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            return False
    return True


def _is_price(price: Money) -> bool:
    return price.units >= 0 and 0 <= price.nanos <= 999_999_999 and _is_currency(price.currency_code)


def _is_filled(text: str) -> bool:
    return len(text) <= _LONGEST_TEXT and text.isprintable() and text != "" and not text.isspace()


class _Remembered:
    """A field with few good values: protovalidate is asked about each of them once."""

    def __init__(self, kind: type[Any], field: str, whole: Callable[[str], Any] = str) -> None:
        self._kind, self._field, self._whole = kind, field, whole
        self._good: set[str] = set()

    def __call__(self, value: str) -> bool:
        if value in self._good:
            return True
        if len(self._good) >= _MOST or not self._passes(value):
            return False
        self._good.add(value)
        return True

    def _passes(self, value: str) -> bool:
        message = self._kind(**{self._field: self._whole(value)})
        faults = (fault.proto.field.elements for fault in collect_violations(message) if fault.proto.field)
        return not any(path and path[0].field_name == self._field for path in faults)


_is_country = _Remembered(ShippingAddress, "country")
_is_currency = _Remembered(OrderItem, "unit_price", lambda code: Money(currency_code=code))
