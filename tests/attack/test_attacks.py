"""Every attack in its short form on one server and one worker. `make attack` runs the long form."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.attack.registry import ATTACKS
from tests.attack.runner import Campaign
from wms_core.runtime.file_descriptors import raise_descriptor_limit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.one_postgres,
    # Up to three rounds, and a new service after an attack that the previous one did not withstand.
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("attack"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def campaign() -> AsyncIterator[Campaign]:
    """Yield a campaign that runs the attacks on one service."""
    raise_descriptor_limit()
    async with Campaign() as entered_campaign:
        yield entered_campaign


@pytest.mark.parametrize("name", ATTACKS)
async def test_service_withstands_attack(campaign: Campaign, name: str) -> None:
    """Other callers are served, no process ends, and memory stays within its limit and is released."""
    report = await campaign.run(ATTACKS[name], short=True)
    assert report.holds, report
