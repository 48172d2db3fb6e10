"""Driver of a warehouse: receive stock, place orders, act as warehouse control system, read the state."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.builders.requests import create_order, item, put_destination, put_lane, receive
from tests.support.clients.grpc_api import Api
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

CONTROL_SYSTEM_NAME = "wcs-test"


class WarehouseDriver:
    """Drives a warehouse over gRPC only."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def open(
        self,
        lanes: Sequence[str] = ("LANE-1",),
        destinations: Sequence[str] = ("PACK-1",),
        **common_fields: Any,
    ) -> None:
        """Create lanes of ten positions in zone A and destinations with queues of ten, served from it."""
        for lane_id in lanes:
            await self.put_lane(lane_id, **common_fields)
        for destination_id in destinations:
            await self.put_destination(destination_id, **common_fields)

    async def put_lane(self, lane_id: str = "LANE-1", **fields: Any) -> None:
        """Create or change a lane."""
        await self.api.storage.PutLane(put_lane(lane_id, **fields))

    async def put_destination(self, destination_id: str = "PACK-1", **fields: Any) -> None:
        """Create or change a destination."""
        await self.api.storage.PutDestination(put_destination(destination_id, **fields))

    async def receive_carriers(self, *carriers: tuple[str, str, int], **fields: Any) -> None:
        """Receive load carriers (id, SKU, quantity); `produced` is their production time in seconds."""
        if "produced" in fields:
            fields["produced_at"] = Timestamp(seconds=1_700_000_000 + fields.pop("produced"))
        await self.api.storage.ReceiveCarriers(receive(*carriers, **fields))

    async def receive_in_separate_lanes(self, *carriers: tuple[str, str, int], **fields: Any) -> None:
        """Receive load carriers, each at the head of a lane of its own, named `LANE-` and the carrier id."""
        for carrier in carriers:
            lane_id = f"LANE-{carrier[0]}"
            await self.put_lane(lane_id)
            await self.receive_carriers(carrier, lane_id=lane_id, **fields)

    async def place_order(self, *lines: tuple[str, int], **fields: Any) -> str:
        """Place an order for lines (SKU, quantity), by default two units of one SKU. Return its id."""
        if lines:
            fields["items"] = [item(sku, quantity) for sku, quantity in lines]
        return (await self.api.orders.CreateOrder(create_order(**fields))).order.order_id

    async def place_orders(self, count: int, **fields: Any) -> list[str]:
        """Place `count` orders for two units of one SKU. Return their ids."""
        order_ids: list[str] = []
        while len(order_ids) < count:
            batch = [create_order(**fields) for _ in range(min(500, count - len(order_ids)))]
            response = await self.api.orders.BatchCreateOrders(
                orders_pb2.BatchCreateOrdersRequest(requests=batch)
            )
            order_ids += [result.order.order_id for result in response.results]
        return order_ids

    async def read_order(self, order_id: str) -> order_pb2.Order:
        """Read an order."""
        return (await self.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order

    async def read_status(self, order_id: str) -> str:
        """Return the short name of an order's status."""
        return status_name((await self.read_order(order_id)).status)

    async def explain_waiting(self, order_id: str) -> str:
        """Return the short name of an order's waiting reason."""
        response = await self.api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id=order_id))
        return order_pb2.WaitingReason.Name(response.waiting_reason).removeprefix("WAITING_REASON_")

    async def cancel_order(self, order_id: str) -> None:
        """Cancel an order."""
        await self.api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="changed"))

    async def list_event_types(self, order_id: str) -> list[str]:
        """Return the types of an order's events without their common prefix, in order."""
        response = await self.api.orders.GetOrderHistory(
            orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=500)
        )
        return [event.type.removeprefix("wms.order.") for event in response.events]

    async def list_carriers(self) -> dict[str, storage_pb2.Carrier]:
        """Return all load carriers by id, including those that have left."""
        carriers_request = storage_pb2.ListCarriersRequest(
            page_size=500,
            locations=[number for number in storage_pb2.CarrierLocation.values() if number],
        )
        response = await self.api.storage.ListCarriers(carriers_request)
        return {carrier.carrier_id: carrier for carrier in response.carriers}

    async def get_carrier(self, carrier_id: str) -> storage_pb2.Carrier:
        """Return a load carrier."""
        return (await self.list_carriers())[carrier_id]

    async def get_location(self, carrier_id: str) -> str:
        """Return the short name of a load carrier's location."""
        location = (await self.get_carrier(carrier_id)).location
        return storage_pb2.CarrierLocation.Name(location).removeprefix("CARRIER_LOCATION_")

    async def claim_moves(self, limit: int = 500, warehouse_id: str = "WH-01") -> list[storage_pb2.Move]:
        """Claim moves as the warehouse control system."""
        response = await self.api.storage.ClaimMoves(
            storage_pb2.ClaimMovesRequest(
                warehouse_id=warehouse_id, max=limit, claimed_by=CONTROL_SYSTEM_NAME
            )
        )
        return list(response.moves)

    async def complete_moves(self, moves: Sequence[storage_pb2.Move]) -> None:
        """Report claimed moves as done."""
        if moves:
            response = await self.api.storage.BatchCompleteMoves(
                storage_pb2.BatchCompleteMovesRequest(
                    move_ids=[move.move_id for move in moves], claimed_by=CONTROL_SYSTEM_NAME
                )
            )
            assert all(result.HasField("move") for result in response.results)

    async def fail_move(self, move: storage_pb2.Move, reason: str = "jam") -> None:
        """Report a claimed move as failed."""
        await self.api.storage.FailMove(
            storage_pb2.FailMoveRequest(move_id=move.move_id, claimed_by=CONTROL_SYSTEM_NAME, reason=reason)
        )

    async def set_carrier_status(self, carrier_id: str, status: str = "ON_HOLD") -> None:
        """Change a load carrier's status."""
        number = storage_pb2.CarrierStatus.Value(f"CARRIER_STATUS_{status}")
        await self.api.storage.SetCarrierStatus(
            storage_pb2.SetCarrierStatusRequest(carrier_id=carrier_id, status=number, reason="test")
        )

    async def set_lane_status(self, lane_id: str, status: str = "BLOCKED") -> None:
        """Block or unblock a lane."""
        number = storage_pb2.LaneStatus.Value(f"LANE_STATUS_{status}")
        await self.api.storage.SetLaneStatus(
            storage_pb2.SetLaneStatusRequest(lane_id=lane_id, status=number, reason="test")
        )


def status_name(status: int) -> str:
    """Return the short name of an order's status."""
    return order_pb2.OrderStatus.Name(status).removeprefix("ORDER_STATUS_")  # type: ignore[arg-type]
