"""Parts of a step's work run side by side: each once, a few at a time."""

import asyncio
from typing import Any, cast

import pytest

from wms_core.application.fenced import CycleRules, FencedWork, lanes
from wms_core.application.ports import Database, Fence
from wms_core.domain.caller import Caller
from wms_core.domain.errors import StaleEpoch


def fenced(at_once: int, stopping: Any = lambda: False) -> FencedWork:
    """Give work that needs no database."""
    rules = CycleRules(at_once=at_once)
    return FencedWork(cast("Database", None), Fence("fulfillment", 1), rules, Caller("worker/test"), stopping)


@pytest.mark.parametrize("at_once", [1, 2, 3, 50])
async def test_each_part_is_worked_on_once_and_no_more_than_allowed_at_a_time(at_once: int) -> None:
    """However many lanes there are, no part is lost or done twice."""
    done: list[int] = []
    under_way: set[int] = set()

    async def work(part: int) -> int:
        under_way.add(part)
        assert len(under_way) <= at_once
        await asyncio.sleep(0)
        under_way.remove(part)
        done.append(part)
        return part

    assert await fenced(at_once).side_by_side(range(10), work) == sum(range(10))
    assert sorted(done) == list(range(10))


async def test_a_part_that_fails_is_raised_as_it_is_and_ends_the_others() -> None:
    """The cycle knows the error of a lost role by its class; nothing goes on writing behind it."""
    ended = asyncio.Event()

    async def work(part: int) -> int:
        if part == 1:
            raise StaleEpoch(role="fulfillment", epoch=1, current="a later one")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return part

    with pytest.raises(StaleEpoch):
        await fenced(2).side_by_side(range(10), work)
    assert ended.is_set()


async def test_no_part_is_begun_once_stopping() -> None:
    """A replica that is to stop finishes what it has begun."""
    done: list[int] = []

    async def work(part: int) -> int:
        done.append(part)
        return 1

    assert await fenced(1, stopping=lambda: len(done) >= 3).side_by_side(range(10), work) == 3


@pytest.mark.parametrize("most", [1, 2, 3, 50])
def test_what_is_alike_shares_a_lane_in_its_order(most: int) -> None:
    """Two transactions at a time want no carriers that are the same; nothing is lost or overtaken."""
    items = [(f"{number:02}", f"PACK-{number % 7}") for number in range(50)]
    shared = lanes(items, lambda item: item[1], most)
    assert len(shared) == min(most, 7)
    assert sorted(item for lane in shared for item in lane) == items
    for lane in shared:
        assert not {place for _, place in lane} & {
            place for other in shared if other is not lane for _, place in other
        }
        for place in {place for _, place in lane}:
            mine = [item for item in lane if item[1] == place]
            assert mine == sorted(mine)


def test_lanes_are_as_long_as_each_other_where_that_goes() -> None:
    """No lane waits for one that has most of the work; nothing to do makes none."""
    items = [(str(number), f"PACK-{number % 4}") for number in range(40)]
    assert [len(lane) for lane in lanes(items, lambda item: item[1], 2)] == [20, 20]
    assert lanes([], str, 2) == []
