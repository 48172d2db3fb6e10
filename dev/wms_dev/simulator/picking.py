"""The pickers: look at what has come for an order before it is packed, and report what is missing."""

import hashlib
import logging
from dataclasses import dataclass

import grpc

from wms.orders.v1 import order_pb2, storage_pb2
from wms_dev.client import UNREACHABLE, Client
from wms_dev.simulator.chronicle import Chronicle
from wms_dev.simulator.floor import Damage

log = logging.getLogger("simulator")

PACKING = order_pb2.ORDER_STATUS_PACKING


@dataclass(frozen=True)
class Shortfall:
    """A report to be made, and the damaged carrier that it comes from, if it does."""

    request: storage_pb2.ReportShortPickRequest
    damage: Damage | None


class Picking:
    """Each line of an order is looked at once; a report whose answer was lost is made again as it was."""

    def __init__(self, client: Client, chronicle: Chronicle) -> None:
        self._client = client
        self._chronicle = chronicle
        self._seen: set[tuple[str, int]] = set()
        self._unanswered: dict[tuple[str, int], Shortfall] = {}

    async def report_again(self) -> None:
        """Make the reports again of which it is not known whether they were taken in."""
        for line, shortfall in list(self._unanswered.items()):
            await self._report(line, shortfall)

    async def look(self, order: order_pb2.Order) -> order_pb2.Order | None:
        """The order as it is when all shortfalls are reported; None when it is not to be packed now."""
        if order.status != PACKING:
            return order
        for item in order.items:
            line = order.order_id, item.line_number
            if line in self._seen or item.quantity_delivered <= item.quantity_shipped:
                continue
            self._seen.add(line)
            if shortfall := self._shortfall(order, item):
                self._unanswered[line] = shortfall
                after = await self._report(line, shortfall)
                if after is None or after.status != PACKING:
                    return None
                order = after
        return order

    def _shortfall(self, order: order_pb2.Order, item: order_pb2.OrderItem) -> Shortfall | None:
        there = item.quantity_delivered - item.quantity_shipped
        damage = self._chronicle.floor.take_damage(order.destination_id, item.sku)
        if damage:
            return Shortfall(_request(order, item, min(damage.units, there), "damaged"), damage)
        fate = self._chronicle.fates.of_line(order.order_id, item.line_number, item.quantity)
        if fate:
            return Shortfall(_request(order, item, min(fate[0], there), fate[1]), None)
        return None

    async def _report(self, line: tuple[str, int], shortfall: Shortfall) -> order_pb2.Order | None:
        """Give the order after the report; None when the order went another way in the meantime."""
        request, after = shortfall.request, None
        try:
            answer = await self._client.call(self._client.storage.ReportShortPick, request)
            self._chronicle.short_picked(request)
            after = answer.order
        except grpc.aio.AioRpcError as error:
            if error.code() in UNREACHABLE:
                raise
            log.warning("%s: short pick: %s", request.order_id, error.details())
        del self._unanswered[line]
        if shortfall.damage:
            await self._set_aside(shortfall.damage)
        return after

    async def _set_aside(self, damage: Damage) -> None:
        """Have the inspector look at the rest of a damaged carrier, unless it is empty and gone."""
        request = storage_pb2.SetCarrierStatusRequest(
            carrier_id=damage.carrier_id,
            status=storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED,
            reason=f"goods damaged: {damage.carrier_id}",
            request_id=f"damaged-{_mark(damage.carrier_id)}",
        )
        try:
            await self._client.call(self._client.storage.SetCarrierStatus, request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise


def _request(
    order: order_pb2.Order, item: order_pb2.OrderItem, units: int, reason: str
) -> storage_pb2.ReportShortPickRequest:
    return storage_pb2.ReportShortPickRequest(
        order_id=order.order_id,
        sku=item.sku,
        missing_quantity=units,
        reason=storage_pb2.ShortPickReason.Value(f"SHORT_PICK_REASON_{reason.upper()}"),
        # The same for the same line, whoever looks at it: its units can't be missed twice.
        request_id=f"short-{_mark(f'{order.order_id}/{item.line_number}')}",
    )


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
