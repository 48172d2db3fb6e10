"""docs/reference/specifications.md lists the existing statuses, requests and variables."""

import re
from pathlib import Path

import pytest

from wms.orders.v1 import dead_letters_pb2, order_pb2, orders_pb2, reprocessing_pb2
from wms_server.http.bindings import get_bindings
from wms_server.http.enum_names import enum_names_of
from wms_server.settings import ServerSettings
from wms_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reference" / "specifications.md").read_text(encoding="utf-8")
#: The requests of the Order Service specification, without the surrounding text.
SPECIFIED_REQUESTS = (ROOT / "tests" / "support" / "data" / "order_service.md").read_text(encoding="utf-8")
VARIABLES = {
    *("SERVICE_NAME", "SERVER_ADDR", "MONGODB_URI", "MONGODB_DATABASE", "KAFKA_BROKERS"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "TRACING_ENABLED", "LOG_LEVEL"),
}


def table_rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its header."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)
    return [line.split(" | ") for line in lines[1:]]


def test_every_status_is_listed_with_its_word() -> None:
    """The table has no other status."""
    enum = order_pb2.OrderStatus.DESCRIPTOR
    names_by_word = {
        f"`{word}`": f"`{enum.values_by_number[number].name}`" for number, word in enum_names_of(enum).items()
    }
    del names_by_word["`unspecified`"]
    assert {row[0]: row[1] for row in table_rows("Order Service: statuses")} == names_by_word


def test_every_request_of_the_specification_is_listed_with_its_rpc() -> None:
    """The contract binds the rpc to the listed path."""
    listed = {row[0].strip("`"): row[1].strip("`") for row in table_rows("Order Service: requests")}
    specified = {
        request.partition("?")[0] for request in re.findall(r"```http\n(\S+ \S+)", SPECIFIED_REQUESTS)
    }
    assert set(listed) == specified
    bindings = {
        (method.name, binding.http_method, re.sub(r"\{\w+\}", "{}", binding.path_template.text))
        for module in (orders_pb2, reprocessing_pb2, dead_letters_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        for binding in get_bindings(method)
    }
    for request, rpc in listed.items():
        method, path = request.split(" ")
        assert (rpc, method, re.sub(r"\{\w+\}", "{}", path)) in bindings


def test_every_variable_of_the_specification_is_listed() -> None:
    """The page says whether the variable is read, or names its replacement."""
    variable_names = {name.upper() for kind in (ServerSettings, WorkerSettings) for name in kind.model_fields}
    listed = {row[0].strip("`"): row[1] for row in table_rows("Order Service: variables")}
    assert set(listed) == VARIABLES
    for name, meaning in listed.items():
        assert (name in variable_names) is ("not read" not in meaning)
        assert set(re.findall(r"`([A-Z_]+)`", meaning)) <= variable_names


@pytest.mark.parametrize(
    "rpc", re.findall(r"`([A-Z]\w+[a-z]\w*)`", PAGE.split("## OrderFulfillmentService")[1])
)
def test_rpcs_of_the_fulfillment_service_exist(rpc: str) -> None:
    """The contract has them under their listed names, except for the one that only the specification has."""
    protos = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "protos/wms/orders/v1").glob("*.proto")
    )
    assert re.search(rf"\b(rpc|service) {rpc}\b", protos) or rpc == "StampStorageService"
