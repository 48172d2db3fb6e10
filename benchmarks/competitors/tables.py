"""The tables of wms-orders, mapped by SQLAlchemy."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Base class of the mapped tables."""

    type_annotation_map = {dict[str, Any]: JSON, datetime: DateTime(timezone=True)}  # noqa: RUF012 # SQLAlchemy's interface


class OrderRow(Base):
    """An order."""

    __tablename__ = "orders"

    order_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    warehouse_id: Mapped[str]
    priority: Mapped[str]
    status: Mapped[str]
    promised_delivery_at: Mapped[datetime | None]
    allow_partial: Mapped[bool]
    shipping_address: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    items: Mapped[list["ItemRow"]] = relationship(order_by="ItemRow.line_number")


class ItemRow(Base):
    """A line of an order."""

    __tablename__ = "order_items"

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"), primary_key=True)
    line_number: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    price_currency: Mapped[str | None]
    price_units: Mapped[int | None] = mapped_column(BigInteger)
    price_nanos: Mapped[int | None]


class OutboxRow(Base):
    """An event in the outbox."""

    __tablename__ = "outbox"

    event_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    order_id: Mapped[str]
    sequence: Mapped[int]
    version: Mapped[int]
    type: Mapped[str]
    occurred_at: Mapped[datetime]
    to_status: Mapped[str | None]
    warehouse_id: Mapped[str]
    actor: Mapped[str]
    correlation_id: Mapped[str]
    wave_number: Mapped[str]
    workflow_id: Mapped[str]
    traceparent: Mapped[str]
    payload: Mapped[dict[str, Any]]
