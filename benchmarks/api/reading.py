"""The requests of the reads."""

import random
from pathlib import Path

from benchmarks.api.bodies import record
from benchmarks.api.databases import Database
from benchmarks.api.loading import Target
from benchmarks.api.scale import Scale
from benchmarks.queries import query
from wms.orders.v1 import orders_pb2
from wms_server.page_tokens import PageTokens

GET = "/wms.orders.v1.OrderService/GetOrder"
LIST = "/wms.orders.v1.OrderService/ListOrders"
IDS, PAGE = 20_000, 50


async def gets(database: Database, scale: Scale, folder: Path) -> Target:
    """Ask for orders by random ids: of those that were put in, or of those that the last loads have made."""
    if database.full:
        chance = random.Random(scale.seed)  # noqa: S311 # no secret
        ids = [f"OLD-{chance.randint(1, scale.orders):09}" for _ in range(IDS)]
    else:
        ids = [row["order_id"] for row in await database.sql.fetch(query("filling.some"), IDS)]
    bodies = (orders_pb2.GetOrderRequest(order_id=name).SerializeToString() for name in ids or ["ORD-1"])
    return Target("grpc", GET, record(folder / f"get-{database.name}", bodies))


async def page(database: Database, depth: int, folder: Path) -> Target:
    """Ask for the page of 50 orders at a depth."""
    request = orders_pb2.ListOrdersRequest(page_size=PAGE)
    if depth:
        row = await database.sql.fetchrow(query("filling.at_depth"), depth, timeout=60)
        assert row
        keys = await database.sql.fetch("SELECT key FROM page_token_keys")
        tokens = PageTokens([key["key"] for key in keys])
        request.page_token = tokens.next_token(request, row["created_at"], row["order_id"])
    return Target("grpc", LIST, record(folder / f"list-{depth}", [request.SerializeToString()]))
