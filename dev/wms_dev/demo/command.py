"""The demo: set up the warehouse, place the orders, decide about the waiting ones, reconcile."""

import time
from collections.abc import Sequence
from pathlib import Path

import grpc
from rich.console import Console

from wms.orders.v1 import orders_pb2
from wms_dev.api_client import ApiClient, connect_client, create_request_id, seeded_generator
from wms_dev.demo import operator
from wms_dev.demo.kafka_check import DemoTopic
from wms_dev.demo.reconciliation import find_discrepancies
from wms_dev.demo.report import print_summary, print_timeline, print_verdict
from wms_dev.demo.steps import DemoSteps
from wms_dev.demo.stock_ledger import COMPLETED, MOVED_TO_DLQ, ReconciliationInput
from wms_dev.errors import UserError
from wms_dev.local_stack.config import KafkaSource, demo_stack_config
from wms_dev.local_stack.stack import LocalStack
from wms_dev.local_stack.startup import WMS_ORDERS_COMMAND, run_stack
from wms_dev.sample_data.northwind import read_northwind_orders
from wms_dev.simulator.incident_log import read_incident_log

INTRODUCTION = """\
The demo sends Northwind's 415 orders through the whole service in about a minute: Postgres, server, worker,
Kafka and a simulated warehouse. Cranes break down, load carriers are lost or damaged, and stock runs short.

The output has these parts:
  start      each process and its address
  orders     number of orders in each status, until all are settled. "waiting for retry" are failed orders
             that are tried again; "dead letter" are orders that failed five times and wait for an operator
  decisions  of a supervisor, who receives missing stock and retries, cancels or escalates dead letters;
             then the orders again
  history    every event of one order
  summary    orders, units and events, each counted in two ways, and "Reconciliation passed."

Ctrl-C stops the demo. Its data is deleted, except in your own database (DATABASE_URL). `make dev` starts the
same processes without orders.
"""
WATCH = "To watch the events, run in another terminal:\n{command} orders watch --address {target}"


class DatabaseNotEmpty(UserError):
    """The database already contains orders or stock, so the totals could not be reconciled."""


def run_demo(console: Console) -> int:
    """Start the stack and run the demo. Return 0 only if the reconciliation passes, 130 after Ctrl-C."""
    started_at = time.monotonic()
    console.print(INTRODUCTION, soft_wrap=True)

    def run_with_stack(stack: LocalStack) -> int:
        # An external Kafka may require credentials, so only the mock is checked.
        is_mock_kafka = stack.config.kafka is KafkaSource.MOCK
        topic = DemoTopic(stack.kafka_brokers, stack.config.topic) if is_mock_kafka else None
        config = stack.config
        console.print(WATCH.format(command=WMS_ORDERS_COMMAND, target=config.server.target), soft_wrap=True)
        discrepancies = stack.run(
            run_demo_steps(config.server.target, config.warehouse_id, stack.incident_log_path, topic, console)
        )
        print_verdict(console, discrepancies, time.monotonic() - started_at)
        return 1 if discrepancies else 0

    return run_stack(console, demo_stack_config, run_with_stack)


async def run_demo_steps(
    target: str, warehouse_id: str, incident_log_path: Path, topic: DemoTopic | None, console: Console
) -> list[str]:
    """Run the demo against a running service and return the discrepancies.

    `incident_log_path` is the file to which the simulator writes its incidents. `topic` is the topic to
    check.

    Raises:
        DatabaseNotEmpty: The database contains stock or the demo's orders.
        OrdersStuck: The orders are not settled in time.
        grpc.aio.AioRpcError: A call failed.
    """
    async with (
        connect_client(target, "demo", seeded_generator(1)) as client,
        connect_client(target, operator.SUPERVISOR_NAME, seeded_generator(2)) as supervisor,
    ):
        requests = _set_request_ids(read_northwind_orders(), warehouse_id)
        await _require_empty(client, warehouse_id, requests)
        demo_steps = DemoSteps(client, supervisor, warehouse_id, console)
        received = await demo_steps.receive_opening_stock()
        placed_snapshot = await demo_steps.place_orders(requests)
        settled_snapshot, decisions = await demo_steps.decide_until_settled(placed_snapshot)
        reconciliation = await demo_steps.collect_reconciliation(
            requests,
            received,
            decisions,
            settled_snapshot,
            lambda: read_incident_log(incident_log_path),
            topic,
        )
    _print_example_timeline(console, reconciliation)
    print_summary(console, reconciliation)
    return find_discrepancies(reconciliation)


def _set_request_ids(
    requests: list[orders_pb2.CreateOrderRequest], warehouse_id: str
) -> list[orders_pb2.CreateOrderRequest]:
    for request in requests:
        request.warehouse_id = warehouse_id
        request.request_id = create_request_id("demo")
    return requests


async def _require_empty(
    client: ApiClient, warehouse_id: str, requests: Sequence[orders_pb2.CreateOrderRequest]
) -> None:
    stock = await client.list_stock(warehouse_id)
    try:
        request = orders_pb2.GetOrderRequest(order_id=requests[0].order_id)
        await client.call(client.orders.GetOrder, request)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        if not stock:
            return
    raise DatabaseNotEmpty(
        f"The database of DATABASE_URL already holds stock in {warehouse_id} or the demo's orders. Use an"
        " empty database, or unset DATABASE_URL for a temporary one."
    )


def _print_example_timeline(console: Console, reconciliation: ReconciliationInput) -> None:
    """Print the history of one completed order, preferably one from the dead letter queue."""
    completed = [
        reconciliation.histories[order.order_id] for order in reconciliation.orders_in_status(COMPLETED)
    ]
    if completed:
        # The same choice in each run: an order from the dead letter queue if there is one.
        dead_lettered_histories = [
            history for history in completed if any(event.type == MOVED_TO_DLQ for event in history)
        ]
        print_timeline(
            console, min(dead_lettered_histories or completed, key=lambda history: history[0].order_id)
        )
