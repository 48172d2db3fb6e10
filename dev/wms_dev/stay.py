"""`make dev`: the service without orders, until somebody ends it."""

import asyncio
import sys

from rich.console import Console

from wms_dev.client import connect, dice
from wms_dev.northwind import northwind_products
from wms_dev.northwind_site import open_at_first
from wms_dev.stack.interruption import Interrupted
from wms_dev.stack.launching import COMMAND, launch
from wms_dev.stack.plan import KafkaSource, dev_plan
from wms_dev.stack.stack import Stack

# At the left margin, so that it can be pasted as it is.
TRY = """
An order that ships by itself, and its way there, to paste into a shell:

export SERVER_ADDR={target}
{command} orders create --customer me --item NW-001=2 --street "Main St 1" --city Springfield --country US
{command} orders watch --position 0
"""


def run_dev(console: Console) -> int:
    """Start everything and stay; 0 after Ctrl-C or SIGTERM, 1 when something ended or could not start."""
    console.print("Starting Postgres, server, worker and a simulated warehouse. Ctrl-C ends them all.")
    return launch(console, dev_plan, lambda stack: _stay(stack, console))


def _stay(stack: Stack, console: Console) -> int:
    try:
        stack.run(_stock_up(stack, console))
        _print_places(stack, console)
        stack.run(asyncio.Event().wait())
    except Interrupted:
        console.print("Stopping; the data is kept.")
    return 0


def _print_places(stack: Stack, console: Console) -> None:
    plan = stack.plan
    pages = f"http://{plan.http.target}" if plan.http else ""
    places = {
        "gRPC": f"{plan.server} (API and health)",
        "HTTP": f"{pages}/api/v1 (API)" if pages else "off, as HTTP_ADDR is empty",
        "docs page": f"{pages}/docs" if pages else "",
        "metrics": f"{pages}/metrics (server)" if pages else "",
        "": f"http://{plan.worker_http.target}/metrics (worker)" if plan.worker_http else "",
        "worker": f"{plan.worker} (gRPC health)",
        "warehouse": plan.warehouse_id,
        "Postgres": f'psql "{stack.database_url}"' if stack.data_dir else "the one of DATABASE_URL",
        "Kafka": _kafka(stack),
        "data": f"{stack.data_dir or 'in that database'}",
        "logs": f"{stack.log_folder}",
    }
    lines = [f"  {name:<10} {place}" for name, place in places.items() if place]
    suggestion = TRY.format(command=COMMAND, target=plan.server.target)
    # In one piece: whoever waits for the first line may rely on the last.
    console.print("\n".join(["", "Everything is up:", *lines, suggestion]), soft_wrap=True)


def _kafka(stack: Stack) -> str:
    if not stack.kafka_brokers:
        return "none; `make dev KAFKA=1` starts one"
    topic = f"{stack.kafka_brokers} {stack.plan.topic}"
    # That of the relay's position is kept, so that after the next start the topic holds what came then.
    kept = ", not kept" if stack.plan.kafka is KafkaSource.OWN else ""
    return f"{sys.executable} -m wms_dev.kafka {topic} (shows the topic{kept})"


async def _stock_up(stack: Stack, console: Console) -> None:
    """Only at the first start on this database."""
    async with connect(stack.plan.server.target, "dev", dice(1)) as client:
        if units := await open_at_first(client, stack.plan.warehouse_id, northwind_products()):
            console.print(f"Stock received: {sum(units.values())} units of {len(units)} products")
