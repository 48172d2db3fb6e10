"""The service config of the contract: what clients in every language try again, and for how long."""

import json
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor

from tests.contract.test_protos import METHODS
from wms_client import service_config
from wms_client.policy import deadlines, default_backoff
from wms_dev.generate.protos import SERVICE_CONFIG
from wms_server.settings import ServerSettings

GROUPS: list[dict[str, Any]] = json.loads(service_config())["methodConfig"]
NAMES = [(name["service"], name.get("method")) for group in GROUPS for name in group["name"]]


def _group(method: MethodDescriptor) -> dict[str, Any]:
    """What holds for a call: what names it, else what names its service."""
    service = method.containing_service.full_name
    for name in ({"service": service, "method": method.name}, {"service": service}):
        for group in GROUPS:
            if name in group["name"]:
                return group
    raise AssertionError(f"nothing is said of {method.full_name}")


def test_the_client_has_the_contracts_file() -> None:
    """As `make generate` copied it."""
    assert service_config() == SERVICE_CONFIG.read_text()


def test_every_name_is_a_call_and_comes_once() -> None:
    """gRPC's libraries refuse the whole file otherwise, or leave a name that is wrong unused."""
    known: set[tuple[str, str | None]]
    known = {(method.containing_service.full_name, method.name) for method in METHODS}
    known |= {(method.containing_service.full_name, None) for method in METHODS}
    assert set(NAMES) <= known
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_call_of_one_answer_may_be_repeated_and_ends(method: MethodDescriptor) -> None:
    """A read, or a change with a request id; a stream is neither tried again nor cut off."""
    group = _group(method)
    if method.client_streaming or method.server_streaming:
        assert group.keys() == {"name"}
        return
    reads = method.name.startswith(("Get", "List", "BatchGet", "Explain"))
    assert reads or "request_id" in method.input_type.fields_by_name
    assert group["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    # What gRPC's libraries take at most.
    assert group["retryPolicy"]["maxAttempts"] == 5
    assert 0 < float(group["timeout"].removesuffix("s")) <= _server_limit()


def _server_limit() -> float:
    """What a server lets a call take, unless it is configured."""
    return float(ServerSettings.model_fields["deadline_cap"].default.total_seconds())


def test_the_waits_grow_up_to_a_limit() -> None:
    """From a tenth of a second to two."""
    waits = [default_backoff().before(attempt) for attempt in (1, 2, 3, 4, 1000)]
    assert waits == pytest.approx([0.1, 0.3, 0.9, 2.0, 2.0])


def test_batches_have_more_time() -> None:
    """Three times that of a single order."""
    orders = "wms.orders.v1.OrderService"
    assert (deadlines()[orders, ""], deadlines()[orders, "BatchCreateOrders"]) == (10.0, 30.0)
