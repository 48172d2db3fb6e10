"""An example of each event. Those in the Order Service specification are copied from it exactly."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wms_core.domain.events import events
from wms_core.domain.events.events import OrderEvent
from wms_core.domain.events.payloads import ShippingAddress, ShortageReason
from wms_core.domain.failures.dead_letters import Resolution
from wms_core.domain.orders.orders import Priority
from wms_core.domain.orders.status import OrderStatus

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


def build_examples() -> Sequence[OrderEvent]:
    """Return one event of each class."""
    return [*_build_fulfillment_events(), *_build_failure_events(), *_build_shortage_events()]


def _event_base_fields(timestamp: datetime = _TEN_THIRTY) -> dict[str, Any]:
    return {"order_id": "ORD-12345", "customer_id": "CUST-001", "timestamp": timestamp}


def _build_fulfillment_events() -> Sequence[OrderEvent]:
    wave: dict[str, Any] = {"wave_id": "WAVE-2024-00123", "destination_id": "PACK-1"}
    return [
        events.OrderReceived(
            **_event_base_fields(),
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
        events.OrderValidated(**_event_base_fields()),
        events.WaveAssigned(**_event_base_fields(), **wave),
        events.PickingStarted(**_event_base_fields(), **wave),
        events.PackingStarted(**_event_base_fields(), **wave),
        events.OrderShipped(
            **_event_base_fields(),
            shipment_number=1,
            carrier_code="UPS",
            tracking_number="1Z999AA10123456784",
            items=[{"sku": "SKU-001", "quantity": 2}],
        ),
        events.OrderCompleted(**_event_base_fields(_NOON), delivered_at=_ELEVEN),
        events.OrderCancelled(**_event_base_fields(), reason="Customer request"),
        events.OrderUpdated(
            **_event_base_fields(), changes={"priority": Priority.SAME_DAY, "promisedDeliveryAt": None}
        ),
    ]


def _build_failure_events() -> Sequence[OrderEvent]:
    return [
        events.RetryScheduled(
            **_event_base_fields(),
            retry_number=3,
            failure_status=OrderStatus.PICKING,
            failure_reason="Inventory unavailable",
        ),
        events.RetryStarted(**_event_base_fields(_ELEVEN), retry_number=3),
        events.MovedToDeadLetterQueue(
            **_event_base_fields(_NOON),
            final_failure_status=OrderStatus.PICKING,
            final_failure_reason="Max retries exceeded",
            total_retry_attempts=5,
        ),
        events.DeadLetterResolved(
            **_event_base_fields(_NOON),
            entry_id="DLQ-01HM6ZXK6S0000000000000000",
            resolution=Resolution.MANUAL_RETRY,
            notes="Inventory replenished, retrying order",
            resolved_by="SUPERVISOR-001",
        ),
    ]


def _build_shortage_events() -> Sequence[OrderEvent]:
    backorder_fields: dict[str, Any] = {
        "backorder_id": "BO-01HM6ZXK6S0000000000000000",
        "sku": "SKU-001",
        "quantity": 2,
    }
    mismatch = ShortageReason.QUANTITY_MISMATCH
    return [
        events.PartiallyFulfilled(
            **_event_base_fields(_ELEVEN),
            fulfilled_items=[{"sku": "SKU-001", "quantityOrdered": 5, "quantityFulfilled": 3}],
            backordered_items=[
                {"sku": "SKU-001", "quantityOrdered": 5, "quantityShort": 2, "reason": mismatch}
            ],
            fulfillment_ratio=0.6,
        ),
        events.BackorderCreated(**_event_base_fields(_ELEVEN), **backorder_fields, reason=mismatch),
        events.BackorderFulfilled(**_event_base_fields(_NOON), **backorder_fields),
    ]
