"""Ctrl-C while an event is printed: `orders watch` offers the position of the last printed event."""

import signal

import pytest

from wms.orders.v1 import event_pb2, orders_pb2
from wms_cli.commands.watch import show_events
from wms_cli.framework.interrupts import defer_interrupt

EVENTS = [event_pb2.Event(position=position) for position in (11, 12, 13)]


@pytest.mark.parametrize("position", [11, 12])
@pytest.mark.parametrize("printed", [False, True], ids=["before printing", "after printing"])
def test_interrupt_during_an_event_keeps_its_position(position: int, printed: bool) -> None:
    """The event is printed to its end and counted. The next one is not printed."""
    printed_positions: list[int] = []

    def print_event(event: event_pb2.Event) -> None:
        if event.position == position and not printed:
            signal.raise_signal(signal.SIGINT)
        printed_positions.append(event.position)
        if event.position == position and printed:
            signal.raise_signal(signal.SIGINT)

    request = orders_pb2.WatchOrdersRequest(position=10)
    with pytest.raises(KeyboardInterrupt):
        show_events(EVENTS, request, print_event, limit=0)
    assert printed_positions[-1] == position == request.position


def test_second_interrupt_is_raised_at_once() -> None:
    """The second Ctrl-C does not wait for a blocked output."""
    reached = []

    def interrupt(name: str) -> None:
        signal.raise_signal(signal.SIGINT)
        reached.append(name)

    with pytest.raises(KeyboardInterrupt), defer_interrupt():
        any(map(interrupt, ("first", "second")))
    assert reached == ["first"]


def test_handler_is_restored_without_an_interrupt() -> None:
    """Nothing is raised, and the next Ctrl-C acts as usual."""
    before = signal.getsignal(signal.SIGINT)
    with defer_interrupt():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_error_of_the_block_is_not_replaced() -> None:
    """The error is raised, and the handler is restored."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(BrokenPipeError), defer_interrupt():
        raise BrokenPipeError
    assert signal.getsignal(signal.SIGINT) is before
