"""FastAPI and asyncpg: pydantic models, a pool for each process, one transaction a call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from ulid import ULID

from benchmarks.competitors.models import CreateOrder, Item, Order
from benchmarks.competitors.writing import OrderHeader, OrderLine, open_pool, write_order


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open a connection pool for the lifetime of the application."""
    async with await open_pool() as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def create_order(create_request: CreateOrder, request: Request) -> Order:
    """Create an order."""
    now = datetime.now(UTC)
    header = OrderHeader(
        f"ORD-{ULID()}",
        create_request.customer_id,
        create_request.warehouse_id,
        create_request.priority,
        create_request.promised_delivery_at,
        create_request.allow_partial,
        create_request.shipping_address.stored_form(),
        now,
    )
    await write_order(request.app.state.pool, header, [_line(item) for item in create_request.items])
    return Order(**dict(create_request), order_id=header.order_id, created_at=now, updated_at=now)


def _line(item: Item) -> OrderLine:
    price = item.unit_price
    if price is None:
        return OrderLine(item.sku, item.quantity, None, None, None)
    return OrderLine(item.sku, item.quantity, price.currency_code, price.units, price.nanos)
