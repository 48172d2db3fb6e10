"""The packers, the carrier companies and the customer's door: ships what is packed, delivers it later."""

import asyncio
import hashlib
import logging
import time
from typing import TypeVar

import grpc

from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.client import Client, at_once
from wms_dev.simulator.pace import Pace
from wms_dev.simulator.picking import Picking
from wms_dev.simulator.tally import Tally

Request = TypeVar("Request")
Response = TypeVar("Response")

log = logging.getLogger("simulator")

PACKERS = 16
# Northwind's three shippers.
COMPANIES = ("SPEEDY", "UNITED", "FEDERAL")
# The order went another way in the meantime, cancelled for example: it is no longer ours to handle.
CHANGED_MEANWHILE = frozenset({grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND})


def _has_rest(order: order_pb2.Order) -> bool:
    """Whether something was delivered for a shipped order since its last shipment: a backorder was filled."""
    return any(item.quantity_delivered > item.quantity_shipped for item in order.items)


class Shipping:
    """Ships orders in PACKING, once they have been looked at, and completes SHIPPED ones some time later."""

    def __init__(self, client: Client, warehouse_id: str, pace: Pace, picking: Picking, tally: Tally) -> None:
        self._client = client
        self._warehouse_id = warehouse_id
        self._pace = pace
        self._picking = picking
        self._tally = tally
        self._arrivals: dict[str, float] = {}

    async def ship(self) -> bool:
        """A round: pack and ship everything that is in PACKING now."""
        await self._picking.report_again()
        packing = await self._client.orders_in(self._warehouse_id, [order_pb2.ORDER_STATUS_PACKING])
        await at_once((self._ship(order) for order in packing), PACKERS)
        return bool(packing)

    async def deliver(self) -> bool:
        """A round: complete the shipped orders whose time on the road is over, ship what came after them."""
        shipped = await self._client.orders_in(self._warehouse_id, [order_pb2.ORDER_STATUS_SHIPPED])
        now = time.monotonic()
        await at_once((self._ship(order) for order in shipped if _has_rest(order)), PACKERS)
        self._arrivals = {
            order.order_id: self._arrivals.get(order.order_id) or now + self._pace.deliver(order.order_id)
            for order in shipped
        }
        await at_once(self._deliver(order) for order in shipped if self._arrivals[order.order_id] <= now)
        return bool(shipped)

    async def _ship(self, order: order_pb2.Order) -> None:
        number = len(order.shipments) + 1
        await asyncio.sleep(self._pace.pack(order.order_id, number))
        if await self._picking.look(order) is None:
            return
        mark = hashlib.sha256(f"{order.order_id}/{number}".encode()).hexdigest()
        request = orders_pb2.ShipOrderRequest(
            order_id=order.order_id,
            carrier_code=COMPANIES[int(mark, 16) % len(COMPANIES)],
            tracking_number=f"TRK{mark[:12].upper()}",
            # The same for the same consignment, whoever sends it: it can't go out twice.
            request_id=f"ship-{mark[:40]}",
        )
        if await self._attempt(self._client.orders.ShipOrder, request):
            self._tally.orders_shipped += 1

    async def _deliver(self, order: order_pb2.Order) -> None:
        mark = hashlib.sha256(order.order_id.encode()).hexdigest()
        request = orders_pb2.CompleteOrderRequest(order_id=order.order_id, request_id=f"deliver-{mark[:40]}")
        if await self._attempt(self._client.orders.CompleteOrder, request):
            self._tally.orders_delivered += 1
        else:
            # A part of it may be on backorder still.
            self._arrivals[order.order_id] = time.monotonic() + self._pace.deliver(order.order_id)

    async def _attempt(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request
    ) -> bool:
        try:
            await self._client.call(method, request)
        except grpc.aio.AioRpcError as error:
            if error.code() not in CHANGED_MEANWHILE:
                raise
            log.info("passed over: %s", error.details())
            return False
        return True
