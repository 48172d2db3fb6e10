"""Fast path of validation for `CreateOrder`.

`passes_fast_validation` returns True only for requests that protovalidate would accept; all other requests go
through protovalidate. It is handwritten because each new order passes it: a generic walk over the rules of
the protos takes nearly twice as long, and protovalidate seven times.
`tests/unit/server/calls/test_fast_validation.py` compares it with protovalidate, and fails when the rules of
the protos change.
"""

import re
from collections.abc import Callable
from typing import Any

from google.type.money_pb2 import Money
from protovalidate import collect_violations

from wms.orders.v1.order_pb2 import OrderItem, OrderPriority, ShippingAddress
from wms.orders.v1.orders_pb2 import CreateOrderRequest

_MAX_TEXT_CHARACTERS, _MAX_ORDER_LINES, _MAX_LINE_UNITS = 256, 500, 1_000_000
_MAX_EPOCH_SECONDS = 253_402_300_799  # of the year 9999
_MAX_CACHED_VALUES = 1_000  # values of a field that are remembered
_VALID_PRIORITIES = frozenset(number for number in OrderPriority.values() if number)
#: Equal to the rules of the same names, or stricter.
_match_resource_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}").fullmatch
_match_visible_ascii = re.compile(r"[!-~]{1,128}").fullmatch


def passes_fast_validation(order: CreateOrderRequest) -> bool:
    """Return True if the request is valid; False means undecided."""
    if not _is_filled(order.customer_id) or order.priority not in _VALID_PRIORITIES:
        return False
    items = order.items
    if not 0 < len(items) <= _MAX_ORDER_LINES:
        return False
    for item in items:
        if not _is_filled(item.sku) or not 1 <= item.quantity <= _MAX_LINE_UNITS:
            return False
        if item.HasField("unit_price") and not _is_valid_price(item.unit_price):
            return False
    # An absent address reads like an empty one.
    return _is_valid_address(order.shipping_address) and _has_valid_optional_fields(order)


def _has_valid_optional_fields(order: CreateOrderRequest) -> bool:
    """Return whether the optional fields are absent or valid."""
    for resource_id in (order.order_id, order.warehouse_id):
        if resource_id and not _match_resource_id(resource_id):
            return False
    if order.request_id and not _match_visible_ascii(order.request_id):
        return False
    if not order.HasField("promised_delivery_at"):
        return True
    promised_at = order.promised_delivery_at
    return 0 <= promised_at.seconds <= _MAX_EPOCH_SECONDS and 0 <= promised_at.nanos < 1_000_000_000


def _is_valid_address(address: ShippingAddress) -> bool:
    if not _is_filled(address.street) or not _is_filled(address.city) or not _is_country(address.country):
        return False
    for text in (address.state, address.zip_code, address.recipient_name, address.phone):
        if len(text) > _MAX_TEXT_CHARACTERS or not text.isprintable():
            return False
    return True


def _is_valid_price(unit_price: Money) -> bool:
    return (
        unit_price.units >= 0
        and 0 <= unit_price.nanos <= 999_999_999
        and _is_currency(unit_price.currency_code)
    )


def _is_filled(text: str) -> bool:
    return len(text) <= _MAX_TEXT_CHARACTERS and text.isprintable() and text != "" and not text.isspace()


class CachedFieldCheck:
    """A check for a field with few valid values: protovalidate checks each of them once."""

    def __init__(
        self, message_class: type[Any], field_name: str, build_field_value: Callable[[str], Any] = str
    ) -> None:
        self._message_class, self._field_name, self._build_field_value = (
            message_class,
            field_name,
            build_field_value,
        )
        self._valid_values: set[str] = set()

    def __call__(self, value: str) -> bool:
        """Return whether protovalidate accepts the value."""
        if value in self._valid_values:
            return True
        if len(self._valid_values) >= _MAX_CACHED_VALUES or not self._passes_validation(value):
            return False
        self._valid_values.add(value)
        return True

    def _passes_validation(self, value: str) -> bool:
        message = self._message_class(**{self._field_name: self._build_field_value(value)})
        violated_paths = (
            field_violation.proto.field.elements
            for field_violation in collect_violations(message)
            if field_violation.proto.field
        )
        return not any(path and path[0].field_name == self._field_name for path in violated_paths)


_is_country = CachedFieldCheck(ShippingAddress, "country")
_is_currency = CachedFieldCheck(OrderItem, "unit_price", lambda code: Money(currency_code=code))
