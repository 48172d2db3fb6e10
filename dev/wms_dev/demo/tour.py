"""The demo from the client's side: fill the warehouse, place the orders, decide about the rest, add up."""

import time
from collections.abc import Sequence
from pathlib import Path

import grpc
from rich.console import Console

from wms.orders.v1 import orders_pb2
from wms_dev.client import Client, connect, dice, new_request_id
from wms_dev.demo import supervisor
from wms_dev.demo.accounts import faults
from wms_dev.demo.books import COMPLETED, MOVED_TO_DLQ, Books
from wms_dev.demo.guide import Guide
from wms_dev.demo.report import print_summary, print_timeline, print_verdict
from wms_dev.demo.topic import Topic
from wms_dev.northwind import northwind_orders
from wms_dev.problem import Problem
from wms_dev.simulator.journal import read_journal
from wms_dev.stack.launching import COMMAND, launch
from wms_dev.stack.plan import KafkaSource, demo_plan
from wms_dev.stack.stack import Stack

INTRODUCTION = """\
Northwind's 415 orders go through the whole service in about a minute: Postgres, server, worker, Kafka and
a simulated warehouse, whose cranes break down, whose carriers are lost or damaged, whose stock runs short.

What you see:
  start      each part, and where it listens
  orders     how many are in each status, until they come to rest. "waiting for retry" have failed and are
             tried again; "dead letter" have failed five times and wait for a person
  decisions  of a supervisor, who retries, cancels or escalates those and receives what was missing; the
             orders after that
  one life   every event of one order
  summary    orders, units and events, each added up in two ways. "Everything adds up." is the aim

Ctrl-C ends it. Nothing is kept, except in a database of your own (DATABASE_URL). `make dev` starts the same
and leaves the orders to you.
"""
WATCH = "Every event as it happens, in another terminal:\n{command} orders watch --address {target}"


class DatabaseNotEmpty(Problem):
    """The database that was given holds orders or stock, so that nothing could be added up."""


def run_demo(console: Console) -> int:
    """Start everything, show it, end it; 0 only if everything adds up, 130 after Ctrl-C."""
    began = time.monotonic()
    console.print(INTRODUCTION, soft_wrap=True)

    def use(stack: Stack) -> int:
        # A Kafka that was given may ask for a password, and is its giver's to look at.
        ours = stack.plan.kafka is KafkaSource.MOCK
        topic = Topic(stack.kafka_brokers, stack.plan.topic) if ours else None
        plan = stack.plan
        console.print(WATCH.format(command=COMMAND, target=plan.server.target), soft_wrap=True)
        found = stack.run(tour(plan.server.target, plan.warehouse_id, stack.journal, topic, console))
        print_verdict(console, found, time.monotonic() - began)
        return 1 if found else 0

    return launch(console, demo_plan, use)


async def tour(
    target: str, warehouse_id: str, journal: Path, topic: Topic | None, console: Console
) -> list[str]:
    """Show the whole demo against a running service; gives what does not add up.

    `journal` is where the simulated warehouse writes down what goes wrong, `topic` where events go.
    Raises `DatabaseNotEmpty`, `OrdersStuck`, or what a call to the service ends with.
    """
    async with connect(target, "demo", dice(1)) as client, connect(target, supervisor.NAME, dice(2)) as boss:
        requests = _numbered(northwind_orders(), warehouse_id)
        await _require_empty(client, warehouse_id, requests)
        guide = Guide(client, boss, warehouse_id, console)
        received = await guide.fill_warehouse()
        first = await guide.place(requests)
        last, decisions = await guide.settle(first)
        books = await guide.books(requests, received, decisions, last, lambda: read_journal(journal), topic)
    _print_one_life(console, books)
    print_summary(console, books)
    return faults(books)


def _numbered(
    requests: list[orders_pb2.CreateOrderRequest], warehouse_id: str
) -> list[orders_pb2.CreateOrderRequest]:
    for request in requests:
        request.warehouse_id = warehouse_id
        request.request_id = new_request_id("demo")
    return requests


async def _require_empty(
    client: Client, warehouse_id: str, requests: Sequence[orders_pb2.CreateOrderRequest]
) -> None:
    stock = await client.stock(warehouse_id)
    try:
        request = orders_pb2.GetOrderRequest(order_id=requests[0].order_id)
        await client.call(client.orders.GetOrder, request)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        if not stock:
            return
    raise DatabaseNotEmpty(
        f"The database of DATABASE_URL already holds stock in {warehouse_id} or the demo's orders. Give it an"
        " empty database, or unset DATABASE_URL and a temporary one is made."
    )


def _print_one_life(console: Console, books: Books) -> None:
    """The one with most to tell that ended well."""
    completed = [books.histories[order.order_id] for order in books.in_status(COMPLETED)]
    if completed:
        # The same kind at every run: one that came out of the dead letter queue, if any did.
        fell = [life for life in completed if any(event.type == MOVED_TO_DLQ for event in life)]
        print_timeline(console, min(fell or completed, key=lambda life: life[0].order_id))
