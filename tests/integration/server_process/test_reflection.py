"""Reflection for tools such as grpcurl, in both versions of its protocol."""

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb

from tests.support.clients.grpc_api import Api

pytestmark = pytest.mark.one_postgres
_ORDERS = "wms.orders.v1.OrderService"


async def call_reflection(api: Api, version: str, **request: Any) -> pb.ServerReflectionResponse:
    """Send a request to one version of reflection. The messages of both versions are identical."""
    method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    call: Any = api.channel.stream_stream(
        method,
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )(iter([pb.ServerReflectionRequest(**request)]))
    response: pb.ServerReflectionResponse = await call.read()
    return response


def files_of(response: pb.ServerReflectionResponse) -> dict[str, FileDescriptorProto]:
    """Return the files of a response by name."""
    files = [
        FileDescriptorProto.FromString(raw) for raw in response.file_descriptor_response.file_descriptor_proto
    ]
    return {file.name: file for file in files}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_both_versions_list_all_services(api: Api, version: str) -> None:
    """The services of the contract, health, and both versions of reflection.

    Each of them has a description.
    """
    response = await call_reflection(api, version, list_services="")
    names = {service.name for service in response.list_services_response.service}
    own = {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
    assert names > own | {_ORDERS, "grpc.health.v1.Health"}
    for name in names:
        files = files_of(await call_reflection(api, version, file_containing_symbol=name))
        services = {f"{file.package}.{service.name}" for file in files.values() for service in file.service}
        assert name in services
        types = {
            method.input_type
            for file in files.values()
            for service in file.service
            for method in service.method
        }
        defined = {
            f".{file.package}.{message.name}" for file in files.values() for message in file.message_type
        }
        assert types <= defined


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    "symbol",
    [
        f"{_ORDERS}.CancelOrder",
        "grpc.health.v1.Health.Watch",
        "wms.orders.v1.CancelOrderRequest",
        "wms.orders.v1.CancelOrderRequest.reason",
        "wms.orders.v1.ORDER_STATUS_PICKING",
        "wms.orders.v1.plain_text",
    ],
)
async def test_every_kind_of_symbol_is_described(api: Api, version: str, symbol: str) -> None:
    """By the file that defines it: methods, messages, fields, values, extensions."""
    assert files_of(await call_reflection(api, version, file_containing_symbol=symbol))


@pytest.mark.parametrize(
    "symbol", [f"{_ORDERS}.Nothing", "wms.orders.v1.Nothing", "nothing", "", ".", "a.b.c"]
)
async def test_an_unknown_symbol_is_not_found(api: Api, symbol: str) -> None:
    """The stream stays open."""
    response = await call_reflection(api, "v1", file_containing_symbol=symbol)
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
