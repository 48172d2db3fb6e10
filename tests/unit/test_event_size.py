"""The largest event that is written."""

from datetime import UTC, datetime

import pytest

from wms_core.domain.caller import Caller
from wms_core.domain.events import EventRecord
from wms_core.domain.order_status import OrderStatus


def record(payload: str) -> EventRecord:
    """Give an event with this payload."""
    return EventRecord(
        order_id="O-1",
        sequence=1,
        version=1,
        type="wms.order.received",
        occurred_at=datetime(2024, 1, 15, tzinfo=UTC),
        from_status=None,
        to_status=OrderStatus.RECEIVED,
        wave_number="",
        warehouse_id="WH-01",
        caller=Caller(),
        payload=payload,
    )


@pytest.mark.parametrize("payload", ["x" * 1_000, "é" * 500])
def test_an_event_may_have_as_many_bytes_as_the_limit_and_no_more(payload: str) -> None:
    """Bytes are counted, not characters; the error says how many there are and may be."""
    assert record(payload).size_fault(1_000) is None
    fault = record(payload).size_fault(999)
    assert fault is not None
    assert fault.facts == {"order_id": "O-1", "size": "1000", "limit": "999"}
