"""docs/asyncapi.json: what consumers of the events can rely on, as AsyncAPI 3 and CloudEvents 1.0 write it.

Everything in it follows from the dataclasses of the events: a message for each, its payload's schema from the
types of its fields, its description from its docstring.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from wms_core.domain.events import OrderEvent
from wms_dev.documents.examples import examples
from wms_dev.documents.json_schema import Schema, payload_schema, text_of

TOPIC = "wms.orders.events"
SOURCE = "/wms/order-service"
#: Those headers of a message that are always there.
ALWAYS = (
    *("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"),
    *("ce_sequence", "ce_wmswarehouseid"),
)
_ABOUT = (
    "Every change of an order, told once it is committed: at least once, per order in order, the same event "
    "with the same id and the same bytes. docs/events.md says how to consume them."
)
_TEXT = {"type": "string"}
_TRACE = {
    "type": "string",
    "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "The trace that the change belongs to (W3C Trace Context).",
}


def document() -> str:
    """Give the whole document."""
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n"


def asyncapi() -> dict[str, Any]:
    """Give the document as data."""
    parts: dict[str, Schema] = {}
    messages = {message_name(type(event)): _message(type(event), event, parts) for event in examples()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Events of orders", "version": version("wms-orders"), "description": _ABOUT},
        "defaultContentType": "application/json",
        "channels": {"orders": _channel(list(messages))},
        "operations": {
            "publishOrderEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/orders"},
                "summary": "Tells of every change of every order.",
            }
        },
        "components": {"messages": messages, "schemas": dict(sorted(parts.items()))},
    }


def message_name(kind: type[OrderEvent]) -> str:
    """Give the name of an event: those of the Order Service document have theirs from there."""
    name = kind.__name__.replace("DeadLetterQueue", "DLQ")
    return f"{name}Event" if name.startswith("Backorder") else f"Order{name}Event"


def _channel(messages: list[str]) -> dict[str, Any]:
    return {
        "address": TOPIC,
        "title": "The events of all orders",
        "description": "Keyed by order: the events of one order are in one partition, in order.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": TOPIC, "bindingVersion": "0.5.0"}},
    }


def _message(kind: type[OrderEvent], example: OrderEvent, parts: dict[str, Schema]) -> dict[str, Any]:
    key = {"type": "string", "description": "The order's id."}
    return {
        "name": kind.type,
        "title": message_name(kind),
        "summary": text_of(kind),
        "contentType": "application/json",
        "headers": _headers(kind),
        "payload": payload_schema(kind, parts),
        "correlationId": {
            "description": "Ties the change to the work that it belongs to.",
            "location": "$message.header#/ce_wmscorrelationid",
        },
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
        "examples": [
            {"name": kind.type, "headers": _headers_of(example), "payload": json.loads(example.payload())}
        ],
    }


def _headers(kind: type[OrderEvent]) -> Schema:
    """Give the attributes of a CloudEvent as Kafka's headers in binary mode; what is empty is absent."""
    of_caller = {
        "ce_wmscorrelationid": "The id that the change's caller brought, or that was made for it.",
        "ce_wmswavenumber": "The wave of the order.",
        "ce_wmsworkflowid": "The workflow on whose behalf it was changed.",
    }
    properties: Mapping[str, Schema] = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            **_TEXT,
            "format": "uuid",
            "description": "With ce_source, what to recognise a repetition by.",
        },
        "ce_source": {"const": SOURCE},
        "ce_type": {"const": kind.type},
        "ce_subject": {**_TEXT, "pattern": "^order/", "description": "The order, as order/<id>."},
        "ce_time": {**_TEXT, "format": "date-time", "description": "When it happened."},
        "content-type": {"const": "application/json"},
        "ce_sequence": {
            **_TEXT,
            "pattern": "^[1-9][0-9]*$",
            "description": "The how many-th event of its order: 1, 2, 3 and so on without a hole.",
        },
        "ce_wmswarehouseid": {**_TEXT, "description": "The warehouse of the order."},
        **{name: {**_TEXT, "description": text} for name, text in of_caller.items()},
        "ce_traceparent": _TRACE,
        "traceparent": {**_TRACE, "description": "The same, for those who look for it there."},
    }
    return {"type": "object", "properties": dict(properties), "required": list(ALWAYS)}


def _headers_of(event: OrderEvent) -> dict[str, str]:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    return {
        "ce_specversion": "1.0",
        "ce_id": "8f14e45f-ceea-467f-a8c9-1b2f3c4d5e6f",
        "ce_source": SOURCE,
        "ce_type": event.type,
        "ce_subject": f"order/{event.order_id}",
        "ce_time": json.loads(event.payload())["timestamp"],
        "content-type": "application/json",
        "ce_sequence": "3",
        "ce_wmswarehouseid": "WH-01",
        "ce_wmscorrelationid": "550e8400-e29b-41d4-a716-446655440000",
        "ce_wmswavenumber": "WAVE-2024-00123",
        "ce_wmsworkflowid": "order-fulfillment-ORD-12345",
        "ce_traceparent": traceparent,
        "traceparent": traceparent,
    }
