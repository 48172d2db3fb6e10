"""Temporal: one workflow an order, four local activities, which cost it the fewest round trips."""

import asyncio
from datetime import timedelta

import asyncpg
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.workers.work import STEPS, TAKE_STEP, Work, wave_of


@workflow.defn(name="order", sandboxed=False)
class OrderWorkflow:
    """Takes an order through its four steps."""

    @workflow.run
    async def run(self, order_id: str) -> None:
        """Take them one after the other."""
        for step in STEPS:
            await workflow.execute_local_activity(
                "step", args=[order_id, step], start_to_close_timeout=timedelta(seconds=30)
            )


class Activities:
    """What the steps do, on a pool of connections."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Use a pool."""
        self._pool = pool

    @activity.defn(name="step")
    async def take_step(self, order_id: str, step: int) -> None:
        """Take one step of an order."""
        await self._pool.execute(TAKE_STEP.format("$1", "$2", "$3"), order_id, step, wave_of(order_id))


async def main() -> None:
    """Start a workflow for each order, so many at a time, beside the worker."""
    work = Work.told()
    client = await Client.connect(work.engine)
    async with asyncpg.create_pool(work.database_url, min_size=4, max_size=work.at_once) as pool:
        worker = Worker(
            client,
            task_queue="orders",
            workflows=[OrderWorkflow],
            activities=[Activities(pool).take_step],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=work.at_once,
            max_concurrent_local_activities=work.at_once,
        )
        async with worker:
            await asyncio.gather(*[_orders(client, work, lane) for lane in range(work.at_once)])
            await asyncio.Event().wait()


async def _orders(client: Client, work: Work, lane: int) -> None:
    for order_id in work.order_ids()[lane :: work.at_once]:
        await client.execute_workflow("order", order_id, id=order_id, task_queue="orders")


if __name__ == "__main__":
    asyncio.run(main())
