"""docs/reference/openapi.json is valid, current and complete, and its examples match their schemas."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.specs.schemathesis_hooks import is_accepted_form
from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_dev.docs_generator.openapi import document as openapi
from wms_dev.docs_generator.openapi.rules import country_codes, currency_codes
from wms_server.http.bindings import get_bindings

_DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
_MODULES = (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)


@cache
def read_document() -> dict[str, Any]:
    """Return the committed document."""
    document: dict[str, Any] = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    return document


def operations_by_id() -> dict[str, dict[str, Any]]:
    """Return every operation by its id."""
    return {
        operation["operationId"]: operation
        for path in read_document()["paths"].values()
        for operation in path.values()
    }


def component_schema(name: str) -> dict[str, Any]:
    """Return a schema with all its references."""
    return {"$ref": f"#/components/schemas/{name}", "components": read_document()["components"]}


def validation_errors(name: str, value: Any) -> list[str]:
    """Return the errors of a value by a schema."""
    return [error.message for error in Draft202012Validator(component_schema(name)).iter_errors(value)]


def test_document_is_current() -> None:
    """`make generate` writes it, and the server serves the same file."""
    assert _DOCUMENT.read_text(encoding="utf-8") == openapi.render_document()
    assert _DOCUMENT.resolve().parent.name == "http"


def test_document_is_valid_openapi() -> None:
    """The specification's own schema validates it."""
    OpenAPIV31SpecValidator(read_document()).validate()


def test_every_binding_is_an_operation() -> None:
    """No operation is missing or invented."""
    calls = [
        call
        for module in _MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for call in service.methods
    ]
    assert sum(len(list(get_bindings(call))) for call in calls) == len(operations_by_id())
    assert len({name for path in read_document()["paths"].values() for name in path} - {"get", "put"}) == 2


def test_every_operation_and_schema_has_a_description() -> None:
    """The descriptions are the comments of the protos."""
    undocumented = [
        name
        for name, element in operations_by_id().items()
        if not element["description"] or not element["summary"]
    ]
    components = read_document()["components"]["schemas"]
    undocumented += [name for name, element in components.items() if not element.get("description")]
    assert undocumented == []


@pytest.mark.parametrize("part", ["requestBody", "200", "201"])
def test_examples_match_their_schemas(part: str) -> None:
    """The examples are those of the Order Service specification."""
    checked = 0
    for operation in operations_by_id().values():
        content_owner = operation.get(part) if part == "requestBody" else operation["responses"].get(part)
        content = (content_owner or {}).get("content", {}).get("application/json", {})
        if "example" in content:
            assert validation_errors(content["schema"]["$ref"].rpartition("/")[2], content["example"]) == []
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
def test_validation_rules_are_schema_limits(change: dict[str, Any]) -> None:
    """A client can validate a request before it is sent."""
    example = operations_by_id()["CreateOrder"]["requestBody"]["content"]["application/json"]["example"]
    assert validation_errors("CreateOrderRequest", example) == []
    assert validation_errors("CreateOrderRequest", {**example, **change})


def test_alternative_of_a_path_variable_is_no_parameter() -> None:
    """An entry is named by its id or by its order."""
    parameters = operations_by_id()["GetDeadLetterEntry2"]["parameters"]
    assert [parameter["name"] for parameter in parameters if "name" in parameter] == ["entryId"]


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
def test_other_forms_of_proto_json_are_distinguished_from_errors(
    change: dict[str, Any], is_form: bool
) -> None:
    """Otherwise schemathesis would ignore the errors that it must find."""
    example = operations_by_id()["CreateOrder"]["requestBody"]["content"]["application/json"]["example"]
    errors = Draft202012Validator(component_schema("CreateOrderRequest")).iter_errors({**example, **change})
    assert is_accepted_form(errors) == is_form


def test_all_countries_and_currencies_are_listed() -> None:
    """The validation rules of the contract list them."""
    price = orders_pb2.CreateOrderRequest.DESCRIPTOR.fields_by_name["items"].message_type
    assert price is not None
    assert (len(country_codes()), len(currency_codes(price.fields_by_name["unit_price"]))) == (249, 178)
