"""What the integration tests share beside the parts that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.api import Api
from tests.support.processes import Processes
from tests.support.site import Site


@pytest.fixture(scope="session", autouse=True)
def _short_logs() -> None:
    """Keep what the parts under test log short: by default each traceback is drawn with all variables."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[structlog.processors.add_log_level, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )


@pytest.fixture
def site(api: Api) -> Site:
    """Give the warehouse of the test's database, by gRPC."""
    return Site(api)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Start servers and workers as processes of their own, which end with the test."""
    started = Processes(tmp_path)
    yield started
    started.end()
