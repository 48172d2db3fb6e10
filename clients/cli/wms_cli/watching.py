"""`wms-orders orders watch`: events as they come; a broken stream is taken up where it ended."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any

import grpc
import typer
from rich.cells import cell_len
from rich.text import Text

from wms.orders.v1 import event_pb2, order_pb2, orders_pb2
from wms_cli.exits import INTERRUPTED
from wms_cli.failures import failure_of
from wms_cli.interrupts import deferred_interrupt
from wms_cli.operation import Session, operation
from wms_cli.options import Customer, Statuses, Warehouse
from wms_cli.printing import Output, emit, new_console, print_json, write_line
from wms_cli.texts import word

#: The server is heard at least every few seconds; who is silent for longer is gone.
_SILENCE = 30.0
_WAITS = (0.2, 0.5, 1.0, 2.0, 5.0)
_PASSING = ("WATCHER_TOO_SLOW", "SHUTTING_DOWN", "DATABASE_UNAVAILABLE", "OVERLOADED")


@operation
def watch(
    session: Session,
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
        typer.Option(min=0, help="After this position; 0 from the oldest that is kept. Else from now on."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=0, help="End after so many; 0: go on until Ctrl-C.")
    ] = 0,
) -> None:
    """Print events of orders as they come, one a line, until Ctrl-C, which says how to go on.

    When the connection breaks it is made again, and no event is left out or told twice.
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
    show = _shown(session.output)
    try:
        show_events(_events(session, request), request, show, limit)
    except KeyboardInterrupt:
        if request.HasField("position"):
            write_line(f"Go on from here with --position {request.position}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def show_events(
    events: Iterable[event_pb2.Event],
    request: orders_pb2.WatchOrdersRequest,
    show: Callable[[event_pb2.Event], None],
    limit: int,
) -> None:
    """Show events, as many as the limit (0: all), and set `request.position` to that of the last one shown.

    An interrupt leaves no event shown whose position is not set, and none the other way round.
    """
    for number, event in enumerate(events, start=1):
        with deferred_interrupt():
            show(event)
            request.position = event.position
        if number == limit:
            break


def _events(session: Session, request: orders_pb2.WatchOrdersRequest) -> Iterator[event_pb2.Event]:
    """Yield events until the stream fails for good; a broken stream is resumed at `request.position`."""
    tries, begun = 0, False
    while True:
        try:
            for message in _heard(
                session, request, within=_SILENCE if begun else session.connection.deadline
            ):
                if tries:
                    write_line("Connected again.", err=True)
                tries, begun = 0, True
                if message.HasField("event"):
                    yield message.event
                else:
                    request.position = message.heartbeat.position
        except grpc.RpcError as error:
            if not begun or not isinstance(error, grpc.Call) or not _passes(error):
                raise
            if not tries:
                where = f"position {request.position}"
                write_line(f"The stream ended ({error.code().name}); trying again from {where}.", err=True)
            tries += 1
        time.sleep(_WAITS[min(tries, len(_WAITS) - 1)])


def _heard(
    session: Session, request: orders_pb2.WatchOrdersRequest, within: float
) -> Iterator[orders_pb2.WatchOrdersResponse]:
    """Give what one stream tells; ended with an error when nothing is heard for so many seconds."""
    call: Any = session.orders.WatchOrders(request, metadata=session.connection.metadata)
    while True:
        alarm = threading.Timer(within, call.cancel)
        alarm.daemon = True
        alarm.start()
        try:
            message = next(call)
        except StopIteration:
            return
        finally:
            alarm.cancel()
        yield message
        within = _SILENCE


def _passes(error: grpc.Call) -> bool:
    """Say whether another try may do better."""
    gone = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL)
    reason = failure_of(error).reason
    return reason in _PASSING or (not reason and error.code() in gone)


def _shown(output: Output) -> Callable[[event_pb2.Event], None]:
    """Give what prints an event."""
    if output is Output.ID:
        return lambda event: write_line(event.event_id)
    if output is Output.JSON:
        return lambda event: print_json(event, line=True)
    console = new_console()
    return lambda event: emit(_line(event, console.width), console)


def _line(event: event_pb2.Event, width: int) -> Text:
    """Give an event as a line, or as two where it is too long for one."""
    statuses = order_pb2.OrderStatus.DESCRIPTOR
    before, after = word(statuses, event.from_status), word(statuses, event.to_status)
    time_ = event.occurred_at.ToJsonString()[11:19]
    text = Text(f"{event.position} {time_} {event.order_id} ")
    text.append(event.type.removeprefix("wms.order."), "bold")
    change = f"{before or 'new'} → {after}  " if after and before != after else ""
    rest = f"{change}{event.actor}"
    text.append("  " if cell_len(text.plain) + 2 + cell_len(rest) <= width else "\n    ")
    return text.append(rest, "dim")
