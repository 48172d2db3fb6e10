/** service_config.json of the contract, as text: retries and deadlines of the calls. */
export const serviceConfig = `{
  "methodConfig": [
    {
      "name": [
        {"service": "wms.orders.v1.OrderService"},
        {"service": "wms.orders.v1.ReprocessingService"},
        {"service": "wms.orders.v1.DeadLetterQueueService"},
        {"service": "wms.orders.v1.FulfillmentService"},
        {"service": "wms.orders.v1.StorageService"}
      ],
      "timeout": "10s",
      "retryPolicy": {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    },
    {
      "name": [
        {"service": "wms.orders.v1.OrderService", "method": "BatchCreateOrders"},
        {"service": "wms.orders.v1.OrderService", "method": "BatchGetOrders"},
        {"service": "wms.orders.v1.OrderService", "method": "AssignOrdersToWave"},
        {"service": "wms.orders.v1.StorageService", "method": "ReceiveCarriers"},
        {"service": "wms.orders.v1.StorageService", "method": "BatchCompleteMoves"}
      ],
      "timeout": "30s",
      "retryPolicy": {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"]
      }
    },
    {
      "name": [
        {"service": "wms.orders.v1.OrderService", "method": "IngestOrders"},
        {"service": "wms.orders.v1.OrderService", "method": "WatchOrders"},
        {"service": "wms.orders.v1.StorageService", "method": "WatchMoves"}
      ]
    }
  ],
  "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.5}
}
`;
