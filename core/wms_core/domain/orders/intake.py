"""Creation of orders: status `received`, version 1, and a first event with the complete order.

Up to hundreds of orders arrive in one call, so their JSON is formatted here: that takes a third of the time
of an encoder.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from wms_core.domain.call_context import Caller
from wms_core.domain.events.events import OrderReceived, format_json_time
from wms_core.domain.events.payloads import encode_address
from wms_core.domain.orders.orders import NewOrder, NewOrderLine

#: All orders of a call have the same time.
_format_time = lru_cache(maxsize=1)(format_json_time)


class AcceptedOrder(NamedTuple):
    """A new order with its caller and time, and its address and first event payload as JSON."""

    new_order: NewOrder
    caller: Caller
    now: datetime
    address_json: str
    payload: str


def accept(new_order: NewOrder, caller: Caller, now: datetime) -> AcceptedOrder:
    """Return the order with its encoded address and first event."""
    address_json = encode_address(new_order.shipping_address)
    return AcceptedOrder(new_order, caller, now, address_json, _encode_payload(new_order, address_json, now))


def _encode_payload(new_order: NewOrder, address_json: str, now: datetime) -> str:
    """Return the same JSON as `OrderReceived.encode_payload`."""
    promised_at = new_order.promised_delivery_at
    promise_json = f'"promisedDeliveryAt":"{format_json_time(promised_at)}",' if promised_at else ""
    return (
        f'{{"type":"{OrderReceived.type}","orderId":{quoted(new_order.order_id)},'
        f'"customerId":{quoted(new_order.customer_id)},'
        f'"warehouseId":{quoted(new_order.warehouse_id)},"priority":"{new_order.priority}",{promise_json}'
        f'"allowPartial":{"true" if new_order.allow_partial else "false"},'
        f'"items":[{_encode_items(new_order.items)}],'
        f'"shippingAddress":{address_json},"timestamp":"{_format_time(now)}"}}'
    )


def _encode_items(items: Iterable[NewOrderLine]) -> str:
    return ",".join(
        [
            f'{{"sku":{quoted(sku)},"quantity":{quantity}}}'
            if currency is None
            else f'{{"sku":{quoted(sku)},"quantity":{quantity},"unitPrice":'
            f'{{"currencyCode":{quoted(currency)},"units":"{units}","nanos":{nanos}}}}}'
            for sku, quantity, currency, units, nanos in items
        ]
    )
