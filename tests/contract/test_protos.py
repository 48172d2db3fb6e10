"""The protos keep what the contract promises: names, comments, HTTP paths, limits, generated code."""

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
from tests.support.floods import lists_of
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
from wms_dev import generate
from wms_dev.generate.__main__ import main
from wms_server.request_limits import MAX_REQUEST_BYTES, max_bytes, max_items

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

SEED_PATHS = [
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
    """The method's HTTP bindings: the main one first, then the additional ones."""
    options: Any = method.GetOptions()
    rule: HttpRule = options.Extensions[http_option]
    return [rule, *rule.additional_bindings] if rule.WhichOneof("pattern") else []


def verb_and_path(rule: HttpRule) -> tuple[str, str]:
    """The binding's verb and path template."""
    verb = rule.WhichOneof("pattern")
    assert verb is not None
    return verb, getattr(rule, verb)


def violations(message: Message) -> list[tuple[str, str]]:
    """The path and the text of every fault."""
    return [
        (field_path(found.proto.field), found.proto.message)
        for found in protovalidate.collect_violations(message)
    ]


def field_path(field: Any) -> str:
    """A violation's place, as `items[0].quantity`; empty for a fault of the whole message."""
    names = []
    for element in field.elements if field else ():
        index = "" if element.subscript is None else f"[{element.subscript.value}]"
        names.append(element.field_name + index)
    return ".".join(names)


def paths(message: Message) -> list[str]:
    """Where the faults are."""
    return [path for path, _ in violations(message)]


def an_item(**changes: Any) -> order_pb2.OrderItem:
    """A good line of an order, with changes."""
    return order_pb2.OrderItem(**{"sku": "SKU-001", "quantity": 2, **changes})


def an_address(**changes: Any) -> order_pb2.ShippingAddress:
    """A good address, with changes."""
    good = {"street": "123 Main St", "city": "New York", "country": "US"}
    return order_pb2.ShippingAddress(**{**good, **changes})


def a_request(**changes: Any) -> orders_pb2.CreateOrderRequest:
    """A good order, with changes."""
    good = {
        "customer_id": "CUST-001",
        "priority": order_pb2.ORDER_PRIORITY_STANDARD,
        "items": [an_item()],
        "shipping_address": an_address(),
    }
    return orders_pb2.CreateOrderRequest(**{**good, **changes})


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> descriptor_pb2.FileDescriptorSet:
    """Our protos with their comments."""
    target = tmp_path_factory.mktemp("descriptors") / "protos.binpb"
    names = generate.proto_files(generate.OURS)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{generate.PROTOS}", "--include_source_info"]
    subprocess.run([*command, f"--descriptor_set_out={target}", *names], check=True)
    return descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes())


Place = tuple[int, ...]


def places(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Place, str]]:
    """Everything of a file that needs a comment, by its path in the descriptor."""
    for i, message in enumerate(file.message_type):
        yield (4, i), message.name
        yield from (((4, i, 2, j), f"{message.name}.{f.name}") for j, f in enumerate(message.field))
        real = len({f.oneof_index for f in message.field if f.HasField("oneof_index")} - synthetic(message))
        yield from (((4, i, 8, j), f"{message.name}.{message.oneof_decl[j].name}") for j in range(real))
    for i, enum in enumerate(file.enum_type):
        yield (5, i), enum.name
        yield from (((5, i, 2, j), value.name) for j, value in enumerate(enum.value))
    for i, service in enumerate(file.service):
        yield (6, i), service.name
        yield from (((6, i, 2, j), method.name) for j, method in enumerate(service.method))
    yield from (((7, i), extension.name) for i, extension in enumerate(file.extension))


def synthetic(message: descriptor_pb2.DescriptorProto) -> set[int]:
    """The oneofs that only stand for `optional`."""
    return {field.oneof_index for field in message.field if field.proto3_optional}


def comments(file: descriptor_pb2.FileDescriptorProto) -> dict[Place, str]:
    """The leading comment of each place that has one."""
    return {
        tuple(where.path): where.leading_comments.strip()
        for where in file.source_code_info.location
        if where.leading_comments.strip()
    }


def test_everything_a_caller_sees_has_a_comment(sources: descriptor_pb2.FileDescriptorSet) -> None:
    """No service, call, message, field, enum, value or rule is left without its meaning."""
    bare = [
        f"{file.name}: {name}"
        for file in sources.file
        for place, name in places(file)
        if place not in comments(file)
    ]
    assert bare == []


def test_every_error_reason_tells_its_code_its_facts_and_what_to_do(
    sources: descriptor_pb2.FileDescriptorSet,
) -> None:
    """A caller can act on a reason from its documentation alone."""
    file = next(file for file in sources.file if file.name.endswith("/error.proto"))
    texts = [comments(file)[(5, 0, 2, i)] for i in range(1, len(file.enum_type[0].value))]
    codes = [text.split("Code: ")[1].split(".")[0] for text in texts]
    assert set(codes) <= {code.name for code in grpc.StatusCode}
    assert [text for text in texts if "Metadata: " not in text or "Caller: " not in text] == []


@pytest.mark.parametrize("service", CONTRACT)
def test_a_service_has_exactly_the_calls_of_the_contract(service: str) -> None:
    """Clients built from the contract document find every call, and nothing else is offered."""
    found = next(descriptor for descriptor in SERVICES if descriptor.name == service)
    assert sorted(method.name for method in found.methods) == sorted(CONTRACT[service].split())


def test_there_are_no_other_services() -> None:
    """The five services of the contract are all there is."""
    assert {service.name for service in SERVICES} == set(CONTRACT)


def test_every_unary_call_has_an_http_path() -> None:
    """Whatever can be called over gRPC without a stream can be called over HTTP."""
    unary = [method for method in METHODS if not (method.client_streaming or method.server_streaming)]
    assert [method.name for method in unary if not http_rules(method)] == []


@pytest.mark.parametrize(("name", "verb", "path", "body"), SEED_PATHS)
def test_the_seeds_paths_are_kept(name: str, verb: str, path: str, body: str) -> None:
    """A client of the seed's REST interface finds every path, and single resources bare."""
    rule = http_rules(next(method for method in METHODS if method.name == name))[0]
    assert (*verb_and_path(rule), rule.response_body) == (verb, path, body)


def test_no_two_calls_share_a_path() -> None:
    """A request over HTTP means one call only, whatever the variables are named."""
    shapes = Counter[tuple[str, ...]]()
    for method in METHODS:
        for verb, path in map(verb_and_path, http_rules(method)):
            shapes[(verb, *("*" if part.startswith("{") else part for part in path.split("/")))] += 1
    assert [shape for shape, count in shapes.items() if count > 1] == []


def test_a_name_that_is_a_word_of_another_path_has_a_path_all_the_same() -> None:
    """Where a literal of another call hides a value of a variable, the same field is at another path too."""
    paths = [verb_and_path(rule) for method in METHODS for rule in http_rules(method)]
    for method in METHODS:
        rules = [verb_and_path(rule) for rule in http_rules(method)]
        reached = {variables(path) for verb, path in rules if not any(hides(o, (verb, path)) for o in paths)}
        assert {variables(path) for _, path in rules} <= reached, method.name


def variables(path: str) -> tuple[str, ...]:
    """The names of a path's variables."""
    return tuple(part for part in path.split("/") if part.startswith("{"))


def hides(other: tuple[str, str], one: tuple[str, str]) -> bool:
    """Whether another path is found first for some values of this one's variables."""
    pairs = list(zip(other[1].split("/"), one[1].split("/"), strict=False))
    same_length = other[1].count("/") == one[1].count("/")
    fits = all(mine.startswith("{") or theirs == mine for theirs, mine in pairs)
    literal = any(mine.startswith("{") and not theirs.startswith("{") for theirs, mine in pairs)
    return other[0] == one[0] and same_length and fits and literal


def test_every_path_variable_and_body_is_a_field() -> None:
    """No annotation names a field that does not exist."""
    for method in METHODS:
        for rule in http_rules(method):
            parts = verb_and_path(rule)[1].split("/")
            names = [part[1:-1] for part in parts if part.startswith("{")]
            names += [rule.body] if rule.body not in ("", "*") else []
            assert all(resolves(method, name) for name in names), method.name
            assert rule.response_body in ("", *method.output_type.fields_by_name), method.name


def resolves(method: MethodDescriptor, name: str) -> bool:
    """Whether a dotted name leads to a field of the request."""
    message: Descriptor | None = method.input_type
    for part in name.split("."):
        if message is None or part not in message.fields_by_name:
            return False
        message = message.fields_by_name[part].message_type
    return True


def test_every_changing_call_takes_a_request_id() -> None:
    """Whatever changes something can be repeated safely."""
    changing = [method for method in METHODS if not method.name.startswith(READING)]
    without = [m.name for m in changing if "request_id" not in m.input_type.fields_by_name]
    assert without == ["IngestOrders"]
    assert "request" in orders_pb2.IngestOrdersRequest.DESCRIPTOR.fields_by_name


def test_every_enum_begins_with_unspecified() -> None:
    """A field that nobody set is never mistaken for a value."""
    assert [enum.name for enum in ENUMS if not enum.values_by_number[0].name.endswith("_UNSPECIFIED")] == []


def lists_of_requests() -> list[FieldDescriptor]:
    """Every list in a request, at any depth, but for those of messages that are not ours."""
    found = {way[-1].full_name: way[-1] for method in METHODS for way in lists_of(method)}
    return [field for field in found.values() if field.full_name.startswith("wms.orders.v1.")]


def test_every_list_of_a_request_says_how_long_it_may_be() -> None:
    """A server can refuse a request for its length before it looks at the elements."""
    assert [field.full_name for field in lists_of_requests() if not max_items(field)] == []
    for field in lists_of_requests():
        if field.enum_type is not None:
            # Each value once.
            assert max_items(field) == len(field.enum_type.values) - 1, field.full_name


def test_a_request_within_the_rules_is_within_the_bytes_of_its_call() -> None:
    """The longest texts in the longest lists, four bytes a character, fit into what each call takes."""
    for method in METHODS:
        assert max_bytes(method) <= MAX_REQUEST_BYTES
        if method.name == "BatchCreateOrders":
            # An order has half a megabyte then: 500 of them are not one request.
            continue
        assert longest(method.input_type) <= max_bytes(method), method.name


LONGEST_BY_RULE = {
    rules_pb2.resource_id: 128,
    rules_pb2.visible_ascii: 128,
    rules_pb2.wave_number: 22,
    rules_pb2.country_code: 2,
}
WIDEST = {FieldDescriptor.TYPE_BOOL: 1, FieldDescriptor.TYPE_INT32: 10, FieldDescriptor.TYPE_INT64: 10}


def longest(message: Descriptor) -> int:
    """The most bytes of a message that keeps the rules, without what the service writes."""
    written = {"Order.shipments", "Order.etag", "Order.last_failure_reason", "Order.cancel_reason"}
    return sum(
        (2 + 4 + longest_value(field)) * (max_items(field) if field.is_repeated else 1)
        for field in message.fields
        if f"{message.name}.{field.name}" not in written
    )


def longest_value(field: FieldDescriptor) -> int:
    """The most bytes of one value of a field."""
    if field.message_type is not None:
        return longest(field.message_type)
    if field.type != FieldDescriptor.TYPE_STRING:
        return WIDEST.get(field.type, 10)
    rules = field.GetOptions().Extensions[validate_pb2.field].string
    if rules.HasField("max_len"):
        return int(rules.max_len) * 4
    return next((most for rule, most in LONGEST_BY_RULE.items() if rules.Extensions[rule]), 128)


def test_buf_finds_nothing_to_complain_about() -> None:
    """The protos keep buf's STANDARD and COMMENTS rules."""
    buf = Path(sysconfig.get_path("scripts")) / "buf"
    done = subprocess.run([buf, "lint"], cwd=generate.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.timeout(400)  # the generators may have to be fetched first
@pytest.mark.slow
def test_the_committed_clients_are_what_the_protos_generate() -> None:
    """Nobody edited a client, in any language, and nobody forgot to make it anew."""
    assert main(["--check"]) == 0


def test_a_stale_client_is_noticed(tmp_path: Path) -> None:
    """The check sees a changed file, a missing one and one too many."""
    for package in ("wms", "buf"):
        shutil.copytree(generate.PYTHON.folder / package, tmp_path / package)
    (tmp_path / "wms/orders/v1/order_pb2.py").write_text("# edited")
    (tmp_path / "wms/orders/v1/error_pb2.py").unlink()
    (tmp_path / "wms/orders/v1/extra_pb2.py").touch()
    client = generate.PYTHON
    names = [name.name for name in generate.differences(tmp_path, client.folder, client.made)]
    assert names == ["error_pb2.py", "extra_pb2.py", "order_pb2.py"]


def test_a_language_whose_tools_are_missing_is_left_out_with_a_word_but_not_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is overlooked where everything is to be looked at."""
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "go" else f"/usr/bin/{name}")
    monkeypatch.delenv("CI", raising=False)
    assert main(["--check", "go"]) == 0
    monkeypatch.setenv("CI", "true")
    assert main(["--check", "go"]) == 1
    assert capsys.readouterr().err.count("left out: clients/go, for want of go") == 2


def test_the_seeds_order_is_a_request() -> None:
    """The JSON of the seed's CreateOrder reads as a request without a fault."""
    seed = {
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
    assert violations(json_format.ParseDict(seed, orders_pb2.CreateOrderRequest())) == []


GOOD: list[tuple[str, Callable[[], Message]]] = [
    ("the least quantity", lambda: a_request(items=[an_item(quantity=1)])),
    ("the greatest quantity", lambda: a_request(items=[an_item(quantity=1_000_000)])),
    ("500 items", lambda: a_request(items=[an_item()] * 500)),
    ("256 characters", lambda: a_request(customer_id="ü" * 256)),
    ("256 characters in an optional text", lambda: a_request(shipping_address=an_address(phone="1" * 256))),
    ("accents and apostrophes", lambda: a_request(shipping_address=an_address(city="L'Haÿ-les-Roses"))),
    ("128 characters of an id", lambda: a_request(order_id="A" * 128)),
    ("every character of an id", lambda: a_request(order_id="0aZ._-")),
    ("128 characters of a request id", lambda: a_request(request_id="~" * 128)),
    ("no state and no postal code", lambda: a_request(shipping_address=an_address(state="", zip_code=""))),
    ("a price of nothing", lambda: a_request(items=[an_item(unit_price=Money(currency_code="EUR"))])),
    ("the first moment", lambda: a_request(promised_delivery_at=Timestamp(seconds=-62135596800))),
    (
        "the last moment",
        lambda: a_request(promised_delivery_at=Timestamp(seconds=253402300799, nanos=999999999)),
    ),
    ("2,000 characters of a reason", lambda: orders_pb2.CancelOrderRequest(order_id="A", reason="x" * 2000)),
    ("no reason", lambda: orders_pb2.CancelOrderRequest(order_id="A")),
    ("no page size", orders_pb2.ListOrdersRequest),
    ("a large page size", lambda: list_orders(page_size=100_000)),
    ("an age of nothing", lambda: list_entries(older_than_hours=0.0)),
    ("500 moves", lambda: storage_pb2.ClaimMovesRequest(warehouse_id="W", max=500, claimed_by="wcs")),
]


@pytest.mark.parametrize("make", [make for _, make in GOOD], ids=[name for name, _ in GOOD])
def test_what_lies_within_the_limits_passes(make: Callable[[], Message]) -> None:
    """Each limit lets its last value through."""
    assert violations(make()) == []


def priced(**money: Any) -> orders_pb2.CreateOrderRequest:
    """An order whose line has a price."""
    return a_request(items=[an_item(unit_price=Money(**{"currency_code": "USD", **money}))])


def a_failure(**changes: Any) -> reprocessing_pb2.IncrementRetryCountRequest:
    """A good report of a failure, with changes."""
    good = {"order_id": "A", "failure_reason": "Picking station offline"}
    return reprocessing_pb2.IncrementRetryCountRequest(**{**good, **changes})


def a_decision(**changes: Any) -> dead_letters_pb2.ResolveDeadLetterEntryRequest:
    """A good decision about a dead letter entry, with changes."""
    good = {
        "order_id": "A",
        "resolution": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED,
        "resolved_by": "SUPERVISOR-001",
    }
    return dead_letters_pb2.ResolveDeadLetterEntryRequest(**{**good, **changes})


BAD: list[tuple[str, Callable[[], Message]]] = [
    ("customer_id", lambda: a_request(customer_id="")),
    ("customer_id", lambda: a_request(customer_id="x" * 257)),
    ("customer_id", lambda: a_request(customer_id=" \u00a0\u3000")),
    ("customer_id", lambda: a_request(customer_id="a\nb")),
    ("customer_id", lambda: a_request(customer_id="a\x00b")),
    ("customer_id", lambda: a_request(customer_id="a\x85b")),
    ("priority", lambda: a_request(priority=0)),
    ("priority", lambda: a_request(priority=77)),
    ("items", lambda: a_request(items=[])),
    ("items", lambda: a_request(items=[an_item()] * 501)),
    ("items[0].sku", lambda: a_request(items=[an_item(sku="")])),
    ("items[0].sku", lambda: a_request(items=[an_item(sku="   ")])),
    ("items[0].quantity", lambda: a_request(items=[an_item(quantity=0)])),
    ("items[0].quantity", lambda: a_request(items=[an_item(quantity=-1)])),
    ("items[1].quantity", lambda: a_request(items=[an_item(), an_item(quantity=1_000_001)])),
    ("items[0].unit_price", lambda: priced(units=-1)),
    ("items[0].unit_price", lambda: priced(nanos=-1)),
    ("items[0].unit_price", lambda: priced(nanos=1_000_000_000)),
    ("items[0].unit_price", lambda: priced(currency_code="")),
    ("items[0].unit_price", lambda: priced(currency_code="usd")),
    ("items[0].unit_price", lambda: priced(currency_code="DEM")),
    ("shipping_address", lambda: a_request(shipping_address=None)),
    ("shipping_address.street", lambda: a_request(shipping_address=an_address(street=""))),
    ("shipping_address.city", lambda: a_request(shipping_address=an_address(city="\t"))),
    ("shipping_address.country", lambda: a_request(shipping_address=an_address(country=""))),
    ("shipping_address.country", lambda: a_request(shipping_address=an_address(country="us"))),
    ("shipping_address.country", lambda: a_request(shipping_address=an_address(country="XX"))),
    ("shipping_address.state", lambda: a_request(shipping_address=an_address(state="x" * 257))),
    ("shipping_address.phone", lambda: a_request(shipping_address=an_address(phone="1\r2"))),
    ("promised_delivery_at", lambda: a_request(promised_delivery_at=Timestamp(seconds=-62135596801))),
    ("promised_delivery_at", lambda: a_request(promised_delivery_at=Timestamp(seconds=253402300800))),
    ("promised_delivery_at", lambda: a_request(promised_delivery_at=Timestamp(seconds=10**18))),
    ("promised_delivery_at", lambda: a_request(promised_delivery_at=Timestamp(seconds=-(2**63)))),
    ("order_id", lambda: a_request(order_id="A" * 129)),
    ("order_id", lambda: a_request(order_id="-A")),
    ("order_id", lambda: a_request(order_id="A/B")),
    ("order_id", lambda: a_request(order_id="A\n")),
    ("warehouse_id", lambda: a_request(warehouse_id="W 1")),
    ("request_id", lambda: a_request(request_id="x" * 129)),
    ("request_id", lambda: a_request(request_id="a b")),
    ("request_id", lambda: a_request(request_id="é")),
    ("order_id", orders_pb2.GetOrderRequest),
    ("reason", lambda: orders_pb2.CancelOrderRequest(order_id="A", reason="x" * 2001)),
    ("page_size", lambda: list_orders(page_size=-1)),
    ("page", lambda: list_orders(page=-1)),
    ("", lambda: list_orders(page=2, page_token="abc")),
    ("statuses[1]", lambda: list_orders(statuses=[1, 0])),
    ("statuses[0]", lambda: list_orders(statuses=[99])),
    ("update_mask", lambda: update("status")),
    ("update_mask", lambda: update("shipping_address.city")),
    ("order_ids", lambda: orders_pb2.AssignOrdersToWaveRequest(order_ids=["A", "A"], destination_id="D")),
    ("wave_id", lambda: list_orders(wave_id="WAVE-24-1")),
    ("limit", lambda: reprocessing_pb2.ListEligibleOrdersRequest(limit=-1)),
    ("failure_reason", lambda: a_failure(failure_reason="")),
    ("failure_reason", lambda: a_failure(failure_reason="x" * 2001)),
    ("failed_at", lambda: a_failure(failed_at=Timestamp(seconds=253402300800))),
    ("offset", lambda: list_entries(offset=10_001)),
    ("older_than_hours", lambda: list_entries(older_than_hours=-0.5)),
    (
        "older_than_hours",
        lambda: list_entries(older_than_hours=float("inf")),
    ),
    ("failure_status", lambda: list_entries(failure_status=6)),
    ("name", dead_letters_pb2.GetDeadLetterEntryRequest),
    ("resolution", lambda: a_decision(resolution=0)),
    ("resolution", lambda: a_decision(resolution=4)),
    ("resolved_by", lambda: a_decision(resolved_by="")),
    ("notes", lambda: a_decision(notes="x" * 2001)),
    ("max", lambda: storage_pb2.ClaimMovesRequest(warehouse_id="W", max=501, claimed_by="wcs")),
    ("lane", storage_pb2.PutLaneRequest),
    ("carriers", lambda: storage_pb2.ReceiveCarriersRequest(warehouse_id="W")),
]


def list_orders(**fields: Any) -> orders_pb2.ListOrdersRequest:
    """A wish for a page of orders; numbers stand for enum values."""
    return orders_pb2.ListOrdersRequest(**fields)


def list_entries(**fields: Any) -> dead_letters_pb2.ListDeadLetterEntriesRequest:
    """A wish for a page of dead letter entries; numbers stand for enum values."""
    return dead_letters_pb2.ListDeadLetterEntriesRequest(**fields)


def update(path: str) -> orders_pb2.UpdateOrderRequest:
    """A wish to change one field of an order."""
    request = orders_pb2.UpdateOrderRequest(order_id="A")
    request.update_mask.paths.append(path)
    return request


@pytest.mark.parametrize(("path", "make"), BAD, ids=[f"{i}-{path}" for i, (path, _) in enumerate(BAD)])
def test_what_lies_beyond_a_limit_is_one_fault_of_that_field(path: str, make: Callable[[], Message]) -> None:
    """Each limit refuses the next value, and names the field."""
    found = [where for where in paths(make()) if where == path]
    assert found, violations(make())


def test_a_nanosecond_count_out_of_range_does_not_break_the_validator() -> None:
    """protovalidate carries such nanoseconds over into seconds; only what follows is judged."""
    assert paths(a_request(promised_delivery_at=Timestamp(nanos=-5))) == []
    late = Timestamp(seconds=253402300799, nanos=2_000_000_000)
    assert paths(a_request(promised_delivery_at=late)) == ["promised_delivery_at"]


def test_all_faults_are_reported_at_once() -> None:
    """A caller corrects a request once, not fault by fault."""
    bad_price = Money(currency_code="XYZ", units=-1)
    request = orders_pb2.CreateOrderRequest(
        items=[an_item(quantity=0), an_item(sku="", unit_price=bad_price)],
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
def test_a_batch_is_judged_by_its_size_alone(count: int, expected: list[str]) -> None:
    """A bad order is no fault of its batch; too few or too many are."""
    bad = orders_pb2.CreateOrderRequest()
    assert paths(orders_pb2.BatchCreateOrdersRequest(requests=[bad] * count)) == expected


def test_an_order_of_a_stream_is_not_judged_with_its_envelope() -> None:
    """A bad order does not end the stream it came in."""
    request = orders_pb2.IngestOrdersRequest(request=orders_pb2.CreateOrderRequest())
    assert paths(request) == []


def test_an_update_is_judged_by_its_mask_not_by_the_whole_order() -> None:
    """Fields of the order that the mask does not name may be unset or out of range."""
    order = order_pb2.Order(items=[an_item(quantity=0)], shipping_address=order_pb2.ShippingAddress())
    assert paths(orders_pb2.UpdateOrderRequest(order_id="A", order=order)) == []


def test_every_text_says_what_is_wrong_in_words() -> None:
    """A violation's text is for people: no expression and no list of 249 codes."""
    request = a_request(
        customer_id="\t", order_id="?", request_id=" ", shipping_address=an_address(country="XX")
    )
    texts = [text for _, text in violations(request)]
    assert texts == [
        "must not contain control characters",
        "must be an ISO 3166-1 alpha-2 code in capitals, such as US",
        "must be 1 to 128 characters of A-Z a-z 0-9 . _ - and begin with a letter or a digit",
        "must be 1 to 128 visible ASCII characters",
    ]


def codes(expression: str) -> list[str]:
    """The codes that a rule lists, in one text."""
    (listed,) = re.findall(r"'([A-Z ]+)'", expression)
    return str(listed).split()


def test_all_countries_and_currencies_are_accepted() -> None:
    """The lists are whole: 249 countries, and every currency of ISO 4217 in use."""
    rule = rules_pb2.DESCRIPTOR.extensions_by_name["country_code"]
    countries = codes(rule.GetOptions().Extensions[validate_pb2.predefined].cel[0].expression)
    price = order_pb2.OrderItem.DESCRIPTOR.fields_by_name["unit_price"]
    currencies = codes(price.GetOptions().Extensions[validate_pb2.field].cel[0].expression)
    assert (len(set(countries)), len(set(currencies))) == (249, 178)
    for code in countries:
        assert violations(an_address(country=code)) == []
    for code in currencies:
        assert violations(an_item(unit_price=Money(currency_code=code))) == []
