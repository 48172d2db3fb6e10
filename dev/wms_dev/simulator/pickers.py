"""The pickers: check the delivered units of an order before packing, and report short picks."""

import hashlib
import logging
from dataclasses import dataclass

import grpc

from wms.orders.v1 import order_pb2, storage_pb2
from wms_dev.api_client import UNREACHABLE_STATUS_CODES, ApiClient
from wms_dev.simulator.ground_truth import DamagedCarrier
from wms_dev.simulator.incident_counter import IncidentCounter

log = logging.getLogger("simulator")

PACKING = order_pb2.ORDER_STATUS_PACKING


@dataclass(frozen=True)
class Shortfall:
    """A report to send, and the damaged load carrier that caused it, if any."""

    request: storage_pb2.ReportShortPickRequest
    damage: DamagedCarrier | None


class Picker:
    """Checks each order line once. A report without a response is sent again unchanged."""

    def __init__(self, client: ApiClient, incident_counter: IncidentCounter) -> None:
        self._client = client
        self._incident_counter = incident_counter
        self._inspected_lines: set[tuple[str, int]] = set()
        self._unanswered_reports: dict[tuple[str, int], Shortfall] = {}

    async def resend_unanswered_reports(self) -> None:
        """Send the reports again whose responses were lost."""
        for line, shortfall in list(self._unanswered_reports.items()):
            await self._send_report(line, shortfall)

    async def inspect_order(self, order: order_pb2.Order) -> order_pb2.Order | None:
        """Report the short picks of an order. Return its new state, or None if it is not to be packed."""
        if order.status != PACKING:
            return order
        for item in order.items:
            line = order.order_id, item.line_number
            if line in self._inspected_lines or item.quantity_delivered <= item.quantity_shipped:
                continue
            self._inspected_lines.add(line)
            if shortfall := self._find_shortfall(order, item):
                self._unanswered_reports[line] = shortfall
                order_after_report = await self._send_report(line, shortfall)
                if order_after_report is None or order_after_report.status != PACKING:
                    return None
                order = order_after_report
        return order

    def _find_shortfall(self, order: order_pb2.Order, item: order_pb2.OrderItem) -> Shortfall | None:
        available_units = item.quantity_delivered - item.quantity_shipped
        damage = self._incident_counter.ground_truth.take_damaged_carrier(order.destination_id, item.sku)
        if damage:
            return Shortfall(
                _short_pick_request(order, item, min(damage.units, available_units), "damaged"), damage
            )
        short_pick = self._incident_counter.fault_plan.choose_short_pick(
            order.order_id, item.line_number, item.quantity
        )
        if short_pick:
            return Shortfall(
                _short_pick_request(order, item, min(short_pick[0], available_units), short_pick[1]), None
            )
        return None

    async def _send_report(self, line: tuple[str, int], shortfall: Shortfall) -> order_pb2.Order | None:
        """Return the order after the report, or None if the order was changed in the meantime."""
        request, order_after_report = shortfall.request, None
        try:
            response = await self._client.call(self._client.storage.ReportShortPick, request)
            self._incident_counter.record_short_pick(request)
            order_after_report = response.order
        except grpc.aio.AioRpcError as error:
            if error.code() in UNREACHABLE_STATUS_CODES:
                raise
            log.warning("%s: short pick: %s", request.order_id, error.details())
        del self._unanswered_reports[line]
        if shortfall.damage:
            await self._request_inspection(shortfall.damage)
        return order_after_report

    async def _request_inspection(self, damage: DamagedCarrier) -> None:
        """Request an inspection of a damaged load carrier, unless it is empty."""
        request = storage_pb2.SetCarrierStatusRequest(
            carrier_id=damage.carrier_id,
            status=storage_pb2.CARRIER_STATUS_INSPECTION_REQUIRED,
            reason=f"goods damaged: {damage.carrier_id}",
            request_id=f"damaged-{_hash_text(damage.carrier_id)}",
        )
        try:
            await self._client.call(self._client.storage.SetCarrierStatus, request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise


def _short_pick_request(
    order: order_pb2.Order, item: order_pb2.OrderItem, units: int, reason: str
) -> storage_pb2.ReportShortPickRequest:
    return storage_pb2.ReportShortPickRequest(
        order_id=order.order_id,
        sku=item.sku,
        missing_quantity=units,
        reason=storage_pb2.ShortPickReason.Value(f"SHORT_PICK_REASON_{reason.upper()}"),
        # Depends only on the order line, so that its units cannot be reported twice.
        request_id=f"short-{_hash_text(f'{order.order_id}/{item.line_number}')}",
    )


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
