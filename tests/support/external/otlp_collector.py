"""A collector of spans by OTLP over gRPC."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class ExportedSpan:
    """A received span, and the service that sent it."""

    service: str
    span: Span

    @property
    def trace_id(self) -> str:
        """The trace id in hexadecimal."""
        return self.span.trace_id.hex()

    @property
    def span_id(self) -> str:
        """The span id in hexadecimal."""
        return self.span.span_id.hex()

    @property
    def parent_id(self) -> str:
        """The id of the parent span in hexadecimal; empty without a parent."""
        return self.span.parent_span_id.hex()


@dataclass
class SpanCollector(trace_service_pb2_grpc.TraceServiceServicer):
    """Stores all received spans."""

    exported_spans: list[ExportedSpan] = field(default_factory=list)
    #: All requests as text, including resources.
    text: str = ""
    #: The metadata of the requests, by name.
    headers: dict[str, Any] = field(default_factory=dict)

    async def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 # name in the protocol
        """Store the spans of a request."""
        self.headers |= dict(context.invocation_metadata())
        self.text += str(request)
        for resource in request.resource_spans:
            service = {
                resource_attribute.key: resource_attribute.value.string_value
                for resource_attribute in resource.resource.attributes
            }["service.name"]
            self.exported_spans += [
                ExportedSpan(service, span)
                for scope_spans in resource.scope_spans
                for span in scope_spans.spans
            ]
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def span_names(self) -> list[tuple[str, str]]:
        """Service and name of each span, in the order of arrival."""
        return [(exported_span.service, exported_span.span.name) for exported_span in self.exported_spans]


@asynccontextmanager
async def run_collector(address: str) -> AsyncIterator[SpanCollector]:
    """Run a collector at an address during the block."""
    collector = SpanCollector()
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    server.add_insecure_port(address)
    await server.start()
    yield collector
    await server.stop(None)
