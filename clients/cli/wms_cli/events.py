"""`wms-orders events`: what the broker refused."""

from typing import Annotated

import typer

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_cli.exits import TOLD
from wms_cli.operation import Session, change, operation
from wms_cli.options import LIMIT, Limit
from wms_cli.printing import Output, print_ids

events = typer.Typer(
    help="See the events that the broker refused and that hold up those of their order; let them go again.",
    epilog=TOLD,
    no_args_is_help=True,
)


@events.command("parked")
@operation
def parked(
    session: Session,
    order: Annotated[str, typer.Option("--order", metavar="ID", help="Only of this order.")] = "",
    limit: Limit = LIMIT,
) -> None:
    """List parked events, oldest first."""
    request = pb.ListParkedEventsRequest(order_id=order)
    answer = session.all_of(session.fulfillment.ListParkedEvents, request, "events", limit)
    columns = (
        "event=event.event_id",
        "event.type",
        "order=event.order_id",
        "parked_at",
        "tries=attempts",
        "holds up=held_up",
        "last_error",
    )
    session.show_list(answer, "events", *columns)


@events.command("release")
@change
def release(
    session: Session, event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")]
) -> None:
    """Let a parked event be published again, and after it those that it held up."""
    request = pb.ReleaseParkedEventRequest(event_id=event, request_id=session.request_id)
    answer = session.fulfillment.ReleaseParkedEvent(request, **session.told)
    if session.output is Output.ID:
        print_ids([answer.event], "event.event_id")
    else:
        session.show(answer, "event")
