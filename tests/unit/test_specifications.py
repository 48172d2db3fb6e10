"""docs/reference/specifications.md names what there is: statuses, requests, variables."""

import re
from pathlib import Path

import pytest

from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_server.http.bindings import bindings_of
from wms_server.http.words import words_of
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "specifications.md").read_text(encoding="utf-8")
#: The requests of the Order Service document, with what it prints around them left out.
PRINTED = (ROOT / "tests" / "support" / "order_service.md").read_text(encoding="utf-8")
VARIABLES = {
    *("SERVICE_NAME", "SERVER_ADDR", "MONGODB_URI", "MONGODB_DATABASE", "KAFKA_BROKERS"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "TRACING_ENABLED", "LOG_LEVEL"),
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its titles."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    return [line.split(" | ") for line in lines[1:]]


def test_every_status_is_there_with_its_word() -> None:
    """And no other."""
    enum = order_pb2.OrderStatus.DESCRIPTOR
    words = {
        f"`{word}`": f"`{enum.values_by_number[number].name}`" for number, word in words_of(enum).items()
    }
    del words["`unspecified`"]
    assert {row[0]: row[1] for row in rows("Order Service: statuses")} == words


def test_every_request_of_the_document_is_there_with_its_rpc() -> None:
    """At the path that the contract binds to that rpc."""
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows("Order Service: requests")}
    printed = {request.partition("?")[0] for request in re.findall(r"```http\n(\S+ \S+)", PRINTED)}
    assert set(shown) == printed
    bound = {
        (method.name, binding.method, re.sub(r"\{\w+\}", "{}", binding.template.text))
        for module in (orders_pb2, reprocessing_pb2, dead_letters_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for binding in bindings_of(method)
    }
    for request, rpc in shown.items():
        method, path = request.split(" ")
        assert (rpc, method, re.sub(r"\{\w+\}", "{}", path)) in bound


def test_every_variable_of_the_document_is_there() -> None:
    """As one that is read, or with the one that is read in its place."""
    known = {name.upper() for kind in (ServerSettings, WorkerSettings) for name in kind.model_fields}
    shown = {row[0].strip("`"): row[1] for row in rows("Order Service: variables")}
    assert set(shown) == VARIABLES
    for name, meaning in shown.items():
        assert (name in known) is ("not read" not in meaning)
        assert set(re.findall(r"`([A-Z_]+)`", meaning)) <= known


@pytest.mark.parametrize(
    "rpc", re.findall(r"`([A-Z]\w+[a-z]\w*)`", PAGE.split("## OrderFulfillmentService")[1])
)
def test_the_rpcs_of_the_fulfillment_service_are_there(rpc: str) -> None:
    """By their names in the contract; what the document itself names is not ours."""
    protos = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "protos/wms/orders/v1").glob("*.proto")
    )
    assert re.search(rf"\b(rpc|service) {rpc}\b", protos) or rpc == "StampStorageService"
