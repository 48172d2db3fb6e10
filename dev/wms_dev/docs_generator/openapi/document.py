"""The complete OpenAPI document."""

import json
from importlib.metadata import version
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.docs_generator.openapi.comments import read_proto_comments
from wms_dev.docs_generator.openapi.operations import OperationBuilder, read_http_rules
from wms_dev.docs_generator.openapi.rules import Schema
from wms_dev.docs_generator.openapi.schemas import SchemaBuilder

_MODULES = (orders_pb2, reprocessing_pb2, dead_letters_pb2, fulfillment_pb2, storage_pb2)
_DESCRIPTION = (
    "The gRPC calls as JSON over HTTP, with the same rules, limits and errors. docs/guides/http.md explains "
    "their use. A number may also be a string, an enum value may be its number, a field may have its "
    "name in the protos, and `null` means that a field is omitted."
)
_HEADERS = {
    "CorrelationId": ("X-WMS-Correlation-ID", "Links the call to other work; generated if it is absent."),
    "WaveNumber": ("X-WMS-Wave-Number", "The wave to which the call belongs."),
    "WorkflowId": ("X-WMS-Workflow-ID", "The workflow that makes the call."),
    "Actor": ("X-WMS-Actor", "The name of the caller; `anonymous` if it is absent."),
}
# The server truncates these headers at 256 characters and removes control characters.
_TEXT_SCHEMA: Schema = {"type": "string"}


def render_document() -> str:
    """Return the document as text."""
    return json.dumps(build_openapi(), indent=2, ensure_ascii=False) + "\n"


def build_openapi() -> dict[str, Any]:
    """Return the document as data."""
    services: list[ServiceDescriptor] = [
        service for module in _MODULES for service in module.DESCRIPTOR.services_by_name.values()
    ]
    calls: list[MethodDescriptor] = [
        call for service in services for call in service.methods if any(read_http_rules(call))
    ]
    schemas = SchemaBuilder(call.input_type for call in calls)
    operations = OperationBuilder(schemas)
    paths: dict[str, Schema] = {}
    for call in calls:
        for path, method, operation in operations.build_operations(call):
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Order service", "version": version("wms-orders"), "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": service.name, "description": read_proto_comments()[service.full_name]}
            for service in services
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.schemas_by_name.items())),
            "parameters": _parameters(),
            "headers": {
                "CorrelationId": {
                    "description": "The correlation id of the request, or a generated one.",
                    "schema": _TEXT_SCHEMA,
                },
                "ETag": {
                    "description": "Changes with every change of the order; for `If-Match`.",
                    "schema": {"type": "string"},
                },
            },
            "responses": {"Error": _error()},
        },
    }


def _parameters() -> Schema:
    parameters = {key: _header(name, text, _TEXT_SCHEMA) for key, (name, text) in _HEADERS.items()}
    parameters["Timeout"] = _header(
        "X-WMS-Timeout",
        "The time that the caller waits for the response, such as `500ms`, `2.5s` or `1m`.",
        {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,3})?(ms|s|m|)$", "examples": ["5s"]},
    )
    parameters["IdempotencyKey"] = _header(
        "Idempotency-Key",
        "The `requestId` of the call. A repetition with the same value returns the stored response.",
        {"type": "string", "pattern": "^[!-~]{0,130}$"},
    )
    parameters["IfMatch"] = _header(
        "If-Match",
        "One or several values for `etag`. The change is rejected with 412 unless the order has one of them.",
        {"type": "string", "maxLength": 128},
    )
    parameters["IfNoneMatch"] = _header(
        "If-None-Match",
        "One or several values for `etag`. The response is 304 while the order has one of them.",
        {"type": "string"},
    )
    parameters["LastEventId"] = _header(
        "Last-Event-ID",
        "The `position` after which the stream continues, in place of the query's; browsers send it.",
        {"type": "string", "pattern": "^[0-9]{1,18}$"},
    )
    return parameters


def _header(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "description": text, "schema": schema}


def _error() -> Schema:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
    text = (
        "An error. 400: the request is invalid, or a state does not allow it; 404: not found; "
        "405, 408, 413, 415: as in HTTP; 409: it exists, or a concurrent change was faster; 412: `If-Match` "
        "does not match; 429: overloaded; 500: internal error; 503: temporarily unavailable; 504: deadline "
        "exceeded."
    )
    return {"description": text, "content": content}
