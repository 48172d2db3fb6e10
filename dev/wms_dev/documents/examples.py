"""An example of each event: those of the Order Service document are there to the letter."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wms_core.domain import events
from wms_core.domain.dead_letters import Resolution
from wms_core.domain.events import OrderEvent
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.orders import Priority
from wms_core.domain.payloads import ShippingAddress, ShortageReason

_NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
_TEN_THIRTY = _NOON - timedelta(minutes=90)
_ELEVEN = _NOON - timedelta(minutes=60)
_ADDRESS: ShippingAddress = {
    "street": "123 Main St",
    "city": "New York",
    "state": "NY",
    "zipCode": "10001",
    "country": "US",
}


def examples() -> Sequence[OrderEvent]:
    """Give one event of each class."""
    return [*_way(), *_failures(), *_shortage()]


def _told(moment: datetime = _TEN_THIRTY) -> dict[str, Any]:
    return {"order_id": "ORD-12345", "customer_id": "CUST-001", "timestamp": moment}


def _way() -> Sequence[OrderEvent]:
    wave: dict[str, Any] = {"wave_id": "WAVE-2024-00123", "destination_id": "PACK-1"}
    return [
        events.Received(
            **_told(),
            warehouse_id="WH-01",
            priority=Priority.STANDARD,
            promised_delivery_at=datetime(2024, 12, 27, 17, tzinfo=UTC),
            allow_partial=True,
            items=[
                {
                    "sku": "SKU-001",
                    "quantity": 2,
                    "unitPrice": {"currencyCode": "USD", "units": "29", "nanos": 990_000_000},
                }
            ],
            shipping_address=_ADDRESS,
        ),
        events.Validated(**_told()),
        events.WaveAssigned(**_told(), **wave),
        events.PickingStarted(**_told(), **wave),
        events.PackingStarted(**_told(), **wave),
        events.Shipped(
            **_told(),
            shipment_number=1,
            carrier_code="UPS",
            tracking_number="1Z999AA10123456784",
            items=[{"sku": "SKU-001", "quantity": 2}],
        ),
        events.Completed(**_told(_NOON), delivered_at=_ELEVEN),
        events.Cancelled(**_told(), reason="Customer request"),
        events.Updated(**_told(), changes={"priority": Priority.SAME_DAY, "promisedDeliveryAt": None}),
    ]


def _failures() -> Sequence[OrderEvent]:
    return [
        events.RetryScheduled(
            **_told(),
            retry_number=3,
            failure_status=OrderStatus.PICKING,
            failure_reason="Inventory unavailable",
        ),
        events.RetryStarted(**_told(_ELEVEN), retry_number=3),
        events.MovedToDeadLetterQueue(
            **_told(_NOON),
            final_failure_status=OrderStatus.PICKING,
            final_failure_reason="Max retries exceeded",
            total_retry_attempts=5,
        ),
        events.DeadLetterResolved(
            **_told(_NOON),
            entry_id="DLQ-01HM6ZXK6S0000000000000000",
            resolution=Resolution.MANUAL_RETRY,
            notes="Inventory replenished, retrying order",
            resolved_by="SUPERVISOR-001",
        ),
    ]


def _shortage() -> Sequence[OrderEvent]:
    owed: dict[str, Any] = {"backorder_id": "BO-01HM6ZXK6S0000000000000000", "sku": "SKU-001", "quantity": 2}
    mismatch = ShortageReason.QUANTITY_MISMATCH
    return [
        events.PartiallyFulfilled(
            **_told(_ELEVEN),
            fulfilled_items=[{"sku": "SKU-001", "quantityOrdered": 5, "quantityFulfilled": 3}],
            backordered_items=[
                {"sku": "SKU-001", "quantityOrdered": 5, "quantityShort": 2, "reason": mismatch}
            ],
            fulfillment_ratio=0.6,
        ),
        events.BackorderCreated(**_told(_ELEVEN), **owed, reason=mismatch),
        events.BackorderFulfilled(**_told(_NOON), **owed),
    ]
