"""`wms-orders events`: events that Kafka rejected."""

from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.framework.command import DEFAULT_LIMIT, CliSession, Limit, change_command, read_command
from wms_cli.framework.exit_codes import EXIT_CODE_HELP
from wms_cli.framework.output import OutputFormat, print_ids

events = typer.Typer(
    help="List parked events, which Kafka rejected and which block later events of the order; release them.",
    epilog=EXIT_CODE_HELP,
    no_args_is_help=True,
)


@events.command("parked")
@read_command
def parked(
    session: CliSession,
    order: Annotated[str, typer.Option("--order", metavar="ID", help="Only this order.")] = "",
    limit: Limit = DEFAULT_LIMIT,
) -> None:
    """List parked events, oldest first."""
    request = pb.ListParkedEventsRequest(order_id=order)
    response = session.fetch_pages(session.fulfillment.ListParkedEvents, request, "events", limit)
    columns = (
        "event=event.event_id",
        "event.type",
        "order=event.order_id",
        "parked_at",
        "tries=attempts",
        "holds up=held_up",
        "last_error",
    )
    session.print_list(response, "events", *columns)


@events.command("release")
@change_command
def release(
    session: CliSession, event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")]
) -> None:
    """Publish a parked event again, and after it the events that it blocked."""
    request = pb.ReleaseParkedEventRequest(event_id=event, request_id=session.request_id)
    response = session.fulfillment.ReleaseParkedEvent(request, **session.call_options)
    if session.output is OutputFormat.ID:
        print_ids([response.event], "event.event_id")
    else:
        session.print_response(response, "event")
