"""A client like that of gRPC, over HTTP: messages of the contract, JSON on the wire.

It writes requests by protobuf's own JSON, independent of the code under test, which parses the responses.
A failed call raises the error of a gRPC client, with field names of the contract.
"""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import grpc
import httpx
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest
from google.rpc.status_pb2 import Status
from tests.support.clients.grpc_api import Api, open_api

from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.free_port import find_free_port
from wms_server.http.bindings import HttpBinding, get_bindings
from wms_server.http.field_errors import FieldErrorCollector
from wms_server.http.json_decoding import JsonDecoder
from wms_server.http.json_parser import parse_json

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class HttpStub:
    """Calls of one service over HTTP, with the interface of a gRPC stub."""

    def __init__(self, service: ServiceDescriptor, client: httpx.AsyncClient) -> None:
        self._methods = service.methods_by_name
        self._client = client

    def __getattr__(self, rpc: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return a function that calls an rpc."""
        method = self._methods[rpc]

        async def call(request: Message, metadata: Any = (), timeout: float = 30) -> Any:  # noqa: ASYNC109 # interface of a stub
            request_arguments = build_request_arguments(method, request)
            request_arguments["headers"] = dict(metadata)
            response = await self._client.request(**request_arguments, timeout=timeout)
            response_message = parse_response(method, request, response)
            if _binding_for(method, request).response_field == "entry" and hasattr(response_message, "order"):
                response_message.order.CopyFrom(await self._order(request))
            return response_message

        return call

    async def _order(self, request: Any) -> Message:
        """Return the order that the gRPC response has in addition to a dead letter."""
        response = await self._client.get(f"/api/v1/orders/{request.order_id}")
        method = orders_pb2.DESCRIPTOR.services_by_name["OrderService"].methods_by_name["GetOrder"]
        order: Message = parse_response(method, request, response).order
        return order


@asynccontextmanager
async def open_http_api(database_url: str, **settings: Any) -> AsyncIterator[Api]:
    """Run a server during the block. Yield a client whose unary calls go over HTTP; streams have no stub."""
    address = f"127.0.0.1:{find_free_port()}"
    async with (
        open_api(database_url, http_addr=address, **settings) as api,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        modules = (orders_pb2, reprocessing_pb2, dead_letters_pb2, storage_pb2, fulfillment_pb2)
        stubs: list[Any] = [
            HttpStub(service, client)
            for module in modules
            for service in module.DESCRIPTOR.services_by_name.values()
        ]
        yield Api(api.channel, api.address, *stubs)


def build_request_arguments(method: MethodDescriptor, request: Message) -> dict[str, Any]:
    """Return the arguments of an HTTP request. Raises SerializeToJsonError for values without a JSON form."""
    binding = _binding_for(method, request)
    request_json = json_format.MessageToDict(request)
    path = binding.path_template.text
    for variable in binding.path_template.variable_names:
        parent_json = request_json
        *parent_names, last_name = (_to_camel_case(part) for part in variable.split("."))
        for part in parent_names:
            parent_json = parent_json.get(part, {})
        path = path.replace(f"{{{variable}}}", quote(parent_json.pop(last_name, ""), safe=""))
    if binding.body_field == "*":
        return {"method": binding.http_method, "url": path, "json": request_json}
    body = request_json.pop(_to_camel_case(binding.body_field), {}) if binding.body_field else None
    request_arguments = {
        "method": binding.http_method,
        "url": path,
        "params": list(_parameters(request_json, "")),
    }
    return request_arguments if body is None else {**request_arguments, "json": body}


def _binding_for(method: MethodDescriptor, request: Message) -> HttpBinding:
    """Return the first binding whose path variables are all set in the request, otherwise the first one."""
    bindings = list(get_bindings(method))
    for binding in bindings:
        if all("." in name or getattr(request, name) for name in binding.path_template.variable_names):
            return binding
    return bindings[0]


def _parameters(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _parameters(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _parameters(inner, name)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def parse_response(method: MethodDescriptor, request: Message, response: httpx.Response) -> Any:
    """Parse a response. Raises AioRpcError."""
    assert response.headers["content-type"] == "application/json"
    binding = _binding_for(method, request)
    if response.is_error:
        raise to_grpc_error(response, binding)
    response_message = GetMessageClass(method.output_type)()
    error_collector = FieldErrorCollector()
    target = getattr(response_message, binding.response_field) if binding.response_field else response_message
    JsonDecoder("XXX", error_collector).decode_message(target, parse_json(response.content, 10**7), "")
    assert error_collector.field_errors == []
    for result in getattr(response_message, "results", ()):
        _rename_fields(result.status, binding)
    return response_message


def to_grpc_error(response: httpx.Response, binding: HttpBinding) -> grpc.aio.AioRpcError:
    """Return the gRPC error for an HTTP error response."""
    status = json_format.Parse(response.content, Status())
    _rename_fields(status, binding)
    trailer = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(_CODES[status.code], grpc.aio.Metadata(), trailer, details=status.message)


def _rename_fields(status: Status, binding: HttpBinding) -> None:
    """Replace the JSON field paths of an error by those of the contract."""
    for detail in status.details:
        bad_request = BadRequest()
        if detail.Unpack(bad_request):
            for violation in bad_request.field_violations:
                violation.field = _to_contract_path(violation.field, binding)
            detail.Pack(bad_request)


def _to_contract_path(path: str, binding: HttpBinding) -> str:
    name = re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", path)
    is_beside_body = re.split(r"[.\[]", name)[0] in binding.method_descriptor.input_type.fields_by_name
    return name if binding.body_field in ("", "*") or is_beside_body else f"{binding.body_field}.{name}"


def _to_camel_case(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)
