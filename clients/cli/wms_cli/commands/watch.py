"""`wms-orders orders watch`: events as they happen; a broken stream is resumed after the last event."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import grpc
import typer
from rich.cells import cell_len
from rich.text import Text

from wms.orders.v1 import event_pb2, order_pb2, orders_pb2
from wms_cli.framework.command import CliSession, Customer, Statuses, Warehouse, read_command
from wms_cli.framework.errors import parse_failure
from wms_cli.framework.exit_codes import INTERRUPTED
from wms_cli.framework.formatting import format_enum
from wms_cli.framework.interrupts import defer_interrupt
from wms_cli.framework.output import OutputFormat, create_console, print_json, print_renderable, write_line

#: The server sends a heartbeat every few seconds; a stream that is silent for longer is broken.
_SILENCE_TIMEOUT_SECONDS = 30.0
_RETRY_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
_RETRYABLE_REASONS = ("WATCHER_TOO_SLOW", "SHUTTING_DOWN", "DATABASE_UNAVAILABLE", "OVERLOADED")


@read_command
def watch(
    session: CliSession,
    order: Annotated[
        list[str] | None, typer.Option("--order", metavar="ID", help="Only these orders.")
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only these, such as wms.order.shipped."),
    ] = None,
    status: Statuses = None,
    customer: Customer = "",
    warehouse: Warehouse = "",
    position: Annotated[
        int | None,
        typer.Option(
            min=0, help="Resume after this position; 0: from the oldest stored event. Default: from now on."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="End after this number of events; 0: until Ctrl-C.")
    ] = 0,
) -> None:
    """Print events of orders as they happen, one a line, until Ctrl-C, which prints how to resume.

    After a lost connection the command reconnects; no event is missed or printed twice.
    With --output json each line is an event.
    """
    request = orders_pb2.WatchOrdersRequest(
        position=position,
        order_ids=order or (),
        types=type_ or (),
        statuses=status or (),
        customer_id=customer,
        warehouse_id=warehouse,
    )
    show = _event_printer(session.output)
    try:
        show_events(_follow_events(session, request), request, show, limit)
    except KeyboardInterrupt:
        if request.HasField("position"):
            write_line(f"Resume from here with --position {request.position}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def show_events(
    events: Iterable[event_pb2.Event],
    request: orders_pb2.WatchOrdersRequest,
    show: Callable[[event_pb2.Event], None],
    limit: int,
) -> None:
    """Show at most `limit` events (0: all), and set `request.position` to that of the last shown event.

    After an interrupt, `request.position` is always that of the last shown event.
    """
    for number, event in enumerate(events, start=1):
        with defer_interrupt():
            show(event)
            request.position = event.position
        if number == limit:
            break


def _follow_events(session: CliSession, request: orders_pb2.WatchOrdersRequest) -> Iterator[event_pb2.Event]:
    """Yield events; resume a broken stream at `request.position`. Raises grpc.RpcError for other failures."""
    attempts, has_started = 0, False
    while True:
        try:
            for message in _read_stream(
                session,
                request,
                timeout_seconds=_SILENCE_TIMEOUT_SECONDS if has_started else session.connection.deadline,
            ):
                if attempts:
                    write_line("Reconnected.", err=True)
                attempts, has_started = 0, True
                if message.HasField("event"):
                    yield message.event
                else:
                    request.position = message.heartbeat.position
        except grpc.RpcError as error:
            if not has_started or not isinstance(error, grpc.Call) or not _is_retryable(error):
                raise
            if not attempts:
                position_text = f"position {request.position}"
                write_line(
                    f"The stream ended ({error.code().name}); resuming from {position_text}.", err=True
                )
            attempts += 1
        time.sleep(_RETRY_DELAYS_SECONDS[min(attempts, len(_RETRY_DELAYS_SECONDS) - 1)])


def _read_stream(
    session: CliSession, request: orders_pb2.WatchOrdersRequest, timeout_seconds: float
) -> Iterator[orders_pb2.WatchOrdersResponse]:
    """Yield the messages of one stream; cancel it after `timeout_seconds` without a message."""
    call: Any = session.orders.WatchOrders(request, metadata=session.connection.metadata)
    while True:
        silence_timer = threading.Timer(timeout_seconds, call.cancel)
        silence_timer.daemon = True
        silence_timer.start()
        try:
            message = next(call)
        except StopIteration:
            return
        finally:
            silence_timer.cancel()
        yield message
        timeout_seconds = _SILENCE_TIMEOUT_SECONDS


def _is_retryable(error: grpc.Call) -> bool:
    """Return whether a retry may succeed."""
    disconnected_codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
    reason = parse_failure(error).reason
    return reason in _RETRYABLE_REASONS or (not reason and error.code() in disconnected_codes)


def _event_printer(output: OutputFormat) -> Callable[[event_pb2.Event], None]:
    """Return a function that prints an event in the output format."""
    if output is OutputFormat.ID:
        return lambda event: write_line(event.event_id)
    if output is OutputFormat.JSON:
        return lambda event: print_json(event, line=True)
    console = create_console()
    return lambda event: print_renderable(_format_event(event, console.width), console)


def _format_event(event: event_pb2.Event, width: int) -> Text:
    """Return an event as one line, or as two if it is too long."""
    statuses = order_pb2.OrderStatus.DESCRIPTOR
    before, after = format_enum(statuses, event.from_status), format_enum(statuses, event.to_status)
    time_text = event.occurred_at.ToJsonString()[11:19]
    text = Text(f"{event.position} {time_text} {event.order_id} ")
    text.append(event.type.removeprefix("wms.order."), "bold")
    change = f"{before or 'new'} → {after}  " if after and before != after else ""
    line_end = f"{change}{event.actor}"
    text.append("  " if cell_len(text.plain) + 2 + cell_len(line_end) <= width else "\n    ")
    return text.append(line_end, "dim")
