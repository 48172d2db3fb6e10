"""`make dev`: run the service with a simulated warehouse until Ctrl-C."""

import asyncio
import sys

from rich.console import Console

from wms_dev.api_client import connect_client, seeded_generator
from wms_dev.local_stack.config import KafkaSource, dev_stack_config
from wms_dev.local_stack.interrupts import InterruptedBySignal
from wms_dev.local_stack.stack import LocalStack
from wms_dev.local_stack.startup import WMS_ORDERS_COMMAND, run_stack
from wms_dev.sample_data.northwind import read_northwind_products
from wms_dev.sample_data.warehouse_layout import set_up_warehouse_once

# At the left margin, so that it can be pasted.
EXAMPLE_COMMANDS = """
To create an order and watch its events, paste into a shell:

export SERVER_ADDR={target}
{command} orders create --customer me --item NW-001=2 --street "Main St 1" --city Springfield --country US
{command} orders watch --position 0
"""


def run_dev(console: Console) -> int:
    """Run the stack. Return 0 after Ctrl-C or SIGTERM, 1 when a process exits or does not start."""
    console.print("Starting Postgres, server, worker and a simulated warehouse. Ctrl-C stops them all.")
    return run_stack(console, dev_stack_config, lambda stack: _run_until_interrupted(stack, console))


def _run_until_interrupted(stack: LocalStack, console: Console) -> int:
    try:
        stack.run(_receive_opening_stock(stack, console))
        _print_addresses(stack, console)
        stack.run(asyncio.Event().wait())
    except InterruptedBySignal:
        console.print("Stopping; the data is kept.")
    return 0


def _print_addresses(stack: LocalStack, console: Console) -> None:
    config = stack.config
    pages = f"http://{config.http.target}" if config.http else ""
    addresses = {
        "gRPC": f"{config.server} (API and health)",
        "HTTP": f"{pages}/api/v1 (API)" if pages else "off, as HTTP_ADDR is empty",
        "docs page": f"{pages}/docs" if pages else "",
        "metrics": f"{pages}/metrics (server)" if pages else "",
        "": f"http://{config.worker_http.target}/metrics (worker)" if config.worker_http else "",
        "worker": f"{config.worker} (gRPC health)",
        "warehouse": config.warehouse_id,
        "Postgres": f'psql "{stack.database_url}"' if stack.data_dir else "the database of DATABASE_URL",
        "Kafka": _kafka_line(stack),
        "data": f"{stack.data_dir or 'in the database of DATABASE_URL'}",
        "logs": f"{stack.log_folder}",
    }
    lines = [f"  {name:<10} {address_text}" for name, address_text in addresses.items() if address_text]
    suggestion = EXAMPLE_COMMANDS.format(command=WMS_ORDERS_COMMAND, target=config.server.target)
    # One print call: programs that wait for the first line may read the last one, too.
    console.print("\n".join(["", "Everything is up:", *lines, suggestion]), soft_wrap=True)


def _kafka_line(stack: LocalStack) -> str:
    if not stack.kafka_brokers:
        return "off; `make dev KAFKA=1` starts a broker"
    topic = f"{stack.kafka_brokers} {stack.config.topic}"
    # The position of the relay is kept, the topic is not: after the next start it contains only new events.
    retention_note = ", deleted at exit" if stack.config.kafka is KafkaSource.EMBEDDED else ""
    return f"{sys.executable} -m wms_dev.embedded.kafka {topic} (prints the topic{retention_note})"


async def _receive_opening_stock(stack: LocalStack, console: Console) -> None:
    """Set up the warehouse if this database does not have one."""
    async with connect_client(stack.config.server.target, "dev", seeded_generator(1)) as client:
        if units := await set_up_warehouse_once(client, stack.config.warehouse_id, read_northwind_products()):
            console.print(f"Stock received: {sum(units.values())} units of {len(units)} products")
