"""The StorageService of the contract: lanes, destinations, load carriers, stock and moves."""

from collections.abc import AsyncGenerator

from wms.orders.v1 import storage_pb2 as pb
from wms_core.application import backorders, storage
from wms_core.application.database import BackorderFilter, CarrierFilter, Database, LaneFilter, Transaction
from wms_core.application.workloads import PoolUsage, WorkloadType
from wms_core.domain.errors import WmsError
from wms_core.domain.failures.failures import RetryPolicy
from wms_core.domain.orders.backorders import PartialFulfillmentRule
from wms_core.domain.stock.warehouse import Move, MoveStatus
from wms_server.calls import pagination
from wms_server.calls.call import Call
from wms_server.calls.error_status import to_status
from wms_server.calls.page_tokens import PageTokens
from wms_server.calls.pipeline import long_running, unary_read, unary_write
from wms_server.calls.streaming import server_stream
from wms_server.mapping.orders import to_order_message
from wms_server.mapping.storage import (
    BACKORDER_STATUS_NAMES,
    CARRIER_STATUS_NAMES,
    LANE_STATUS_NAMES,
    LOCATION_NAMES,
    MOVE_STATUS_NAMES,
    SHORT_PICK_REASON_NAMES,
    to_backorder_message,
    to_carrier_message,
    to_carriers,
    to_destination,
    to_destination_message,
    to_lane,
    to_lane_message,
    to_move_message,
    to_stock_message,
)
from wms_server.subscriptions.moves import MoveBroadcaster


class StorageService:
    """Manages storage, and lets the warehouse control system claim and report moves."""

    def __init__(
        self,
        retry_policy: RetryPolicy,
        partial_rule: PartialFulfillmentRule,
        move_broadcaster: MoveBroadcaster,
        page_tokens: PageTokens,
    ) -> None:
        self._page_tokens = page_tokens
        self._retry_policy = retry_policy
        self._partial_rule = partial_rule
        self._move_broadcaster = move_broadcaster

    @unary_write
    async def put_lane(
        self, transaction: Transaction, request: pb.PutLaneRequest, call: Call
    ) -> pb.PutLaneResponse:
        """Create or change a lane."""
        lane = await storage.put_lane(
            transaction,
            to_lane(request.lane),
            call.caller,
            call.now,
            keep_status=not request.lane.status,
        )
        return pb.PutLaneResponse(lane=to_lane_message(lane))

    @long_running
    @unary_read
    async def list_lanes(
        self, transaction: Transaction, request: pb.ListLanesRequest, _call: Call
    ) -> pb.ListLanesResponse:
        """Return a page of lanes, by id."""
        size = pagination.clamp_page_size(request.page_size)
        lane_filter = LaneFilter(
            warehouse_id=request.warehouse_id,
            zone=request.zone,
            statuses=tuple(LANE_STATUS_NAMES[number] for number in request.statuses),
        )
        lanes = await transaction.warehouse_storage.list_lanes(
            lane_filter, self._page_tokens.decode_text_cursor(request), size + 1
        )
        response = pb.ListLanesResponse(lanes=[to_lane_message(lane) for lane in lanes[:size]])
        if len(lanes) > size:
            response.next_page_token = self._page_tokens.encode_next_token(request, lanes[size - 1].lane_id)
        return response

    @unary_write
    async def set_lane_status(
        self, transaction: Transaction, request: pb.SetLaneStatusRequest, call: Call
    ) -> pb.SetLaneStatusResponse:
        """Open or block a lane."""
        lane = await storage.set_lane_status(
            transaction,
            request.lane_id,
            LANE_STATUS_NAMES[request.status],
            request.reason,
            call.caller,
            call.now,
        )
        return pb.SetLaneStatusResponse(lane=to_lane_message(lane))

    @unary_write
    async def put_destination(
        self, transaction: Transaction, request: pb.PutDestinationRequest, call: Call
    ) -> pb.PutDestinationResponse:
        """Create or change a destination."""
        destination = to_destination(request.destination)
        stored_destination = await storage.put_destination(transaction, destination, call.caller, call.now)
        return pb.PutDestinationResponse(destination=to_destination_message(stored_destination))

    @long_running
    @unary_read
    async def list_destinations(
        self, transaction: Transaction, request: pb.ListDestinationsRequest, _call: Call
    ) -> pb.ListDestinationsResponse:
        """Return a page of destinations, by id."""
        size = pagination.clamp_page_size(request.page_size)
        after_id = self._page_tokens.decode_text_cursor(request)
        destinations = await transaction.warehouse_storage.list_destinations(
            request.warehouse_id, after_id, size + 1
        )
        response = pb.ListDestinationsResponse(
            destinations=[to_destination_message(destination) for destination in destinations[:size]]
        )
        if len(destinations) > size:
            response.next_page_token = self._page_tokens.encode_next_token(
                request, destinations[size - 1].destination_id
            )
        return response

    @long_running
    @unary_write
    async def receive_carriers(
        self, transaction: Transaction, request: pb.ReceiveCarriersRequest, call: Call
    ) -> pb.ReceiveCarriersResponse:
        """Receive new load carriers at the ends of their lanes, all of them or none."""
        carriers = to_carriers(request.carriers, request.warehouse_id, call.now)
        stored_carriers = await storage.receive_carriers(
            transaction, request.warehouse_id, carriers, call.caller, call.now
        )
        return pb.ReceiveCarriersResponse(
            carriers=[to_carrier_message(carrier) for carrier in stored_carriers]
        )

    @long_running
    @unary_read
    async def list_carriers(
        self, transaction: Transaction, request: pb.ListCarriersRequest, _call: Call
    ) -> pb.ListCarriersResponse:
        """Return a page of load carriers, by id."""
        size = pagination.clamp_page_size(request.page_size)
        carrier_filter = CarrierFilter(
            warehouse_id=request.warehouse_id,
            sku=request.sku,
            lane_id=request.lane_id,
            destination_id=request.destination_id,
            statuses=tuple(CARRIER_STATUS_NAMES[number] for number in request.statuses),
            locations=tuple(LOCATION_NAMES[number] for number in request.locations),
        )
        carriers = await transaction.warehouse_storage.list_carriers(
            carrier_filter, self._page_tokens.decode_text_cursor(request), size + 1
        )
        response = pb.ListCarriersResponse(
            carriers=[to_carrier_message(carrier) for carrier in carriers[:size]]
        )
        if len(carriers) > size:
            response.next_page_token = self._page_tokens.encode_next_token(
                request, carriers[size - 1].carrier_id
            )
        return response

    @unary_write
    async def set_carrier_status(
        self, transaction: Transaction, request: pb.SetCarrierStatusRequest, call: Call
    ) -> pb.SetCarrierStatusResponse:
        """Put a load carrier on hold, or release it."""
        carrier = await storage.set_carrier_status(
            transaction,
            request.carrier_id,
            CARRIER_STATUS_NAMES[request.status],
            request.reason,
            call.caller,
            call.now,
        )
        return pb.SetCarrierStatusResponse(carrier=to_carrier_message(carrier))

    @long_running
    @unary_read
    async def get_stock(
        self, transaction: Transaction, request: pb.GetStockRequest, _call: Call
    ) -> pb.GetStockResponse:
        """Return a page of stock levels, by warehouse and SKU."""
        size = pagination.clamp_page_size(request.page_size)
        after_key = self._page_tokens.decode_pair_cursor(request)
        stock_levels = await transaction.warehouse_storage.list_stock(
            request.warehouse_id, request.sku, after_key, size + 1
        )
        response = pb.GetStockResponse(
            stock=[to_stock_message(stock_level) for stock_level in stock_levels[:size]]
        )
        if len(stock_levels) > size:
            last_level = stock_levels[size - 1]
            response.next_page_token = self._page_tokens.encode_next_token(
                request, last_level.warehouse_id, last_level.sku
            )
        return response

    @unary_write
    async def claim_moves(
        self, transaction: Transaction, request: pb.ClaimMovesRequest, call: Call
    ) -> pb.ClaimMovesResponse:
        """Claim requested moves for one caller."""
        moves = await storage.claim_moves(
            transaction, request.warehouse_id, request.max, request.claimed_by, call.caller, call.now
        )
        return pb.ClaimMovesResponse(moves=[to_move_message(move) for move in moves])

    @unary_write
    async def complete_move(
        self, transaction: Transaction, request: pb.CompleteMoveRequest, call: Call
    ) -> pb.CompleteMoveResponse:
        """Record that a claimed move is done."""
        move = await storage.complete_move(
            transaction, request.move_id, request.claimed_by, call.caller, call.now
        )
        return pb.CompleteMoveResponse(move=to_move_message(move))

    @long_running
    @unary_write
    async def batch_complete_moves(
        self, transaction: Transaction, request: pb.BatchCompleteMovesRequest, call: Call
    ) -> pb.BatchCompleteMovesResponse:
        """Record that claimed moves are done; each has its own result."""
        move_outcomes = await storage.complete_moves(
            transaction, request.move_ids, request.claimed_by, call.caller, call.now
        )
        return pb.BatchCompleteMovesResponse(
            results=[_to_move_result(move_outcome) for move_outcome in move_outcomes]
        )

    @unary_write
    async def fail_move(
        self, transaction: Transaction, request: pb.FailMoveRequest, call: Call
    ) -> pb.FailMoveResponse:
        """Record that a claimed move failed."""
        move = await storage.fail_move(
            transaction, request.move_id, request.claimed_by, request.reason, call.caller, call.now
        )
        return pb.FailMoveResponse(move=to_move_message(move))

    @server_stream
    async def watch_moves(
        self, database: Database, request: pb.WatchMovesRequest, call: Call
    ) -> AsyncGenerator[bytes, None]:
        """Yield the unfinished moves of a warehouse, then each change, until the client disconnects."""
        statuses = [MOVE_STATUS_NAMES[number] for number in request.statuses] or list(MoveStatus)

        async def check_call(transaction: Transaction) -> None:
            call.raise_if_expired()
            await storage.expect_warehouse(transaction, request.warehouse_id)

        await database.read(check_call, pool_usage=PoolUsage(WorkloadType.READ, call.source))
        with self._move_broadcaster.subscribe(request.warehouse_id, statuses) as move_subscriber:
            while True:
                yield await move_subscriber.next_message()

    @unary_write
    async def report_short_pick(
        self, transaction: Transaction, request: pb.ReportShortPickRequest, call: Call
    ) -> pb.ReportShortPickResponse:
        """Write off units that a picker did not find."""
        order, opened_backorders = await backorders.report_short_pick(
            transaction,
            request.order_id,
            request.etag,
            request.sku,
            request.missing_quantity,
            SHORT_PICK_REASON_NAMES[request.reason],
            self._partial_rule,
            self._retry_policy,
            call.caller,
            call.now,
        )
        return pb.ReportShortPickResponse(
            order=to_order_message(order, call.now),
            backorders=[to_backorder_message(backorder) for backorder in opened_backorders],
        )

    @long_running
    @unary_read
    async def list_backorders(
        self, transaction: Transaction, request: pb.ListBackordersRequest, _call: Call
    ) -> pb.ListBackordersResponse:
        """Return a page of backorders, oldest first."""
        size = pagination.clamp_page_size(request.page_size)
        backorder_filter = BackorderFilter(
            order_id=request.order_id,
            warehouse_id=request.warehouse_id,
            sku=request.sku,
            statuses=tuple(BACKORDER_STATUS_NAMES[number] for number in request.statuses),
        )
        listed_backorders = await backorders.list_page(
            transaction, backorder_filter, self._page_tokens.decode_page_cursor(request, size)
        )
        response = pb.ListBackordersResponse(
            backorders=[to_backorder_message(backorder) for backorder in listed_backorders[:size]]
        )
        if len(listed_backorders) > size:
            last_backorder = listed_backorders[size - 1]
            response.next_page_token = self._page_tokens.encode_next_token(
                request, last_backorder.created_at, last_backorder.backorder_id
            )
        return response

    @unary_write
    async def cancel_backorder(
        self, transaction: Transaction, request: pb.CancelBackorderRequest, call: Call
    ) -> pb.CancelBackorderResponse:
        """Cancel a backorder."""
        backorder = await backorders.cancel(
            transaction, request.backorder_id, request.reason, call.caller, call.now
        )
        return pb.CancelBackorderResponse(backorder=to_backorder_message(backorder))


def _to_move_result(move_outcome: Move | WmsError) -> pb.CompleteMoveResult:
    if isinstance(move_outcome, WmsError):
        return pb.CompleteMoveResult(status=to_status(move_outcome))
    return pb.CompleteMoveResult(move=to_move_message(move_outcome))
