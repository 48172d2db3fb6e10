"""A driver error and a cancellation at the same time: the caller sees the right one."""

import asyncio

import pytest

from wms_core.postgres.errors import preserve_cancellation


async def test_driver_error_does_not_hide_a_cancellation() -> None:
    """A cancelled task ends as cancelled, although its connection fails during cleanup."""

    async def operation() -> None:
        with preserve_cancellation():
            try:
                await asyncio.sleep(60)
            finally:
                raise OSError

    task = asyncio.create_task(operation())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_handled_cancellation_hides_no_error() -> None:
    """A task group leaves such a cancellation behind after it has caught an error of its tasks."""

    async def operation() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            with preserve_cancellation():
                raise OSError from None

    task = asyncio.create_task(operation())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(OSError):
        await task
