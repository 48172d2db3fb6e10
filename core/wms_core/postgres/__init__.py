"""Storage in Postgres: the only place that knows asyncpg and SQL."""
