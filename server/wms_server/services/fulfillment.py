"""The FulfillmentService of the contract: control of the worker by operators."""

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_core.application import fulfillment_control, parked_events, workers
from wms_core.application.database import RunFilter, Transaction
from wms_core.domain.errors import FieldError, InvalidFields
from wms_core.domain.workers import Role
from wms_server.calls import pagination
from wms_server.calls.call import Call
from wms_server.calls.page_tokens import MAX_POSITION, PageTokens
from wms_server.calls.pipeline import long_running, unary_read, unary_write
from wms_server.mapping.common import read_datetime, to_optional_timestamp
from wms_server.mapping.fulfillment import (
    MODE_NAMES,
    RUN_STATUS_NAMES,
    to_parked_event_message,
    to_pause_message,
    to_run_message,
    to_stats_message,
    to_worker_message,
)


class FulfillmentService:
    """Starts, pauses and shows fulfillment."""

    def __init__(self, page_tokens: PageTokens) -> None:
        self._page_tokens = page_tokens

    @unary_write
    async def start_fulfillment(
        self, transaction: Transaction, request: pb.StartFulfillmentRequest, call: Call
    ) -> pb.StartFulfillmentResponse:
        """Request a cycle from the active worker."""
        run = await fulfillment_control.request_run(transaction, request.warehouse_id, call.caller, call.now)
        return pb.StartFulfillmentResponse(run=to_run_message(run))

    @unary_read
    async def get_fulfillment_run(
        self, transaction: Transaction, request: pb.GetFulfillmentRunRequest, _call: Call
    ) -> pb.GetFulfillmentRunResponse:
        """Return a run."""
        return pb.GetFulfillmentRunResponse(
            run=to_run_message(await fulfillment_control.get_run(transaction, request.run_id))
        )

    @long_running
    @unary_read
    async def list_fulfillment_runs(
        self, transaction: Transaction, request: pb.ListFulfillmentRunsRequest, _call: Call
    ) -> pb.ListFulfillmentRunsResponse:
        """Return a page of runs, newest first."""
        size = pagination.clamp_page_size(request.page_size)
        run_filter = RunFilter(
            warehouse_id=request.warehouse_id,
            statuses=tuple(RUN_STATUS_NAMES[number] for number in request.statuses),
            requested_only=request.requested_only,
        )
        fulfillment_runs = await fulfillment_control.list_runs(
            transaction, run_filter, self._page_tokens.decode_page_cursor(request, size)
        )
        response = pb.ListFulfillmentRunsResponse(
            runs=[to_run_message(run) for run in fulfillment_runs[:size]]
        )
        if len(fulfillment_runs) > size and (last_run := fulfillment_runs[size - 1]).created_at:
            response.next_page_token = self._page_tokens.encode_next_token(
                request, last_run.created_at, last_run.run_id
            )
        return response

    @long_running
    @unary_read
    async def list_workers(
        self, transaction: Transaction, request: pb.ListWorkersRequest, _call: Call
    ) -> pb.ListWorkersResponse:
        """Return a page of workers, by id."""
        size = pagination.clamp_page_size(request.page_size)
        listed_workers = await workers.list_workers(
            transaction, self._page_tokens.decode_text_cursor(request), size + 1
        )
        response = pb.ListWorkersResponse(
            workers=[to_worker_message(worker) for worker in listed_workers[:size]]
        )
        if len(listed_workers) > size:
            response.next_page_token = self._page_tokens.encode_next_token(
                request, listed_workers[size - 1].worker_id
            )
        return response

    @unary_write
    async def set_worker_mode(
        self, transaction: Transaction, request: pb.SetWorkerModeRequest, call: Call
    ) -> pb.SetWorkerModeResponse:
        """Set whether a replica takes part in leader elections."""
        mode = MODE_NAMES[request.mode]
        worker = await workers.set_mode(transaction, request.worker_id, mode, call.caller, call.now)
        return pb.SetWorkerModeResponse(worker=to_worker_message(worker))

    @unary_write
    async def step_down(
        self, transaction: Transaction, request: pb.StepDownRequest, call: Call
    ) -> pb.StepDownResponse:
        """Request that the leader releases a role to another replica."""
        role = request.role or Role.FULFILLMENT
        worker = await workers.step_down(transaction, request.worker_id, role, call.caller, call.now)
        return pb.StepDownResponse(worker=to_worker_message(worker))

    @unary_write
    async def pause_fulfillment(
        self, transaction: Transaction, request: pb.PauseFulfillmentRequest, call: Call
    ) -> pb.PauseFulfillmentResponse:
        """Pause the start of new work."""
        expires_at = read_datetime(request, "expires_at")
        if expires_at is not None and expires_at <= call.now:
            raise InvalidFields([FieldError("expires_at", "must be in the future", "timestamp.gt_now")])
        fulfillment_pause = await fulfillment_control.pause_fulfillment(
            transaction, request.warehouse_id, request.reason, expires_at, call.caller, call.now
        )
        return pb.PauseFulfillmentResponse(pause=to_pause_message(fulfillment_pause))

    @unary_write
    async def resume_fulfillment(
        self, transaction: Transaction, request: pb.ResumeFulfillmentRequest, call: Call
    ) -> pb.ResumeFulfillmentResponse:
        """Resume the start of new work."""
        fulfillment_pauses = await fulfillment_control.resume_fulfillment(
            transaction, request.warehouse_id, request.reason, call.caller, call.now
        )
        response = pb.ResumeFulfillmentResponse()
        await pagination.fill_response_list(response.pauses, fulfillment_pauses, to_pause_message)
        return response

    @long_running
    @unary_read
    async def get_fulfillment_stats(
        self, transaction: Transaction, request: pb.GetFulfillmentStatsRequest, call: Call
    ) -> pb.GetFulfillmentStatsResponse:
        """Return the statistics of each warehouse."""
        warehouse_stats, fulfillment_pauses = await fulfillment_control.read_stats(
            transaction, request.warehouse_id, call.now
        )
        response = pb.GetFulfillmentStatsResponse(computed_at=to_optional_timestamp(call.now))
        await pagination.fill_response_list(
            response.warehouses,
            warehouse_stats,
            lambda stats_row: to_stats_message(stats_row, fulfillment_pauses),
        )
        return response

    @long_running
    @unary_read
    async def list_parked_events(
        self, transaction: Transaction, request: pb.ListParkedEventsRequest, _call: Call
    ) -> pb.ListParkedEventsResponse:
        """Return a page of parked events, oldest first."""
        size, after_position = (
            pagination.clamp_page_size(request.page_size),
            self._page_tokens.decode_number_cursor(request, MAX_POSITION),
        )
        listed_events, has_more = await parked_events.list_page(
            transaction, request.order_id, after_position, size
        )
        response = pb.ListParkedEventsResponse(
            events=[to_parked_event_message(parked_event) for parked_event in listed_events]
        )
        if has_more:
            response.next_page_token = self._page_tokens.encode_next_token(
                request, str(listed_events[-1].event.position)
            )
        return response

    @unary_write
    async def release_parked_event(
        self, transaction: Transaction, request: pb.ReleaseParkedEventRequest, call: Call
    ) -> pb.ReleaseParkedEventResponse:
        """Release a parked event, so that it is published again."""
        parked_event = await parked_events.release(transaction, request.event_id, call.caller, call.now)
        return pb.ReleaseParkedEventResponse(event=to_parked_event_message(parked_event))
