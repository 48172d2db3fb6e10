"""The protos keep the rules of the contract: names, comments, HTTP paths, limits, generated code."""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import protovalidate
import pytest
from google.api.annotations_pb2 import http as http_option
from google.api.http_pb2 import HttpRule
from google.protobuf import descriptor_pb2, json_format
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from buf.validate import validate_pb2
from tests.support.faults.floods import find_list_paths
from wms.orders.v1 import (
    dead_letter_pb2,
    dead_letters_pb2,
    error_pb2,
    event_pb2,
    fulfillment_pb2,
    order_pb2,
    orders_pb2,
    reprocessing_pb2,
    rules_pb2,
    storage_pb2,
)
from wms_dev import codegen
from wms_dev.codegen.__main__ import main
from wms_server.limits.request_limits import MAX_REQUEST_BYTES, get_max_bytes, get_max_items

FILES = [
    module.DESCRIPTOR
    for module in (
        dead_letter_pb2,
        dead_letters_pb2,
        error_pb2,
        event_pb2,
        fulfillment_pb2,
        order_pb2,
        orders_pb2,
        reprocessing_pb2,
        rules_pb2,
        storage_pb2,
    )
]
SERVICES: list[ServiceDescriptor] = [service for file in FILES for service in file.services_by_name.values()]
METHODS: list[MethodDescriptor] = [method for service in SERVICES for method in service.methods]
ENUMS: list[EnumDescriptor] = [enum for file in FILES for enum in file.enum_types_by_name.values()]

CONTRACT = {
    "OrderService": "CreateOrder BatchCreateOrders IngestOrders GetOrder BatchGetOrders ListOrders "
    "UpdateOrder ValidateOrder CancelOrder ShipOrder CompleteOrder AssignOrdersToWave GetOrderHistory "
    "ExplainOrder WatchOrders",
    "ReprocessingService": "ListEligibleOrders GetRetryMetadata IncrementRetryCount ResetOrder "
    "MoveToDeadLetterQueue",
    "DeadLetterQueueService": "ListDeadLetterEntries GetDeadLetterStats GetDeadLetterEntry "
    "ResolveDeadLetterEntry",
    "FulfillmentService": "StartFulfillment GetFulfillmentRun ListFulfillmentRuns ListWorkers SetWorkerMode "
    "StepDown PauseFulfillment ResumeFulfillment GetFulfillmentStats ListParkedEvents ReleaseParkedEvent",
    "StorageService": "PutLane ListLanes PutDestination ListDestinations ReceiveCarriers ListCarriers "
    "SetCarrierStatus SetLaneStatus GetStock ClaimMoves CompleteMove BatchCompleteMoves FailMove WatchMoves "
    "ReportShortPick ListBackorders CancelBackorder",
}

SPECIFICATION_PATHS = [
    ("CreateOrder", "post", "/api/v1/orders", "order"),
    ("GetOrder", "get", "/api/v1/orders/{order_id}", "order"),
    ("ListOrders", "get", "/api/v1/orders", ""),
    ("ValidateOrder", "put", "/api/v1/orders/{order_id}/validate", "order"),
    ("CancelOrder", "put", "/api/v1/orders/{order_id}/cancel", "order"),
    ("ListEligibleOrders", "get", "/api/v1/reprocessing/eligible", ""),
    ("GetRetryMetadata", "get", "/api/v1/reprocessing/orders/{order_id}/retry-count", ""),
    ("IncrementRetryCount", "post", "/api/v1/reprocessing/orders/{order_id}/retry-count", ""),
    ("ResetOrder", "post", "/api/v1/reprocessing/orders/{order_id}/reset", "order"),
    ("MoveToDeadLetterQueue", "post", "/api/v1/reprocessing/orders/{order_id}/dlq", "entry"),
    ("ListDeadLetterEntries", "get", "/api/v1/dead-letter-queue", ""),
    ("GetDeadLetterStats", "get", "/api/v1/dead-letter-queue/stats", ""),
    ("GetDeadLetterEntry", "get", "/api/v1/dead-letter-queue/{order_id}", "entry"),
    ("ResolveDeadLetterEntry", "patch", "/api/v1/dead-letter-queue/{order_id}/resolve", "entry"),
]

READING = ("Get", "List", "Watch", "Explain", "BatchGet")


def http_rules(method: MethodDescriptor) -> list[HttpRule]:
    """Return the HTTP bindings of a method, the main one first."""
    options: Any = method.GetOptions()
    rule: HttpRule = options.Extensions[http_option]
    return [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []


def verb_and_path(rule: HttpRule) -> tuple[str, str]:
    """Return the verb and the path template of a binding."""
    verb = rule.WhichOneof("pattern")
    assert verb is not None
    return verb, getattr(rule, verb)


def violations(message: Message) -> list[tuple[str, str]]:
    """Return the path and the text of every violation."""
    return [
        (field_path(violation.proto.field), violation.proto.message)
        for violation in protovalidate.collect_violations(message)
    ]


def field_path(field: Any) -> str:
    """Return the path of a violation, such as `items[0].quantity`, or "" for the entire message."""
    names = []
    for element in field.elements if field else ():
        index = "" if element.subscript is None else f"[{element.subscript.value}]"
        names.append(element.field_name + index)
    return ".".join(names)


def paths(message: Message) -> list[str]:
    """Return the paths of all violations."""
    return [path for path, _ in violations(message)]


def valid_item(**changes: Any) -> order_pb2.OrderItem:
    """Return a valid order line with changes."""
    return order_pb2.OrderItem(**{"sku": "SKU-001", "quantity": 2, **changes})


def valid_address(**changes: Any) -> order_pb2.ShippingAddress:
    """Return a valid address with changes."""
    defaults = {"street": "123 Main St", "city": "New York", "country": "US"}
    return order_pb2.ShippingAddress(**{**defaults, **changes})


def valid_request(**changes: Any) -> orders_pb2.CreateOrderRequest:
    """Return a valid order with changes."""
    defaults = {
        "customer_id": "CUST-001",
        "priority": order_pb2.ORDER_PRIORITY_STANDARD,
        "items": [valid_item()],
        "shipping_address": valid_address(),
    }
    return orders_pb2.CreateOrderRequest(**{**defaults, **changes})


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> descriptor_pb2.FileDescriptorSet:
    """Return the descriptors of the protos with their comments."""
    target = tmp_path_factory.mktemp("descriptors") / "protos.binpb"
    names = codegen.proto_files(codegen.WMS_PROTO_FOLDER)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{codegen.PROTOS}", "--include_source_info"]
    subprocess.run([*command, f"--descriptor_set_out={target}", *names], check=True)
    return descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())


DescriptorPath = tuple[int, ...]


def iterate_commented_elements(
    file: descriptor_pb2.FileDescriptorProto,
) -> Iterator[tuple[DescriptorPath, str]]:
    """Yield every element of a file that needs a comment, with its path in the descriptor."""
    for i, message in enumerate(file.message_type):
        yield (4, i), message.name
        yield from (((4, i, 2, j), f"{message.name}.{f.name}") for j, f in enumerate(message.field))
        real = len(
            {f.oneof_index for f in message.field if f.HasField("oneof_index")} - optional_oneofs(message)
        )
        yield from (((4, i, 8, j), f"{message.name}.{message.oneof_decl[j].name}") for j in range(real))
    for i, enum in enumerate(file.enum_type):
        yield (5, i), enum.name
        yield from (((5, i, 2, j), value.name) for j, value in enumerate(enum.value))
    for i, service in enumerate(file.service):
        yield (6, i), service.name
        yield from (((6, i, 2, j), method.name) for j, method in enumerate(service.method))
    yield from (((7, i), extension.name) for i, extension in enumerate(file.extension))


def optional_oneofs(message: descriptor_pb2.DescriptorProto) -> set[int]:
    """Return the oneofs that only implement `optional`."""
    return {field.oneof_index for field in message.field if field.proto3_optional}


def comments_by_path(file: descriptor_pb2.FileDescriptorProto) -> dict[DescriptorPath, str]:
    """Return the leading comment of each element that has one."""
    return {
        tuple(location.path): location.leading_comments.strip()
        for location in file.source_code_info.location
        if location.leading_comments.strip()
    }


def test_every_contract_element_has_a_comment(sources: descriptor_pb2.FileDescriptorSet) -> None:
    """No service, call, message, field, enum, value or rule lacks its explanation."""
    undocumented = [
        f"{file.name}: {name}"
        for file in sources.file
        for path, name in iterate_commented_elements(file)
        if path not in comments_by_path(file)
    ]
    assert undocumented == []


def test_every_error_reason_documents_code_metadata_and_action(
    sources: descriptor_pb2.FileDescriptorSet,
) -> None:
    """A caller can act on a reason from its documentation alone."""
    file = next(file for file in sources.file if file.name.endswith("/error.proto"))
    texts = [comments_by_path(file)[(5, 0, 2, i)] for i in range(1, len(file.enum_type[0].value))]
    listed_codes = [text.split("Code: ")[1].split(".")[0] for text in texts]
    assert set(listed_codes) <= {code.name for code in grpc.StatusCode}
    assert [text for text in texts if "Metadata: " not in text or "Caller: " not in text] == []


@pytest.mark.parametrize("service", CONTRACT)
def test_service_has_exactly_the_calls_of_the_contract(service: str) -> None:
    """Clients built from the contract document find every call, and no other call exists."""
    service_descriptor = next(descriptor for descriptor in SERVICES if descriptor.name == service)
    assert sorted(method.name for method in service_descriptor.methods) == sorted(CONTRACT[service].split())


def test_there_are_no_other_services() -> None:
    """The contract has five services."""
    assert {service.name for service in SERVICES} == set(CONTRACT)


def test_every_unary_call_has_an_http_path() -> None:
    """Every call without a stream is available over HTTP."""
    unary = [method for method in METHODS if not (method.client_streaming or method.server_streaming)]
    assert [method.name for method in unary if not http_rules(method)] == []


@pytest.mark.parametrize(("name", "verb", "path", "body"), SPECIFICATION_PATHS)
def test_paths_of_the_specification_exist(name: str, verb: str, path: str, body: str) -> None:
    """A client of the REST interface in the Order Service specification finds every path and resource."""
    rule = http_rules(next(method for method in METHODS if method.name == name))[0]
    assert (*verb_and_path(rule), rule.response_body) == (verb, path, body)


def test_no_two_calls_share_a_path() -> None:
    """An HTTP request matches one call only, independent of the names of variables."""
    shapes = Counter[tuple[str, ...]]()
    for method in METHODS:
        for verb, path in map(verb_and_path, http_rules(method)):
            shapes[(verb, *("*" if part.startswith("{") else part for part in path.split("/")))] += 1
    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_value_equal_to_a_literal_has_another_path() -> None:
    """If a literal of another call hides a value of a variable, the same field is at another path, too."""
    paths = [verb_and_path(rule) for method in METHODS for rule in http_rules(method)]
    for method in METHODS:
        rules = [verb_and_path(rule) for rule in http_rules(method)]
        reachable = {
            path_variables(path)
            for verb, path in rules
            if not any(hides_values(other_path, (verb, path)) for other_path in paths)
        }
        assert {path_variables(path) for _, path in rules} <= reachable, method.name


def path_variables(path: str) -> tuple[str, ...]:
    """Return the names of a path's variables."""
    return tuple(part for part in path.split("/") if part.startswith("{"))


def hides_values(other_path: tuple[str, str], path: tuple[str, str]) -> bool:
    """Return whether another path matches first for some values of this path's variables."""
    pairs = list(zip(other_path[1].split("/"), path[1].split("/"), strict=False))
    same_length = other_path[1].count("/") == path[1].count("/")
    fits = all(mine.startswith("{") or theirs == mine for theirs, mine in pairs)
    literal = any(mine.startswith("{") and not theirs.startswith("{") for theirs, mine in pairs)
    return other_path[0] == path[0] and same_length and fits and literal


def test_every_path_variable_and_body_is_a_field() -> None:
    """No annotation names a field that does not exist."""
    for method in METHODS:
        for rule in http_rules(method):
            parts = verb_and_path(rule)[1].split("/")
            names = [part[1:-1] for part in parts if part.startswith("{")]
            names += [rule.body] if rule.body not in ("", "*") else []
            assert all(resolves_to_field(method, name) for name in names), method.name
            assert rule.response_body in ("", *method.output_type.fields_by_name), method.name


def resolves_to_field(method: MethodDescriptor, name: str) -> bool:
    """Return whether a dotted name leads to a field of the request."""
    message: Descriptor | None = method.input_type
    for part in name.split("."):
        if message is None or part not in message.fields_by_name:
            return False
        message = message.fields_by_name[part].message_type
    return True


def test_every_changing_call_takes_a_request_id() -> None:
    """Every change can be repeated safely."""
    changing = [method for method in METHODS if not method.name.startswith(READING)]
    without_request_id = [m.name for m in changing if "request_id" not in m.input_type.fields_by_name]
    assert without_request_id == ["IngestOrders"]
    assert "request" in orders_pb2.IngestOrdersRequest.DESCRIPTOR.fields_by_name


def test_every_enum_begins_with_unspecified() -> None:
    """An unset field is never mistaken for a value."""
    assert [enum.name for enum in ENUMS if not enum.values_by_number[0].name.endswith("_UNSPECIFIED")] == []


def request_lists() -> list[FieldDescriptor]:
    """Return every list in a request, at any depth, except in messages of other packages."""
    fields_by_name = {
        list_path[-1].full_name: list_path[-1] for method in METHODS for list_path in find_list_paths(method)
    }
    return [field for field in fields_by_name.values() if field.full_name.startswith("wms.orders.v1.")]


def test_every_request_list_has_a_length_limit() -> None:
    """A server can reject a request by its length before it reads the elements."""
    assert [field.full_name for field in request_lists() if not get_max_items(field)] == []
    for field in request_lists():
        if field.enum_type is not None:
            # Each value may be listed once.
            assert get_max_items(field) == len(field.enum_type.values) - 1, field.full_name


def test_valid_request_fits_into_the_byte_limit_of_its_call() -> None:
    """The longest texts in the longest lists, at four bytes per character, fit into each call's limit."""
    for method in METHODS:
        assert get_max_bytes(method) <= MAX_REQUEST_BYTES
        if method.name == "BatchCreateOrders":
            # An order may have half a megabyte. 500 of them exceed one request.
            continue
        assert max_message_bytes(method.input_type) <= get_max_bytes(method), method.name


MAX_LENGTH_BY_RULE = {
    rules_pb2.resource_id: 128,
    rules_pb2.visible_ascii: 128,
    rules_pb2.wave_number: 22,
    rules_pb2.country_code: 2,
}
MAX_BYTES_BY_TYPE = {
    FieldDescriptor.TYPE_BOOL: 1,
    FieldDescriptor.TYPE_INT32: 10,
    FieldDescriptor.TYPE_INT64: 10,
}


def max_message_bytes(message: Descriptor) -> int:
    """Return the maximum bytes of a valid message, without the fields that the service writes."""
    output_fields = {"Order.shipments", "Order.etag", "Order.last_failure_reason", "Order.cancel_reason"}
    return sum(
        (2 + 4 + max_value_bytes(field)) * (get_max_items(field) if field.is_repeated else 1)
        for field in message.fields
        if f"{message.name}.{field.name}" not in output_fields
    )


def max_value_bytes(field: FieldDescriptor) -> int:
    """Return the maximum bytes of one value of a field."""
    if field.message_type is not None:
        return max_message_bytes(field.message_type)
    if field.type != FieldDescriptor.TYPE_STRING:
        return MAX_BYTES_BY_TYPE.get(field.type, 10)
    rules = field.GetOptions().Extensions[validate_pb2.field].string
    if rules.HasField("max_len"):
        return int(rules.max_len) * 4
    return next(
        (max_length for rule, max_length in MAX_LENGTH_BY_RULE.items() if rules.Extensions[rule]), 128
    )


def test_protos_pass_buf_lint() -> None:
    """The protos keep buf's STANDARD and COMMENTS rules."""
    buf = Path(sysconfig.get_path("scripts")) / "buf"
    done = subprocess.run([buf, "lint"], cwd=codegen.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.timeout(400)  # the generators may have to be downloaded first
@pytest.mark.slow
def test_committed_clients_are_current() -> None:
    """No client of any language was edited by hand or is outdated."""
    assert main(["--check"]) == 0


def test_outdated_client_is_reported(tmp_path: Path) -> None:
    """The check reports a changed, a missing and an extra file."""
    for package in ("wms", "buf"):
        shutil.copytree(codegen.PYTHON.folder / package, tmp_path / package)
    (tmp_path / "wms/orders/v1/order_pb2.py").write_text("# edited")
    (tmp_path / "wms/orders/v1/error_pb2.py").unlink()
    (tmp_path / "wms/orders/v1/extra_pb2.py").touch()
    client = codegen.PYTHON
    names = [
        name.name for name in codegen.find_differences(tmp_path, client.folder, client.generated_folders)
    ]
    assert names == ["error_pb2.py", "extra_pb2.py", "order_pb2.py"]


def test_language_without_tools_is_skipped_with_a_message_except_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In CI every language must be checked."""
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "go" else f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)
    assert main(["--check", "go"]) == 0
    monkeypatch.setenv("CI", "true")
    assert main(["--check", "go"]) == 1
    assert capsys.readouterr().err.count("skipped: clients/go, missing programs: go") == 2


def test_order_of_the_specification_is_valid() -> None:
    """The JSON of the Order Service specification parses as a valid CreateOrder request."""
    document = {
        "customerId": "CUST-001",
        "priority": "ORDER_PRIORITY_STANDARD",
        "promisedDeliveryAt": "2024-12-27T17:00:00Z",
        "items": [
            {
                "sku": "SKU-001",
                "quantity": 2,
                "unitPrice": {"currencyCode": "USD", "units": "29", "nanos": 990000000},
            }
        ],
        "shippingAddress": {
            "street": "123 Main St",
            "city": "New York",
            "state": "NY",
            "zipCode": "10001",
            "country": "US",
        },
    }
    assert violations(json_format.ParseDict(document, orders_pb2.CreateOrderRequest())) == []


VALID: list[tuple[str, Callable[[], Message]]] = [
    ("minimum quantity", lambda: valid_request(items=[valid_item(quantity=1)])),
    ("maximum quantity", lambda: valid_request(items=[valid_item(quantity=1_000_000)])),
    ("500 items", lambda: valid_request(items=[valid_item()] * 500)),
    ("256 characters", lambda: valid_request(customer_id="ü" * 256)),
    (
        "256 characters in an optional text",
        lambda: valid_request(shipping_address=valid_address(phone="1" * 256)),
    ),
    (
        "accents and apostrophes",
        lambda: valid_request(shipping_address=valid_address(city="L'Haÿ-les-Roses")),
    ),
    ("128 characters of an id", lambda: valid_request(order_id="A" * 128)),
    ("every character of an id", lambda: valid_request(order_id="0aZ._-")),
    ("128 characters of a request id", lambda: valid_request(request_id="~" * 128)),
    (
        "no state and no postal code",
        lambda: valid_request(shipping_address=valid_address(state="", zip_code="")),
    ),
    ("price of zero", lambda: valid_request(items=[valid_item(unit_price=Money(currency_code="EUR"))])),
    ("earliest time", lambda: valid_request(promised_delivery_at=Timestamp(seconds=-62135596800))),
    (
        "latest time",
        lambda: valid_request(promised_delivery_at=Timestamp(seconds=253402300799, nanos=999999999)),
    ),
    ("2,000 characters of a reason", lambda: orders_pb2.CancelOrderRequest(order_id="A", reason="x" * 2000)),
    ("no reason", lambda: orders_pb2.CancelOrderRequest(order_id="A")),
    ("no page size", orders_pb2.ListOrdersRequest),
    ("a large page size", lambda: list_orders(page_size=100_000)),
    ("age of zero", lambda: list_entries(older_than_hours=0.0)),
    ("500 moves", lambda: storage_pb2.ClaimMovesRequest(warehouse_id="W", max=500, claimed_by="wcs")),
]


@pytest.mark.parametrize("make", [make for _, make in VALID], ids=[name for name, _ in VALID])
def test_values_within_the_limits_are_valid(make: Callable[[], Message]) -> None:
    """Each limit accepts its last value."""
    assert violations(make()) == []


def request_with_price(**money: Any) -> orders_pb2.CreateOrderRequest:
    """Return an order whose line has a price."""
    return valid_request(items=[valid_item(unit_price=Money(**{"currency_code": "USD", **money}))])


def valid_failure(**changes: Any) -> reprocessing_pb2.IncrementRetryCountRequest:
    """Return a valid failure report with changes."""
    defaults = {"order_id": "A", "failure_reason": "Picking station offline"}
    return reprocessing_pb2.IncrementRetryCountRequest(**{**defaults, **changes})


def valid_decision(**changes: Any) -> dead_letters_pb2.ResolveDeadLetterEntryRequest:
    """Return a valid resolution of a dead letter with changes."""
    defaults = {
        "order_id": "A",
        "resolution": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
        "resolved_by": "SUPERVISOR-001",
    }
    return dead_letters_pb2.ResolveDeadLetterEntryRequest(**{**defaults, **changes})


INVALID: list[tuple[str, Callable[[], Message]]] = [
    ("customer_id", lambda: valid_request(customer_id="")),
    ("customer_id", lambda: valid_request(customer_id="x" * 257)),
    ("customer_id", lambda: valid_request(customer_id=" \u00a0\u3000")),
    ("customer_id", lambda: valid_request(customer_id="a\nb")),
    ("customer_id", lambda: valid_request(customer_id="a\x00b")),
    ("customer_id", lambda: valid_request(customer_id="a\x85b")),
    ("priority", lambda: valid_request(priority=0)),
    ("priority", lambda: valid_request(priority=77)),
    ("items", lambda: valid_request(items=[])),
    ("items", lambda: valid_request(items=[valid_item()] * 501)),
    ("items[0].sku", lambda: valid_request(items=[valid_item(sku="")])),
    ("items[0].sku", lambda: valid_request(items=[valid_item(sku="   ")])),
    ("items[0].quantity", lambda: valid_request(items=[valid_item(quantity=0)])),
    ("items[0].quantity", lambda: valid_request(items=[valid_item(quantity=-1)])),
    ("items[1].quantity", lambda: valid_request(items=[valid_item(), valid_item(quantity=1_000_001)])),
    ("items[0].unit_price", lambda: request_with_price(units=-1)),
    ("items[0].unit_price", lambda: request_with_price(nanos=-1)),
    ("items[0].unit_price", lambda: request_with_price(nanos=1_000_000_000)),
    ("items[0].unit_price", lambda: request_with_price(currency_code="")),
    ("items[0].unit_price", lambda: request_with_price(currency_code="usd")),
    ("items[0].unit_price", lambda: request_with_price(currency_code="DEM")),
    ("shipping_address", lambda: valid_request(shipping_address=None)),
    ("shipping_address.street", lambda: valid_request(shipping_address=valid_address(street=""))),
    ("shipping_address.city", lambda: valid_request(shipping_address=valid_address(city="\t"))),
    ("shipping_address.country", lambda: valid_request(shipping_address=valid_address(country=""))),
    ("shipping_address.country", lambda: valid_request(shipping_address=valid_address(country="us"))),
    ("shipping_address.country", lambda: valid_request(shipping_address=valid_address(country="XX"))),
    ("shipping_address.state", lambda: valid_request(shipping_address=valid_address(state="x" * 257))),
    ("shipping_address.phone", lambda: valid_request(shipping_address=valid_address(phone="1\r2"))),
    ("promised_delivery_at", lambda: valid_request(promised_delivery_at=Timestamp(seconds=-62135596801))),
    ("promised_delivery_at", lambda: valid_request(promised_delivery_at=Timestamp(seconds=253402300800))),
    ("promised_delivery_at", lambda: valid_request(promised_delivery_at=Timestamp(seconds=10**18))),
    ("promised_delivery_at", lambda: valid_request(promised_delivery_at=Timestamp(seconds=-(2**63)))),
    ("order_id", lambda: valid_request(order_id="A" * 129)),
    ("order_id", lambda: valid_request(order_id="-A")),
    ("order_id", lambda: valid_request(order_id="A/B")),
    ("order_id", lambda: valid_request(order_id="A\n")),
    ("warehouse_id", lambda: valid_request(warehouse_id="W 1")),
    ("request_id", lambda: valid_request(request_id="x" * 129)),
    ("request_id", lambda: valid_request(request_id="a b")),
    ("request_id", lambda: valid_request(request_id="é")),
    ("order_id", orders_pb2.GetOrderRequest),
    ("reason", lambda: orders_pb2.CancelOrderRequest(order_id="A", reason="x" * 2001)),
    ("page_size", lambda: list_orders(page_size=-1)),
    ("page", lambda: list_orders(page=-1)),
    ("", lambda: list_orders(page=2, page_token="abc")),
    ("statuses[1]", lambda: list_orders(statuses=[1, 0])),
    ("statuses[0]", lambda: list_orders(statuses=[99])),
    ("update_mask", lambda: update_request("status")),
    ("update_mask", lambda: update_request("shipping_address.city")),
    ("order_ids", lambda: orders_pb2.AssignOrdersToWaveRequest(order_ids=["A", "A"], destination_id="D")),
    ("wave_id", lambda: list_orders(wave_id="WAVE-24-1")),
    ("limit", lambda: reprocessing_pb2.ListEligibleOrdersRequest(limit=-1)),
    ("failure_reason", lambda: valid_failure(failure_reason="")),
    ("failure_reason", lambda: valid_failure(failure_reason="x" * 2001)),
    ("failed_at", lambda: valid_failure(failed_at=Timestamp(seconds=253402300800))),
    ("offset", lambda: list_entries(offset=10_001)),
    ("older_than_hours", lambda: list_entries(older_than_hours=-0.5)),
    (
        "older_than_hours",
        lambda: list_entries(older_than_hours=float("inf")),
    ),
    ("failure_status", lambda: list_entries(failure_status=6)),
    ("name", dead_letters_pb2.GetDeadLetterEntryRequest),
    ("resolution", lambda: valid_decision(resolution=0)),
    ("resolution", lambda: valid_decision(resolution=4)),
    ("resolved_by", lambda: valid_decision(resolved_by="")),
    ("notes", lambda: valid_decision(notes="x" * 2001)),
    ("max", lambda: storage_pb2.ClaimMovesRequest(warehouse_id="W", max=501, claimed_by="wcs")),
    ("lane", storage_pb2.PutLaneRequest),
    ("carriers", lambda: storage_pb2.ReceiveCarriersRequest(warehouse_id="W")),
]


def list_orders(**fields: Any) -> orders_pb2.ListOrdersRequest:
    """Return a request for a page of orders. Numbers stand for enum values."""
    return orders_pb2.ListOrdersRequest(**fields)


def list_entries(**fields: Any) -> dead_letters_pb2.ListDeadLetterEntriesRequest:
    """Return a request for a page of dead letters. Numbers stand for enum values."""
    return dead_letters_pb2.ListDeadLetterEntriesRequest(**fields)


def update_request(path: str) -> orders_pb2.UpdateOrderRequest:
    """Return a request to change one field of an order."""
    request = orders_pb2.UpdateOrderRequest(order_id="A")
    request.update_mask.paths.append(path)
    return request


@pytest.mark.parametrize(
    ("path", "make"), INVALID, ids=[f"{i}-{path}" for i, (path, _) in enumerate(INVALID)]
)
def test_value_beyond_a_limit_is_a_violation_of_its_field(path: str, make: Callable[[], Message]) -> None:
    """Each limit rejects the next value and names the field."""
    matching = [location for location in paths(make()) if location == path]
    assert matching, violations(make())


def test_nanoseconds_out_of_range_do_not_break_the_validator() -> None:
    """protovalidate normalizes such nanoseconds into seconds and validates only the result."""
    assert paths(valid_request(promised_delivery_at=Timestamp(nanos=-5))) == []
    late_time = Timestamp(seconds=253402300799, nanos=2_000_000_000)
    assert paths(valid_request(promised_delivery_at=late_time)) == ["promised_delivery_at"]


def test_all_violations_are_reported_at_once() -> None:
    """A caller corrects a request once and not violation by violation."""
    bad_price = Money(currency_code="XYZ", units=-1)
    request = orders_pb2.CreateOrderRequest(
        items=[valid_item(quantity=0), valid_item(sku="", unit_price=bad_price)],
        shipping_address=order_pb2.ShippingAddress(country="Germany"),
        order_id="no spaces",
    )
    assert Counter(paths(request)) == {
        "customer_id": 1,
        "priority": 1,
        "items[0].quantity": 1,
        "items[1].sku": 1,
        "items[1].unit_price": 2,
        "shipping_address.street": 1,
        "shipping_address.city": 1,
        "shipping_address.country": 1,
        "order_id": 1,
    }


@pytest.mark.parametrize(("count", "expected"), [(0, ["requests"]), (1, []), (500, []), (501, ["requests"])])
def test_batch_is_validated_by_its_size_alone(count: int, expected: list[str]) -> None:
    """An invalid order does not invalidate its batch. Too few or too many orders do."""
    invalid = orders_pb2.CreateOrderRequest()
    assert paths(orders_pb2.BatchCreateOrdersRequest(requests=[invalid] * count)) == expected


def test_streamed_order_is_not_validated_with_its_envelope() -> None:
    """An invalid order does not end its stream."""
    request = orders_pb2.IngestOrdersRequest(request=orders_pb2.CreateOrderRequest())
    assert paths(request) == []


def test_update_is_validated_by_its_mask_only() -> None:
    """Fields outside of the mask may be unset or out of range."""
    order = order_pb2.Order(items=[valid_item(quantity=0)], shipping_address=order_pb2.ShippingAddress())
    assert paths(orders_pb2.UpdateOrderRequest(order_id="A", order=order)) == []


def test_violation_texts_are_readable() -> None:
    """A text contains no expression and no list of 249 codes."""
    request = valid_request(
        customer_id="\t", order_id="?", request_id=" ", shipping_address=valid_address(country="XX")
    )
    texts = [text for _, text in violations(request)]
    assert texts == [
        "must not contain control characters",
        "must be an ISO 3166-1 alpha-2 code in capitals, such as US",
        "must be 1 to 128 characters of A-Z a-z 0-9 . _ - and begin with a letter or a digit",
        "must be 1 to 128 visible ASCII characters",
    ]


def listed_codes(expression: str) -> list[str]:
    """Return the codes that a rule lists in one text."""
    (code_list,) = re.findall(r"'([A-Z ]+)'", expression)
    return str(code_list).split()


def test_all_countries_and_currencies_are_accepted() -> None:
    """The lists are complete: 249 countries, and every active currency of ISO 4217."""
    rule = rules_pb2.DESCRIPTOR.extensions_by_name["country_code"]
    countries = listed_codes(rule.GetOptions().Extensions[validate_pb2.predefined].cel[0].expression)
    price = order_pb2.OrderItem.DESCRIPTOR.fields_by_name["unit_price"]
    currencies = listed_codes(price.GetOptions().Extensions[validate_pb2.field].cel[0].expression)
    assert (len(set(countries)), len(set(currencies))) == (249, 178)
    for code in countries:
        assert violations(valid_address(country=code)) == []
    for code in currencies:
        assert violations(valid_item(unit_price=Money(currency_code=code))) == []
