"""An order's first event goes into the log at once where nobody else gives positions, else by the outbox.

Either way events that were committed before a change began are told before its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.domain import CALLER, NOW, new_order
from tests.support.event_log import connected, make_orders, read_log, write_and_commit
from tests.support.invariants import Sql
from tests.support.waiting import eventually
from wms_core.domain.receiving import receive
from wms_core.postgres import order_store
from wms_core.postgres.database import PostgresDatabase
from wms_core.postgres.order_store import PostgresOrderStore
from wms_core.postgres.queries import query
from wms_core.postgres.sequencer import Sequencer

pytestmark = pytest.mark.every_postgres

_TURN = "turn_to_tell(cardinality($14))"
_SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7398); RETURN NULL; END $$;
    CREATE TRIGGER slow AFTER INSERT ON order_events FOR EACH ROW WHEN (NEW.order_id = 'SLOW')
        EXECUTE FUNCTION slow();
"""
_HELD_UP = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {}"


async def _create(sql: Any, *order_ids: str) -> None:
    """Take orders in by one statement, as the service does."""
    arrivals = [receive(new_order(order_id=order_id), CALLER, NOW) for order_id in order_ids]
    assert await PostgresOrderStore(sql, 900_000).insert(arrivals) == {}


async def _logged(sql: Sql) -> list[str]:
    return [event.order_id for event in await read_log(sql)]


async def _waiting(sql: Sql) -> list[str]:
    return [row["order_id"] for row in await sql.fetch("SELECT order_id FROM outbox ORDER BY id")]


@asynccontextmanager
async def _slow_one(url: str, sql: Sql) -> AsyncIterator["asyncio.Task[None]"]:
    """Begin an order whose event has a position, and is not committed before the end."""
    await sql.execute(_SLOW)
    async with connected(url) as other, connected(url) as gate:
        async with gate.transaction():
            await gate.execute("SELECT pg_advisory_xact_lock(7398)")
            creating = asyncio.create_task(_create(other, "SLOW"))
            await eventually(lambda: sql.fetchval(_HELD_UP.format("objid = 7398")))
            yield creating
        await creating


async def test_a_new_order_is_in_the_log_when_it_is_committed(sql: Sql) -> None:
    """No sequencer is needed, and nothing is left for one."""
    await _create(sql, "Z", "A", "M")
    await _create(sql, "C")
    assert await _logged(sql) == ["Z", "A", "M", "C"]
    assert await _waiting(sql) == []


async def test_in_a_transaction_the_outbox_is_used(sql: Sql) -> None:
    """Who might go away before the commit does not keep all others from getting positions."""
    async with sql.transaction():
        await _create(sql, "A")
    assert (await _logged(sql), await _waiting(sql)) == ([], ["A"])


async def test_beside_one_who_gives_positions_the_outbox_is_used(
    database_url: str, sql: Sql, database: PostgresDatabase
) -> None:
    """What is not committed yet has the lower position: nothing is told before it."""
    async with _slow_one(database_url, sql):
        await _create(sql, "QUICK")
        assert (await _logged(sql), await _waiting(sql)) == ([], ["QUICK"])
        moving = asyncio.create_task(Sequencer(database).move())
        await eventually(lambda: sql.fetchval(_HELD_UP.format("classid = 7302")))
        assert await _logged(sql) == []
    assert await moving == 1
    assert await _logged(sql) == ["SLOW", "QUICK"]


async def test_many_orders_wait_for_their_turn(
    database_url: str, sql: Sql, database: PostgresDatabase
) -> None:
    """To write their events twice would take longer than those who give positions do."""
    many = [f"M-{number:02}" for number in range(64)]
    async with connected(database_url) as other:
        async with _slow_one(database_url, sql):
            creating = asyncio.create_task(_create(other, *many))
            await eventually(lambda: sql.fetchval(_HELD_UP.format("(classid, objid) = (7302, 0)")))
        await creating
    assert (await _logged(sql), await _waiting(sql)) == (["SLOW", *many], [])


async def test_many_orders_do_not_wait_for_one_who_is_stuck(database_url: str, sql: Sql) -> None:
    """After a moment they use the outbox."""
    many = [f"M-{number:02}" for number in range(64)]
    async with _slow_one(database_url, sql):
        await _create(sql, *many)
        assert (await _logged(sql), await _waiting(sql)) == ([], many)


@pytest.mark.parametrize("waiting", [1, 64])
async def test_what_waits_in_the_outbox_is_told_first(sql: Sql, waiting: int) -> None:
    """An order that was there before another was placed comes before it, without a sequencer."""
    earlier = [f"E-{number:02}" for number in range(waiting)]
    async with sql.transaction():
        await _create(sql, *reversed(earlier))
    assert await _waiting(sql) == earlier[::-1]
    await _create(sql, "LATER")
    assert (await _logged(sql), await _waiting(sql)) == ([*reversed(earlier), "LATER"], [])


async def test_the_check_catches_one_who_overtakes(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the lock alone, what waits in the outbox is told after what came later."""
    alone = query("orders.insert").replace(_TURN, "pg_try_advisory_xact_lock(7302, 0)")
    monkeypatch.setattr(order_store, "query", lambda _name: alone)
    async with sql.transaction():
        await _create(sql, "EARLIER")
    await _create(sql, "LATER")
    assert (await _logged(sql), await _waiting(sql)) == (["LATER"], ["EARLIER"])


async def test_behind_many_the_outbox_is_used(sql: Sql, database: PostgresDatabase) -> None:
    """No new order takes the time to tell of all that others have changed."""
    earlier = [f"E-{number:02}" for number in range(65)]
    async with sql.transaction():
        await _create(sql, *earlier)
    await _create(sql, "LATER")
    assert (await _logged(sql), await _waiting(sql)) == ([], [*earlier, "LATER"])
    assert await Sequencer(database).move() == 66
    assert await _logged(sql) == [*earlier, "LATER"]


async def test_the_check_catches_one_who_takes_no_turn(
    database_url: str, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock the later event is there first, and a reader who has gone on misses the other."""
    assert _TURN in query("orders.insert")
    monkeypatch.setattr(order_store, "query", lambda name: query(name).replace(_TURN, "true"))
    async with _slow_one(database_url, sql):
        await _create(sql, "QUICK")
        seen = await read_log(sql)
    assert [event.order_id for event in seen] == ["QUICK"]
    assert await read_log(sql, seen[-1].position) == []


async def test_new_orders_do_not_keep_the_sequencer_from_its_turn(
    database_url: str, sql: Sql, database: PostgresDatabase
) -> None:
    """However many come one after the other, what waits in the outbox is moved among them."""
    await make_orders(sql, ["OLD"])
    await write_and_commit(sql, "OLD", 100)
    ended = asyncio.Event()

    async def create(name: str) -> int:
        made = 0
        async with connected(database_url) as own:
            while not ended.is_set():
                await _create(own, f"{name}-{made}")
                made += 1
        return made

    creating = [asyncio.create_task(create(name)) for name in "ABC"]
    await eventually(lambda: sql.fetchval("SELECT count(*) > 120 FROM outbox"))
    assert await Sequencer(database).move() > 120
    assert (await _logged(sql)).count("OLD") == 100
    ended.set()
    made = sum(await asyncio.gather(*creating))
    while await Sequencer(database).move():
        pass
    log = await read_log(sql)
    assert len(log) == made + 100
    assert [event.sequence for event in log if event.order_id == "OLD"] == list(range(1, 101))


async def test_a_follower_misses_nothing_of_many_who_take_turns(
    database_url: str, sql: Sql, database: PostgresDatabase
) -> None:
    """Creators beside each other, events of theirs by the outbox, two sequencers: it reads each one once."""
    seen: list[Any] = []

    async def follow() -> None:
        async with connected(database_url) as own:
            while True:
                seen.extend(await read_log(own, seen[-1].position if seen else 0))
                await asyncio.sleep(0.001)

    async def write(name: str) -> None:
        async with connected(database_url) as own:
            for number in range(30):
                await _create(own, f"{name}-{number}")
                await write_and_commit(own, f"{name}-{number}", 2)

    others = [
        asyncio.create_task(work) for work in (follow(), Sequencer(database).run(), Sequencer(database).run())
    ]
    await asyncio.gather(*(write(name) for name in "ABCD"))
    await eventually(lambda: _as_many(seen, 4 * 30 * 3))
    for other in others:
        other.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    assert seen == await read_log(sql)
    for name in {event.order_id for event in seen}:
        assert [event.sequence for event in seen if event.order_id == name] == [1, 2, 3]


async def _as_many(seen: list[Any], wanted: int) -> bool:
    return len(seen) >= wanted


async def test_partitions_are_made_though_the_sequencer_has_nothing_to_move(
    database: PostgresDatabase, sql: Sql
) -> None:
    """It looks how far the positions have come, whoever gave them."""
    sequencer = Sequencer(database)
    await sequencer.move()
    for end in (1_000_000, 2_000_000, 3_000_000, 4_000_000):
        await sql.execute("SELECT setval('event_position', $1)", end - 1)
        await _create(sql, f"A-{end}", f"B-{end}")
        for _ in range(2):
            await sequencer.move()
    assert len(await _logged(sql)) == 8
