"""Measure the latency of CreateOrder."""

import asyncio
import time

import grpc

from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc
from wms_dev.api_client import CHANNEL_OPTIONS

CHANNELS = 4
ADDRESS = order_pb2.ShippingAddress(street="1 Main St", city="Springfield", country="US")


class OrderCallers:
    """Places orders of one line over several channels, like several clients, and measures the latencies."""

    def __init__(self, target: str) -> None:
        self._channels = [
            # Channels with equal options would share a connection.
            grpc.aio.insecure_channel(target, options=(*CHANNEL_OPTIONS, ("bench.channel", number)))
            for number in range(CHANNELS)
        ]
        self._stubs = [orders_pb2_grpc.OrderServiceStub(channel) for channel in self._channels]
        self._placed_count = 0

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels:
            await channel.close()

    async def measure_highest_rate(self, callers: int, seconds: float) -> float:
        """Return the calls per second of `callers` callers without pauses."""
        deadline, call_count = time.perf_counter() + seconds, 0

        async def place_until_deadline() -> None:
            nonlocal call_count
            while time.perf_counter() < deadline:
                await self._place_order()
                call_count += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(place_until_deadline())
        return call_count / seconds

    async def measure_latencies(self, rate: float, seconds: float) -> list[float]:
        """Return the latency of each call in seconds at a steady rate, from its due time on."""
        latencies_seconds: list[float] = []
        start = time.perf_counter()

        async def call(due_at: float) -> None:
            await self._place_order()
            latencies_seconds.append(time.perf_counter() - due_at)

        async with asyncio.TaskGroup() as group:
            for turn in range(int(rate * seconds)):
                due = start + turn / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(call(due))
        return latencies_seconds

    async def _place_order(self) -> None:
        self._placed_count += 1
        request = orders_pb2.CreateOrderRequest(
            customer_id=f"CUST-{self._placed_count % 5_000}",
            priority=order_pb2.ORDER_PRIORITY_STANDARD,
            items=[order_pb2.OrderItem(sku="SKU-00001", quantity=2)],
            shipping_address=ADDRESS,
        )
        await self._stubs[self._placed_count % CHANNELS].CreateOrder(request, timeout=30)
