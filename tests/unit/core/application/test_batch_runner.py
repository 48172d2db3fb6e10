"""The batch runner runs the batches of a step concurrently, each once and within a limit."""

import asyncio
from typing import Any, cast

import pytest

from wms_core.application.cycle.batch_runner import BatchRunner, CycleRules, partitions
from wms_core.application.database import Database, Fence
from wms_core.domain.call_context import Caller
from wms_core.domain.errors import StaleEpoch


def create_runner(concurrency: int, stopping: Any = lambda: False) -> BatchRunner:
    """Return a runner that needs no database."""
    rules = CycleRules(concurrency=concurrency)
    return BatchRunner(
        cast("Database", None), Fence("fulfillment", 1), rules, Caller("worker/test"), stopping
    )


@pytest.mark.parametrize("concurrency", [1, 2, 3, 50])
async def test_each_batch_runs_once_within_the_concurrency_limit(concurrency: int) -> None:
    """No batch is lost or runs twice, for any concurrency."""
    done: list[int] = []
    running: set[int] = set()

    async def run_batch(batch: int) -> int:
        running.add(batch)
        assert len(running) <= concurrency
        await asyncio.sleep(0)
        running.remove(batch)
        done.append(batch)
        return batch

    assert await create_runner(concurrency).run_concurrently(range(10), run_batch) == sum(range(10))
    assert sorted(done) == list(range(10))


async def test_error_of_a_batch_is_raised_and_cancels_the_others() -> None:
    """The cycle recognizes the error of a lost role by its class. No batch continues to write."""
    cancelled = asyncio.Event()

    async def run_batch(batch: int) -> int:
        if batch == 1:
            raise StaleEpoch(role="fulfillment", epoch=1, current="a later one")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return batch

    with pytest.raises(StaleEpoch):
        await create_runner(2).run_concurrently(range(10), run_batch)
    assert cancelled.is_set()


async def test_no_batch_starts_while_stopping() -> None:
    """A stopping replica finishes the batches that it has started."""
    done: list[int] = []

    async def run_batch(batch: int) -> int:
        done.append(batch)
        return 1

    assert await create_runner(1, stopping=lambda: len(done) >= 3).run_concurrently(range(10), run_batch) == 3


@pytest.mark.parametrize("max_partitions", [1, 2, 3, 50])
def test_items_with_the_same_key_share_a_partition_in_their_order(max_partitions: int) -> None:
    """Two concurrent transactions never need the same carriers. No item is lost or overtaken."""
    items = [(f"{number:02}", f"PACK-{number % 7}") for number in range(50)]
    partitioned = partitions(items, lambda item: item[1], max_partitions)
    assert len(partitioned) == min(max_partitions, 7)
    assert sorted(item for partition in partitioned for item in partition) == items
    for partition in partitioned:
        assert not {destination for _, destination in partition} & {
            destination
            for other_partition in partitioned
            if other_partition is not partition
            for _, destination in other_partition
        }
        for destination in {destination for _, destination in partition}:
            same_key_items = [item for item in partition if item[1] == destination]
            assert same_key_items == sorted(same_key_items)


def test_partitions_are_balanced() -> None:
    """No partition has most of the work, and no items result in no partitions."""
    items = [(str(number), f"PACK-{number % 4}") for number in range(40)]
    assert [len(partition) for partition in partitions(items, lambda item: item[1], 2)] == [20, 20]
    assert partitions([], str, 2) == []
