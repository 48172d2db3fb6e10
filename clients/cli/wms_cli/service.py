"""The service that is operated, over gRPC."""

import getpass
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc

from wms.orders.v1 import fulfillment_pb2_grpc
from wms_cli.failures import failures_told

if TYPE_CHECKING:
    # This name is in the stubs only.
    from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceStub

SECONDS = 10.0
_OPTIONS = (("grpc.enable_http_proxy", 0),)


@contextmanager
def fulfillment(server: str) -> Iterator["FulfillmentServiceStub"]:
    """Give the service at `host:port` or `:port`; a failed call inside ends the command."""
    target = f"localhost{server}" if server.startswith(":") else server
    with grpc.insecure_channel(target, options=_OPTIONS) as channel, failures_told(target):
        yield fulfillment_pb2_grpc.FulfillmentServiceStub(channel)


def told_by() -> dict[str, Any]:
    """Give what each call carries: who asks, and how long the answer may take."""
    try:
        actor = getpass.getuser()
    except (KeyError, OSError):
        actor = str(os.getuid())
    return {"timeout": SECONDS, "metadata": (("x-wms-actor", f"cli/{actor}"),)}


def new_request_id() -> str:
    """Give a request id, so that a repetition on the way changes nothing twice."""
    return f"cli-{uuid.uuid4()}"
