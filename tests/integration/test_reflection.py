"""The server describes itself to tools such as grpcurl, whichever version of reflection they speak."""

from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb

from tests.support.api import Api

pytestmark = pytest.mark.one_postgres
_ORDERS = "wms.orders.v1.OrderService"


async def asked(api: Api, version: str, **request: Any) -> pb.ServerReflectionResponse:
    """Ask by one version of reflection; the messages of all are alike."""
    method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    call: Any = api.channel.stream_stream(
        method,
        request_serializer=pb.ServerReflectionRequest.SerializeToString,
        response_deserializer=pb.ServerReflectionResponse.FromString,
    )(iter([pb.ServerReflectionRequest(**request)]))
    response: pb.ServerReflectionResponse = await call.read()
    return response


def files_of(response: pb.ServerReflectionResponse) -> dict[str, FileDescriptorProto]:
    """Give the files of an answer by name."""
    files = [
        FileDescriptorProto.FromString(raw) for raw in response.file_descriptor_response.file_descriptor_proto
    ]
    return {file.name: file for file in files}


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_both_versions_list_all_services(api: Api, version: str) -> None:
    """Those of the contract, health, and both versions themselves, each of which is described."""
    answer = await asked(api, version, list_services="")
    names = {service.name for service in answer.list_services_response.service}
    own = {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
    assert names > own | {_ORDERS, "grpc.health.v1.Health"}
    for name in names:
        files = files_of(await asked(api, version, file_containing_symbol=name))
        services = {f"{file.package}.{service.name}" for file in files.values() for service in file.service}
        assert name in services
        types = {
            method.input_type for file in files.values() for one in file.service for method in one.method
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
    assert files_of(await asked(api, version, file_containing_symbol=symbol))


@pytest.mark.parametrize(
    "symbol", [f"{_ORDERS}.Nothing", "wms.orders.v1.Nothing", "nothing", "", ".", "a.b.c"]
)
async def test_what_is_not_there_is_not_found(api: Api, symbol: str) -> None:
    """And the stream goes on."""
    answer = await asked(api, "v1", file_containing_symbol=symbol)
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
