"""The restart delay of an ended process."""

from wms_server.process.supervisor import (
    MAX_RESTART_DELAY_SECONDS,
    MIN_RESTART_DELAY_SECONDS,
    STABLE_SECONDS,
    RestartBackoff,
)


def test_first_restart_has_no_delay() -> None:
    """This holds even for a process that ended right after its start."""
    assert RestartBackoff().delay(0.1) == 0


def test_restart_delays_grow_up_to_the_maximum() -> None:
    """Each delay is at least half of its bound. Jitter prevents that several processes restart together."""
    backoff = RestartBackoff()
    delays = [backoff.delay(0.1) for _ in range(50)]
    bounds = [
        0.0,
        *(min(MAX_RESTART_DELAY_SECONDS, MIN_RESTART_DELAY_SECONDS * 2**number) for number in range(49)),
    ]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays, bounds, strict=True))
    assert len(set(delays[-20:])) > 1


def test_stable_process_resets_the_backoff() -> None:
    """Earlier restarts no longer count."""
    backoff = RestartBackoff()
    for _ in range(10):
        backoff.delay(0.1)
    assert backoff.delay(STABLE_SECONDS) == 0
    assert backoff.delay(0.1) > 0
