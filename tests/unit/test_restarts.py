"""When a process that has ended is started again."""

from wms_server.restarts import LONGEST, SETTLED, SHORTEST, Restarts


def test_the_first_end_is_followed_by_a_start_at_once() -> None:
    """Also of a process that had hardly begun."""
    assert Restarts().pause(0.1) == 0


def test_pauses_grow_up_to_the_longest() -> None:
    """Each is at least half of what it may be, so that several processes do not start in step."""
    ends = Restarts()
    pauses = [ends.pause(0.1) for _ in range(50)]
    bounds = [0.0, *(min(LONGEST, SHORTEST * 2**number) for number in range(49))]
    assert all(bound / 2 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=True))
    assert len(set(pauses[-20:])) > 1


def test_a_process_that_has_lived_for_long_starts_anew() -> None:
    """What was before is forgotten."""
    ends = Restarts()
    for _ in range(10):
        ends.pause(0.1)
    assert ends.pause(SETTLED) == 0
    assert ends.pause(0.1) > 0
