"""docs/reference/asyncapi.json is current, valid AsyncAPI, and complete."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.support.specs.asyncapi import (
    DOCUMENT,
    asyncapi_schema,
    find_header_errors,
    find_payload_errors,
    find_references,
    messages,
    published_document,
)
from tests.unit.core.domain.test_events import (
    DOCUMENTED,
    KINDS,
    MOVED_TO_DLQ,
    PARTIALLY_FULFILLED,
    RETRY_SCHEDULED,
)
from wms_dev.docs_generator.asyncapi import build_asyncapi, render_document
from wms_dev.docs_generator.json_schema import build_type_schema

# Copied from the Order Service specification, "Domain Events Published".
NAMES = {
    "OrderReceivedEvent": "wms.order.received",
    "OrderValidatedEvent": "wms.order.validated",
    "OrderWaveAssignedEvent": "wms.order.wave-assigned",
    "OrderShippedEvent": "wms.order.shipped",
    "OrderCancelledEvent": "wms.order.cancelled",
    "OrderCompletedEvent": "wms.order.completed",
    "OrderRetryScheduledEvent": "wms.order.retry-scheduled",
    "OrderMovedToDLQEvent": "wms.order.moved-to-dlq",
    "OrderPartiallyFulfilledEvent": "wms.order.partially-fulfilled",
    "BackorderCreatedEvent": "wms.order.backorder-created",
    "BackorderFulfilledEvent": "wms.order.backorder-fulfilled",
}


def test_document_is_current() -> None:
    """`make generate` writes docs/reference/asyncapi.json."""
    assert DOCUMENT.read_text(encoding="utf-8") == render_document()


def test_document_is_valid_asyncapi_3() -> None:
    """The schema of the AsyncAPI project validates it and rejects a typo."""
    validator = Draft7Validator(asyncapi_schema())
    assert [error.message for error in validator.iter_errors(published_document())] == []
    invalid = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    invalid["components"]["messages"]["OrderReceivedEvent"]["paylod"] = {}
    assert not validator.is_valid(invalid)


def test_references_and_schemas_match() -> None:
    """Every reference resolves, and every schema is used."""
    references = set(find_references(published_document()))
    for reference in references:
        node: Any = published_document()
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    schemas = {f"#/components/schemas/{name}" for name in published_document()["components"]["schemas"]}
    assert schemas <= references


def test_every_event_has_a_message() -> None:
    """Names and topic are those of the specification where it has them."""
    messages_by_name = published_document()["components"]["messages"]
    assert {message["name"] for message in messages_by_name.values()} == {kind.type for kind in KINDS}
    assert {name: messages_by_name[name]["name"] for name in NAMES} == NAMES
    assert set(NAMES.values()) == DOCUMENTED
    channel = published_document()["channels"]["orders"]
    assert channel["address"] == "wms.orders.events"
    assert set(channel["messages"]) == set(messages_by_name)


def test_examples_of_the_specification_are_included() -> None:
    """The keys have the same sequence as in the Order Service specification."""
    for specified in (RETRY_SCHEDULED, MOVED_TO_DLQ, PARTIALLY_FULFILLED):
        body = json.loads(specified)
        (example,) = messages()[body["type"]]["examples"]
        assert json.dumps(example["payload"]) == json.dumps(body)


@pytest.mark.parametrize("event_type", sorted(messages()))
def test_example_matches_its_message(event_type: str) -> None:
    """Payload and headers are valid, and the headers agree with the payload."""
    (example,) = messages()[event_type]["examples"]
    payload, headers = example["payload"], example["headers"]
    assert find_payload_errors(event_type, json.dumps(payload)) == []
    assert find_header_errors(event_type, headers) == []
    assert headers["ce_subject"] == f"order/{payload['orderId']}"
    assert datetime.fromisoformat(headers["ce_time"]) == datetime.fromisoformat(payload["timestamp"])


@pytest.mark.parametrize(
    "tamper",
    [
        lambda body: body.update(extra=1),
        lambda body: body.pop("timestamp"),
        lambda body: body.update(timestamp="yesterday"),
        lambda body: body.update(type="wms.order.other"),
        lambda body: body.update(fulfillmentRatio="0.6"),
        lambda body: body["fulfilledItems"][0].update(extra=1),
        lambda body: body["backorderedItems"][0].pop("quantityShort"),
        lambda body: body["backorderedItems"][0].update(reason="eaten"),
        lambda body: body["backorderedItems"][0].update(quantityShort=0.5),
    ],
)
def test_deviating_payload_is_reported(tamper: Callable[[dict[str, Any]], object]) -> None:
    """It has an extra key, a missing key, another type or another word, at the top level or nested."""
    body = json.loads(PARTIALLY_FULFILLED)
    tamper(body)
    assert find_payload_errors("wms.order.partially-fulfilled", json.dumps(body))


def test_untyped_field_has_no_schema() -> None:
    """A consumer could not parse an undocumented payload."""
    with pytest.raises(TypeError, match="say what is in it"):
        build_type_schema(dict[str, Any], {})


def test_messages_have_correlation_id_and_key() -> None:
    """Each message names the header of its correlation id and the type of its key."""
    for message in build_asyncapi()["components"]["messages"].values():
        assert message["correlationId"]["location"] == "$message.header#/ce_wmscorrelationid"
        assert message["bindings"]["kafka"]["key"]["type"] == "string"
