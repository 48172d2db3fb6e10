"""docs/openapi.json: valid, current, whole, and with examples that are what it says."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.schemathesis_hooks import is_other_form
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.documents.openapi import document as openapi
from wms_dev.documents.openapi.rules import country_codes, currency_codes
from wms_server.http.bindings import bindings_of

_DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
_MODULES = (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)


@cache
def published() -> dict[str, Any]:
    """Give the committed document."""
    found: dict[str, Any] = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    return found


def operations() -> dict[str, dict[str, Any]]:
    """Give every operation by its id."""
    return {one["operationId"]: one for path in published()["paths"].values() for one in path.values()}


def schema(name: str) -> dict[str, Any]:
    """Give a schema with everything that it refers to."""
    return {"$ref": f"#/components/schemas/{name}", "components": published()["components"]}


def faults(name: str, value: Any) -> list[str]:
    """Say what is wrong with a value by a schema."""
    return [error.message for error in Draft202012Validator(schema(name)).iter_errors(value)]


def test_the_document_is_what_the_protos_give() -> None:
    """`make generate` writes it, and the server serves this very file."""
    assert _DOCUMENT.read_text(encoding="utf-8") == openapi.document()
    assert _DOCUMENT.resolve().parent.name == "http"


def test_the_document_is_openapi() -> None:
    """By the specification's own schema."""
    OpenAPIV31SpecValidator(published()).validate()


def test_every_binding_is_an_operation() -> None:
    """None is forgotten, none invented."""
    calls = [
        call
        for module in _MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for call in service.methods
    ]
    assert sum(len(list(bindings_of(call))) for call in calls) == len(operations())
    assert len({name for path in published()["paths"].values() for name in path} - {"get", "put"}) == 2


def test_everything_is_described() -> None:
    """By the comments of the protos."""
    bare = [name for name, one in operations().items() if not one["description"] or not one["summary"]]
    components = published()["components"]["schemas"]
    bare += [name for name, one in components.items() if not one.get("description")]
    assert bare == []


@pytest.mark.parametrize("part", ["requestBody", "200", "201"])
def test_the_examples_are_what_their_schemas_say(part: str) -> None:
    """Those of the Order Service document."""
    checked = 0
    for one in operations().values():
        held = one.get(part) if part == "requestBody" else one["responses"].get(part)
        content = (held or {}).get("content", {}).get("application/json", {})
        if "example" in content:
            assert faults(content["schema"]["$ref"].rpartition("/")[2], content["example"]) == []
            checked += 1
    assert checked or part == "201"


@pytest.mark.parametrize(
    "change",
    [
        {"priority": "urgent"},
        {"items": []},
        {"items": [{"sku": "A", "quantity": 0}]},
        {"items": [{"sku": " ", "quantity": 1}]},
        {"orderId": "-x"},
        {"customerId": "x" * 257},
        {"colour": "red"},
        {"shippingAddress": {"street": "a", "city": "b", "country": "XX"}},
    ],
)
def test_the_rules_of_the_protos_are_limits_here(change: dict[str, Any]) -> None:
    """So that a client can check before it sends."""
    good = operations()["CreateOrder"]["requestBody"]["content"]["application/json"]["example"]
    assert faults("CreateOrderRequest", good) == []
    assert faults("CreateOrderRequest", {**good, **change})


def test_a_field_that_excludes_a_variable_of_the_path_is_no_parameter() -> None:
    """An entry is named by its id or by its order."""
    entry = operations()["GetDeadLetterEntry2"]["parameters"]
    assert [one["name"] for one in entry if "name" in one] == ["entryId"]


@pytest.mark.parametrize(
    ("change", "is_form"),
    [
        ({"orderId": None}, True),
        ({"priority": 1}, True),
        ({"items": [{"sku": "A", "unitPrice": {"currencyCode": "USD", "units": 5}}]}, True),
        ({"items": [{"sku": "A", "unitPrice": {"currencyCode": "USD", "units": None}}]}, True),
        ({"items": [{"sku": "A", "unitPrice": 10**18}]}, False),
        ({"orderId": None, "colour": "red"}, False),
        ({"allowPartial": 1}, False),
        ({"priority": "urgent"}, False),
        ({}, False),
    ],
)
def test_other_forms_of_proto_json_are_told_from_faults(change: dict[str, Any], is_form: bool) -> None:
    """Else schemathesis would be told to overlook what it is there for."""
    good = operations()["CreateOrder"]["requestBody"]["content"]["application/json"]["example"]
    found = Draft202012Validator(schema("CreateOrderRequest")).iter_errors({**good, **change})
    assert is_other_form(found) == is_form


def test_all_countries_and_currencies_are_listed() -> None:
    """As the contract's rules list them."""
    price = orders_pb2.CreateOrderRequest.DESCRIPTOR.fields_by_name["items"].message_type
    assert price is not None
    assert (len(country_codes()), len(currency_codes(price.fields_by_name["unit_price"]))) == (249, 178)
