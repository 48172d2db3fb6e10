"""The packers and the delivery: ships packed orders and completes them later."""

import asyncio
import hashlib
import logging
import time
from typing import TypeVar

import grpc

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.api_client import ApiClient, run_concurrently
from wms_dev.simulator.counters import Counters
from wms_dev.simulator.pickers import Picker
from wms_dev.simulator.timing import Timing

Request = TypeVar("Request")
Response = TypeVar("Response")

log = logging.getLogger("simulator")

MAX_CONCURRENT_PACKERS = 16
# Northwind's three shippers.
CARRIER_CODES = ("SPEEDY", "UNITED", "FEDERAL")
# The order was changed in the meantime, for example cancelled.
ORDER_CHANGED_STATUS_CODES = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})


def _has_unshipped_delivery(order: order_pb2.Order) -> bool:
    """Return whether units were delivered for a shipped order since its last shipment, for a backorder."""
    return any(item.quantity_delivered > item.quantity_shipped for item in order.items)


class Packer:
    """Ships orders in PACKING after the picker's check, and completes SHIPPED orders later."""

    def __init__(
        self, client: ApiClient, warehouse_id: str, timing: Timing, picker: Picker, counters: Counters
    ) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._timing = timing
        self._picker = picker
        self._counters = counters
        self._arrival_times: dict[str, float] = {}

    async def ship_packed_orders(self) -> bool:
        """Pack and ship all orders in PACKING. Return whether there were any."""
        await self._picker.resend_unanswered_reports()
        packing_orders = await self._client.list_orders(self._warehouse_id, [order_pb2.ORDER_STATUS_PACKING])
        await run_concurrently((self._ship_order(order) for order in packing_orders), MAX_CONCURRENT_PACKERS)
        return bool(packing_orders)

    async def complete_delivered_orders(self) -> bool:
        """Complete shipped orders after their delivery time, and ship deliveries for backorders.

        Returns whether there are shipped orders.
        """
        shipped_orders = await self._client.list_orders(self._warehouse_id, [order_pb2.ORDER_STATUS_SHIPPED])
        now = time.monotonic()
        await run_concurrently(
            (self._ship_order(order) for order in shipped_orders if _has_unshipped_delivery(order)),
            MAX_CONCURRENT_PACKERS,
        )
        self._arrival_times = {
            order.order_id: self._arrival_times.get(order.order_id)
            or now + self._timing.delivery_seconds(order.order_id)
            for order in shipped_orders
        }
        await run_concurrently(
            self._complete_order(order)
            for order in shipped_orders
            if self._arrival_times[order.order_id] <= now
        )
        return bool(shipped_orders)

    async def _ship_order(self, order: order_pb2.Order) -> None:
        number = len(order.shipments) + 1
        await asyncio.sleep(self._timing.pack_seconds(order.order_id, number))
        if await self._picker.inspect_order(order) is None:
            return
        digest = hashlib.sha256(f"{order.order_id}/{number}".encode()).hexdigest()
        request = orders_pb2.ShipOrderRequest(
            order_id=order.order_id,
            carrier_code=CARRIER_CODES[int(digest, 16) % len(CARRIER_CODES)],
            tracking_number=f"TRK{digest[:12].upper()}",
            # Depends only on order and number, so that a repeated call cannot ship the order twice.
            request_id=f"ship-{digest[:40]}",
        )
        if await self._call_if_unchanged(self._client.orders.ShipOrder, request):
            self._counters.orders_shipped += 1

    async def _complete_order(self, order: order_pb2.Order) -> None:
        digest = hashlib.sha256(order.order_id.encode()).hexdigest()
        request = orders_pb2.CompleteOrderRequest(
            order_id=order.order_id, request_id=f"deliver-{digest[:40]}"
        )
        if await self._call_if_unchanged(self._client.orders.CompleteOrder, request):
            self._counters.orders_delivered += 1
        else:
            # A backorder may still be open.
            self._arrival_times[order.order_id] = time.monotonic() + self._timing.delivery_seconds(
                order.order_id
            )

    async def _call_if_unchanged(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> bool:
        try:
            await self._client.call(method, request)
        except grpc.aio.AioRpcError as error:
            if error.code() not in ORDER_CHANGED_STATUS_CODES:
                raise
            log.info("skipped: %s", error.details())
            return False
        return True
