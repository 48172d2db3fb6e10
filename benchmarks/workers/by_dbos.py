"""DBOS: one workflow an order from a queue, with four transactions that store their results."""

import asyncio
from typing import Any

import sqlalchemy
from dbos import DBOS, AsyncSQLAlchemyDatasource

from benchmarks.workers.work import STEPS, TAKE_STEP, CompetitorTask, wave_id_of

competitor_task = CompetitorTask.from_arguments()
URL = competitor_task.database_url.replace("postgresql://", "postgresql+psycopg://")
STATEMENT = sqlalchemy.text(TAKE_STEP.format(":id", ":step", ":wave"))
datasource: dict[str, AsyncSQLAlchemyDatasource] = {}


async def take_step(order_id: str, step: int) -> None:
    """Execute one step of an order in the transaction that stores its result."""
    await datasource["orders"].run_tx_step_async(
        {"isolation_level": "READ COMMITTED"}, _execute_step, order_id, step
    )


async def _execute_step(order_id: str, step: int) -> None:
    session: Any = datasource["orders"].sql_session()
    await session.execute(STATEMENT, {"id": order_id, "step": step, "wave": wave_id_of(order_id)})


@DBOS.workflow(name="order")
async def process_order(order_id: str) -> None:
    """Execute the four steps of an order."""
    for step in STEPS:
        await take_step(order_id, step)


async def main() -> None:
    """Enqueue all orders, then process them until terminated."""
    DBOS(
        config={
            "name": "competitor",
            "system_database_url": URL,
            "sys_db_pool_size": competitor_task.concurrency,
            "log_level": "WARNING",
        }
    )
    datasource["orders"] = await AsyncSQLAlchemyDatasource.create(
        URL, {"pool_size": competitor_task.concurrency, "max_overflow": 0}
    )
    DBOS.launch()
    await DBOS.register_queue_async(
        "orders", worker_concurrency=competitor_task.concurrency, polling_interval_sec=0.05
    )
    for order_id in competitor_task.order_ids():
        await DBOS.enqueue_workflow_async("orders", process_order, order_id)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
