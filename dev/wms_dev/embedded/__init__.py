"""Postgres, Kafka and ZooKeeper as local processes without containers."""
