"""A driver's error and a cancellation at the same time: which of them the caller sees."""

import asyncio

import pytest

from wms_core.postgres.errors import cancellations_kept


async def test_an_error_in_the_way_of_a_cancellation_does_not_hide_it() -> None:
    """Who is cancelled ends, though its connection fails on the way out."""

    async def work() -> None:
        with cancellations_kept():
            try:
                await asyncio.sleep(60)
            finally:
                raise OSError

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_that_is_over_hides_no_error() -> None:
    """As a group of tasks leaves one behind that has caught what failed in it."""

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            with cancellations_kept():
                raise OSError from None

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(OSError):
        await task
