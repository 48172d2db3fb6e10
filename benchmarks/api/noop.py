"""The server of wms-orders without a database: the cost of a call before its operation.

A call passes the handlers and the pipeline of the product: admission, decoding, validation, encoding of the
response. Only the database is missing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from benchmarks.competitors.answers import build_created_response
from benchmarks.competitors.serving import serve
from wms.orders.v1 import order_pb2, orders_pb2
from wms_core.config.settings import read_settings
from wms_core.domain.errors import WmsError
from wms_core.runtime.logging_setup import configure_logging
from wms_core.runtime.tracing import open_tracing
from wms_server.calls.pipeline import CallPipeline, PipelineLimits, unary_read
from wms_server.grpc_api import build_handlers
from wms_server.settings import ServerSettings

T = TypeVar("T")


class NoDatabase:
    """Replaces the database."""

    async def read(self, operation: Callable[[Any], Awaitable[T]], *, pool_usage: object = None) -> T:  # noqa: ARG002
        """Run the operation without a transaction."""
        return await operation(None)


class ImmediatePipeline(CallPipeline):
    """Runs calls without a task, since they never wait, like batched calls of the product."""

    def start_unbatched(
        self,
        task_coroutine: Coroutine[Any, Any, bytes],
        size_bytes: int,  # noqa: ARG002 # interface of the product
    ) -> "asyncio.Future[Any]":
        """Run the call at once."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            task_coroutine.send(None)
        except StopIteration as stop:
            future.set_result(stop.value)
        except WmsError as error:
            future.set_result(error)
        return future


class NoOpService:
    """Responds with messages like those of the product."""

    def __init__(self) -> None:
        self._order = build_example_order()

    @unary_read
    async def create_order(
        self, _transaction: Any, request: orders_pb2.CreateOrderRequest, _call: Any
    ) -> orders_pb2.CreateOrderResponse:
        """Return the requested order as created."""
        return build_created_response(request)

    @unary_read
    async def get_order(
        self, _transaction: Any, request: orders_pb2.GetOrderRequest, _call: Any
    ) -> orders_pb2.GetOrderResponse:
        """Return an order of three lines."""
        response = orders_pb2.GetOrderResponse(order=self._order)
        response.order.order_id = request.order_id
        response.order.updated_at.FromDatetime(datetime.now(UTC))
        return response


def build_example_order() -> order_pb2.Order:
    """Return an order like those that are read."""
    create_request = orders_pb2.CreateOrderRequest(
        customer_id="CUST-0001", priority=order_pb2.ORDER_PRIORITY_STANDARD
    )
    for number in range(3):
        item = create_request.items.add(sku=f"SKU-{number:05}", quantity=2)
        item.unit_price.currency_code, item.unit_price.units = "USD", 12
    create_request.shipping_address.street, create_request.shipping_address.city = "1 Main St", "Springfield"
    create_request.shipping_address.country = "US"
    return build_created_response(create_request).order


async def main() -> None:
    """Run the server."""
    settings = read_settings(ServerSettings)
    configure_logging(settings.log_level, settings.log_format, settings.service_name)
    service = orders_pb2.DESCRIPTOR.services_by_name["OrderService"]
    async with open_tracing(settings, settings.service_name, None) as tracing:
        database: Any = NoDatabase()
        pipeline = ImmediatePipeline(
            database,
            PipelineLimits(
                settings.max_in_flight,
                settings.max_bytes_in_flight,
                settings.deadline_cap.total_seconds(),
            ),
            tracing,
        )
        await serve(build_handlers(pipeline, {service: NoOpService()}))


if __name__ == "__main__":
    uvloop.run(main())
