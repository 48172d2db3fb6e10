"""The list of events for docs/events.md, from the document that machines read."""

from typing import Any

from wms_dev.documents.asyncapi import ALWAYS, asyncapi
from wms_dev.documents.marked import table


def part() -> str:
    """Give the generated part of docs/events.md: what is published, and what is in each header."""
    messages = asyncapi()["components"]["messages"]
    rows = [(f"`{one['name']}`", one["summary"], _fields(one["payload"])) for one in messages.values()]
    headers = next(iter(messages.values()))["headers"]["properties"]
    return "\n\n".join(
        [
            table(("type", "tells that", "fields beside `type`, `orderId`, `customerId`, `timestamp`"), rows),
            table(("header", "", "value"), [_header(name, one) for name, one in headers.items()]),
        ]
    )


def _fields(payload: dict[str, Any]) -> str:
    """Name the fields; those that may be absent in brackets."""
    everywhere = ("type", "orderId", "customerId", "timestamp")
    names = [name for name in payload["properties"] if name not in everywhere]
    return ", ".join(f"`{name}`" if name in payload["required"] else f"[`{name}`]" for name in names)


def _header(name: str, schema: dict[str, Any]) -> tuple[str, str, str]:
    value = schema.get("description") or ("the type" if name == "ce_type" else f"`{schema['const']}`")
    return f"`{name}`", "always" if name in ALWAYS else "if known", value
