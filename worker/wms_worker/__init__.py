"""The worker: fulfillment cycles and the relay to Kafka. Each role is active in one replica at a time."""
