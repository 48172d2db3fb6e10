"""The server of orders, reprocessing, the dead letter queue, storage and fulfillment (gRPC and HTTP)."""
