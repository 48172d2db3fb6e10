"""DBOS: one workflow an order from a queue; each of four transactions keeps its own outcome."""

import asyncio
from typing import Any

import sqlalchemy
from dbos import DBOS, AsyncSQLAlchemyDatasource

from benchmarks.workers.work import STEPS, TAKE_STEP, Work, wave_of

work = Work.told()
URL = work.database_url.replace("postgresql://", "postgresql+psycopg://")
STATEMENT = sqlalchemy.text(TAKE_STEP.format(":id", ":step", ":wave"))
datasource: dict[str, AsyncSQLAlchemyDatasource] = {}


async def take_step(order_id: str, step: int) -> None:
    """Take one step of an order in the transaction that keeps its outcome."""
    await datasource["orders"].run_tx_step_async(
        {"isolation_level": "READ COMMITTED"}, _changed, order_id, step
    )


async def _changed(order_id: str, step: int) -> None:
    session: Any = datasource["orders"].sql_session()
    await session.execute(STATEMENT, {"id": order_id, "step": step, "wave": wave_of(order_id)})


@DBOS.workflow(name="order")
async def order(order_id: str) -> None:
    """Take an order through its four steps."""
    for step in STEPS:
        await take_step(order_id, step)


async def main() -> None:
    """Enqueue all orders, then work until the end."""
    DBOS(
        config={
            "name": "rival",
            "system_database_url": URL,
            "sys_db_pool_size": work.at_once,
            "log_level": "WARNING",
        }
    )
    datasource["orders"] = await AsyncSQLAlchemyDatasource.create(
        URL, {"pool_size": work.at_once, "max_overflow": 0}
    )
    DBOS.launch()
    await DBOS.register_queue_async("orders", worker_concurrency=work.at_once, polling_interval_sec=0.05)
    for order_id in work.order_ids():
        await DBOS.enqueue_workflow_async("orders", order, order_id)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
