"""FastAPI and SQLAlchemy in their usual good style: pydantic models, the ORM, a session a request."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from ulid import ULID

from benchmarks.competitors.models import CreateOrder, Item, Order
from benchmarks.competitors.tables import ItemRow, OrderRow, OutboxRow
from benchmarks.competitors.writing import OrderHeader, OrderLine, build_payload

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=int(os.environ["POOL_SIZE"]),
    max_overflow=0,
    connect_args={"server_settings": {"jit": "off"}},
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def open_session() -> AsyncIterator[AsyncSession]:
    """Yield the session of a request."""
    async with new_session() as session:
        yield session


@app.post("/orders", status_code=201)
async def create_order(
    create_request: CreateOrder, session: Annotated[AsyncSession, Depends(open_session)]
) -> Order:
    """Create an order."""
    order_id, now = f"ORD-{ULID()}", datetime.now(UTC)
    order = OrderRow(
        order_id=order_id,
        customer_id=create_request.customer_id,
        warehouse_id=create_request.warehouse_id,
        priority=create_request.priority,
        status="received",
        promised_delivery_at=create_request.promised_delivery_at,
        allow_partial=create_request.allow_partial,
        shipping_address=create_request.shipping_address.stored_form(),
        created_at=now,
        updated_at=now,
        items=[_row(number, item) for number, item in enumerate(create_request.items, start=1)],
    )
    session.add(order)
    session.add(_event(order))
    await session.commit()
    return Order(**dict(create_request), order_id=order_id, created_at=now, updated_at=now)


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
    header = OrderHeader(
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
        OrderLine(item.sku, item.quantity, item.price_currency, item.price_units, item.price_nanos)
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
        payload=build_payload(header, lines),
    )
