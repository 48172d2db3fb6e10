"""Fixtures of the integration tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.builders.warehouse import WarehouseDriver
from tests.support.clients.grpc_api import Api
from tests.support.processes.processes import Processes


@pytest.fixture(scope="session", autouse=True)
def _short_logs() -> None:
    """Shorten the logs of the code under test: by default structlog renders tracebacks with all variables."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.processors.add_log_level, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )


@pytest.fixture
def site(api: Api) -> WarehouseDriver:
    """Return a driver for the warehouse of the test's database, over gRPC."""
    return WarehouseDriver(api)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Yield a starter of servers and workers as processes, which end with the test."""
    processes = Processes(tmp_path)
    yield processes
    processes.kill_all()
