"""Parts that a test needs and that a machine may lack."""

import os
from typing import NoReturn

import pytest

from wms_dev.generate.clients import ALL


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because the machine lacks a part; with CI=true fail it, so that no skip passes unseen."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require_programs(client: str) -> None:
    """Skip the test, or with CI=true fail it, when the machine lacks a program that this client needs."""
    missing = next(known.missing for known in ALL if known.name == client)
    if missing:
        skip_or_fail(f"clients/{client} is not run: there is no {' and no '.join(missing)} here")
