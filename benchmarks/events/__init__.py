"""Rate of events from the outbox to Kafka, and its effect on the latency of CreateOrder."""
