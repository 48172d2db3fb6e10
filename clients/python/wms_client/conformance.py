"""Run the conformance cases of all clients (clients/conformance/README.md)."""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, empty_pb2, json_format, message_factory, wrappers_pb2

from wms.orders.v1 import dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2
from wms_client.client import Client, connect
from wms_client.errors import OrdersError

_PACKAGE = orders_pb2.DESCRIPTOR.package
_REQUEST_TYPES = {kind.DESCRIPTOR.full_name: kind for kind in (wrappers_pb2.BytesValue, empty_pb2.Empty)}
# Imported so that their services are in the descriptor pool.
_FILES = (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)
_UNTIL_TIMEOUT_SECONDS, _POLL_SECONDS = 30.0, 0.1

Json = Any


class CaseFailure(Exception):
    """A step of a case had an unexpected result."""


@dataclass
class Case:
    """One case; `variables` are the values saved while it runs."""

    name: str
    steps: list[Json]
    fixtures: Mapping[str, Json]
    clients: Mapping[str, Client]
    server: str = "main"
    variables: dict[str, str] = field(default_factory=dict)

    async def run(self, steps: list[Json]) -> None:
        """Run steps. Raises CaseFailure."""
        for template in steps:
            if "do" in template:
                self.variables.update(self.substitute(template.get("with", {})))
                await self.run(self.fixtures[template["do"]]["steps"])
            elif template.get("until"):
                await self.run_until_success(template)
            else:
                await self.run_step(self.substitute(template))

    async def run_until_success(self, template: Json) -> None:
        """Repeat a step until it succeeds. Raises CaseFailure after the timeout."""
        deadline = time.monotonic() + _UNTIL_TIMEOUT_SECONDS
        while True:
            try:
                return await self.run_step(self.substitute(template))
            except CaseFailure:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def run_step(self, step: Json) -> None:
        """Make the call of a step, list pages or watch events, and compare the result. Raises CaseFailure."""
        try:
            response = await self.call(step)
        except OrdersError as error:
            compare_error(step, error)
            return
        if "error" in step:
            raise CaseFailure(f"{format_step(step)} succeeded, instead of {step['error']}")
        for path, expected in step.get("expect", {}).items():
            actual = read_path(response, path)
            if not (actual not in (None, "") if expected == "*" else str(actual) == str(expected)):
                raise CaseFailure(f"{format_step(step)}: {path} is {actual!r}, not {expected!r}")
        self.variables.update(
            {name: str(read_path(response, path)) for name, path in step.get("save", {}).items()}
        )

    async def call(self, step: Json) -> Json:
        """Return the response to a step as JSON. Raises OrdersError."""
        client = self.clients[step.get("server", self.server)]
        correlation_id = step.get("correlation")
        metadata = (("x-wms-correlation-id", correlation_id),) if correlation_id else ()
        if "watch" in step:
            return await read_events(client, step, metadata)
        if "pages" in step:
            return await read_pages(client, step, metadata)
        return await make_call(client, step, step["request"], metadata)

    def substitute(self, value: Json) -> Json:
        """Return the value with variables in place of `${name}`."""
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda match: self.variables[match[1]], value)
        if isinstance(value, list):
            return [self.substitute(element) for element in value]
        if isinstance(value, dict):
            return {name: self.substitute(member) for name, member in value.items()}
        return value


async def make_call(client: Client, step: Json, request: Json, metadata: Any) -> Json:
    """Make a call by its name. Return the response, or the first message of a stream."""
    service_name, _, method_name = step["call"].partition(".")
    pool = descriptor_pool.Default()
    service = pool.FindServiceByName(f"{_PACKAGE}.{service_name}")  # type: ignore[no-untyped-call,unused-ignore]
    method = service.methods_by_name.get(method_name)
    request_type: Any = empty_pb2.Empty
    response_type: Any = empty_pb2.Empty
    if method is not None:
        request_type = message_factory.GetMessageClass(method.input_type)
        response_type = message_factory.GetMessageClass(method.output_type)
    request_type = _REQUEST_TYPES.get(step.get("as", ""), request_type)
    is_streaming = method is not None and method.server_streaming
    create_rpc = client.channel.unary_stream if is_streaming else client.channel.unary_unary
    rpc: Any = create_rpc(
        f"/{service.full_name}/{method_name}",
        request_serializer=request_type.SerializeToString,
        response_deserializer=response_type.FromString,
    )
    call = rpc(json_format.ParseDict(request, request_type()), timeout=step.get("timeout"), metadata=metadata)
    if not is_streaming:
        return json_format.MessageToDict(await call)
    try:
        return json_format.MessageToDict(await call.read())
    except grpc.aio.AioRpcError as error:
        raise OrdersError(error) from None
    finally:
        call.cancel()


async def read_pages(client: Client, step: Json, metadata: Any) -> Json:
    """Follow the page tokens to the end. Raises CaseFailure unless each element comes exactly once."""
    expected, request, ids, pages = step["pages"], dict(step["request"]), [], 0
    while True:
        response = await make_call(client, step, request, metadata)
        ids += [element[expected["id"]] for element in response.get(expected["of"], [])]
        pages += 1
        token = response.get("nextPageToken")
        if not token:
            break
        request["pageToken"] = token
    if (len(ids), len(set(ids)), pages) != (expected["count"], expected["count"], expected["pages"]):
        raise CaseFailure(f"{format_step(step)}: {len(ids)} on {pages} pages, {len(set(ids))} different")
    return {}


async def read_events(client: Client, step: Json, metadata: Any) -> Json:
    """Return the first events of a watch."""
    request = json_format.ParseDict(step["watch"], orders_pb2.WatchOrdersRequest())
    events: list[Json] = []
    stream = client.watch_orders(request, metadata=metadata)
    async for event in stream:
        events.append(json_format.MessageToDict(event))
        if len(events) == step["take"]:
            break
    return {"events": events}


def compare_error(step: Json, error: OrdersError) -> None:
    """Raise CaseFailure unless the step expects this error."""
    expected = step.get("error")
    if expected is None:
        raise CaseFailure(f"{format_step(step)}: {error}")
    code_and_reason = (error.code().name, error.reason_name)
    if code_and_reason != (expected["code"], expected.get("reason", "")):
        raise CaseFailure(
            f"{format_step(step)}: {error}, not {expected['code']} {expected.get('reason', '')}"
        )
    if bool(error.reason) != bool(error.reason_name):
        raise CaseFailure(f"{format_step(step)}: {error.reason_name} is not a value of ErrorReason")
    for name, value in expected.get("metadata", {}).items():
        actual = error.metadata.get(name)
        if not (actual if value == "*" else actual == value):
            raise CaseFailure(f"{format_step(step)}: metadata {name} is {actual!r}, not {value!r}")
    if "fields" in expected and sorted(v.field for v in error.violations) != sorted(expected["fields"]):
        raise CaseFailure(
            f"{format_step(step)}: fields {[v.field for v in error.violations]}, not {expected['fields']}"
        )


def read_path(value: Json, path: str) -> Json:
    """Return the value at a path such as `orders.0.orderId`, the length at `orders.#`, or None."""
    for part in path.split("."):
        if part == "#":
            value = len(value or ())
        elif isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def format_step(step: Json) -> str:
    """Return the name of the call of a step."""
    return str(step.get("call", "watch"))


async def run_case(case: Case) -> Json:
    """Run one case. Return its result."""
    started_at, detail = time.monotonic(), ""
    try:
        # Fixtures are nested at most twice; a case that hangs fails.
        async with asyncio.timeout(2 * _UNTIL_TIMEOUT_SECONDS):
            await case.run(case.steps)
    except (CaseFailure, KeyError, TimeoutError, json_format.ParseError) as error:
        detail = str(error)[:500] or type(error).__name__
    elapsed = round((time.monotonic() - started_at) * 1000)
    return {"case": case.name, "ok": not detail, "ms": elapsed, "detail": detail}


async def run(options: argparse.Namespace) -> bool:
    """Run all cases whose servers are given. Return whether all succeeded."""
    document = json.loads(options.cases.read_text())
    all_succeeded = True
    async with AsyncExitStack() as stack:
        clients = {}
        for argument in options.server:
            name, _, address = argument.partition("=")
            clients[name] = await stack.enter_async_context(connect(address))
        for number, case_json in enumerate(document["cases"]):
            variables = {
                "id": f"{options.run}-{number}",
                "in_an_hour": (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
                "four_mebibytes": "x" * 4 * 1024 * 1024,
            }
            server = case_json.get("server", "main")
            servers = {server, *(step.get("server", server) for step in case_json["steps"])}
            if not servers <= clients.keys():
                continue
            case = Case(
                case_json["name"], case_json["steps"], document["fixtures"], clients, server, variables
            )
            result = await run_case(case)
            all_succeeded = all_succeeded and result["ok"]
            print(json.dumps(result), flush=True)  # noqa: T201
    return all_succeeded


def main() -> int:
    """Print a line of JSON for each case. Return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Run the conformance cases of all clients.")
    parser.add_argument("--cases", type=Path, required=True, help="clients/conformance/cases.json")
    parser.add_argument("--run", required=True, help="prefix of the ids of this run")
    parser.add_argument("server", nargs="+", help="NAME=HOST:PORT; `main` is the server under test")
    return 0 if asyncio.run(run(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
