"""Owning background work: nobody's cancellation is lost on the way down."""

import asyncio

import pytest

from wms_core.tasks import running


async def _slow_to_end(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        ended.set()


async def test_work_is_ended_with_its_body() -> None:
    """And waited for."""
    ended = asyncio.Event()
    async with running(_slow_to_end(ended)):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_a_cancellation_that_comes_while_work_ends_is_not_lost() -> None:
    """It belongs to the owner, not to the work; the work is waited for all the same."""
    ended, leaving = asyncio.Event(), asyncio.Event()

    async def owner() -> None:
        async with running(_slow_to_end(ended)):
            await asyncio.sleep(0)
            leaving.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(owner())
    await leaving.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done
    assert task.cancelled()
    assert ended.is_set()


async def test_a_fault_of_the_work_is_raised_at_the_end() -> None:
    """It is not forgotten because nobody waited for it."""

    async def broken() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        async with running(broken()):
            await asyncio.sleep(0)
