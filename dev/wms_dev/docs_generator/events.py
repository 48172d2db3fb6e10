"""The table of events for docs/guides/events.md, from the AsyncAPI document."""

from typing import Any

from wms_dev.docs_generator.asyncapi import REQUIRED_HEADERS, build_asyncapi
from wms_dev.docs_generator.generated_part import format_table


def render_generated_part() -> str:
    """Return the generated part of docs/guides/events.md: events and headers."""
    messages = build_asyncapi()["components"]["messages"]
    rows = [
        (f"`{message['name']}`", message["summary"], _format_fields(message["payload"]))
        for message in messages.values()
    ]
    headers = next(iter(messages.values()))["headers"]["properties"]
    return "\n\n".join(
        [
            format_table(
                ("type", "meaning", "fields besides `type`, `orderId`, `customerId`, `timestamp`"), rows
            ),
            format_table(
                ("header", "", "value"), [_format_header(name, schema) for name, schema in headers.items()]
            ),
        ]
    )


def _format_fields(payload: dict[str, Any]) -> str:
    """Return the names of the fields, optional ones in brackets."""
    common_fields = ("type", "orderId", "customerId", "timestamp")
    names = [name for name in payload["properties"] if name not in common_fields]
    return ", ".join(f"`{name}`" if name in payload["required"] else f"[`{name}`]" for name in names)


def _format_header(name: str, schema: dict[str, Any]) -> tuple[str, str, str]:
    value = schema.get("description") or ("the type" if name == "ce_type" else f"`{schema['const']}`")
    return f"`{name}`", "always" if name in REQUIRED_HEADERS else "if known", value
