"""Builders of requests with all required fields; a test sets only the relevant ones."""

from typing import Any

from google.type.money_pb2 import Money

from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2


def item(sku: str = "SKU-001", quantity: int = 2, **fields: Any) -> order_pb2.OrderItem:
    """Return an order line at 29.99 USD."""
    price = Money(currency_code="USD", units=29, nanos=990_000_000)
    return order_pb2.OrderItem(sku=sku, quantity=quantity, **{"unit_price": price, **fields})


def address(**fields: Any) -> order_pb2.ShippingAddress:
    """Return an address."""
    return order_pb2.ShippingAddress(
        **{"street": "123 Main St", "city": "New York", "country": "US", **fields}
    )


def create_order(**fields: Any) -> orders_pb2.CreateOrderRequest:
    """Return a CreateOrder request for two units of one SKU."""
    defaults: dict[str, Any] = {
        "customer_id": "CUST-001",
        "priority": order_pb2.ORDER_PRIORITY_STANDARD,
        "items": [item()],
        "shipping_address": address(),
    }
    return orders_pb2.CreateOrderRequest(**{**defaults, **fields})


def put_lane(lane_id: str = "LANE-1", **fields: Any) -> storage_pb2.PutLaneRequest:
    """Return a PutLane request for a lane of ten positions in zone A."""
    defaults = {"warehouse_id": "WH-01", "zone": "A", "capacity": 10}
    return storage_pb2.PutLaneRequest(lane=storage_pb2.Lane(lane_id=lane_id, **{**defaults, **fields}))


def put_destination(destination_id: str = "PACK-1", **fields: Any) -> storage_pb2.PutDestinationRequest:
    """Return a PutDestination request for a destination with a queue of ten, served from zone A."""
    defaults: dict[str, Any] = {"warehouse_id": "WH-01", "zones": ["A"], "queue_capacity": 10}
    destination = storage_pb2.Destination(destination_id=destination_id, **{**defaults, **fields})
    return storage_pb2.PutDestinationRequest(destination=destination)


def receive(
    *carriers: tuple[str, str, int], lane_id: str = "LANE-1", warehouse_id: str = "WH-01", **fields: Any
) -> storage_pb2.ReceiveCarriersRequest:
    """Return a ReceiveCarriers request for load carriers (id, SKU, quantity) in a lane."""
    return storage_pb2.ReceiveCarriersRequest(
        warehouse_id=warehouse_id,
        carriers=[
            storage_pb2.NewCarrier(
                carrier_id=carrier_id, sku=sku, quantity=quantity, lane_id=lane_id, **fields
            )
            for carrier_id, sku, quantity in carriers
        ],
    )
