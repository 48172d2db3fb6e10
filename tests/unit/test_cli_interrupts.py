"""Ctrl-C while an event is shown: the position that `orders watch` offers is that of the last event shown."""

import signal

import pytest

from wms.orders.v1 import event_pb2, orders_pb2
from wms_cli.interrupts import deferred_interrupt
from wms_cli.watching import show_events

EVENTS = [event_pb2.Event(position=position) for position in (11, 12, 13)]


@pytest.mark.parametrize("position", [11, 12])
@pytest.mark.parametrize("printed", [False, True], ids=["before printing", "after printing"])
def test_an_interrupt_while_an_event_is_shown_leaves_its_position(position: int, printed: bool) -> None:
    """The event is shown to its end and counted; the next one is not shown."""
    shown: list[int] = []

    def show(event: event_pb2.Event) -> None:
        if event.position == position and not printed:
            signal.raise_signal(signal.SIGINT)
        shown.append(event.position)
        if event.position == position and printed:
            signal.raise_signal(signal.SIGINT)

    request = orders_pb2.WatchOrdersRequest(position=10)
    with pytest.raises(KeyboardInterrupt):
        show_events(EVENTS, request, show, limit=0)
    assert shown[-1] == position == request.position


def test_a_second_interrupt_is_raised_at_once() -> None:
    """Whoever presses Ctrl-C again does not wait for an output that is stuck."""
    reached = []

    def interrupt(name: str) -> None:
        signal.raise_signal(signal.SIGINT)
        reached.append(name)

    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        any(map(interrupt, ("first", "second")))
    assert reached == ["first"]


def test_without_an_interrupt_the_handler_is_the_one_before() -> None:
    """Nothing is raised, and the next Ctrl-C acts as usual."""
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_an_error_of_the_block_is_not_replaced() -> None:
    """What went wrong is told, and the handler is restored."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(BrokenPipeError), deferred_interrupt():
        raise BrokenPipeError
    assert signal.getsignal(signal.SIGINT) is before
