"""Rates of creating and reading orders, compared with other implementations on the same Postgres."""
