"""grpc.aio with an empty handler: decodes the request, builds the response."""

from typing import Any

import grpc
import uvloop

from benchmarks.competitors.answers import build_created_response
from benchmarks.competitors.serving import serve
from wms.orders.v1 import orders_pb2


async def create_order(
    request: orders_pb2.CreateOrderRequest, _context: Any
) -> orders_pb2.CreateOrderResponse:
    """Return the response without storing the order."""
    return build_created_response(request)


def handlers(method: Any) -> tuple[grpc.GenericRpcHandler, ...]:
    """Return the handlers for CreateOrder by a method."""
    handler = grpc.unary_unary_rpc_method_handler(
        method,
        request_deserializer=orders_pb2.CreateOrderRequest.FromString,
        response_serializer=orders_pb2.CreateOrderResponse.SerializeToString,
    )
    service = orders_pb2.DESCRIPTOR.services_by_name["OrderService"].full_name
    return (grpc.method_handlers_generic_handler(service, {"CreateOrder": handler}),)


if __name__ == "__main__":
    uvloop.run(serve(handlers(create_order)))
