"""Requests and responses of the HTTP services: the contract's CreateOrder as pydantic models."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

Text = Annotated[str, Field(min_length=1, max_length=256)]


class Price(BaseModel):
    """An exact amount of money."""

    currency_code: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    units: Annotated[int, Field(ge=0)]
    nanos: Annotated[int, Field(ge=0, le=999_999_999)] = 0


class Item(BaseModel):
    """An order line."""

    sku: Text
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    unit_price: Price | None = None


class Address(BaseModel):
    """A shipping address."""

    recipient_name: str = ""
    street: Text
    city: Text
    state: str = ""
    zip_code: str = ""
    country: Annotated[str, Field(min_length=2, max_length=2)]
    phone: str = ""

    def stored_form(self) -> dict[str, str]:
        """Return the stored and published JSON: camelCase, without empty values."""
        parts = {
            "recipientName": self.recipient_name,
            "street": self.street,
            "city": self.city,
            "state": self.state,
            "zipCode": self.zip_code,
            "country": self.country,
            "phone": self.phone,
        }
        return {name: value for name, value in parts.items() if value}


class CreateOrder(BaseModel):
    """A request to create an order."""

    customer_id: Text
    priority: Literal["same_day", "next_day", "standard"]
    items: Annotated[list[Item], Field(min_length=1, max_length=500)]
    shipping_address: Address
    promised_delivery_at: datetime | None = None
    warehouse_id: str = "WH-01"
    allow_partial: bool = True


class Order(CreateOrder):
    """A created order."""

    order_id: str
    status: Literal["received"] = "received"
    etag: str = '"1"'
    created_at: datetime
    updated_at: datetime
