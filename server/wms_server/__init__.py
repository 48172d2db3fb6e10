"""The gRPC server: orders, reprocessing, the dead letter queue and storage."""
