"""The caller, parsed from the metadata of a call."""

from uuid import RFC_4122, UUID

from wms_server.calls.call import parse_caller


def test_call_without_a_correlation_id_gets_a_random_one() -> None:
    """The id is a UUID of version 4 in its usual form, and differs for each call."""
    correlation_ids = {parse_caller(()).correlation_id for _ in range(200)}
    assert len(correlation_ids) == 200
    uuids = [UUID(text) for text in correlation_ids]
    assert {(uuid.version, uuid.variant) for uuid in uuids} == {(4, RFC_4122)}
    assert {str(uuid) for uuid in uuids} == correlation_ids
