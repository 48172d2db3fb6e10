"""Procrastinate: four jobs an order, each of which defers the next one."""

import asyncio

import procrastinate
from procrastinate.types import JSONDict
from psycopg_pool import AsyncConnectionPool

from benchmarks.workers.work import TAKE_STEP, Work, wave_of

work = Work.told()
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=work.database_url, min_size=4, max_size=work.at_once + 4
    )
)
pool = AsyncConnectionPool(work.database_url, min_size=4, max_size=work.at_once, open=False)


@app.task(name="step")
async def take_step(order_id: str, step: int) -> None:
    """Take one step of an order, and have the next one taken."""
    async with pool.connection() as connection:
        await connection.execute(TAKE_STEP.format("%s", "%s", "%s"), (order_id, step, wave_of(order_id)))
    if step < 4:
        await take_step.defer_async(order_id=order_id, step=step + 1)


async def main() -> None:
    """Defer the first step of each order, then work until the end."""
    await pool.open()
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        firsts: list[JSONDict] = [{"order_id": one, "step": 1} for one in work.order_ids()]
        await take_step.batch_defer_async(*firsts)
        await app.run_worker_async(
            concurrency=work.at_once, delete_jobs="successful", update_heartbeat_interval=60
        )


if __name__ == "__main__":
    asyncio.run(main())
