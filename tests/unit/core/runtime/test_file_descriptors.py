"""File descriptors limit the connections, and a low number is logged."""

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

from wms_core.runtime import file_descriptors
from wms_core.runtime.background_tasks import background_task
from wms_core.runtime.file_descriptors import fit_connections, watch_descriptors


@pytest.mark.parametrize(
    ("descriptors", "http", "grpc"),
    [(2000, 500, 1000), (1664, 500, 1000), (1000, 278, 557), (100, 1, 1), (0, 1, 1)],
)
def test_connections_fit_the_descriptor_limit(descriptors: int, http: int, grpc: int) -> None:
    """gRPC and HTTP each get a share, and the process keeps descriptors for itself."""
    with capture_logs() as logged:
        assert fit_connections(descriptors, 100, http=500, grpc=1000) == {"http": http, "grpc": grpc}
    assert [line["event"] for line in logged] == ["file_descriptor_limit_low"] * (http < 500)


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """Limit this process to a hundred free descriptors or a few more. Yield the limit.

    The count starts at the highest descriptor in use, because other tests leave gaps below it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir()) + 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("remaining", [10, 0])
async def test_low_descriptors_are_logged_once(
    few_descriptors: int, monkeypatch: pytest.MonkeyPatch, remaining: int
) -> None:
    """The recovery is logged once as well. No free descriptor counts as low."""
    monkeypatch.setattr(file_descriptors, "_CHECK_INTERVAL_SECONDS", 0.01)
    with capture_logs() as logged:
        async with background_task(watch_descriptors()):
            with ExitStack() as stack:
                for descriptor in _open_descriptors(few_descriptors - remaining):
                    stack.callback(os.close, descriptor)
                await eventually(lambda: _has_logged(logged, "file_descriptors_low"))
                await asyncio.sleep(0.05)
            await eventually(lambda: _has_logged(logged, "file_descriptors_recovered"))
    assert [line["event"] for line in logged] == ["file_descriptors_low", "file_descriptors_recovered"]


def _open_descriptors(limit: int) -> Iterator[int]:
    """Open descriptors until the next one would be `limit` or the operating system has none left."""
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDONLY)) < limit:
            yield descriptor
        os.close(descriptor)


async def _has_logged(logged: list[MutableMapping[str, Any]], event: str) -> bool:
    return any(line["event"] == event for line in logged)
