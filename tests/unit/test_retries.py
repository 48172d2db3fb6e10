"""The retry policy: doubling waits up to a cap, in bounds for every number of failures."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.retries import RetryPolicy

FAILED_AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
failures = st.integers(1, 1_000_000)
draws = st.floats(0, 1, exclude_max=True)
waits = st.integers(1, 10**9).map(lambda ms: timedelta(milliseconds=ms))  # up to eleven days
policies = st.builds(
    RetryPolicy, max_retries=st.integers(1, 100), base=waits, cap=waits, jitter=st.floats(0, 1)
)


def test_the_second_failure_is_retried_after_thirty_minutes() -> None:
    """The example of the Order Service document: failed at 10:30 for the second time, retried at 11:00."""
    assert RetryPolicy().next_retry_at(FAILED_AT, 2) == datetime(2024, 1, 15, 11, 0, tzinfo=UTC)


def test_the_waits_of_the_defaults() -> None:
    """A quarter of an hour, doubled, and never more than six hours."""
    minutes = [RetryPolicy().delay(number).total_seconds() / 60 for number in range(1, 8)]
    assert minutes == [15, 30, 60, 120, 240, 360, 360]


@given(policies, st.integers(1, 30))
def test_without_chance_the_wait_is_base_doubled_up_to_the_cap(policy: RetryPolicy, number: int) -> None:
    """`min(cap, base * 2**(n-1))`, computed here in whole microseconds."""
    doubled = (policy.base // timedelta(microseconds=1)) * 2 ** (number - 1)
    wanted = min(policy.cap // timedelta(microseconds=1), doubled)
    assert abs(policy.delay(number) // timedelta(microseconds=1) - wanted) <= 1


@given(policies, failures, draws)
def test_chance_adds_at_most_its_share(policy: RetryPolicy, number: int, draw: float) -> None:
    """Jitter lengthens the wait by up to its share and never shortens it."""
    plain, jittered = policy.delay(number), policy.delay(number, draw)
    tick = timedelta(microseconds=1)
    assert plain <= jittered <= plain * (1 + policy.jitter) + tick


@given(policies, failures, failures, draws)
def test_more_failures_never_wait_shorter(policy: RetryPolicy, one: int, other: int, draw: float) -> None:
    """With the same draw, the wait rises with the number of failures."""
    assert policy.delay(min(one, other), draw) <= policy.delay(max(one, other), draw)


@given(policies, failures, draws)
def test_no_number_of_failures_overflows(policy: RetryPolicy, number: int, draw: float) -> None:
    """The wait stays within the cap and its jitter, however often an order failed."""
    assert (
        timedelta(0) < policy.delay(number, draw) <= policy.cap * (1 + policy.jitter) + timedelta(seconds=1)
    )
    assert policy.next_retry_at(FAILED_AT, number, draw) > FAILED_AT


@given(policies, failures)
def test_the_last_allowed_failure_is_the_last(policy: RetryPolicy, number: int) -> None:
    """Failure number `max_retries`, and any later one, is not retried."""
    assert policy.exhausted(number) == (number >= policy.max_retries)


@pytest.mark.parametrize(("failures", "last"), [(1, False), (4, False), (5, True), (6, True)])
def test_by_default_the_fifth_failure_is_the_last(failures: int, last: bool) -> None:
    """Four retries, then the dead letter queue."""
    assert RetryPolicy().exhausted(failures) is last
