"""Examples of the Order Service specification: requests unchanged, responses with additional fields."""

from typing import Any

_ORDER = "ORD-12345"

REQUEST_EXAMPLES: dict[str, Any] = {
    "CreateOrder": {
        "customerId": "CUST-001",
        "priority": "standard",
        "promisedDeliveryAt": "2024-12-27T17:00:00Z",
        "items": [{"sku": "SKU-001", "quantity": 2, "unitPrice": 29.99}],
        "shippingAddress": {
            "street": "123 Main St",
            "city": "New York",
            "state": "NY",
            "zipCode": "10001",
            "country": "US",
        },
    },
    "CancelOrder": {"reason": "Customer request"},
    "IncrementRetryCount": {"failureReason": "Picking station offline", "failedAt": "2024-01-15T10:30:00Z"},
    "MoveToDeadLetterQueue": {
        "failureStatus": "picking",
        "failureReason": "Max retries exceeded - inventory permanently unavailable",
    },
    "ResolveDeadLetterEntry": {
        "resolution": "manual_retry",
        "notes": "Inventory replenished, retrying order",
        "resolvedBy": "SUPERVISOR-001",
    },
}
RESPONSE_EXAMPLES: dict[str, Any] = {
    "ListEligibleOrders": {
        "data": [
            {
                "orderId": _ORDER,
                "customerId": "CUST-001",
                "status": "picking",
                "retryCount": 2,
                "lastFailureReason": "Inventory unavailable",
                "lastFailedAt": "2024-01-15T10:30:00Z",
                "createdAt": "2024-01-15T08:00:00Z",
                "nextRetryAt": "2024-01-15T11:00:00Z",
                "warehouseId": "WH-01",
            }
        ],
        "total": 15,
    },
    "GetRetryMetadata": {
        "orderId": _ORDER,
        "retryCount": 2,
        "maxRetries": 5,
        "lastFailureReason": "Inventory unavailable",
        "lastFailedAt": "2024-01-15T10:30:00Z",
        "nextRetryAt": "2024-01-15T11:00:00Z",
        "isEligibleForRetry": True,
        "attempts": [],
    },
    "GetDeadLetterStats": {
        "totalEntries": 42,
        "unresolvedCount": 15,
        "resolvedCount": 27,
        "byFailureStatus": {"picking": 8, "packing": 7},
        "byResolution": {"manual_retry": 20, "cancelled": 5, "escalated": 2},
        "oldestUnresolvedAt": "2024-01-10T08:30:00Z",
    },
}
