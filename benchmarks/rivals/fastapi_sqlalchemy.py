"""FastAPI and SQLAlchemy in their ordinary good style: pydantic models, the ORM, a session a request."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from ulid import ULID

from benchmarks.rivals.models import CreateOrder, Item, Order
from benchmarks.rivals.tables import ItemRow, OrderRow, OutboxRow
from benchmarks.rivals.writing import Head, Line, payload

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["POOL_SIZE"]),
    max_overflow=0,
    connect_args={"server_settings": {"jit": "off"}},
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def open_session() -> AsyncIterator[AsyncSession]:
    """Give a request its session."""
    async with new_session() as session:
        yield session


@app.post("/orders", status_code=201)
async def create_order(asked: CreateOrder, session: Annotated[AsyncSession, Depends(open_session)]) -> Order:
    """Take an order in."""
    order_id, now = f"ORD-{ULID()}", datetime.now(UTC)
    order = OrderRow(
        order_id=order_id,
        customer_id=asked.customer_id,
        warehouse_id=asked.warehouse_id,
        priority=asked.priority,
        status="received",
        promised_delivery_at=asked.promised_delivery_at,
        allow_partial=asked.allow_partial,
        shipping_address=asked.shipping_address.stored(),
        created_at=now,
        updated_at=now,
        items=[_row(number, item) for number, item in enumerate(asked.items, start=1)],
    )
    session.add(order)
    session.add(_event(order))
    await session.commit()
    return Order(**dict(asked), order_id=order_id, created_at=now, updated_at=now)


def _row(number: int, item: Item) -> ItemRow:
    price = item.unit_price
    return ItemRow(
        line_number=number,
        sku=item.sku,
        quantity=item.quantity,
        price_currency=price.currency_code if price else None,
        price_units=price.units if price else None,
        price_nanos=price.nanos if price else None,
    )


def _event(order: OrderRow) -> OutboxRow:
    head = Head(
        order.order_id,
        order.customer_id,
        order.warehouse_id,
        order.priority,
        order.promised_delivery_at,
        order.allow_partial,
        order.shipping_address,
        order.created_at,
    )
    lines = [
        Line(item.sku, item.quantity, item.price_currency, item.price_units, item.price_nanos)
        for item in order.items
    ]
    return OutboxRow(
        order_id=order.order_id,
        sequence=1,
        version=1,
        type="wms.order.received",
        occurred_at=order.created_at,
        to_status="received",
        warehouse_id=order.warehouse_id,
        actor="anonymous",
        correlation_id="",
        wave_number="",
        workflow_id="",
        traceparent="",
        payload=payload(head, lines),
    )
