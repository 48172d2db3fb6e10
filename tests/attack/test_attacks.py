"""Every attack in its short form, on one server and one worker, as `make attack` runs them in full."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.attack.registry import ATTACKS
from tests.attack.runner import Campaign
from wms_core.file_descriptors import raise_descriptor_limit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.one_postgres,
    # Up to three rounds, and a new service after an attack that the last one has not withstood.
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("attack"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def campaign() -> AsyncIterator[Campaign]:
    """Give what runs the attacks on one service."""
    raise_descriptor_limit()
    async with Campaign() as opened:
        yield opened


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_withstood(campaign: Campaign, name: str) -> None:
    """Others are served meanwhile, no process ends, and memory stays within its limit and comes back."""
    report = await campaign.run(ATTACKS[name], short=True)
    assert report.holds, report
