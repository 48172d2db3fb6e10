"""A port that was given to one is given to nobody else."""

import os
import subprocess
import sys

import pytest

from wms_dev import ports
from wms_dev.ports import free_port

_HOLDER = "from wms_dev.ports import free_port; print(free_port(), flush=True); input()"


def draw(monkeypatch: pytest.MonkeyPatch, *drawn: int) -> None:
    """Let chance draw these ports, in this order."""
    left = [port - ports.LOWEST for port in reversed(drawn)]
    monkeypatch.setattr("wms_dev.ports.secrets.randbelow", lambda _: left.pop())


def test_a_port_is_not_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody listens on it yet."""
    first, second = free_port(), free_port()
    os.close(ports._claims.pop())
    draw(monkeypatch, first, second)
    assert free_port() == second


def test_a_port_that_another_process_was_given_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until that process has ended."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER], stdin=-1, stdout=-1, text=True)
    with holder:
        assert holder.stdout is not None
        theirs = int(holder.stdout.readline())
        other = free_port()
        os.close(ports._claims.pop())
        draw(monkeypatch, theirs, other, theirs)
        assert free_port() == other
        holder.communicate("\n", timeout=10)
    assert free_port() == theirs


def test_old_claims_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that draws many ports keeps a bounded number of them."""
    first = free_port()
    for _ in range(ports.CLAIMS_KEPT):
        free_port()
    draw(monkeypatch, first)
    assert free_port() == first
