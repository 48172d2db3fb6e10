"""Descriptors: how many connections they allow, and what is said before there are none."""

import asyncio
import os
import resource
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, suppress
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
def few_descriptors() -> Iterator[None]:
    """Leave this process a hundred free descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_it_is_said_once_that_few_are_left(
    few_descriptors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once that there are enough again; none at all is few."""
    monkeypatch.setattr(file_descriptors, "_CHECK_SECONDS", 0.01)
    with capture_logs() as logged:
        async with running(watch_descriptors()):
            for count in (90, 1000):
                with ExitStack() as stack:
                    with suppress(OSError):
                        for _ in range(count):
                            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
                    await eventually(lambda: _has_logged(logged, "file_descriptors_low"))
                    await asyncio.sleep(0.05)
                await eventually(lambda: _has_logged(logged, "file_descriptors_recovered"))
                assert [line["event"] for line in logged] == [
                    "file_descriptors_low",
                    "file_descriptors_recovered",
                ]
                logged.clear()


async def _has_logged(logged: list[MutableMapping[str, Any]], event: str) -> bool:
    return any(line["event"] == event for line in logged)
