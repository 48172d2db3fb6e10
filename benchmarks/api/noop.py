"""Our own server with nothing behind it: what a call costs before it has done anything.

The contract's call goes through the same handlers and the same pipeline as in the product: admission,
decoding, validation, the answer encoded. Only the answer comes without a database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from benchmarks.rivals.answers import created
from benchmarks.rivals.serving import serve
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.domain.errors import WmsError
from wms_core.logs import configure_logging
from wms_core.settings import read_settings
from wms_core.traces import open_tracing
from wms_server.pipeline import Limits, Pipeline, read
from wms_server.rpc import handlers
from wms_server.settings import ServerSettings

T = TypeVar("T")


class Nothing:
    """Stands where the database is."""

    async def read(self, work: Callable[[Any], Awaitable[T]], *, usage: object = None) -> T:  # noqa: ARG002
        """Do the work, with nothing to read from."""
        return await work(None)


class Immediate(Pipeline):
    """Needs no task for work that waits for nothing, as the product needs none for a call that it joins."""

    def alone(self, work: Coroutine[Any, Any, bytes], size: int) -> "asyncio.Future[Any]":  # noqa: ARG002 # as the product has it
        """Do it at once."""
        outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            work.send(None)
        except StopIteration as done:
            outcome.set_result(done.value)
        except WmsError as error:
            outcome.set_result(error)
        return outcome


class NoOpService:
    """Answers in the shape that the product answers in."""

    def __init__(self) -> None:
        """Have an order to show."""
        self._order = example()

    @read
    async def create_order(
        self, _transaction: Any, request: orders_pb2.CreateOrderRequest, _call: Any
    ) -> orders_pb2.CreateOrderResponse:
        """Give the order that was asked for."""
        return created(request)

    @read
    async def get_order(
        self, _transaction: Any, request: orders_pb2.GetOrderRequest, _call: Any
    ) -> orders_pb2.GetOrderResponse:
        """Give an order of three lines."""
        answer = orders_pb2.GetOrderResponse(order=self._order)
        answer.order.order_id = request.order_id
        answer.order.updated_at.FromDatetime(datetime.now(UTC))
        return answer


def example() -> order_pb2.Order:
    """Build an order as those are that are read."""
    asked = orders_pb2.CreateOrderRequest(customer_id="CUST-0001", priority=order_pb2.ORDER_PRIORITY_STANDARD)
    for number in range(3):
        item = asked.items.add(sku=f"SKU-{number:05}", quantity=2)
        item.unit_price.currency_code, item.unit_price.units = "USD", 12
    asked.shipping_address.street, asked.shipping_address.city = "1 Main St", "Springfield"
    asked.shipping_address.country = "US"
    return created(asked).order


async def main() -> None:
    """Serve."""
    settings = read_settings(ServerSettings)
    configure_logging(settings.log_level, settings.log_format, settings.service_name)
    service = orders_pb2.DESCRIPTOR.services_by_name["OrderService"]
    async with open_tracing(settings, settings.service_name, None) as tracing:
        nothing: Any = Nothing()
        pipeline = Immediate(
            nothing,
            Limits(
                settings.max_in_flight,
                settings.max_bytes_in_flight,
                settings.deadline_cap.total_seconds(),
            ),
            tracing,
        )
        await serve(handlers(pipeline, {service: NoOpService()}))


if __name__ == "__main__":
    uvloop.run(main())
