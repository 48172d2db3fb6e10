"""The Python client of wms-orders: typed, for asyncio, with retries, deadlines and errors (README.md).

async with connect("127.0.0.1:8001") as client:
    created = await client.orders.CreateOrder(orders_pb2.CreateOrderRequest(...))
"""

from wms_client.client import Client, connect
from wms_client.errors import OrdersError, Violation
from wms_client.policy import service_config
from wms_client.watching import watch_orders

__all__ = ["Client", "OrdersError", "Violation", "connect", "service_config", "watch_orders"]
