"""Temporal: one workflow an order with four local activities, the variant with the fewest round trips."""

import asyncio
from datetime import timedelta

import asyncpg
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.workers.work import STEPS, TAKE_STEP, CompetitorTask, wave_id_of


@workflow.defn(name="order", sandboxed=False)
class OrderWorkflow:
    """Executes the four steps of an order."""

    @workflow.run
    async def run(self, order_id: str) -> None:
        """Execute the steps one after the other."""
        for step in STEPS:
            await workflow.execute_local_activity(
                "step", args=[order_id, step], start_to_close_timeout=timedelta(seconds=30)
            )


class Activities:
    """The activities of the steps, on a connection pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @activity.defn(name="step")
    async def take_step(self, order_id: str, step: int) -> None:
        """Execute one step of an order."""
        await self._pool.execute(TAKE_STEP.format("$1", "$2", "$3"), order_id, step, wave_id_of(order_id))


async def main() -> None:
    """Run the worker, and start a workflow for each order, limited by the concurrency."""
    competitor_task = CompetitorTask.from_arguments()
    client = await Client.connect(competitor_task.engine_address)
    async with asyncpg.create_pool(
        competitor_task.database_url, min_size=4, max_size=competitor_task.concurrency
    ) as pool:
        worker = Worker(
            client,
            task_queue="orders",
            workflows=[OrderWorkflow],
            activities=[Activities(pool).take_step],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_concurrent_workflow_tasks=competitor_task.concurrency,
            max_concurrent_local_activities=competitor_task.concurrency,
        )
        async with worker:
            await asyncio.gather(
                *[
                    _run_workflows(client, competitor_task, task_share)
                    for task_share in range(competitor_task.concurrency)
                ]
            )
            await asyncio.Event().wait()


async def _run_workflows(client: Client, competitor_task: CompetitorTask, task_share: int) -> None:
    for order_id in competitor_task.order_ids()[task_share :: competitor_task.concurrency]:
        await client.execute_workflow("order", order_id, id=order_id, task_queue="orders")


if __name__ == "__main__":
    asyncio.run(main())
