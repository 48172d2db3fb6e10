"""grpc.aio with nothing in it: decodes the request, builds the answer."""

from typing import Any

import grpc
import uvloop

from benchmarks.rivals.answers import created
from benchmarks.rivals.serving import serve
from wms.orders.v1 import orders_pb2


async def create_order(
    request: orders_pb2.CreateOrderRequest, _context: Any
) -> orders_pb2.CreateOrderResponse:
    """Answer at once."""
    return created(request)


def handlers(method: Any) -> tuple[grpc.GenericRpcHandler, ...]:
    """Serve CreateOrder by this method."""
    handler = grpc.unary_unary_rpc_method_handler(
        method,
        request_deserializer=orders_pb2.CreateOrderRequest.FromString,
        response_serializer=orders_pb2.CreateOrderResponse.SerializeToString,
    )
    service = orders_pb2.DESCRIPTOR.services_by_name["OrderService"].full_name
    return (grpc.method_handlers_generic_handler(service, {"CreateOrder": handler}),)


if __name__ == "__main__":
    uvloop.run(serve(handlers(create_order)))
