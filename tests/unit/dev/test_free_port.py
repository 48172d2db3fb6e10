"""A free port is never given to two users."""

import os
import subprocess
import sys

import pytest

from wms_dev import free_port
from wms_dev.free_port import find_free_port

_HOLDER = "from wms_dev.free_port import find_free_port; print(find_free_port(), flush=True); input()"


def set_random_ports(monkeypatch: pytest.MonkeyPatch, *ports_to_draw: int) -> None:
    """Make the random generator return these ports in this sequence."""
    remaining = [port - free_port.MIN_PORT for port in reversed(ports_to_draw)]
    monkeypatch.setattr("wms_dev.free_port.secrets.randbelow", lambda _: remaining.pop())


def test_port_is_not_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds even if no process listens on it yet."""
    first, second = find_free_port(), find_free_port()
    os.close(free_port._claimed_port_sockets.pop())
    set_random_ports(monkeypatch, first, second)
    assert find_free_port() == second


def test_port_of_another_process_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim lasts until that process has ended."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER], stdin=-1, stdout=-1, text=True)
    with holder:
        assert holder.stdout is not None
        other_process_port = int(holder.stdout.readline())
        own_port = find_free_port()
        os.close(free_port._claimed_port_sockets.pop())
        set_random_ports(monkeypatch, other_process_port, own_port, other_process_port)
        assert find_free_port() == own_port
        holder.communicate("\n", timeout=10)
    assert find_free_port() == other_process_port


def test_number_of_claims_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that requests many ports releases its oldest claims."""
    first = find_free_port()
    for _ in range(free_port.MAX_CLAIMED_PORTS):
        find_free_port()
    set_random_ports(monkeypatch, first)
    assert find_free_port() == first
