"""How long CreateOrder takes those who call it."""

import asyncio
import time

import grpc

from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc
from wms_dev.client import CHANNEL_OPTIONS

CHANNELS = 4
ADDRESS = order_pb2.ShippingAddress(street="1 Main St", city="Springfield", country="US")


class Callers:
    """Place orders of one line; take how long each call took."""

    def __init__(self, target: str) -> None:
        """Over some channels, as several clients would."""
        self._channels = [
            # Without an option that differs they would be one connection.
            grpc.aio.insecure_channel(target, options=(*CHANNEL_OPTIONS, ("bench.channel", number)))
            for number in range(CHANNELS)
        ]
        self._stubs = [orders_pb2_grpc.OrderServiceStub(channel) for channel in self._channels]
        self._placed = 0

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            await channel.close()

    async def highest_rate(self, callers: int, seconds: float) -> float:
        """Give calls a second when so many callers call all the time."""
        ends, done = time.perf_counter() + seconds, 0

        async def call_on() -> None:
            nonlocal done
            while time.perf_counter() < ends:
                await self._place()
                done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(call_on())
        return done / seconds

    async def latencies(self, rate: float, seconds: float) -> list[float]:
        """Give the seconds of each call at a steady rate, from when it was due."""
        taken: list[float] = []
        start = time.perf_counter()

        async def call(due: float) -> None:
            await self._place()
            taken.append(time.perf_counter() - due)

        async with asyncio.TaskGroup() as group:
            for turn in range(int(rate * seconds)):
                due = start + turn / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(call(due))
        return taken

    async def _place(self) -> None:
        self._placed += 1
        request = orders_pb2.CreateOrderRequest(
            customer_id=f"CUST-{self._placed % 5_000}",
            priority=order_pb2.ORDER_PRIORITY_STANDARD,
            items=[order_pb2.OrderItem(sku="SKU-00001", quantity=2)],
            shipping_address=ADDRESS,
        )
        await self._stubs[self._placed % CHANNELS].CreateOrder(request, timeout=30)
