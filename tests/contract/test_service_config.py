"""The service config of the contract: the calls that clients in every language retry, and their timeouts."""

import json
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor

from tests.contract.test_protos import METHODS
from wms_client import service_config
from wms_client.policy import deadlines, default_backoff
from wms_dev.codegen.protos import SERVICE_CONFIG
from wms_server.settings import ServerSettings

GROUPS: list[dict[str, Any]] = json.loads(service_config())["methodConfig"]
NAMES = [(name["service"], name.get("method")) for group in GROUPS for name in group["name"]]


def _find_group(method: MethodDescriptor) -> dict[str, Any]:
    """Return the group of a call: the one that names it, or the one that names its service."""
    service = method.containing_service.full_name
    for name in ({"service": service, "method": method.name}, {"service": service}):
        for group in GROUPS:
            if name in group["name"]:
                return group
    raise AssertionError(f"no group for {method.full_name}")


def test_client_has_the_file_of_the_contract() -> None:
    """`make generate` copies it."""
    assert service_config() == SERVICE_CONFIG.read_text()


def test_every_name_is_a_call_and_unique() -> None:
    """Otherwise gRPC's libraries reject the entire file, or ignore a wrong name."""
    known_names: set[tuple[str, str | None]]
    known_names = {(method.containing_service.full_name, method.name) for method in METHODS}
    known_names |= {(method.containing_service.full_name, None) for method in METHODS}
    assert set(NAMES) <= known_names
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_unary_call_is_retryable_and_has_a_timeout(method: MethodDescriptor) -> None:
    """It reads, or it changes with a request id. A stream is neither retried nor limited in time."""
    group = _find_group(method)
    if method.client_streaming or method.server_streaming:
        assert group.keys() == {"name"}
        return
    reads = method.name.startswith(("Get", "List", "BatchGet", "Explain"))
    assert reads or "request_id" in method.input_type.fields_by_name
    assert group["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    # The maximum of gRPC's libraries.
    assert group["retryPolicy"]["maxAttempts"] == 5
    assert 0 < float(group["timeout"].removesuffix("s")) <= _default_deadline_cap()


def _default_deadline_cap() -> float:
    """Return the default limit of the server for the duration of a call, in seconds."""
    return float(ServerSettings.model_fields["deadline_cap"].default.total_seconds())


def test_backoff_delays_grow_up_to_a_limit() -> None:
    """The delays grow from a tenth of a second to two seconds."""
    delays = [default_backoff().before(attempt) for attempt in (1, 2, 3, 4, 1000)]
    assert delays == pytest.approx([0.1, 0.3, 0.9, 2.0, 2.0])


def test_batches_have_a_longer_timeout() -> None:
    """A batch has three times the timeout of a single order."""
    orders = "wms.orders.v1.OrderService"
    assert (deadlines()[orders, ""], deadlines()[orders, "BatchCreateOrders"]) == (10.0, 30.0)
