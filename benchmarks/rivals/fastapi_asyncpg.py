"""FastAPI and asyncpg: pydantic models, a pool for each worker process, one transaction a call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from ulid import ULID

from benchmarks.rivals.models import CreateOrder, Item, Order
from benchmarks.rivals.writing import Head, Line, open_pool, write


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool."""
    async with await open_pool() as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create_order(asked: CreateOrder, request: Request) -> Order:
    """Take an order in."""
    now = datetime.now(UTC)
    head = Head(
        f"ORD-{ULID()}",
        asked.customer_id,
        asked.warehouse_id,
        asked.priority,
        asked.promised_delivery_at,
        asked.allow_partial,
        asked.shipping_address.stored(),
        now,
    )
    await write(request.app.state.pool, head, [_line(item) for item in asked.items])
    return Order(**dict(asked), order_id=head.order_id, created_at=now, updated_at=now)


def _line(item: Item) -> Line:
    price = item.unit_price
    if price is None:
        return Line(item.sku, item.quantity, None, None, None)
    return Line(item.sku, item.quantity, price.currency_code, price.units, price.nanos)
