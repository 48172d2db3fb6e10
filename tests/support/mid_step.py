"""A step of the cycle that is held up inside its transaction, so that something can happen to its worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.invariants import Sql
from tests.support.waiting import eventually

_GATE = """
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7399); RETURN NEW; END $$;
    CREATE TRIGGER gate BEFORE UPDATE ON orders FOR EACH ROW WHEN (NEW.status = 'validated')
        EXECUTE FUNCTION gate();
"""
_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7399 AND NOT granted)"


class Gate:
    """Holds up whoever validates an order."""

    def __init__(self, sql: Sql) -> None:
        """Look through a connection that holds the gate's lock."""
        self._sql = sql

    async def reached(self) -> None:
        """Wait until somebody stands before the gate."""
        await eventually(self._reached)

    async def open(self) -> None:
        """Let whoever stands there go on."""
        await self._sql.execute("SELECT pg_advisory_unlock_all()")

    async def _reached(self) -> bool:
        return bool(await self._sql.fetchval(_WAITING))


@asynccontextmanager
async def shut_gate(sql: Sql) -> AsyncIterator[Gate]:
    """Shut the gate for the block: only an order that is placed inside it is sure to bring somebody."""
    await sql.execute("SELECT pg_advisory_lock(7399)")
    await sql.execute(_GATE)
    gate = Gate(sql)
    try:
        yield gate
    finally:
        await gate.open()
