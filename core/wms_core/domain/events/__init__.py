"""Events: their types, payloads, size limits and form in Kafka."""
