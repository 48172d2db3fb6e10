"""Reading the event log from a position on, so that nothing is passed over in silence."""

from collections.abc import Sequence
from dataclasses import dataclass

from wms_core.application.ports import EventFilter, EventLogStore, LogBounds
from wms_core.domain.errors import PositionNotKept
from wms_core.domain.events import EventRecord

#: The most events of one page, the bytes after which it ends, and the most positions that are searched.
_EVENTS = 200
_BYTES = 256 * 1024
_POSITIONS = 5_000


@dataclass(frozen=True, slots=True)
class EventPage:
    """The next events: all that are wanted up to `position`. `bounds` are those of the log afterwards."""

    events: Sequence[EventRecord]
    position: int
    bounds: LogBounds


def expect_kept(position: int, bounds: LogBounds) -> None:
    """Raise PositionNotKept unless the log can be read from a position."""
    if not bounds.oldest <= position <= bounds.newest:
        raise PositionNotKept(position=position, oldest_position=bounds.oldest)


async def start(log: EventLogStore, position: int | None) -> EventPage:
    """Give the empty page before the first: at a position, at the end for None, at the beginning for 0.

    Raises PositionNotKept.
    """
    bounds = await log.bounds()
    chosen = bounds.newest if position is None else position or bounds.oldest
    expect_kept(chosen, bounds)
    return EventPage((), chosen, bounds)


async def following(log: EventLogStore, page: EventPage, wanted: EventFilter) -> EventPage:
    """Give the page after another one, maybe without events: a rare kind is searched for piece by piece.

    Raises PositionNotKept when a part of it has been dropped meanwhile.
    """
    until = page.bounds.newest
    if not wanted.order_ids:
        # Events of a few orders are found by an index, wherever they are.
        until = min(until, page.position + _POSITIONS)
    events, has_more = await log.after(page.position, _EVENTS, _BYTES, until=until, wanted=wanted)
    # What is kept now was kept when the events were read, so none is missing between them.
    bounds = await log.bounds()
    expect_kept(page.position, bounds)
    return EventPage(events, events[-1].position or until if has_more else until, bounds)
