"""The retry policy: the backoff doubles up to a cap, within bounds for every number of failures."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wms_core.domain.failures.failures import RetryPolicy

FAILED_AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
failures = st.integers(1, 1_000_000)
draws = st.floats(0, 1, exclude_max=True)
delays = st.integers(1, 10**9).map(lambda ms: timedelta(milliseconds=ms))  # up to eleven days
policies = st.builds(
    RetryPolicy,
    max_retries=st.integers(1, 100),
    base_delay=delays,
    max_delay=delays,
    jitter_ratio=st.floats(0, 1),
)


def test_the_second_failure_is_retried_after_thirty_minutes() -> None:
    """The specification's example failed for the second time at 10:30 and is retried at 11:00."""
    assert RetryPolicy().compute_next_retry_at(FAILED_AT, 2) == datetime(2024, 1, 15, 11, 0, tzinfo=UTC)


def test_default_delays() -> None:
    """The delay starts at a quarter of an hour, doubles, and never exceeds six hours."""
    minutes = [RetryPolicy().compute_delay(number).total_seconds() / 60 for number in range(1, 8)]
    assert minutes == [15, 30, 60, 120, 240, 360, 360]


@given(policies, st.integers(1, 30))
def test_delay_without_jitter_doubles_up_to_the_cap(policy: RetryPolicy, number: int) -> None:
    """The delay is `min(cap, base * 2**(n-1))`, computed here in whole microseconds."""
    doubled = (policy.base_delay // timedelta(microseconds=1)) * 2 ** (number - 1)
    expected = min(policy.max_delay // timedelta(microseconds=1), doubled)
    assert abs(policy.compute_delay(number) // timedelta(microseconds=1) - expected) <= 1


@given(policies, failures, draws)
def test_jitter_adds_at_most_its_ratio(policy: RetryPolicy, number: int, draw: float) -> None:
    """Jitter never shortens the delay."""
    plain, jittered = policy.compute_delay(number), policy.compute_delay(number, draw)
    tick = timedelta(microseconds=1)
    assert plain <= jittered <= plain * (1 + policy.jitter_ratio) + tick


@given(policies, failures, failures, draws)
def test_delay_never_decreases_with_failures(
    policy: RetryPolicy, first_number: int, second_number: int, draw: float
) -> None:
    """With the same draw, the delay rises with the number of failures."""
    assert policy.compute_delay(min(first_number, second_number), draw) <= policy.compute_delay(
        max(first_number, second_number), draw
    )


@given(policies, failures, draws)
def test_no_number_of_failures_overflows(policy: RetryPolicy, number: int, draw: float) -> None:
    """The delay stays within the cap and its jitter, however often an order has failed."""
    assert (
        timedelta(0)
        < policy.compute_delay(number, draw)
        <= policy.max_delay * (1 + policy.jitter_ratio) + timedelta(seconds=1)
    )
    assert policy.compute_next_retry_at(FAILED_AT, number, draw) > FAILED_AT


@given(policies, failures)
def test_last_allowed_failure_is_not_retried(policy: RetryPolicy, number: int) -> None:
    """Failure number `max_retries` and later ones are not retried."""
    assert policy.is_exhausted(number) == (number >= policy.max_retries)


@pytest.mark.parametrize(("failures", "is_last"), [(1, False), (4, False), (5, True), (6, True)])
def test_default_policy_allows_four_retries(failures: int, is_last: bool) -> None:
    """The fifth failure becomes a dead letter."""
    assert RetryPolicy().is_exhausted(failures) is is_last
