"""A plugin of pytest that finds what the tests of a file have left open before another file is run.

What is left open complains only when the garbage collector comes to it: in any test that happens to run then.
"""

import gc
from collections.abc import Iterator

import pytest


def pytest_collection_finish() -> None:
    """Keep the collector from looking again and again at what was imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Collect what the tests of a file have left; pytest fails for complaints."""
    yield
    gc.collect()
