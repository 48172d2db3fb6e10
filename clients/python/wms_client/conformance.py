"""Runs the cases that every client is held to (clients/conformance/README.md)."""

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

PACKAGE = orders_pb2.DESCRIPTOR.package
SENT_AS = {kind.DESCRIPTOR.full_name: kind for kind in (wrappers_pb2.BytesValue, empty_pb2.Empty)}
# So that their services are in the pool.
_FILES = (dead_letters_pb2, fulfillment_pb2, orders_pb2, reprocessing_pb2, storage_pb2)
UNTIL_SECONDS, LOOK_SECONDS = 30.0, 0.1

Json = Any


class Failed(Exception):
    """A case did not go as written."""


@dataclass
class Case:
    """One case, with what is known while it runs."""

    name: str
    steps: list[Json]
    fixtures: Mapping[str, Json]
    clients: Mapping[str, Client]
    server: str = "main"
    known: dict[str, str] = field(default_factory=dict)

    async def run(self, steps: list[Json]) -> None:
        """Take the steps; raises Failed."""
        for raw in steps:
            if "do" in raw:
                self.known.update(self.filled(raw.get("with", {})))
                await self.run(self.fixtures[raw["do"]]["steps"])
            elif raw.get("until"):
                await self.until(raw)
            else:
                await self.step(self.filled(raw))

    async def until(self, raw: Json) -> None:
        """Take a step until it goes as written."""
        ends = time.monotonic() + UNTIL_SECONDS
        while True:
            try:
                return await self.step(self.filled(raw))
            except Failed:
                if time.monotonic() > ends:
                    raise
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self, step: Json) -> None:
        """Make one call, or the pages or the watch of one, and compare."""
        try:
            answer = await self.answer(step)
        except OrdersError as error:
            compare_error(step, error)
            return
        if "error" in step:
            raise Failed(f"{what(step)} succeeded, instead of {step['error']}")
        for path, expected in step.get("expect", {}).items():
            found = look(answer, path)
            if not (found not in (None, "") if expected == "*" else str(found) == str(expected)):
                raise Failed(f"{what(step)}: {path} is {found!r}, not {expected!r}")
        self.known.update({name: str(look(answer, path)) for name, path in step.get("save", {}).items()})

    async def answer(self, step: Json) -> Json:
        """What the step brings, as JSON; raises OrdersError."""
        client = self.clients[step.get("server", self.server)]
        correlation = step.get("correlation")
        metadata = (("x-wms-correlation-id", correlation),) if correlation else ()
        if "watch" in step:
            return await watched(client, step, metadata)
        if "pages" in step:
            return await paged(client, step, metadata)
        return await called(client, step, step["request"], metadata)

    def filled(self, value: Json) -> Json:
        """The same with `${names}` replaced."""
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda match: self.known[match[1]], value)
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if isinstance(value, dict):
            return {name: self.filled(one) for name, one in value.items()}
        return value


async def called(client: Client, step: Json, request: Json, metadata: Any) -> Json:
    """Make a call by its name; of a stream the first message."""
    service_name, _, method_name = step["call"].partition(".")
    pool = descriptor_pool.Default()
    service = pool.FindServiceByName(f"{PACKAGE}.{service_name}")  # type: ignore[no-untyped-call,unused-ignore]
    method = service.methods_by_name.get(method_name)
    sent: Any = empty_pb2.Empty
    answered: Any = empty_pb2.Empty
    if method is not None:
        sent = message_factory.GetMessageClass(method.input_type)
        answered = message_factory.GetMessageClass(method.output_type)
    sent = SENT_AS.get(step.get("as", ""), sent)
    streams = method is not None and method.server_streaming
    make = client.channel.unary_stream if streams else client.channel.unary_unary
    rpc: Any = make(
        f"/{service.full_name}/{method_name}",
        request_serializer=sent.SerializeToString,
        response_deserializer=answered.FromString,
    )
    call = rpc(json_format.ParseDict(request, sent()), timeout=step.get("timeout"), metadata=metadata)
    if not streams:
        return json_format.MessageToDict(await call)
    try:
        return json_format.MessageToDict(await call.read())
    except grpc.aio.AioRpcError as error:
        raise OrdersError(error) from None
    finally:
        call.cancel()


async def paged(client: Client, step: Json, metadata: Any) -> Json:
    """Follow the page tokens to the end; everything must come once."""
    wanted, request, found, pages = step["pages"], dict(step["request"]), [], 0
    while True:
        answer = await called(client, step, request, metadata)
        found += [one[wanted["id"]] for one in answer.get(wanted["of"], [])]
        pages += 1
        token = answer.get("nextPageToken")
        if not token:
            break
        request["pageToken"] = token
    if (len(found), len(set(found)), pages) != (wanted["count"], wanted["count"], wanted["pages"]):
        raise Failed(f"{what(step)}: {len(found)} on {pages} pages, {len(set(found))} different")
    return {}


async def watched(client: Client, step: Json, metadata: Any) -> Json:
    """The first events of a watch."""
    request = json_format.ParseDict(step["watch"], orders_pb2.WatchOrdersRequest())
    events: list[Json] = []
    stream = client.watch_orders(request, metadata=metadata)
    async for event in stream:
        events.append(json_format.MessageToDict(event))
        if len(events) == step["take"]:
            break
    return {"events": events}


def compare_error(step: Json, error: OrdersError) -> None:
    """Raise Failed unless the step expects this error."""
    expected = step.get("error")
    if expected is None:
        raise Failed(f"{what(step)}: {error}")
    told = (error.code().name, error.reason_name)
    if told != (expected["code"], expected.get("reason", "")):
        raise Failed(f"{what(step)}: {error}, not {expected['code']} {expected.get('reason', '')}")
    if bool(error.reason) != bool(error.reason_name):
        raise Failed(f"{what(step)}: {error.reason_name} is no value of ErrorReason")
    for name, value in expected.get("metadata", {}).items():
        found = error.metadata.get(name)
        if not (found if value == "*" else found == value):
            raise Failed(f"{what(step)}: metadata {name} is {found!r}, not {value!r}")
    if "fields" in expected and sorted(v.field for v in error.violations) != sorted(expected["fields"]):
        raise Failed(f"{what(step)}: faults {[v.field for v in error.violations]}, not {expected['fields']}")


def look(value: Json, path: str) -> Json:
    """What is at a path such as `orders.0.orderId`, `orders.#` for how many; None when nothing is."""
    for part in path.split("."):
        if part == "#":
            value = len(value or ())
        elif isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def what(step: Json) -> str:
    """The step in a word."""
    return str(step.get("call", "watch"))


async def run_case(case: Case) -> Json:
    """Run one case; gives its line."""
    began, detail = time.monotonic(), ""
    try:
        # As deep as the fixtures go; a case that hangs is one that fails.
        async with asyncio.timeout(2 * UNTIL_SECONDS):
            await case.run(case.steps)
    except (Failed, KeyError, TimeoutError, json_format.ParseError) as error:
        detail = str(error)[:500] or type(error).__name__
    elapsed = round((time.monotonic() - began) * 1000)
    return {"case": case.name, "ok": not detail, "ms": elapsed, "detail": detail}


async def run(options: argparse.Namespace) -> bool:
    """Run all cases whose servers are given; whether all went as written."""
    written = json.loads(options.cases.read_text())
    every = True
    async with AsyncExitStack() as stack:
        clients = {}
        for given in options.server:
            name, _, address = given.partition("=")
            clients[name] = await stack.enter_async_context(connect(address))
        for number, one in enumerate(written["cases"]):
            known = {
                "id": f"{options.run}-{number}",
                "in_an_hour": (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
                "four_mebibytes": "x" * 4 * 1024 * 1024,
            }
            server = one.get("server", "main")
            needed = {server, *(step.get("server", server) for step in one["steps"])}
            if not needed <= clients.keys():
                continue
            case = Case(one["name"], one["steps"], written["fixtures"], clients, server, known)
            line = await run_case(case)
            every = every and line["ok"]
            print(json.dumps(line), flush=True)  # noqa: T201
    return every


def main() -> int:
    """Print a line of JSON for each case; 1 when one failed."""
    parser = argparse.ArgumentParser(description="Run the cases that every client is held to.")
    parser.add_argument("--cases", type=Path, required=True, help="clients/conformance/cases.json")
    parser.add_argument("--run", required=True, help="makes the ids of this run its own")
    parser.add_argument("server", nargs="+", help="NAME=HOST:PORT; `main` is the service")
    return 0 if asyncio.run(run(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
