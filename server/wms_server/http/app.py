"""The contract over HTTP: each rpc at the paths of its `google.api.http` options, built at the start."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_server.calls.call import UTF_8_ENCODING, parse_caller
from wms_server.calls.error_status import to_status
from wms_server.calls.pipeline import CallPipeline, build_stream_operation
from wms_server.grpc_api import build_call_operation, to_snake_case
from wms_server.http.bindings import get_bindings
from wms_server.http.request import discard_body, get_headers
from wms_server.http.responses import MethodNotAllowed, PathNotFound, error_response, get_caller_headers
from wms_server.http.router import PathRouter
from wms_server.http.sse import StreamEndpoint
from wms_server.http.transcoder import HttpTranscoder
from wms_server.http.unary import UnaryEndpoint

_MAX_SHOWN_CHARACTERS = 200  # characters of a path in an error


class HttpEndpoint(Protocol):
    """Handles the requests of one method and path; `path_values` are the values of the path's variables."""

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, path_values: tuple[bytes, ...]
    ) -> None:
        """Handle one request."""
        ...


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """The currency of prices without one, and the seconds in which a request must arrive."""

    default_currency: str = "USD"
    request_timeout_seconds: float = 30.0


class HttpApi:
    """ASGI application for the rpcs of services; an rpc that a service does not implement has no path."""

    def __init__(
        self,
        call_pipeline: CallPipeline,
        services_by_descriptor: Mapping[ServiceDescriptor, object],
        http_options: HttpOptions,
    ) -> None:
        self._call_pipeline = call_pipeline
        self._http_options = http_options
        self._path_router: PathRouter[HttpEndpoint] = PathRouter()
        for service_descriptor, service in services_by_descriptor.items():
            for method_descriptor in service_descriptor.methods:
                if service_method := getattr(service, to_snake_case(method_descriptor.name), None):
                    self._add_method(method_descriptor, service_method)

    def _add_method(self, method_descriptor: MethodDescriptor, service_method: Any) -> None:
        http_bindings = list(get_bindings(method_descriptor))
        if not http_bindings:
            return
        unary_operation = (
            None
            if method_descriptor.server_streaming
            else build_call_operation(self._call_pipeline, method_descriptor, service_method)
        )
        for http_binding in http_bindings:
            http_transcoder = HttpTranscoder(http_binding, self._http_options.default_currency)
            http_endpoint: HttpEndpoint
            if unary_operation is None:
                stream_operation = build_stream_operation(service_method, method_descriptor)
                http_endpoint = StreamEndpoint(
                    self._call_pipeline, http_binding, stream_operation, http_transcoder
                )
            else:
                http_endpoint = UnaryEndpoint(
                    self._call_pipeline,
                    http_binding,
                    unary_operation,
                    http_transcoder,
                    self._http_options.request_timeout_seconds,
                )
            self._path_router.add(http_binding.http_method, http_binding.path_template, http_endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an ASGI request."""
        is_head = scope["method"] == "HEAD"
        http_method = "GET" if is_head else scope["method"]
        path_matches = self._path_router.match(scope["raw_path"])
        for path_match in path_matches:
            http_endpoint = path_match.target_by_method.get(http_method)
            # HEAD of a stream would never end.
            if http_endpoint is not None and not (is_head and isinstance(http_endpoint, StreamEndpoint)):
                await http_endpoint(scope, receive, send, path_match.path_values)
                return
        await self._reject(
            scope,
            receive,
            send,
            {allowed_method for path_match in path_matches for allowed_method in path_match.target_by_method},
        )

    async def _reject(self, scope: Scope, receive: Receive, send: Send, allowed_methods: set[str]) -> None:
        path = scope["raw_path"].decode("ascii", "replace")[:_MAX_SHOWN_CHARACTERS]
        error = self._build_error(scope["method"], path, allowed_methods)
        await send_error_response(scope, receive, send, error, self._http_options.request_timeout_seconds)

    def _build_error(self, http_method: str, path: str, allowed_methods: set[str]) -> WmsError:
        if allowed_methods:
            return MethodNotAllowed(method=http_method, path=path, allowed=", ".join(sorted(allowed_methods)))
        return PathNotFound(path, ", ".join(self._path_router.suggest(path)))


async def send_error_response(
    scope: Scope, receive: Receive, send: Send, error: WmsError, timeout_seconds: float
) -> None:
    """Read a request to its end, then respond with an error; a client still sending would get a reset."""
    with suppress(WmsError, ClientDisconnect):
        await discard_body(get_headers(scope), receive, timeout_seconds)
    await rejection_response(scope, error)(scope, receive, send)


def rejection_response(scope: Scope, error: WmsError) -> Response:
    """Return the error response for a request that matches no call."""
    caller = parse_caller(tuple(get_headers(scope).items()), UTF_8_ENCODING)
    return error_response(to_status(error), get_caller_headers(caller))
