"""A warehouse as a test uses it: put stock in, place orders, be the control system, look at all of it."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.api import Api
from tests.support.requests import create_order, item, put_destination, put_lane, receive
from wms.orders.v1 import order_pb2, orders_pb2, storage_pb2

WCS = "wcs-test"


class Site:
    """Speaks only gRPC."""

    def __init__(self, api: Api) -> None:
        """Use a client."""
        self.api = api

    async def open(
        self, lanes: Sequence[str] = ("LANE-1",), destinations: Sequence[str] = ("PACK-1",), **both: Any
    ) -> None:
        """Make lanes of ten positions in zone A and destinations with ten places that are served from it."""
        for lane_id in lanes:
            await self.lane(lane_id, **both)
        for destination_id in destinations:
            await self.destination(destination_id, **both)

    async def lane(self, lane_id: str = "LANE-1", **fields: Any) -> None:
        """Make a lane or change it."""
        await self.api.storage.PutLane(put_lane(lane_id, **fields))

    async def destination(self, destination_id: str = "PACK-1", **fields: Any) -> None:
        """Make a destination or change it."""
        await self.api.storage.PutDestination(put_destination(destination_id, **fields))

    async def stock(self, *carriers: tuple[str, str, int], **fields: Any) -> None:
        """Receive carriers (id, SKU, quantity); of `produced` numbers the lowest is the oldest."""
        if "produced" in fields:
            fields["produced_at"] = Timestamp(seconds=1_700_000_000 + fields.pop("produced"))
        await self.api.storage.ReceiveCarriers(receive(*carriers, **fields))

    async def apart(self, *carriers: tuple[str, str, int], **fields: Any) -> None:
        """Receive carriers, each at the head of a lane of its own that is called after it."""
        for carrier in carriers:
            lane_id = f"LANE-{carrier[0]}"
            await self.lane(lane_id)
            await self.stock(carrier, lane_id=lane_id, **fields)

    async def order(self, *lines: tuple[str, int], **fields: Any) -> str:
        """Place an order for lines (SKU, quantity), by default two units of one; gives its id."""
        if lines:
            fields["items"] = [item(sku, quantity) for sku, quantity in lines]
        return (await self.api.orders.CreateOrder(create_order(**fields))).order.order_id

    async def orders(self, count: int, **fields: Any) -> list[str]:
        """Place that many orders for two units of one SKU; gives their ids."""
        placed: list[str] = []
        while len(placed) < count:
            batch = [create_order(**fields) for _ in range(min(500, count - len(placed)))]
            answer = await self.api.orders.BatchCreateOrders(
                orders_pb2.BatchCreateOrdersRequest(requests=batch)
            )
            placed += [result.order.order_id for result in answer.results]
        return placed

    async def read(self, order_id: str) -> order_pb2.Order:
        """Read an order."""
        return (await self.api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order

    async def status(self, order_id: str) -> str:
        """Give an order's status as its short name."""
        return status_name((await self.read(order_id)).status)

    async def why(self, order_id: str) -> str:
        """Give the short name of what an order waits for."""
        answer = await self.api.orders.ExplainOrder(orders_pb2.ExplainOrderRequest(order_id=order_id))
        return order_pb2.WaitingReason.Name(answer.waiting_reason).removeprefix("WAITING_REASON_")

    async def cancel(self, order_id: str) -> None:
        """Cancel an order."""
        await self.api.orders.CancelOrder(orders_pb2.CancelOrderRequest(order_id=order_id, reason="changed"))

    async def events(self, order_id: str) -> list[str]:
        """Give the types of an order's events without their common beginning, in order."""
        answer = await self.api.orders.GetOrderHistory(
            orders_pb2.GetOrderHistoryRequest(order_id=order_id, page_size=500)
        )
        return [event.type.removeprefix("wms.order.") for event in answer.events]

    async def carriers(self) -> dict[str, storage_pb2.Carrier]:
        """Give all carriers, those that have left included, by id."""
        wanted = storage_pb2.ListCarriersRequest(
            page_size=500,
            locations=[number for number in storage_pb2.CarrierLocation.values() if number],
        )
        answer = await self.api.storage.ListCarriers(wanted)
        return {carrier.carrier_id: carrier for carrier in answer.carriers}

    async def carrier(self, carrier_id: str) -> storage_pb2.Carrier:
        """Give one carrier."""
        return (await self.carriers())[carrier_id]

    async def location(self, carrier_id: str) -> str:
        """Give the short name of where a carrier is."""
        location = (await self.carrier(carrier_id)).location
        return storage_pb2.CarrierLocation.Name(location).removeprefix("CARRIER_LOCATION_")

    async def claim(self, limit: int = 500, warehouse_id: str = "WH-01") -> list[storage_pb2.Move]:
        """Claim moves as the control system."""
        answer = await self.api.storage.ClaimMoves(
            storage_pb2.ClaimMovesRequest(warehouse_id=warehouse_id, max=limit, claimed_by=WCS)
        )
        return list(answer.moves)

    async def complete(self, moves: Sequence[storage_pb2.Move]) -> None:
        """Report claimed moves as done."""
        if moves:
            answer = await self.api.storage.BatchCompleteMoves(
                storage_pb2.BatchCompleteMovesRequest(
                    move_ids=[move.move_id for move in moves], claimed_by=WCS
                )
            )
            assert all(result.HasField("move") for result in answer.results)

    async def fail(self, move: storage_pb2.Move, reason: str = "jam") -> None:
        """Report a claimed move as failed."""
        await self.api.storage.FailMove(
            storage_pb2.FailMoveRequest(move_id=move.move_id, claimed_by=WCS, reason=reason)
        )

    async def hold(self, carrier_id: str, status: str = "ON_HOLD") -> None:
        """Change a carrier's status."""
        number = storage_pb2.CarrierStatus.Value(f"CARRIER_STATUS_{status}")
        await self.api.storage.SetCarrierStatus(
            storage_pb2.SetCarrierStatusRequest(carrier_id=carrier_id, status=number, reason="test")
        )

    async def block(self, lane_id: str, status: str = "BLOCKED") -> None:
        """Block a lane or open it."""
        number = storage_pb2.LaneStatus.Value(f"LANE_STATUS_{status}")
        await self.api.storage.SetLaneStatus(
            storage_pb2.SetLaneStatusRequest(lane_id=lane_id, status=number, reason="test")
        )


def status_name(status: int) -> str:
    """Give the short name of an order's status."""
    return order_pb2.OrderStatus.Name(status).removeprefix("ORDER_STATUS_")  # type: ignore[arg-type]
