"""Storage in Postgres. Only this package imports asyncpg and contains SQL."""
