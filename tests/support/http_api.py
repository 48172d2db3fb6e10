"""The same client as that of gRPC, over HTTP: requests and answers of the contract, JSON on the wire.

It writes plain proto JSON, so that only the reading of answers is that of the code under test. A call
that fails raises what gRPC's client would raise, with the fields named as the contract names them.
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

from tests.support.api import Api, open_api
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.ports import free_port
from wms_server.http.bindings import Binding, bindings_of
from wms_server.http.faults import Faults
from wms_server.http.json_reading import Reading
from wms_server.http.json_text import parse_json

_CODES = {code.value[0]: code for code in grpc.StatusCode}


class HttpStub:
    """One service, as a stub of gRPC looks."""

    def __init__(self, service: ServiceDescriptor, client: httpx.AsyncClient) -> None:
        """Call it by this client."""
        self._methods = service.methods_by_name
        self._client = client

    def __getattr__(self, rpc: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Give what makes a call of an rpc."""
        method = self._methods[rpc]

        async def call(request: Message, metadata: Any = (), timeout: float = 30) -> Any:  # noqa: ASYNC109 # as a stub has it
            sent = request_of(method, request)
            sent["headers"] = dict(metadata)
            response = await self._client.request(**sent, timeout=timeout)
            answer = answer_of(method, request, response)
            if _binding_for(method, request).response_body == "entry" and hasattr(answer, "order"):
                answer.order.CopyFrom(await self._order(request))
            return answer

        return call

    async def _order(self, request: Any) -> Message:
        """Read the order that gRPC gives beside an entry of the dead letter queue."""
        response = await self._client.get(f"/api/v1/orders/{request.order_id}")
        method = orders_pb2.DESCRIPTOR.services_by_name["OrderService"].methods_by_name["GetOrder"]
        order: Message = answer_of(method, request, response).order
        return order


@asynccontextmanager
async def open_http_api(database_url: str, **settings: Any) -> AsyncIterator[Api]:
    """Run a server and give a client whose unary calls go over HTTP; what streams has no stub."""
    address = f"127.0.0.1:{free_port()}"
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


def request_of(method: MethodDescriptor, request: Message) -> dict[str, Any]:
    """Write a request as HTTP has it. Raises SerializeToJsonError for what JSON can't say."""
    binding = _binding_for(method, request)
    written = json_format.MessageToDict(request)
    path = binding.template.text
    for variable in binding.template.variables:
        holder = written
        *above, last = (_camel(part) for part in variable.split("."))
        for part in above:
            holder = holder.get(part, {})
        path = path.replace(f"{{{variable}}}", quote(holder.pop(last, ""), safe=""))
    if binding.body == "*":
        return {"method": binding.method, "url": path, "json": written}
    body = written.pop(_camel(binding.body), {}) if binding.body else None
    sent = {"method": binding.method, "url": path, "params": list(_parameters(written, ""))}
    return sent if body is None else {**sent, "json": body}


def _binding_for(method: MethodDescriptor, request: Message) -> Binding:
    """Give the first binding whose path can name what the request names, else the first."""
    bindings = list(bindings_of(method))
    for binding in bindings:
        if all("." in name or getattr(request, name) for name in binding.template.variables):
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


def answer_of(method: MethodDescriptor, request: Message, response: httpx.Response) -> Any:
    """Read an answer. Raises AioRpcError."""
    assert response.headers["content-type"] == "application/json"
    binding = _binding_for(method, request)
    if response.is_error:
        raise error_of(response, binding)
    answer = GetMessageClass(method.output_type)()
    faults = Faults()
    target = getattr(answer, binding.response_body) if binding.response_body else answer
    Reading("XXX", faults).message(target, parse_json(response.content, 10**7), "")
    assert faults.found == []
    for result in getattr(answer, "results", ()):
        _rename(result.status, binding)
    return answer


def error_of(response: httpx.Response, binding: Binding) -> grpc.aio.AioRpcError:
    """Give the error of gRPC that an answer of HTTP stands for."""
    status = json_format.Parse(response.content, Status())
    _rename(status, binding)
    trailer = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(_CODES[status.code], grpc.aio.Metadata(), trailer, details=status.message)


def _rename(status: Status, binding: Binding) -> None:
    """Name the fields that an error names as the contract does."""
    for detail in status.details:
        bad = BadRequest()
        if detail.Unpack(bad):
            for violation in bad.field_violations:
                violation.field = _contract_path(violation.field, binding)
            detail.Pack(bad)


def _contract_path(path: str, binding: Binding) -> str:
    name = re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", path)
    beside = re.split(r"[.\[]", name)[0] in binding.call.input_type.fields_by_name
    return name if binding.body in ("", "*") or beside else f"{binding.body}.{name}"


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
