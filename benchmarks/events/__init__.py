"""How fast events come from the outbox to Kafka, and what that costs those who place orders."""
