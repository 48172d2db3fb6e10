"""The contract over HTTP: every call at the paths that its options name, made once from the descriptors."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wms_core.domain.errors import WmsError
from wms_server.calls import UTF_8, caller_from
from wms_server.errors import status_of
from wms_server.http.answers import caller_headers, failed
from wms_server.http.bindings import bindings_of
from wms_server.http.bodies import passed_over
from wms_server.http.calling import headers_of
from wms_server.http.endpoints import UnaryEndpoint
from wms_server.http.event_stream import StreamEndpoint
from wms_server.http.refusals import MethodNotAllowed, PathNotFound
from wms_server.http.templates import Routes
from wms_server.http.transcoding import Transcoder
from wms_server.pipeline import Pipeline, stream_work_of
from wms_server.rpc import snake_case, unary_work

_SHOWN = 200  # characters of a path in an error


class Endpoint(Protocol):
    """Answers the requests of one method and path; `values` are what the path's variables stand for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send, values: tuple[bytes, ...]) -> None:
        """Answer one request."""
        ...


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """The currency of prices that are plain numbers, and the seconds that a request may take to arrive."""

    currency: str = "USD"
    patience: float = 30.0


class Api:
    """Answers requests for the calls of services; an rpc without a method of that name is at no path."""

    def __init__(
        self, pipeline: Pipeline, services: Mapping[ServiceDescriptor, object], options: HttpOptions
    ) -> None:
        """Raises TemplateError when two calls are at one path."""
        self._pipeline = pipeline
        self._options = options
        self._routes: Routes[Endpoint] = Routes()
        for descriptor, service in services.items():
            for method in descriptor.methods:
                if served := getattr(service, snake_case(method.name), None):
                    self._add(method, served)

    def _add(self, method: MethodDescriptor, served: Any) -> None:
        bindings = list(bindings_of(method))
        if not bindings:
            return
        work = None if method.server_streaming else unary_work(self._pipeline, method, served)
        for binding in bindings:
            transcoder = Transcoder(binding, self._options.currency)
            endpoint: Endpoint
            if work is None:
                flow = stream_work_of(served, method)
                endpoint = StreamEndpoint(self._pipeline, binding, flow, transcoder)
            else:
                endpoint = UnaryEndpoint(self._pipeline, binding, work, transcoder, self._options.patience)
            self._routes.add(binding.method, binding.template, endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of ASGI."""
        is_head = scope["method"] == "HEAD"
        method = "GET" if is_head else scope["method"]
        found = self._routes.at(scope["raw_path"])
        for one in found:
            endpoint = one.by_method.get(method)
            # The headers of a stream alone would never end.
            if endpoint is not None and not (is_head and isinstance(endpoint, StreamEndpoint)):
                await endpoint(scope, receive, send, one.values)
                return
        await self._refuse(scope, receive, send, {name for one in found for name in one.by_method})

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, allowed: set[str]) -> None:
        path = scope["raw_path"].decode("ascii", "replace")[:_SHOWN]
        error = self._error(scope["method"], path, allowed)
        await answer_with_error(scope, receive, send, error, self._options.patience)

    def _error(self, method: str, path: str, allowed: set[str]) -> WmsError:
        if allowed:
            return MethodNotAllowed(method=method, path=path, allowed=", ".join(sorted(allowed)))
        return PathNotFound(path, ", ".join(self._routes.nearest(path)))


async def answer_with_error(
    scope: Scope, receive: Receive, send: Send, error: WmsError, timeout_seconds: float
) -> None:
    """Answer a request that is no call once it has arrived: a client that still sends would get a reset."""
    with suppress(WmsError, ClientDisconnect):
        await passed_over(headers_of(scope), receive, timeout_seconds)
    await refused(scope, error)(scope, receive, send)


def refused(scope: Scope, error: WmsError) -> Response:
    """Answer a request that is no call with an error."""
    caller = caller_from(tuple(headers_of(scope).items()), UTF_8)
    return failed(status_of(error), caller_headers(caller))
