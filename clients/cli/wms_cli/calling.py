"""`wms-orders call`: any call that the server has, by its reflection."""

import itertools
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any

import grpc
import typer
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from wms_cli.exits import INTERRUPTED, NOT_THERE, REFUSED
from wms_cli.health import state_of
from wms_cli.jsons import NotJson, documents_in
from wms_cli.operation import Session, change
from wms_cli.printing import print_json, write_line


@change
def call(
    session: Session,
    method: Annotated[
        str,
        typer.Argument(
            metavar="[METHOD]", help="GetOrder, OrderService/GetOrder or in full; without it all are listed."
        ),
    ] = "",
    request: Annotated[
        str, typer.Argument(metavar="[JSON]", help="The request; - reads it from standard input. Else empty.")
    ] = "{}",
) -> None:
    """Make any call that the server has, known by its reflection: JSON in, JSON out.

    A call that takes a stream takes several JSON documents, one after the other; one that answers with a
    stream prints a line for each message, until it ends or Ctrl-C does. A request id is put in by itself.
    """
    found = _methods(session)
    if not method:
        write_line(
            "\n".join(f"{one.containing_service.full_name}/{one.name}{_streams(one)}" for one in found)
        )
        return
    chosen = _chosen(method, found)
    broken: list[NotJson] = []
    try:
        for answer in _answers(session, chosen, _requests(session, chosen, request, broken)):
            print_json(answer, line=chosen.server_streaming)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if broken:
        raise typer.BadParameter(str(broken[0]))


def _methods(session: Session) -> list[MethodDescriptor]:
    """Ask the server for all its calls."""
    # Reflection knows no deadline, so that a server that does not answer must have been found out before.
    state_of(session, "")
    database = ProtoReflectionDescriptorDatabase(session.channel)
    try:
        names = sorted(database.get_services())
    except grpc.RpcError as error:
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            write_line("The server runs with REFLECTION_ENABLED=false: it does not tell its calls.", err=True)
            raise typer.Exit(REFUSED) from None
        raise
    pool = DescriptorPool(database)
    services = [pool.FindServiceByName(name) for name in names]
    return [one for service in services for one in service.methods]


def _chosen(name: str, methods: list[MethodDescriptor]) -> MethodDescriptor:
    """Give the one call of a name, which may be short."""
    wanted = name.strip().strip("/").replace("/", ".")
    full = {one.full_name: one for one in methods}
    fitting = [one for path, one in full.items() if f".{path}".lower().endswith(f".{wanted}".lower())]
    if len(fitting) == 1:
        return fitting[0]
    known = {one.name: one for one in methods}
    if fitting:
        write_line(f"{name} is ambiguous: {', '.join(one.full_name for one in fitting)}", err=True)
    else:
        close = get_close_matches(wanted.rpartition(".")[2], known, 3)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        write_line(f"The server has no call {name}.{hint} `wms-orders call` lists them all.", err=True)
    raise typer.Exit(NOT_THERE)


def _requests(
    session: Session, method: MethodDescriptor, text: str, broken: list[NotJson]
) -> Iterator[Message]:
    """Read the requests: one, or as many as there are for a call that takes a stream, as they come.

    What is no JSON goes to `broken` and ends them: what grpc asks for requests must not raise.
    """
    pieces = iter(sys.stdin.readline, "") if text == "-" else iter([text])
    messages = (_message(method, document, session.request_id) for document in documents_in(pieces))
    try:
        if method.client_streaming:
            yield from messages
            return
        first = list(itertools.islice(messages, 2))
    except NotJson as error:
        broken.append(error)
        return
    if len(first) > 1:
        broken.append(NotJson(f"{method.name} takes one request, and more were given"))
        return
    yield from first or [_message(method, "{}", session.request_id)]


def _message(method: MethodDescriptor, text: str, request_id: str) -> Message:
    kind = GetMessageClass(method.input_type)
    try:
        message = Parse(text, kind(), descriptor_pool=method.containing_service.file.pool)
    except ParseError as error:
        raise NotJson(str(error).partition("\n")[0]) from None
    if not method.client_streaming and "request_id" in method.input_type.fields_by_name:
        made: Any = message
        made.request_id = made.request_id or request_id
    return message


def _answers(session: Session, method: MethodDescriptor, requests: Iterator[Message]) -> Iterator[Message]:
    """Make the call; the deadline is for those that do not answer with a stream."""
    ways: dict[tuple[bool, bool], Any] = {
        (False, False): session.channel.unary_unary,
        (False, True): session.channel.unary_stream,
        (True, False): session.channel.stream_unary,
        (True, True): session.channel.stream_stream,
    }
    made = ways[method.client_streaming, method.server_streaming](
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    given = requests if method.client_streaming else next(requests, None)
    if given is not None:
        timeout = None if method.server_streaming else session.connection.deadline
        answer = made(given, timeout=timeout, metadata=session.connection.metadata)
        yield from answer if method.server_streaming else [answer]


def _streams(method: MethodDescriptor) -> str:
    """Say which ways stream."""
    ways = [
        word for word, does in (("in", method.client_streaming), ("out", method.server_streaming)) if does
    ]
    return f"  (stream {' and '.join(ways)})" if ways else ""
