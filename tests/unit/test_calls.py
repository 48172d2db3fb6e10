"""Who calls, as the headers say it."""

from uuid import RFC_4122, UUID

from wms_server.calls import caller_from


def test_who_brings_no_correlation_id_is_given_a_random_one() -> None:
    """A UUID of version 4 in its usual form, another one for each call."""
    made = {caller_from(()).correlation_id for _ in range(200)}
    assert len(made) == 200
    read = [UUID(text) for text in made]
    assert {(one.version, one.variant) for one in read} == {(4, RFC_4122)}
    assert {str(one) for one in read} == made
