"""Requirements of tests that a machine may lack."""

import os
from typing import NoReturn

import pytest

from wms_dev.codegen.clients import ALL_CLIENTS


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because the machine lacks a requirement; with CI=true, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require_programs(client: str) -> None:
    """Skip the test, or with CI=true fail it, if the machine lacks a program that a client requires."""
    missing = next(candidate.missing_programs for candidate in ALL_CLIENTS if candidate.name == client)
    if missing:
        skip_or_fail(f"clients/{client} is not tested: {' and '.join(missing)} is missing here")
