"""Parts that a test needs and that a machine may lack."""

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because the machine lacks a part; with CI=true fail it, so that no skip passes unseen."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
