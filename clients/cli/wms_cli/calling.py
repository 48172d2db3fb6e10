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
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from wms_cli.exits import IN_PART, INTERRUPTED, NOT_THERE, REFUSED
from wms_cli.health import state_of
from wms_cli.jsons import NotJson, documents_in, read_json, shortened
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
    A document of a stream that is no request is told and left out: exit code 5.
    """
    found = _methods(session)
    if not method:
        write_line(
            "\n".join(f"{one.containing_service.full_name}/{one.name}{_streams(one)}" for one in found)
        )
        return
    chosen = _chosen(method, found)
    requests = _Requests(chosen, session.request_id)
    documents = documents_in(_stdin() if request == "-" else [request])
    try:
        for answer in _answers(session, chosen, requests, documents):
            print_json(answer, line=chosen.server_streaming)
    except KeyboardInterrupt:
        if requests.have_ids:
            raise
        raise typer.Exit(INTERRUPTED) from None
    if requests.problem:
        raise typer.BadParameter(requests.problem)
    if requests.left_out:
        raise typer.Exit(IN_PART)


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


class _Requests:
    """Reads the requests of a call from JSON documents."""

    def __init__(self, method: MethodDescriptor, request_id: str) -> None:
        """Put in the request id where there is none, if the call has ids."""
        self._method, self._request_id = method, request_id
        self._kind = GetMessageClass(method.input_type)
        self._pool = method.containing_service.file.pool
        self.have_ids = not method.client_streaming and "request_id" in method.input_type.fields_by_name
        #: Why no more of a stream was read.
        self.problem = ""
        #: Documents of a stream that were no requests.
        self.left_out = 0

    def single(self, documents: Iterator[str]) -> Message:
        """Return the one request; an empty one when there is no document. Raises BadParameter."""
        try:
            first = list(itertools.islice(documents, 2))
            if len(first) > 1:
                raise typer.BadParameter(f"{self._method.name} takes one request, and more were given")
            return self._read(first[0] if first else "{}")
        except NotJson as error:
            raise typer.BadParameter(str(error)) from None

    def stream(self, documents: Iterator[str]) -> Iterator[Message]:
        """Yield the requests as they come; a document that is none is told and left out.

        Broken syntax ends them. Raises nothing: grpc would not say what it was.
        """
        number = 0
        try:
            for number, document in enumerate(documents, start=1):
                try:
                    request = self._read(document)
                except NotJson as error:
                    self.left_out += 1
                    write_line(f"Document {number} is left out: {error}", err=True)
                else:
                    yield request
        except NotJson as error:
            self.problem = f"document {number + 1}: {error}"

    def _read(self, document: str) -> Message:
        try:
            message = ParseDict(read_json(document), self._kind(), descriptor_pool=self._pool)
        except (ParseError, TypeError, AttributeError) as error:
            raise NotJson(shortened(str(error))) from None
        if self.have_ids:
            made: Any = message
            made.request_id = made.request_id or self._request_id
        return message


def _stdin() -> Iterator[str]:
    """Yield the lines of standard input, which is in UTF-8 whatever the terminal is in."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "surrogateescape")


def _answers(
    session: Session, method: MethodDescriptor, requests: _Requests, documents: Iterator[str]
) -> Iterator[Message]:
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
    given = requests.stream(documents) if method.client_streaming else requests.single(documents)
    timeout = None if method.server_streaming else session.connection.deadline
    answer = made(given, timeout=timeout, metadata=session.connection.metadata)
    yield from answer if method.server_streaming else [answer]


def _streams(method: MethodDescriptor) -> str:
    """Say which ways stream."""
    ways = [
        word for word, does in (("in", method.client_streaming), ("out", method.server_streaming)) if does
    ]
    return f"  (stream {' and '.join(ways)})" if ways else ""
