"""What holds whether calls share transactions or not: a module says `pytestmark = BOTH_WAYS`."""

import pytest

BOTH_WAYS = [
    pytest.mark.usefixtures("group_commit_calls"),
    pytest.mark.parametrize("group_commit_calls", [256, 1], indirect=True, ids=["joined", "alone"]),
]
