"""FulfillmentService: what operators ask of the worker."""

from wms.orders.v1 import fulfillment_pb2 as pb
from wms_core.application import control, parked_events, workers
from wms_core.application.ports import RunFilter, Transaction
from wms_core.domain.errors import FieldFault, InvalidFields
from wms_core.domain.workers import Role
from wms_server import pages
from wms_server.calls import Call
from wms_server.messages.fulfillment import RUN_STATUS_WORDS, pause_message, run_message, stats_message
from wms_server.messages.parked_events import parked_event_message
from wms_server.messages.values import moment, timestamp
from wms_server.messages.workers import MODE_WORDS, worker_message
from wms_server.page_tokens import MAX_POSITION, PageTokens
from wms_server.pipeline import change, costly, read


class FulfillmentService:
    """Starts, pauses and explains fulfillment."""

    def __init__(self, tokens: PageTokens) -> None:
        """Sign the tokens of pages by these keys."""
        self._tokens = tokens

    @change
    async def start_fulfillment(
        self, transaction: Transaction, request: pb.StartFulfillmentRequest, call: Call
    ) -> pb.StartFulfillmentResponse:
        """Ask the active worker for a cycle now."""
        run = await control.start(transaction, request.warehouse_id, call.caller, call.now)
        return pb.StartFulfillmentResponse(run=run_message(run))

    @read
    async def get_fulfillment_run(
        self, transaction: Transaction, request: pb.GetFulfillmentRunRequest, _call: Call
    ) -> pb.GetFulfillmentRunResponse:
        """Give a run."""
        return pb.GetFulfillmentRunResponse(
            run=run_message(await control.get_run(transaction, request.run_id))
        )

    @costly
    @read
    async def list_fulfillment_runs(
        self, transaction: Transaction, request: pb.ListFulfillmentRunsRequest, _call: Call
    ) -> pb.ListFulfillmentRunsResponse:
        """Give a page of runs, newest first."""
        size = pages.page_size(request.page_size)
        wanted = RunFilter(
            warehouse_id=request.warehouse_id,
            statuses=tuple(RUN_STATUS_WORDS[number] for number in request.statuses),
            requested_only=request.requested_only,
        )
        found = await control.list_runs(transaction, wanted, self._tokens.page_after(request, size))
        answer = pb.ListFulfillmentRunsResponse(runs=[run_message(run) for run in found[:size]])
        if len(found) > size and (last := found[size - 1]).created_at:
            answer.next_page_token = self._tokens.next_token(request, last.created_at, last.run_id)
        return answer

    @costly
    @read
    async def list_workers(
        self, transaction: Transaction, request: pb.ListWorkersRequest, _call: Call
    ) -> pb.ListWorkersResponse:
        """Give a page of replicas, by id."""
        size = pages.page_size(request.page_size)
        found = await workers.list_workers(transaction, self._tokens.text_after(request), size + 1)
        answer = pb.ListWorkersResponse(workers=[worker_message(worker) for worker in found[:size]])
        if len(found) > size:
            answer.next_page_token = self._tokens.next_token(request, found[size - 1].worker_id)
        return answer

    @change
    async def set_worker_mode(
        self, transaction: Transaction, request: pb.SetWorkerModeRequest, call: Call
    ) -> pb.SetWorkerModeResponse:
        """Tell a replica whether to take part in elections."""
        mode = MODE_WORDS[request.mode]
        worker = await workers.set_mode(transaction, request.worker_id, mode, call.caller, call.now)
        return pb.SetWorkerModeResponse(worker=worker_message(worker))

    @change
    async def step_down(
        self, transaction: Transaction, request: pb.StepDownRequest, call: Call
    ) -> pb.StepDownResponse:
        """Ask the active worker to hand a role over."""
        role = request.role or Role.FULFILLMENT
        worker = await workers.step_down(transaction, request.worker_id, role, call.caller, call.now)
        return pb.StepDownResponse(worker=worker_message(worker))

    @change
    async def pause_fulfillment(
        self, transaction: Transaction, request: pb.PauseFulfillmentRequest, call: Call
    ) -> pb.PauseFulfillmentResponse:
        """Stop new work."""
        expires_at = moment(request, "expires_at")
        if expires_at is not None and expires_at <= call.now:
            raise InvalidFields([FieldFault("expires_at", "must lie ahead", "timestamp.gt_now")])
        pause = await control.pause(
            transaction, request.warehouse_id, request.reason, expires_at, call.caller, call.now
        )
        return pb.PauseFulfillmentResponse(pause=pause_message(pause))

    @change
    async def resume_fulfillment(
        self, transaction: Transaction, request: pb.ResumeFulfillmentRequest, call: Call
    ) -> pb.ResumeFulfillmentResponse:
        """Let new work begin again."""
        pauses = await control.resume(
            transaction, request.warehouse_id, request.reason, call.caller, call.now
        )
        answer = pb.ResumeFulfillmentResponse()
        await pages.fill(answer.pauses, pauses, pause_message)
        return answer

    @costly
    @read
    async def get_fulfillment_stats(
        self, transaction: Transaction, request: pb.GetFulfillmentStatsRequest, call: Call
    ) -> pb.GetFulfillmentStatsResponse:
        """Sum up each warehouse."""
        stats, pauses = await control.stats(transaction, request.warehouse_id, call.now)
        answer = pb.GetFulfillmentStatsResponse(computed_at=timestamp(call.now))
        await pages.fill(answer.warehouses, stats, lambda one: stats_message(one, pauses))
        return answer

    @costly
    @read
    async def list_parked_events(
        self, transaction: Transaction, request: pb.ListParkedEventsRequest, _call: Call
    ) -> pb.ListParkedEventsResponse:
        """Give a page of the events that Kafka refused, oldest first."""
        size, after = pages.page_size(request.page_size), self._tokens.number_after(request, MAX_POSITION)
        found, more = await parked_events.list_page(transaction, request.order_id, after, size)
        answer = pb.ListParkedEventsResponse(events=[parked_event_message(parked) for parked in found])
        if more:
            answer.next_page_token = self._tokens.next_token(request, str(found[-1].event.position))
        return answer

    @change
    async def release_parked_event(
        self, transaction: Transaction, request: pb.ReleaseParkedEventRequest, call: Call
    ) -> pb.ReleaseParkedEventResponse:
        """Let a parked event be published again."""
        parked = await parked_events.release(transaction, request.event_id, call.caller, call.now)
        return pb.ReleaseParkedEventResponse(event=parked_event_message(parked))
