"""`wms-orders call`: any call of the server by reflection, with strict JSON as input and output."""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
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

from wms_cli.commands.health import read_serving_status
from wms_cli.framework.command import CliSession, change_command
from wms_cli.framework.exit_codes import INTERRUPTED, NOT_FOUND, PARTLY_DONE, REFUSED
from wms_cli.framework.output import print_json, write_line

#: Longer integers fit no field, and Python parses them in quadratic time.
_MAX_INTEGER_DIGITS = 40
_MAX_MESSAGE_CHARACTERS = 300
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP = "nested too deeply"


class InvalidJson(ValueError):
    """A text is not JSON, or not JSON of the expected type; the message has the cause."""


def read_json(text: str, read_number: Callable[[str], Any] = float) -> Any:
    """Return the value of one document; `read_number` parses numbers with a point or an exponent.

    Raises:
        InvalidJson: broken syntax, NaN, a duplicate name in an object, or text that is not Unicode.
    """
    if _SURROGATE.search(text):
        # Bytes that are not UTF-8, decoded with the error handler `surrogateescape`.
        raise InvalidJson("not UTF-8")

    def read_integer(digits: str) -> Any:
        return int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else read_number(digits)

    try:
        value = json.loads(
            text,
            parse_int=read_integer,
            parse_float=read_number,
            parse_constant=_reject_constant,
            object_pairs_hook=_require_unique_names,
        )
        if _ESCAPED_SURROGATE.search(text):
            _reject_surrogates(value)
    except json.JSONDecodeError as error:
        raise _invalid_json(error) from None
    except RecursionError:
        raise InvalidJson(_TOO_DEEP) from None
    return value


def split_documents(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the text of each document as soon as it is complete; `pieces` are lines.

    Raises:
        InvalidJson: broken syntax. Nothing after it is read: the start of the next document is unknown.
    """
    # This decoder only finds the end of each document; `read_json` parses the content.
    decoder, text = json.JSONDecoder(parse_int=str, parse_float=str), ""
    for piece in pieces:
        text = (text + piece).lstrip("\ufeff \t\r\n")
        while text:
            try:
                _, end = decoder.raw_decode(text)
            except json.JSONDecodeError as error:
                if error.pos < len(text.rstrip()):
                    raise _invalid_json(error) from None
                break
            except RecursionError:
                raise InvalidJson(_TOO_DEEP) from None
            yield text[:end]
            text = text[end:].lstrip()
    if text:
        raise InvalidJson("not JSON: the last document has no end")


def shorten_message(message: str) -> str:
    """Return the first line of a message, at most 300 characters of it."""
    line = message.partition("\n")[0]
    return line if len(line) <= _MAX_MESSAGE_CHARACTERS else f"{line[:_MAX_MESSAGE_CHARACTERS]} ..."


def _invalid_json(error: json.JSONDecodeError) -> InvalidJson:
    location = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
    return InvalidJson(f"not JSON: {error.msg} at {location}")


def _reject_constant(word: str) -> None:
    raise InvalidJson(f"{word} is not a JSON number")


def _require_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise InvalidJson(shorten_message(f"{name!r} is a duplicate name"))
        document[name] = value
    return document


def _reject_surrogates(value: Any) -> None:
    """Raise InvalidJson for half of a surrogate pair in a name or text: protobuf's parser fails on some."""
    for path_text, text in _iterate_texts(value, ""):
        if _SURROGATE.search(text):
            raise InvalidJson(
                shorten_message(
                    f"{path_text}: {text!r} has half of a surrogate pair, which is not a character"
                )
            )


def _iterate_texts(value: Any, path_text: str) -> Iterator[tuple[str, str]]:
    """Yield every name and text within a value, with its path."""
    if isinstance(value, str):
        yield path_text, value
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield from _iterate_texts(element, f"{path_text}[{number}]")
    elif isinstance(value, dict):
        for name, content in value.items():
            yield path_text or "a name", name
            yield from _iterate_texts(content, f"{path_text}.{name}" if path_text else name)


@change_command
def call(
    session: CliSession,
    method: Annotated[
        str,
        typer.Argument(
            metavar="[METHOD]",
            help="GetOrder, OrderService/GetOrder or the full name. Without it: list all calls.",
        ),
    ] = "",
    request: Annotated[
        str, typer.Argument(metavar="[JSON]", help="The request; - reads standard input. Default: empty.")
    ] = "{}",
) -> None:
    """Make any call of the server, found by reflection, with JSON as input and output.

    A request stream is a sequence of JSON documents. A response stream is printed with one message a
    line, until it ends or Ctrl-C ends it. An empty request id is filled in. A document of a stream that is
    not a request is reported and skipped; the exit code is 5 then.
    """
    methods = _list_methods(session)
    if not method:
        write_line(
            "\n".join(
                f"{listed_method.containing_service.full_name}/{listed_method.name}{_format_streams(listed_method)}"
                for listed_method in methods
            )
        )
        return
    selected_method = _find_method(method, methods)
    requests = _RequestReader(selected_method, session.request_id)
    documents = split_documents(_read_stdin() if request == "-" else [request])
    try:
        for response in _call_method(session, selected_method, requests, documents):
            print_json(response, line=selected_method.server_streaming)
    except KeyboardInterrupt:
        if requests.has_request_id:
            raise
        raise typer.Exit(INTERRUPTED) from None
    if requests.stream_error:
        raise typer.BadParameter(requests.stream_error)
    if requests.skipped_documents:
        raise typer.Exit(PARTLY_DONE)


def _list_methods(session: CliSession) -> list[MethodDescriptor]:
    """Return all calls of the server, by reflection."""
    # The reflection client has no deadline; without this call first, a silent server would block the command.
    read_serving_status(session, "")
    database = ProtoReflectionDescriptorDatabase(session.channel)
    try:
        names = sorted(database.get_services())
    except grpc.RpcError as error:
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNIMPLEMENTED:
            write_line(
                "The server runs with REFLECTION_ENABLED=false, so its calls can't be listed.", err=True
            )
            raise typer.Exit(REFUSED) from None
        raise
    pool = DescriptorPool(database)
    services = [pool.FindServiceByName(name) for name in names]
    return [method for service in services for method in service.methods]


def _find_method(name: str, methods: list[MethodDescriptor]) -> MethodDescriptor:
    """Return the call with a name, which may be short. Raises typer.Exit if it is unknown or ambiguous."""
    dotted_name = name.strip().strip("/").replace("/", ".")
    methods_by_full_name = {method.full_name: method for method in methods}
    matching_methods = [
        method
        for path, method in methods_by_full_name.items()
        if f".{path}".lower().endswith(f".{dotted_name}".lower())
    ]
    if len(matching_methods) == 1:
        return matching_methods[0]
    methods_by_name = {method.name: method for method in methods}
    if matching_methods:
        write_line(
            f"{name} is ambiguous: {', '.join(method.full_name for method in matching_methods)}", err=True
        )
    else:
        close_matches = get_close_matches(dotted_name.rpartition(".")[2], methods_by_name, 3)
        hint = f" Did you mean {', '.join(close_matches)}?" if close_matches else ""
        write_line(f"The server has no call {name}.{hint} `wms-orders call` lists them all.", err=True)
    raise typer.Exit(NOT_FOUND)


class _RequestReader:
    """Parses the requests of a call from JSON documents.

    Fills in `request_id` where a unary request has an empty one.
    """

    def __init__(self, method: MethodDescriptor, request_id: str) -> None:
        self._method, self._request_id = method, request_id
        self._message_class = GetMessageClass(method.input_type)
        self._pool = method.containing_service.file.pool
        self.has_request_id = not method.client_streaming and "request_id" in method.input_type.fields_by_name
        #: The syntax error that ended a request stream; empty if none.
        self.stream_error = ""
        #: The number of documents of a stream that were not requests.
        self.skipped_documents = 0

    def read_single(self, documents: Iterator[str]) -> Message:
        """Return the only request; an empty one if there is no document. Raises typer.BadParameter."""
        try:
            first_documents = list(itertools.islice(documents, 2))
            if len(first_documents) > 1:
                raise typer.BadParameter(f"{self._method.name} takes one request, not several")
            return self._parse_request(first_documents[0] if first_documents else "{}")
        except InvalidJson as error:
            raise typer.BadParameter(str(error)) from None

    def read_stream(self, documents: Iterator[str]) -> Iterator[Message]:
        """Yield the requests as they arrive; report and skip documents that are not requests.

        Broken syntax ends the stream and sets `stream_error`. An exception here would be lost inside grpc.
        """
        number = 0
        try:
            for number, document in enumerate(documents, start=1):
                try:
                    request = self._parse_request(document)
                except InvalidJson as error:
                    self.skipped_documents += 1
                    write_line(f"Document {number} is skipped: {error}", err=True)
                else:
                    yield request
        except InvalidJson as error:
            self.stream_error = f"document {number + 1}: {error}"

    def _parse_request(self, document: str) -> Message:
        try:
            message = ParseDict(read_json(document), self._message_class(), descriptor_pool=self._pool)
        except (ParseError, TypeError, AttributeError) as error:
            raise InvalidJson(shorten_message(str(error))) from None
        if self.has_request_id:
            message_with_id: Any = message
            message_with_id.request_id = message_with_id.request_id or self._request_id
        return message


def _read_stdin() -> Iterator[str]:
    """Yield the lines of standard input, read as UTF-8 independent of the locale."""
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "surrogateescape")


def _call_method(
    session: CliSession, method: MethodDescriptor, requests: _RequestReader, documents: Iterator[str]
) -> Iterator[Message]:
    """Make the call and yield its responses; the deadline applies only to calls without a response stream."""
    channel_methods: dict[tuple[bool, bool], Any] = {
        (False, False): session.channel.unary_unary,
        (False, True): session.channel.unary_stream,
        (True, False): session.channel.stream_unary,
        (True, True): session.channel.stream_stream,
    }
    callable_method = channel_methods[method.client_streaming, method.server_streaming](
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    request_input = (
        requests.read_stream(documents) if method.client_streaming else requests.read_single(documents)
    )
    timeout = None if method.server_streaming else session.connection.deadline
    response = callable_method(request_input, timeout=timeout, metadata=session.connection.metadata)
    yield from response if method.server_streaming else [response]


def _format_streams(method: MethodDescriptor) -> str:
    """Return a note on the directions that stream; empty if none does."""
    directions = [
        word
        for word, is_streaming in (("in", method.client_streaming), ("out", method.server_streaming))
        if is_streaming
    ]
    return f"  (stream {' and '.join(directions)})" if directions else ""
