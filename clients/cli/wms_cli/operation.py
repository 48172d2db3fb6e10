"""What every command is made of: the common options, a server to call, a form to print in."""

import inspect
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, Protocol, TypeVar

import grpc
import typer
from google.protobuf.message import Message

from wms.orders.v1.dead_letters_pb2_grpc import DeadLetterQueueServiceStub
from wms.orders.v1.fulfillment_pb2_grpc import FulfillmentServiceStub
from wms.orders.v1.orders_pb2_grpc import OrderServiceStub
from wms.orders.v1.reprocessing_pb2_grpc import ReprocessingServiceStub
from wms.orders.v1.storage_pb2_grpc import StorageServiceStub
from wms_cli.connection import Connection, UnusableFile
from wms_cli.exits import NO_ANSWER, NOT_UNDERSTOOD, PIPE_CLOSED, TOLD
from wms_cli.failures import failures_told
from wms_cli.printing import Output, print_ids, print_json, print_record, print_table, write_line
from wms_cli.texts import fields_of

P = ParamSpec("P")
A_co = TypeVar("A_co", bound=Message, covariant=True)
R_contra = TypeVar("R_contra", bound=Message, contravariant=True)
A = TypeVar("A", bound=Message)
R = TypeVar("R", bound=Message)
_PAGE = 200


class Paged(Protocol[R_contra, A_co]):
    """A call that lists."""

    def __call__(self, request: R_contra, /, timeout: float | None = None, metadata: Any = None) -> A_co:
        """Give one page."""
        ...


class Session:
    """A server, the terms of calling it, and the form of what is printed."""

    def __init__(
        self, connection: Connection, channel: grpc.Channel, output: Output, request_id: str
    ) -> None:
        """Call over an open channel; `request_id` goes with what changes anything."""
        self.connection, self.channel, self.output = connection, channel, output
        self.request_id = request_id
        self.told = connection.told
        self.orders = OrderServiceStub(channel)
        self.reprocessing = ReprocessingServiceStub(channel)
        self.dead_letters = DeadLetterQueueServiceStub(channel)
        self.storage = StorageServiceStub(channel)
        self.fulfillment = FulfillmentServiceStub(channel)

    @contextmanager
    def at(self, address: str) -> "Iterator[Session]":
        """Yield a session with another process, on the same terms."""
        connection = replace(self.connection, address=address)
        with connection.open() as channel:
            yield Session(connection, channel, self.output, self.request_id)

    def show(self, answer: Message, field: str = "") -> None:
        """Print an answer: as JSON whole, for people as a record; of one of its fields if one is named."""
        if self.output is Output.JSON:
            print_json(answer)
            return
        shown = getattr(answer, field) if field else answer
        if self.output is Output.ID:
            print_ids([shown], fields_of(shown)[0].name)
        else:
            print_record(shown)

    def show_list(self, answer: Message, field: str, *columns: str) -> None:
        """Print an answer that is a list: as JSON whole, for people as a table of columns of its field."""
        if self.output is Output.JSON:
            print_json(answer)
        elif self.output is Output.ID:
            print_ids(getattr(answer, field), columns[0])
        else:
            print_table(field.replace("_", " "), getattr(answer, field), columns)
        if getattr(answer, "next_page_token", ""):
            write_line("There are more: --limit N shows so many, 0 all.", err=True)

    def all_of(self, call: Paged[R, A], request: R, field: str, limit: int) -> A:
        """Give one answer with what several pages hold, up to a limit; 0 is none."""
        answer: Any = None
        paged: Any = request
        while True:
            left = limit - len(getattr(answer, field)) if answer is not None else limit
            paged.page_size = min(_PAGE, left) if limit else _PAGE
            page: Any = call(request, **self.told)
            if answer is None:
                answer = page
            else:
                answer.ClearField("next_page_token")
                answer.MergeFrom(page)
            if not answer.next_page_token or (limit and len(getattr(answer, field)) >= limit):
                break
            paged.page_token = answer.next_page_token
        whole: A = answer
        return whole


def operation(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Make a command of a function that reads: it gets the options that all have."""
    return _command(function, _COMMON)


def change(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
    """Make a command of a function that changes something: it has a request id as well."""
    return _command(function, [*_COMMON, _REQUEST_ID])


def _command(
    function: Callable[Concatenate[Session, P], None], common: list[inspect.Parameter]
) -> Callable[..., None]:
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own] + common

    # Typer has read the signature, and gives what it says.
    bound: Callable[..., None] = function

    def run(**arguments: Any) -> None:
        arguments = {name: _as_text(name, value) for name, value in arguments.items()}
        given = {one.name: arguments.pop(one.name) for one in common}
        with _session(**given) as session:
            bound(session, **arguments)

    run.__name__ = function.__name__
    run.__doc__ = f"{inspect.getdoc(function)}\n\n{TOLD}"
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what typer reads
    return run


@contextmanager
def _session(
    address: str,
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    deadline: float,
    output: Output,
    request_id: str | None = None,  # None for what changes nothing
) -> Iterator[Session]:
    connection = Connection(address, deadline, tls, ca, cert, key)
    try:
        channel = connection.open()
    except UnusableFile as error:
        write_line(str(error), err=True)
        raise typer.Exit(NOT_UNDERSTOOD) from None
    given = request_id or f"cli-{uuid.uuid4()}"
    repeatable = "" if request_id is None else given
    with channel, failures_told(connection, repeatable), _output_failures(repeatable):
        yield Session(connection, channel, output, given)


@contextmanager
def _output_failures(request_id: str) -> Iterator[None]:
    """End the command without a traceback when the output can't be written: the change is made by then."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        raise typer.Exit(PIPE_CLOSED) from None
    except OSError as error:
        _discard_output()
        write_line(f"The answer came and can't be written: {error.strerror}.", err=True)
        if request_id:
            again = f"--request-id {request_id}"
            write_line(f"The same command with {again} changes nothing and shows it again.", err=True)
        raise typer.Exit(NO_ANSWER) from None


def _discard_output() -> None:
    """Send the rest of standard output nowhere: Python flushes it at the end, and would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_text(name: str, value: Any) -> Any:
    """Return an argument with its text as Unicode. Raises BadParameter when it is none.

    Bytes that the locale can't decode are read as UTF-8. Paths stay as they are: they need not be text.
    """
    if isinstance(value, list):
        return [_as_text(name, element) for element in value]
    if type(value) is not str:
        return value
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{name.strip('_')}: {value!r} is not text in UTF-8.") from None


def _option(name: str, kind: Any, default: Any, *flags: str, **facts: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[kind, typer.Option(*flags, **facts)],
    )


_SERVER = "Server"
_COMMON = [
    _option(
        "output",
        Output,
        Output.TABLE,
        "--output",
        "-o",
        help="For people, programs, or shells.",
    ),
    _option(
        "address",
        str,
        ":8001",
        "--address",
        "-a",
        envvar="SERVER_ADDR",
        metavar="HOST:PORT",
        help="The server; :PORT is this machine.",
        rich_help_panel=_SERVER,
    ),
    _option(
        "deadline",
        float,
        10.0,
        "--deadline",
        min=0.001,
        max=86_400,
        metavar="SECONDS",
        help="How long an answer may take.",
        rich_help_panel=_SERVER,
    ),
    _option(
        "tls",
        bool,
        False,
        "--tls",
        envvar="SERVER_TLS",
        help="Speak TLS; the files below mean it too.",
        rich_help_panel=_SERVER,
    ),
    _option(
        "ca",
        Path | None,
        None,
        "--ca",
        envvar="SERVER_CA",
        metavar="FILE",
        help="The authority to trust (PEM), in place of the system's.",
        rich_help_panel=_SERVER,
    ),
    _option(
        "cert",
        Path | None,
        None,
        "--cert",
        envvar="SERVER_CERT",
        metavar="FILE",
        help="A certificate of yours (PEM), for a server that asks for one.",
        rich_help_panel=_SERVER,
    ),
    _option(
        "key",
        Path | None,
        None,
        "--key",
        envvar="SERVER_KEY",
        metavar="FILE",
        help="The key of --cert (PEM).",
        rich_help_panel=_SERVER,
    ),
]
_REQUEST_ID = _option(
    "request_id",
    str,
    "",
    "--request-id",
    metavar="ID",
    help="Makes a repetition safe; made anew otherwise, and told when no answer comes.",
    rich_help_panel=_SERVER,
)
