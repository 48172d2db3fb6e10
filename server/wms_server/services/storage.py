"""StorageService: lanes, destinations, carriers, stock and moves."""

from collections.abc import AsyncGenerator

from wms.orders.v1 import storage_pb2 as pb
from wms_core.application import backorders, storage
from wms_core.application.ports import BackorderFilter, CarrierFilter, Database, LaneFilter, Transaction
from wms_core.application.workloads import Usage, Workload
from wms_core.domain.backorders import PartialRule
from wms_core.domain.errors import WmsError
from wms_core.domain.retries import RetryPolicy
from wms_core.domain.storage import Move, MoveStatus
from wms_server import pages
from wms_server.calls import Call
from wms_server.errors import status_of
from wms_server.messages.orders import order_message
from wms_server.messages.storage import (
    BACKORDER_STATUS_WORDS,
    CARRIER_STATUS_WORDS,
    LANE_STATUS_WORDS,
    LOCATION_WORDS,
    MOVE_STATUS_WORDS,
    SHORT_PICK_WORDS,
    backorder_message,
    carrier_message,
    carriers_from,
    destination_from,
    destination_message,
    lane_from,
    lane_message,
    move_message,
    stock_message,
)
from wms_server.move_watch import MoveWatch
from wms_server.page_tokens import PageTokens
from wms_server.pipeline import change, costly, read
from wms_server.streams import stream


class StorageService:
    """Tells of goods and of their way to the destinations."""

    def __init__(
        self, policy: RetryPolicy, partial: PartialRule, moves: MoveWatch, tokens: PageTokens
    ) -> None:
        """Decide about shortages by these rules; take the news of moves from `moves`."""
        self._tokens = tokens
        self._policy = policy
        self._partial = partial
        self._moves = moves

    @change
    async def put_lane(
        self, transaction: Transaction, request: pb.PutLaneRequest, call: Call
    ) -> pb.PutLaneResponse:
        """Make a lane or change it."""
        lane = await storage.put_lane(
            transaction,
            lane_from(request.lane),
            call.caller,
            call.now,
            keep_status=not request.lane.status,
        )
        return pb.PutLaneResponse(lane=lane_message(lane))

    @costly
    @read
    async def list_lanes(
        self, transaction: Transaction, request: pb.ListLanesRequest, _call: Call
    ) -> pb.ListLanesResponse:
        """Give a page of lanes, by id."""
        size = pages.page_size(request.page_size)
        wanted = LaneFilter(
            warehouse_id=request.warehouse_id,
            zone=request.zone,
            statuses=tuple(LANE_STATUS_WORDS[number] for number in request.statuses),
        )
        found = await transaction.storage.lanes(wanted, self._tokens.text_after(request), size + 1)
        answer = pb.ListLanesResponse(lanes=[lane_message(lane) for lane in found[:size]])
        if len(found) > size:
            answer.next_page_token = self._tokens.next_token(request, found[size - 1].lane_id)
        return answer

    @change
    async def set_lane_status(
        self, transaction: Transaction, request: pb.SetLaneStatusRequest, call: Call
    ) -> pb.SetLaneStatusResponse:
        """Open or block a lane."""
        lane = await storage.set_lane_status(
            transaction,
            request.lane_id,
            LANE_STATUS_WORDS[request.status],
            request.reason,
            call.caller,
            call.now,
        )
        return pb.SetLaneStatusResponse(lane=lane_message(lane))

    @change
    async def put_destination(
        self, transaction: Transaction, request: pb.PutDestinationRequest, call: Call
    ) -> pb.PutDestinationResponse:
        """Make a destination or change it."""
        destination = destination_from(request.destination)
        stored = await storage.put_destination(transaction, destination, call.caller, call.now)
        return pb.PutDestinationResponse(destination=destination_message(stored))

    @costly
    @read
    async def list_destinations(
        self, transaction: Transaction, request: pb.ListDestinationsRequest, _call: Call
    ) -> pb.ListDestinationsResponse:
        """Give a page of destinations, by id."""
        size = pages.page_size(request.page_size)
        after = self._tokens.text_after(request)
        found = await transaction.storage.destinations(request.warehouse_id, after, size + 1)
        answer = pb.ListDestinationsResponse(destinations=[destination_message(one) for one in found[:size]])
        if len(found) > size:
            answer.next_page_token = self._tokens.next_token(request, found[size - 1].destination_id)
        return answer

    @costly
    @change
    async def receive_carriers(
        self, transaction: Transaction, request: pb.ReceiveCarriersRequest, call: Call
    ) -> pb.ReceiveCarriersResponse:
        """Put new carriers at the end of their lanes, all of them or none."""
        carriers = carriers_from(request.carriers, request.warehouse_id, call.now)
        stored = await storage.receive_carriers(
            transaction, request.warehouse_id, carriers, call.caller, call.now
        )
        return pb.ReceiveCarriersResponse(carriers=[carrier_message(carrier) for carrier in stored])

    @costly
    @read
    async def list_carriers(
        self, transaction: Transaction, request: pb.ListCarriersRequest, _call: Call
    ) -> pb.ListCarriersResponse:
        """Give a page of carriers, by id."""
        size = pages.page_size(request.page_size)
        wanted = CarrierFilter(
            warehouse_id=request.warehouse_id,
            sku=request.sku,
            lane_id=request.lane_id,
            destination_id=request.destination_id,
            statuses=tuple(CARRIER_STATUS_WORDS[number] for number in request.statuses),
            locations=tuple(LOCATION_WORDS[number] for number in request.locations),
        )
        found = await transaction.storage.carriers(wanted, self._tokens.text_after(request), size + 1)
        answer = pb.ListCarriersResponse(carriers=[carrier_message(carrier) for carrier in found[:size]])
        if len(found) > size:
            answer.next_page_token = self._tokens.next_token(request, found[size - 1].carrier_id)
        return answer

    @change
    async def set_carrier_status(
        self, transaction: Transaction, request: pb.SetCarrierStatusRequest, call: Call
    ) -> pb.SetCarrierStatusResponse:
        """Hold a carrier or set it free."""
        carrier = await storage.set_carrier_status(
            transaction,
            request.carrier_id,
            CARRIER_STATUS_WORDS[request.status],
            request.reason,
            call.caller,
            call.now,
        )
        return pb.SetCarrierStatusResponse(carrier=carrier_message(carrier))

    @costly
    @read
    async def get_stock(
        self, transaction: Transaction, request: pb.GetStockRequest, _call: Call
    ) -> pb.GetStockResponse:
        """Sum up the carriers by warehouse and SKU."""
        size = pages.page_size(request.page_size)
        after = self._tokens.pair_after(request)
        found = await transaction.storage.stock(request.warehouse_id, request.sku, after, size + 1)
        answer = pb.GetStockResponse(stock=[stock_message(one) for one in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            answer.next_page_token = self._tokens.next_token(request, last.warehouse_id, last.sku)
        return answer

    @change
    async def claim_moves(
        self, transaction: Transaction, request: pb.ClaimMovesRequest, call: Call
    ) -> pb.ClaimMovesResponse:
        """Give requested moves to one caller."""
        moves = await storage.claim_moves(
            transaction, request.warehouse_id, request.max, request.claimed_by, call.caller, call.now
        )
        return pb.ClaimMovesResponse(moves=[move_message(move) for move in moves])

    @change
    async def complete_move(
        self, transaction: Transaction, request: pb.CompleteMoveRequest, call: Call
    ) -> pb.CompleteMoveResponse:
        """Record that a claimed move is done."""
        move = await storage.complete_move(
            transaction, request.move_id, request.claimed_by, call.caller, call.now
        )
        return pb.CompleteMoveResponse(move=move_message(move))

    @costly
    @change
    async def batch_complete_moves(
        self, transaction: Transaction, request: pb.BatchCompleteMovesRequest, call: Call
    ) -> pb.BatchCompleteMovesResponse:
        """Record that claimed moves are done, each by itself."""
        outcomes = await storage.complete_moves(
            transaction, request.move_ids, request.claimed_by, call.caller, call.now
        )
        return pb.BatchCompleteMovesResponse(results=[_result(outcome) for outcome in outcomes])

    @change
    async def fail_move(
        self, transaction: Transaction, request: pb.FailMoveRequest, call: Call
    ) -> pb.FailMoveResponse:
        """Record that a claimed move failed."""
        move = await storage.fail_move(
            transaction, request.move_id, request.claimed_by, request.reason, call.caller, call.now
        )
        return pb.FailMoveResponse(move=move_message(move))

    @stream
    async def watch_moves(
        self, database: Database, request: pb.WatchMovesRequest, call: Call
    ) -> AsyncGenerator[bytes, None]:
        """Tell of the live moves of a warehouse, then of each as it changes, for ever."""
        statuses = [MOVE_STATUS_WORDS[number] for number in request.statuses] or list(MoveStatus)

        async def check(transaction: Transaction) -> None:
            call.expect_time()
            await storage.expect_warehouse(transaction, request.warehouse_id)

        await database.read(check, usage=Usage(Workload.READ, call.source))
        with self._moves.watching(request.warehouse_id, statuses) as watcher:
            while True:
                yield await watcher.next()

    @change
    async def report_short_pick(
        self, transaction: Transaction, request: pb.ReportShortPickRequest, call: Call
    ) -> pb.ReportShortPickResponse:
        """Take units out of the books that a picker did not find."""
        order, opened = await backorders.report_short_pick(
            transaction,
            request.order_id,
            request.etag,
            request.sku,
            request.missing_quantity,
            SHORT_PICK_WORDS[request.reason],
            self._partial,
            self._policy,
            call.caller,
            call.now,
        )
        return pb.ReportShortPickResponse(
            order=order_message(order, call.now), backorders=[backorder_message(one) for one in opened]
        )

    @costly
    @read
    async def list_backorders(
        self, transaction: Transaction, request: pb.ListBackordersRequest, _call: Call
    ) -> pb.ListBackordersResponse:
        """Give a page of backorders, oldest first."""
        size = pages.page_size(request.page_size)
        wanted = BackorderFilter(
            order_id=request.order_id,
            warehouse_id=request.warehouse_id,
            sku=request.sku,
            statuses=tuple(BACKORDER_STATUS_WORDS[number] for number in request.statuses),
        )
        found = await backorders.list_page(transaction, wanted, self._tokens.page_after(request, size))
        answer = pb.ListBackordersResponse(backorders=[backorder_message(one) for one in found[:size]])
        if len(found) > size:
            last = found[size - 1]
            answer.next_page_token = self._tokens.next_token(request, last.created_at, last.backorder_id)
        return answer

    @change
    async def cancel_backorder(
        self, transaction: Transaction, request: pb.CancelBackorderRequest, call: Call
    ) -> pb.CancelBackorderResponse:
        """Give up what is still owed."""
        backorder = await backorders.cancel(
            transaction, request.backorder_id, request.reason, call.caller, call.now
        )
        return pb.CancelBackorderResponse(backorder=backorder_message(backorder))


def _result(outcome: Move | WmsError) -> pb.CompleteMoveResult:
    if isinstance(outcome, WmsError):
        return pb.CompleteMoveResult(status=status_of(outcome))
    return pb.CompleteMoveResult(move=move_message(outcome))
