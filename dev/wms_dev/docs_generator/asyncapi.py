"""Generates docs/reference/asyncapi.json, the contract of the events in AsyncAPI 3 and CloudEvents 1.0.

Everything follows from the dataclasses of the events: each is a message, whose payload schema comes from the
types of its fields, and whose description comes from its docstring.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from wms_core.domain.events.events import OrderEvent
from wms_dev.docs_generator.event_examples import build_examples
from wms_dev.docs_generator.json_schema import Schema, build_payload_schema, read_docstring

TOPIC = "wms.orders.events"
SOURCE = "/wms/order-service"
# The headers that every message has.
REQUIRED_HEADERS = (
    *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"),
    *("ce_sequence", "ce_wmswarehouseid"),
)
_DESCRIPTION = (
    "Every change of an order as an event, published after the commit: at-least-once, in order for each "
    "order. A repeated event has the same id and bytes. docs/guides/events.md explains how to consume them."
)
_TEXT_SCHEMA = {"type": "string"}
_TRACEPARENT_SCHEMA = {
    "type": "string",
    "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "The trace of the change (W3C Trace Context).",
}


def render_document() -> str:
    """Return the document as text."""
    return json.dumps(build_asyncapi(), indent=2, ensure_ascii=False) + "\n"


def build_asyncapi() -> dict[str, Any]:
    """Return the document as data."""
    component_schemas: dict[str, Schema] = {}
    messages = {
        message_name(type(event)): _message(type(event), event, component_schemas)
        for event in build_examples()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events of orders", "version": version("wms-orders"), "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {"orders": _channel(list(messages))},
        "operations": {
            "publishOrderEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/orders"},
                "summary": "Publishes every change of every order.",
            }
        },
        "components": {"messages": messages, "schemas": dict(sorted(component_schemas.items()))},
    }


def message_name(kind: type[OrderEvent]) -> str:
    """Return the name of an event's message, as the Order Service specification writes it."""
    name = kind.__name__.replace("DeadLetterQueue", "DLQ")
    return f"{name}Event" if name.startswith(("Backorder", "Order")) else f"Order{name}Event"


def _channel(messages: list[str]) -> dict[str, Any]:
    return {
        "address": TOPIC,
        "title": "The events of all orders",
        "description": "Keyed by order: the events of one order are in one partition, in order.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": TOPIC, "bindingVersion": "0.5.0"}},
    }


def _message(
    kind: type[OrderEvent], example: OrderEvent, component_schemas: dict[str, Schema]
) -> dict[str, Any]:
    key = {"type": "string", "description": "The order's id."}
    return {
        "name": kind.type,
        "title": message_name(kind),
        "summary": read_docstring(kind),
        "contentType": "application/json",
        "headers": _build_headers_schema(kind),
        "payload": build_payload_schema(kind, component_schemas),
        "correlationId": {
            "description": "Links the events, logs and spans of a request.",
            "location": "$message.header#/ce_wmscorrelationid",
        },
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "examples": [
            {
                "name": kind.type,
                "headers": _build_example_headers(example),
                "payload": json.loads(example.encode_payload()),
            }
        ],
    }


def _build_headers_schema(kind: type[OrderEvent]) -> Schema:
    """Return the schema of the Kafka headers, CloudEvents in binary mode. Empty attributes are absent."""
    caller_headers = {
        "ce_wmscorrelationid": "The correlation id of the caller, or a generated one.",
        "ce_wmswavenumber": "The wave of the order.",
        "ce_wmsworkflowid": "The workflow that requested the change.",
    }
    properties: Mapping[str, Schema] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            **_TEXT_SCHEMA,
            "format": "uuid",
            "description": "With ce_source, the key for deduplication.",
        },
        "ce_source": {"const": SOURCE},
        "ce_type": {"const": kind.type},
        "ce_subject": {**_TEXT_SCHEMA, "pattern": "^order/", "description": "The order, as order/<id>."},
        "ce_time": {**_TEXT_SCHEMA, "format": "date-time", "description": "The time of the change."},
        "content-type": {"const": "application/json"},
        "ce_sequence": {
            **_TEXT_SCHEMA,
            "pattern": "^[1-9][0-9]*$",
            "description": "The number of the event within its order: 1, 2, 3 and so on, without gaps.",
        },
        "ce_wmswarehouseid": {**_TEXT_SCHEMA, "description": "The warehouse of the order."},
        **{name: {**_TEXT_SCHEMA, "description": text} for name, text in caller_headers.items()},
        "ce_traceparent": _TRACEPARENT_SCHEMA,
        "traceparent": {
            **_TRACEPARENT_SCHEMA,
            "description": "The same value, under the name of W3C Trace Context.",
        },
    }
    return {"type": "object", "properties": dict(properties), "required": list(REQUIRED_HEADERS)}


def _build_example_headers(event: OrderEvent) -> dict[str, str]:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    return {
        "ce_specversion": "1.0",
        "ce_id": "8f14e45f-ceea-467f-a8c9-1b2f3c4d5e6f",
        "ce_source": SOURCE,
        "ce_type": event.type,
        "ce_subject": f"order/{event.order_id}",
        "ce_time": json.loads(event.encode_payload())["timestamp"],
        "content-type": "application/json",
        "ce_sequence": "3",
        "ce_wmswarehouseid": "WH-01",
        "ce_wmscorrelationid": "550e8400-e29b-41d4-a716-446655440000",
        "ce_wmswavenumber": "WAVE-2024-00123",
        "ce_wmsworkflowid": "order-fulfillment-ORD-12345",
        "ce_traceparent": traceparent,
        "traceparent": traceparent,
    }
