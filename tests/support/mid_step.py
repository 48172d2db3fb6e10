"""A step of the cycle that is held up inside its transaction, so that something can happen to its worker."""

from collections.abc import AsyncIterator, Awaitable, Callable
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


@asynccontextmanager
async def held_up(sql: Sql) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Hold up whoever validates an order; the block begins when somebody does. Gives what lets them go on."""
    await sql.execute(_GATE)
    await sql.execute("SELECT pg_advisory_lock(7399)")

    async def let_go() -> None:
        await sql.execute("SELECT pg_advisory_unlock_all()")

    async def at_it() -> bool:
        return bool(await sql.fetchval(_WAITING))

    try:
        await eventually(at_it)
        yield let_go
    finally:
        await let_go()
