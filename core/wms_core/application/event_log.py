"""Paging through the event log from a position; a gap in the log is an error."""

from collections.abc import Sequence
from dataclasses import dataclass

from wms_core.application.database import EventFilter, EventLogRepository, LogBounds
from wms_core.domain.errors import PositionNotKept
from wms_core.domain.events.events import EventRecord

#: Limits of one page: events, bytes of payload, and searched positions.
_MAX_PAGE_EVENTS = 200
_MAX_PAGE_BYTES = 256 * 1024
_MAX_SEARCHED_POSITIONS = 5_000


@dataclass(frozen=True, slots=True)
class EventPage:
    """The matching events up to `position`, and the bounds of the log after they were read."""

    event_records: Sequence[EventRecord]
    position: int
    log_bounds: LogBounds


def check_position(position: int, log_bounds: LogBounds) -> None:
    """Raise PositionNotKept unless the log can be read from a position."""
    if not log_bounds.oldest_position <= position <= log_bounds.newest_position:
        raise PositionNotKept(position=position, oldest_position=log_bounds.oldest_position)


async def start_page(event_log: EventLogRepository, position: int | None) -> EventPage:
    """Return the empty page before the first: at a position, at the end for None, at the beginning for 0.

    Raises PositionNotKept.
    """
    log_bounds = await event_log.read_bounds()
    start_position = (
        log_bounds.newest_position if position is None else position or log_bounds.oldest_position
    )
    check_position(start_position, log_bounds)
    return EventPage((), start_position, log_bounds)


async def read_next_page(
    event_log: EventLogRepository, page: EventPage, event_filter: EventFilter
) -> EventPage:
    """Return the page after `page`. It may be empty, because rare events are searched in sections.

    Raises PositionNotKept when a part of the page has been dropped meanwhile.
    """
    until_position = page.log_bounds.newest_position
    if not event_filter.order_ids:
        # An index finds the events of single orders, wherever they are.
        until_position = min(until_position, page.position + _MAX_SEARCHED_POSITIONS)
    event_records, has_more = await event_log.list_after(
        page.position,
        _MAX_PAGE_EVENTS,
        _MAX_PAGE_BYTES,
        until_position=until_position,
        event_filter=event_filter,
    )
    # The bounds are read after the events: positions that are kept now were kept then, so no event is
    # missing.
    log_bounds = await event_log.read_bounds()
    check_position(page.position, log_bounds)
    return EventPage(
        event_records,
        event_records[-1].position or until_position if has_more else until_position,
        log_bounds,
    )
