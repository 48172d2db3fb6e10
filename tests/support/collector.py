"""A collector of spans, which processes reach by OTLP over gRPC."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Sent:
    """A span that has arrived, and the service that sent it."""

    service: str
    span: Span

    @property
    def trace_id(self) -> str:
        """Its trace, in hexadecimal."""
        return self.span.trace_id.hex()

    @property
    def span_id(self) -> str:
        """Its own id, in hexadecimal."""
        return self.span.span_id.hex()

    @property
    def parent_id(self) -> str:
        """The id of the span it is under, in hexadecimal; empty for none."""
        return self.span.parent_span_id.hex()


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """What a collector was sent."""

    sent: list[Sent] = field(default_factory=list)
    #: All of it as text, resources included.
    text: str = ""
    #: What was told with it, by name.
    headers: dict[str, Any] = field(default_factory=dict)

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 # the name of the protocol
        """Keep each span."""
        self.headers |= dict(context.invocation_metadata())
        self.text += str(request)
        for resource in request.resource_spans:
            service = {one.key: one.value.string_value for one in resource.resource.attributes}[
                "service.name"
            ]
            self.sent += [Sent(service, span) for part in resource.scope_spans for span in part.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def names(self) -> list[tuple[str, str]]:
        """Service and name of each span, as they came."""
        return [(one.service, one.span.name) for one in self.sent]


@asynccontextmanager
async def collecting(address: str) -> AsyncIterator[Collector]:
    """Collect at an address until the end."""
    collector = Collector()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(address)
    await server.start()
    yield collector
    await server.stop(None)
