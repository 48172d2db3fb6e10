"""Base of all commands: common options, a session with a server, and output in the chosen format."""

import inspect
import os
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar

import grpc
import typer
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from wms.orders.v1 import order_pb2
from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceStub
from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceStub
from wms.orders.v1.orders_pb2_grpc import OrderServiceStub
from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceStub
from wms.orders.v1.storage_pb2_grpc import StorageServiceStub
from wms_cli.framework.connection import Connection, InvalidCertificateFile
from wms_cli.framework.errors import exit_on_failure
from wms_cli.framework.exit_codes import EXIT_CODE_HELP, NO_ANSWER, NOT_UNDERSTOOD, PIPE_CLOSED
from wms_cli.framework.formatting import enum_prefix, format_enum, list_fields
from wms_cli.framework.output import (
    OutputFormat,
    print_ids,
    print_json,
    print_record,
    print_table,
    write_line,
)

P = ParamSpec("P")
A_co = TypeVar("A_co", bound=Message, covariant=True)
R_contra = TypeVar("R_contra", bound=Message, contravariant=True)
A = TypeVar("A", bound=Message)
R = TypeVar("R", bound=Message)
_PAGE_SIZE = 200


class ListMethod(Protocol[R_contra, A_co]):
    """A call that returns a list in pages."""

    def __call__(self, request: R_contra, /, timeout: float | None = None, metadata: Any = None) -> A_co:
        """Return one page."""
        ...


class CliSession:
    """A session with a server, and the format of the output.

    Commands that change something send `request_id` with each call.
    """

    def __init__(
        self, connection: Connection, channel: grpc.Channel, output: OutputFormat, request_id: str
    ) -> None:
        self.connection, self.channel, self.output = connection, channel, output
        self.request_id = request_id
        self.call_options = connection.call_options
        self.orders = OrderServiceStub(channel)
        self.reprocessing = ReprocessingServiceStub(channel)
        self.dead_letters = DeadLetterQueueServiceStub(channel)
        self.storage = StorageServiceStub(channel)
        self.fulfillment = FulfillmentServiceStub(channel)

    @contextmanager
    def with_address(self, address: str) -> "Iterator[CliSession]":
        """Yield a session with another process, with the same options."""
        connection = replace(self.connection, address=address)
        with connection.open_channel() as channel:
            yield CliSession(connection, channel, self.output, self.request_id)

    def print_response(self, response: Message, field: str = "") -> None:
        """Print a response: all of it as JSON; its message `field`, or itself, as a record or an id."""
        if self.output is OutputFormat.JSON:
            print_json(response)
            return
        printed_message = getattr(response, field) if field else response
        if self.output is OutputFormat.ID:
            print_ids([printed_message], list_fields(printed_message)[0].name)
        else:
            print_record(printed_message)

    def print_list(self, response: Message, field: str, *columns: str) -> None:
        """Print a response with a list: all of it as JSON; its `field` as a table of columns or as ids."""
        if self.output is OutputFormat.JSON:
            print_json(response)
        elif self.output is OutputFormat.ID:
            print_ids(getattr(response, field), columns[0])
        else:
            print_table(field.replace("_", " "), getattr(response, field), columns)
        if getattr(response, "next_page_token", ""):
            write_line("There are more; raise --limit, or set it to 0 for all.", err=True)

    def fetch_pages(self, call: ListMethod[R, A], request: R, field: str, limit: int) -> A:
        """Return one response with the elements of all pages, at most `limit`; 0 means no limit."""
        merged_response: Any = None
        paged_request: Any = request
        while True:
            remaining = limit - len(getattr(merged_response, field)) if merged_response is not None else limit
            paged_request.page_size = min(_PAGE_SIZE, remaining) if limit else _PAGE_SIZE
            page: Any = call(request, **self.call_options)
            if merged_response is None:
                merged_response = page
            else:
                merged_response.ClearField("next_page_token")
                merged_response.MergeFrom(page)
            if not merged_response.next_page_token or (
                limit and len(getattr(merged_response, field)) >= limit
            ):
                break
            paged_request.page_token = merged_response.next_page_token
        complete_response: A = merged_response
        return complete_response


def read_command(function: Callable[Concatenate[CliSession, P], None]) -> Callable[..., None]:
    """Create a command that only reads, with the common options."""
    return _make_command(function, _COMMON_OPTIONS)


def change_command(function: Callable[Concatenate[CliSession, P], None]) -> Callable[..., None]:
    """Create a command that changes something, with the common options and --request-id."""
    return _make_command(function, [*_COMMON_OPTIONS, _REQUEST_ID_OPTION])


def _make_command(
    function: Callable[Concatenate[CliSession, P], None], common: list[inspect.Parameter]
) -> Callable[..., None]:
    own_parameters = list(inspect.signature(function).parameters.values())[1:]
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own_parameters
    ] + common

    # Typer passes the arguments by the signature below; the type of `function` can't express that.
    command_function: Callable[..., None] = function

    def run(**arguments: Any) -> None:
        arguments = {name: _to_unicode(name, value) for name, value in arguments.items()}
        common_arguments = {parameter.name: arguments.pop(parameter.name) for parameter in common}
        with _open_session(**common_arguments) as session:
            command_function(session, **arguments)

    run.__name__ = function.__name__
    run.__doc__ = f"{inspect.getdoc(function)}\n\n{EXIT_CODE_HELP}"
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # read by typer
    return run


@contextmanager
def _open_session(
    address: str,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    deadline: float,
    output: OutputFormat,
    request_id: str | None = None,  # None for commands that only read
) -> Iterator[CliSession]:
    connection = Connection(address, deadline, tls, ca, cert, key)
    try:
        channel = connection.open_channel()
    except InvalidCertificateFile as error:
        write_line(str(error), err=True)
        raise typer.Exit(NOT_UNDERSTOOD) from None
    effective_request_id = request_id or f"cli-{uuid.uuid4()}"
    request_id_to_print = "" if request_id is None else effective_request_id
    with (
        channel,
        exit_on_failure(connection, request_id_to_print),
        _exit_on_output_error(request_id_to_print),
    ):
        yield CliSession(connection, channel, output, effective_request_id)


@contextmanager
def _exit_on_output_error(request_id: str) -> Iterator[None]:
    """Exit without a traceback when the output can't be written; the change has been made by then."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as error:
        _discard_output()
        write_line(f"The response has arrived, but the output can't be written: {error.strerror}.", err=True)
        if request_id:
            option_text = f"--request-id {request_id}"
            write_line(
                f"Run the same command with {option_text} to see the response; it makes no second change.",
                err=True,
            )
        raise typer.Exit(NO_ANSWER) from None


def _discard_output() -> None:
    """Redirect standard output to the null device: Python flushes it at exit, and would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_unicode(name: str, value: Any) -> Any:
    """Return an argument with its text as Unicode. Raises typer.BadParameter if it is not UTF-8.

    Bytes that the locale can't decode are read as UTF-8. Paths stay unchanged: they need not be text.
    """
    if isinstance(value, list):
        return [_to_unicode(name, element) for element in value]
    if type(value) is not str:
        return value
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{name.strip('_')}: {value!r} is not UTF-8 text.") from None


def _option(name: str, kind: Any, default: Any, *flags: str, **settings: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flags, **settings)],
    )


_SERVER_PANEL = "Server"
_COMMON_OPTIONS = [
    _option(
        "output",
        OutputFormat,
        OutputFormat.TABLE,
        "--output",
        "-o",
        help="table for people, json for programs, id for shells.",
    ),
    _option(
        "address",
        str,
        ":8001",
        "--address",
        "-a",
        envvar="SERVER_ADDR",
        metavar="HOST:PORT",
        help="The server; :PORT means this machine.",
        rich_help_panel=_SERVER_PANEL,
    ),
    _option(
        "deadline",
        float,
        10.0,
        "--deadline",
        min=0.001,
        max=86_400,
        metavar="SECONDS",
        help="Timeout of a call.",
        rich_help_panel=_SERVER_PANEL,
    ),
    _option(
        "tls",
        bool,
        False,
        "--tls",
        envvar="SERVER_TLS",
        help="Use TLS; implied by the files below.",
        rich_help_panel=_SERVER_PANEL,
    ),
    _option(
        "ca",
        Path | None,
        None,
        "--ca",
        envvar="SERVER_CA",
        metavar="FILE",
        help="Certificate authority to trust (PEM) instead of those of the system.",
        rich_help_panel=_SERVER_PANEL,
    ),
    _option(
        "cert",
        Path | None,
        None,
        "--cert",
        envvar="SERVER_CERT",
        metavar="FILE",
        help="Client certificate (PEM), if the server requires one.",
        rich_help_panel=_SERVER_PANEL,
    ),
    _option(
        "key",
        Path | None,
        None,
        "--key",
        envvar="SERVER_KEY",
        metavar="FILE",
        help="Key of --cert (PEM).",
        rich_help_panel=_SERVER_PANEL,
    ),
]
_REQUEST_ID_OPTION = _option(
    "request_id",
    str,
    "",
    "--request-id",
    metavar="ID",
    help="Idempotency key, makes a repetition safe; default: a new one, printed if no response arrives.",
    rich_help_panel=_SERVER_PANEL,
)


_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def enum_words(enum: EnumDescriptor) -> str:
    """Return all values of an enum as in the JSON of the service, separated by commas."""
    return ", ".join(_list_enum_words(enum))


def enum_option(enum: EnumDescriptor) -> dict[str, Any]:
    """Return settings of a typer option or argument that accepts and completes the values of an enum."""
    known_words = _list_enum_words(enum)

    def parse_word(text: str | int) -> int:
        """Return the number of a value; a default is a number already."""
        if isinstance(text, int):
            return text
        name = text.strip().lower().replace("-", "_")
        if name not in known_words:
            close_matches = get_close_matches(name, known_words, 1)
            hint = f"Did you mean {close_matches[0]!r}? " if close_matches else ""
            raise typer.BadParameter(f"{text!r} is not a valid value. {hint}Choose from: {enum_words(enum)}.")
        return enum.values_by_name[f"{enum_prefix(enum)}{name.upper()}"].number

    def complete(incomplete: str) -> list[str]:
        return [word for word in known_words if word.startswith(incomplete)]

    return {"parser": parse_word, "autocompletion": complete}


def parse_time(text: str) -> Timestamp:
    """Parse a time: RFC 3339, or an age such as 90m, 2h or 7d. Raises typer.BadParameter."""
    timestamp = Timestamp()
    try:
        if age_match := re.fullmatch(r"(\d{1,9})([smhd])", text.strip()):
            timestamp.FromDatetime(
                datetime.now(UTC) - timedelta(seconds=int(age_match[1]) * _UNIT_SECONDS[age_match[2]])
            )
        else:
            timestamp.FromJsonString(text.strip())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a time such as 2026-12-27T17:00:00Z nor an age such as 2h or 7d."
        ) from None
    return timestamp


def _list_enum_words(enum: EnumDescriptor) -> list[str]:
    return [format_enum(enum, value.number) for value in enum.values if value.number]


OrderId: TypeAlias = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]
Warehouse: TypeAlias = Annotated[
    str, typer.Option("--warehouse", "-w", metavar="ID", help="Only this warehouse.")
]
Customer: TypeAlias = Annotated[
    str, typer.Option("--customer", "-c", metavar="ID", help="Only this customer.")
]
Sku: TypeAlias = Annotated[str, typer.Option("--sku", metavar="SKU", help="Only this SKU.")]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", "-n", min=0, help="Maximum number; 0 for all.")]
Reason: TypeAlias = Annotated[str, typer.Option("--reason", "-r", help="The reason, for the history.")]
Etag: TypeAlias = Annotated[
    str, typer.Option("--etag", help="Reject the change if the order has no longer this etag.")
]
Statuses: TypeAlias = Annotated[
    list[order_pb2.OrderStatus.ValueType] | None,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        **enum_option(order_pb2.OrderStatus.DESCRIPTOR),
        help=f"Only these; may be repeated: {enum_words(order_pb2.OrderStatus.DESCRIPTOR)}.",
    ),
]
DEFAULT_LIMIT = 50
