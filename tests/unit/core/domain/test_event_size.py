"""The size limit of events."""

from datetime import UTC, datetime

import pytest

from wms_core.domain.call_context import Caller
from wms_core.domain.events.events import EventRecord
from wms_core.domain.orders.status import OrderStatus


def record(payload: str) -> EventRecord:
    """Return an event with this payload."""
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
def test_event_size_limit_counts_bytes(payload: str) -> None:
    """The limit counts bytes and not characters. The error has the size and the limit."""
    assert record(payload).get_size_error(1_000) is None
    error = record(payload).get_size_error(999)
    assert error is not None
    assert error.metadata == {"order_id": "O-1", "size": "1000", "limit": "999"}
