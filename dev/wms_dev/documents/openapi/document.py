"""The whole document."""

import json
from importlib.metadata import version
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.documents.openapi.comments import comments
from wms_dev.documents.openapi.operations import Operations, rules_of_http
from wms_dev.documents.openapi.rules import Schema
from wms_dev.documents.openapi.schemas import Schemas

_MODULES = (orders_pb2, reprocessing_pb2, dead_letters_pb2, fulfillment_pb2, storage_pb2)
_ABOUT = (
    "The calls of gRPC as JSON over HTTP: the same rules, limits and errors. docs/http.md says how to use "
    "it. A number may also be written as a string, an enum value as its number, every field by its name in "
    "the protos, and `null` for what is left out."
)
_HEADERS = {
    "CorrelationId": ("X-WMS-Correlation-ID", "Ties the call to other work; made when it is absent."),
    "WaveNumber": ("X-WMS-Wave-Number", "The wave that the call belongs to."),
    "WorkflowId": ("X-WMS-Workflow-ID", "The workflow on whose behalf it is made."),
    "Actor": ("X-WMS-Actor", "Who makes it; `anonymous` when it is absent."),
}
#: What is too long in these is cut off at 256 characters, and control characters are left out.
_TEXT: Schema = {"type": "string"}


def document() -> str:
    """Give it as text."""
    return json.dumps(openapi(), indent=2, ensure_ascii=False) + "\n"


def openapi() -> dict[str, Any]:
    """Give it as data."""
    services: list[ServiceDescriptor] = [
        service for module in _MODULES for service in module.DESCRIPTOR.services_by_name.values()
    ]
    calls: list[MethodDescriptor] = [
        call for service in services for call in service.methods if any(rules_of_http(call))
    ]
    schemas = Schemas(call.input_type for call in calls)
    operations = Operations(schemas)
    paths: dict[str, Schema] = {}
    for call in calls:
        for path, method, operation in operations.of(call):
            paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Order service", "version": version("wms-orders"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": one.name, "description": comments()[one.full_name]} for one in services],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.found.items())),
            "parameters": _parameters(),
            "headers": {
                "CorrelationId": {"description": "That of the request, or a new one.", "schema": _TEXT},
                "ETag": {
                    "description": "Changes with every change of the order; for `If-Match`.",
                    "schema": {"type": "string"},
                },
            },
            "responses": {"Error": _error()},
        },
    }


def _parameters() -> Schema:
    found = {key: _header(name, text, _TEXT) for key, (name, text) in _HEADERS.items()}
    found["Timeout"] = _header(
        "X-WMS-Timeout",
        "How long the caller waits for the answer, such as `500ms`, `2.5s` or `1m`.",
        {"type": "string", "pattern": r"^[0-9]{1,4}(\.[0-9]{1,3})?(ms|s|m|)$", "examples": ["5s"]},
    )
    found["IdempotencyKey"] = _header(
        "Idempotency-Key",
        "The `requestId` of the call: with it, a repetition gives the first answer again.",
        {"type": "string", "pattern": "^[!-~]{0,130}$"},
    )
    found["IfMatch"] = _header(
        "If-Match",
        "The `etag` of the call: the change is made only while the order has it or one of several; else 412.",
        {"type": "string", "maxLength": 128},
    )
    found["IfNoneMatch"] = _header(
        "If-None-Match",
        "The `etag` that the caller has, or several: while the order has one of them the answer is 304.",
        {"type": "string"},
    )
    found["LastEventId"] = _header(
        "Last-Event-ID",
        "The `position` after which to go on, in place of that of the query; browsers send it by themselves.",
        {"type": "string", "pattern": "^[0-9]{1,18}$"},
    )
    return found


def _header(name: str, text: str, schema: Schema) -> Schema:
    return {"name": name, "in": "header", "description": text, "schema": schema}


def _error() -> Schema:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Status"}}}
    text = (
        "An error. 400: the request, or the state of what it names, does not allow it; 404: it is not there; "
        "405, 408, 413, 415: as HTTP says; 409: it exists, or somebody else was faster; 412: `If-Match` does "
        "not hold; 429: too much at once; 500: our fault; 503: away for the moment; 504: not done in time."
    )
    return {"description": text, "content": content}
