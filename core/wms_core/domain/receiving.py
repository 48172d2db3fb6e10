"""How an order comes in: status RECEIVED, version 1, and a first event that carries the whole of it.

Orders come by the hundred a call, so their JSON is written by hand: a third of the time of an encoder.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from wms_core.domain.caller import Caller
from wms_core.domain.events import Received, json_time
from wms_core.domain.orders import NewItem, NewOrder
from wms_core.domain.payloads import address_text

#: Orders of one call have one time.
_time = lru_cache(maxsize=1)(json_time)


class Receipt(NamedTuple):
    """A new order, who asked for it and when; its address and the payload of its first event as JSON."""

    new: NewOrder
    caller: Caller
    now: datetime
    address: str
    payload: str


def receive(new: NewOrder, caller: Caller, now: datetime) -> Receipt:
    """Take an order in."""
    address = address_text(new.shipping_address)
    return Receipt(new, caller, now, address, _payload(new, address, now))


def _payload(new: NewOrder, address: str, now: datetime) -> str:
    """Write what `Received.payload` would write."""
    promised = new.promised_delivery_at
    promise = f'"promisedDeliveryAt":"{json_time(promised)}",' if promised else ""
    return (
        f'{{"type":"{Received.type}","orderId":{quoted(new.order_id)},"customerId":{quoted(new.customer_id)},'
        f'"warehouseId":{quoted(new.warehouse_id)},"priority":"{new.priority}",{promise}'
        f'"allowPartial":{"true" if new.allow_partial else "false"},"items":[{_items(new.items)}],'
        f'"shippingAddress":{address},"timestamp":"{_time(now)}"}}'
    )


def _items(items: Iterable[NewItem]) -> str:
    return ",".join(
        [
            f'{{"sku":{quoted(sku)},"quantity":{quantity}}}'
            if currency is None
            else f'{{"sku":{quoted(sku)},"quantity":{quantity},"unitPrice":'
            f'{{"currencyCode":{quoted(currency)},"units":"{units}","nanos":{nanos}}}}}'
            for sku, quantity, currency, units, nanos in items
        ]
    )
