"""Descriptors: how many connections they allow, and what is said before there are none."""

import asyncio
import os
import resource
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import eventually
from wms_core import file_descriptors
from wms_core.file_descriptors import fit_connections, watch_descriptors
from wms_core.tasks import running


@pytest.mark.parametrize(
    ("descriptors", "http", "grpc"),
    [(2000, 500, 1000), (1664, 500, 1000), (1000, 278, 557), (100, 1, 1), (0, 1, 1)],
)
def test_connections_are_no_more_than_descriptors_allow(descriptors: int, http: int, grpc: int) -> None:
    """Both kinds have their share, and what else a process opens is left."""
    with capture_logs() as logged:
        assert fit_connections(descriptors, 100, http=500, grpc=1000) == {"http": http, "grpc": grpc}
    assert [line["event"] for line in logged] == ["file_descriptor_limit_low"] * (http < 500)


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """Leave this process a hundred free descriptors or a few more; give the limit.

    Counted from the highest in use, since other tests leave gaps below it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir()) + 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("left", [10, 0])
async def test_it_is_said_once_that_few_are_left(
    few_descriptors: int, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """And once that there are enough again; none at all is few."""
    monkeypatch.setattr(file_descriptors, "_CHECK_SECONDS", 0.01)
    with capture_logs() as logged:
        async with running(watch_descriptors()):
            with ExitStack() as stack:
                for descriptor in _opened(few_descriptors - left):
                    stack.callback(os.close, descriptor)
                await eventually(lambda: _has_logged(logged, "file_descriptors_low"))
                await asyncio.sleep(0.05)
            await eventually(lambda: _has_logged(logged, "file_descriptors_recovered"))
    assert [line["event"] for line in logged] == ["file_descriptors_low", "file_descriptors_recovered"]


def _opened(end: int) -> Iterator[int]:
    """Open descriptors until the next would be `end` or there are no more."""
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDONLY)) < end:
            yield descriptor
        os.close(descriptor)


async def _has_logged(logged: list[MutableMapping[str, Any]], event: str) -> bool:
    return any(line["event"] == event for line in logged)
