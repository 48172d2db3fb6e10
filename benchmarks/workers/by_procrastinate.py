"""Procrastinate: four jobs an order, each defers the next one."""

import asyncio

import procrastinate
from procrastinate.types import JSONDict
from psycopg_pool import AsyncConnectionPool

from benchmarks.workers.work import TAKE_STEP, CompetitorTask, wave_id_of

competitor_task = CompetitorTask.from_arguments()
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=competitor_task.database_url, min_size=4, max_size=competitor_task.concurrency + 4
    )
)
pool = AsyncConnectionPool(
    competitor_task.database_url, min_size=4, max_size=competitor_task.concurrency, open=False
)


@app.task(name="step")
async def take_step(order_id: str, step: int) -> None:
    """Execute one step of an order, and defer the next one."""
    async with pool.connection() as connection:
        await connection.execute(TAKE_STEP.format("%s", "%s", "%s"), (order_id, step, wave_id_of(order_id)))
    if step < 4:
        await take_step.defer_async(order_id=order_id, step=step + 1)


async def main() -> None:
    """Defer the first step of each order, then process jobs until terminated."""
    await pool.open()
    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        first_steps: list[JSONDict] = [
            {"order_id": order_id, "step": 1} for order_id in competitor_task.order_ids()
        ]
        await take_step.batch_defer_async(*first_steps)
        await app.run_worker_async(
            concurrency=competitor_task.concurrency, delete_jobs="successful", update_heartbeat_interval=60
        )


if __name__ == "__main__":
    asyncio.run(main())
