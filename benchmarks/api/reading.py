"""Requests of the reads."""

import random
from pathlib import Path

from benchmarks.api.bodies import record_bodies
from benchmarks.api.databases import BenchmarkDatabase
from benchmarks.api.loading import LoadTarget
from benchmarks.api.scale import Scale
from benchmarks.queries import query
from wms.orders.v1 import orders_pb2
from wms_server.calls.page_tokens import PageTokens

GET_METHOD = "/wms.orders.v1.OrderService/GetOrder"
LIST_METHOD = "/wms.orders.v1.OrderService/ListOrders"
RANDOM_ID_COUNT, PAGE_SIZE = 20_000, 50


async def build_get_requests(database: BenchmarkDatabase, scale: Scale, folder: Path) -> LoadTarget:
    """Return GetOrder requests with random ids, of inserted orders or of those of the last loads."""
    if database.is_full:
        seeded_random = random.Random(scale.seed)  # noqa: S311 # not a secret
        ids = [f"OLD-{seeded_random.randint(1, scale.orders):09}" for _ in range(RANDOM_ID_COUNT)]
    else:
        ids = [
            row["order_id"] for row in await database.sql.fetch(query("filling.random_ids"), RANDOM_ID_COUNT)
        ]
    bodies = (
        orders_pb2.GetOrderRequest(order_id=order_id).SerializeToString() for order_id in ids or ["ORD-1"]
    )
    return LoadTarget("grpc", GET_METHOD, record_bodies(folder / f"get-{database.name}", bodies))


async def build_list_request(database: BenchmarkDatabase, depth: int, folder: Path) -> LoadTarget:
    """Return a ListOrders request for the page of 50 orders at a depth."""
    request = orders_pb2.ListOrdersRequest(page_size=PAGE_SIZE)
    if depth:
        row = await database.sql.fetchrow(query("filling.at_depth"), depth, timeout=60)
        assert row
        keys = await database.sql.fetch("SELECT key FROM page_token_keys")
        tokens = PageTokens([key["key"] for key in keys])
        request.page_token = tokens.encode_next_token(request, row["created_at"], row["order_id"])
    return LoadTarget(
        "grpc", LIST_METHOD, record_bodies(folder / f"list-{depth}", [request.SerializeToString()])
    )
