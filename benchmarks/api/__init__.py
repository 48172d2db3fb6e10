"""How fast orders are taken in and read, beside other ways to write the same service, all on one Postgres."""
