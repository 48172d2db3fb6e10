"""The relay role: publish the event log to Kafka."""
