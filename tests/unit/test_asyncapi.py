"""docs/asyncapi.json: it is current, it is AsyncAPI, and it says what is published, no more and no less."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.support.asyncapi import (
    DOCUMENT,
    asyncapi_schema,
    faults_of_headers,
    faults_of_payload,
    messages,
    published_document,
    references,
)
from tests.unit.test_events import DOCUMENTED, KINDS, MOVED_TO_DLQ, PARTIALLY_FULFILLED, RETRY_SCHEDULED
from wms_dev.documents.asyncapi import asyncapi, document
from wms_dev.documents.json_schema import schema_of

# Copied from the Order Service document, "Domain Events Published".
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


def test_the_document_is_that_of_the_code() -> None:
    """docs/asyncapi.json is current; `make generate` writes it."""
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_the_document_is_asyncapi_3() -> None:
    """By the schema that AsyncAPI's makers publish, which knows a slip of the hand when it sees one."""
    checks = Draft7Validator(asyncapi_schema())
    assert [error.message for error in checks.iter_errors(published_document())] == []
    wrong = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    wrong["components"]["messages"]["OrderReceivedEvent"]["paylod"] = {}
    assert not checks.is_valid(wrong)


def test_everything_that_the_document_refers_to_is_in_it() -> None:
    """No reference leads nowhere, and no schema is there for nothing."""
    referred = set(references(published_document()))
    for reference in referred:
        place: Any = published_document()
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]
    schemas = {f"#/components/schemas/{name}" for name in published_document()["components"]["schemas"]}
    assert schemas <= referred


def test_there_is_a_message_for_each_event() -> None:
    """Under the seed's names where it has them, on the seed's topic."""
    found = published_document()["components"]["messages"]
    assert {message["name"] for message in found.values()} == {kind.type for kind in KINDS}
    assert {name: found[name]["name"] for name in NAMES} == NAMES
    assert set(NAMES.values()) == DOCUMENTED
    channel = published_document()["channels"]["orders"]
    assert channel["address"] == "wms.orders.events"
    assert set(channel["messages"]) == set(found)


def test_the_documents_examples_are_among_ours() -> None:
    """Those that the Order Service document prints, key for key in its order."""
    for printed in (RETRY_SCHEDULED, MOVED_TO_DLQ, PARTIALLY_FULFILLED):
        body = json.loads(printed)
        (shown,) = messages()[body["type"]]["examples"]
        assert json.dumps(shown["payload"]) == json.dumps(body)


@pytest.mark.parametrize("event_type", sorted(messages()))
def test_an_example_is_what_its_message_says(event_type: str) -> None:
    """Payload and headers; and the headers say of the payload what is in it."""
    (example,) = messages()[event_type]["examples"]
    payload, headers = example["payload"], example["headers"]
    assert faults_of_payload(event_type, json.dumps(payload)) == []
    assert faults_of_headers(event_type, headers) == []
    assert headers["ce_subject"] == f"order/{payload['orderId']}"
    assert datetime.fromisoformat(headers["ce_time"]) == datetime.fromisoformat(payload["timestamp"])


@pytest.mark.parametrize(
    "spoil",
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
def test_a_payload_that_has_drifted_is_found(spoil: Callable[[dict[str, Any]], object]) -> None:
    """A key too many, one too few, another type, another word; at the top and within."""
    body = json.loads(PARTIALLY_FULFILLED)
    spoil(body)
    assert faults_of_payload("wms.order.partially-fulfilled", json.dumps(body))


def test_a_field_of_which_nothing_is_said_has_no_schema() -> None:
    """Nobody can write a payload that the document is silent about."""
    with pytest.raises(TypeError, match="say what is in it"):
        schema_of(dict[str, Any], {})


def test_the_document_names_what_it_needs() -> None:
    """Each message says by which header its work is known, and what its key is."""
    for message in asyncapi()["components"]["messages"].values():
        assert message["correlationId"]["location"] == "$message.header#/ce_wmscorrelationid"
        assert message["bindings"]["kafka"]["key"]["type"] == "string"
