"""Background tasks: no cancellation is lost."""

import asyncio

import pytest

from wms_core.runtime.background_tasks import background_task


async def _end_slowly(has_ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        has_ended.set()


async def test_task_ends_with_its_block() -> None:
    """The block waits for the end of the task."""
    has_ended = asyncio.Event()
    async with background_task(_end_slowly(has_ended)):
        await asyncio.sleep(0)
    assert has_ended.is_set()


async def test_cancellation_during_the_end_of_a_task_is_not_lost() -> None:
    """It cancels the owner and not the task. The owner still waits for the task."""
    has_ended, is_leaving = asyncio.Event(), asyncio.Event()

    async def owner() -> None:
        async with background_task(_end_slowly(has_ended)):
            await asyncio.sleep(0)
            is_leaving.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(owner())
    await is_leaving.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done
    assert task.cancelled()
    assert has_ended.is_set()


async def test_error_of_the_task_is_raised_at_the_end() -> None:
    """It is raised even if no code awaits the task."""

    async def fail() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        async with background_task(fail()):
            await asyncio.sleep(0)
