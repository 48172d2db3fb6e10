"""ReprocessingService."""

from wms.orders.v1 import reprocessing_pb2 as pb
from wms_core.application import orders, reprocessing
from wms_core.application.ports import Transaction
from wms_core.domain.order_status import OrderStatus
from wms_core.domain.retries import EligibleOrder, RetryPolicy
from wms_server import pages
from wms_server.calls import Call
from wms_server.messages.dead_letters import entry_message, retry_fields
from wms_server.messages.orders import STATUS_WORDS, order_message, status_number, statuses
from wms_server.messages.values import moment, timestamp
from wms_server.pipeline import change, costly, read

_LIMIT = 100


class ReprocessingService:
    """Counts failures and sends orders back to the beginning."""

    def __init__(self, policy: RetryPolicy) -> None:
        """Retry by this policy."""
        self._policy = policy

    @costly
    @read
    async def list_eligible_orders(
        self, transaction: Transaction, request: pb.ListEligibleOrdersRequest, _call: Call
    ) -> pb.ListEligibleOrdersResponse:
        """Give the orders that wait for a retry, the next due first."""
        found, total = await reprocessing.list_eligible(
            transaction,
            statuses(request.statuses),
            request.max_retries if request.HasField("max_retries") else self._policy.max_retries,
            request.limit or _LIMIT,
        )
        answer = pb.ListEligibleOrdersResponse(total=total)
        await pages.fill(answer.orders, found, _eligible)
        return answer

    @read
    async def get_retry_metadata(
        self, transaction: Transaction, request: pb.GetRetryMetadataRequest, _call: Call
    ) -> pb.GetRetryMetadataResponse:
        """Give the failures of an order and what comes next."""
        retry = await reprocessing.metadata(transaction, request.order_id, self._policy)
        return pb.GetRetryMetadataResponse(**retry_fields(retry))

    @change
    async def increment_retry_count(
        self, transaction: Transaction, request: pb.IncrementRetryCountRequest, call: Call
    ) -> pb.IncrementRetryCountResponse:
        """Count a failure."""
        failed_at = moment(request, "failed_at")
        call.expect_past("failed_at", failed_at)
        retry = await reprocessing.record_failure(
            transaction,
            request.order_id,
            request.etag,
            request.failure_reason,
            failed_at or call.now,
            request.workflow_id or call.caller.workflow_id,
            self._policy,
            call.caller,
            call.now,
        )
        return pb.IncrementRetryCountResponse(
            retry=pb.RetryMetadata(**retry_fields(retry)),
            moved_to_dead_letter=retry.order.status is OrderStatus.DEAD_LETTER,
            order=order_message(retry.order, call.now),
        )

    @change
    async def reset_order(
        self, transaction: Transaction, request: pb.ResetOrderRequest, call: Call
    ) -> pb.ResetOrderResponse:
        """Put an order back to the beginning before its retry is due."""
        order = await reprocessing.reset(transaction, request.order_id, request.etag, call.caller, call.now)
        return pb.ResetOrderResponse(order=order_message(order, call.now))

    @change
    async def move_to_dead_letter_queue(
        self, transaction: Transaction, request: pb.MoveToDeadLetterQueueRequest, call: Call
    ) -> pb.MoveToDeadLetterQueueResponse:
        """Give an order to a person at once."""
        entry = await reprocessing.move_to_dead_letter_queue(
            transaction,
            request.order_id,
            request.etag,
            STATUS_WORDS.get(request.failure_status),
            request.failure_reason,
            call.caller,
            call.now,
        )
        order = await orders.get(transaction, request.order_id)
        return pb.MoveToDeadLetterQueueResponse(
            entry=entry_message(entry), order=order_message(order, call.now)
        )


def _eligible(order: EligibleOrder) -> pb.EligibleOrder:
    return pb.EligibleOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        status=status_number(order.failed_status),
        retry_count=order.retry_count,
        last_failure_reason=order.last_failure_reason,
        last_failed_at=timestamp(order.last_failed_at),
        created_at=timestamp(order.created_at),
        next_retry_at=timestamp(order.next_retry_at),
        warehouse_id=order.warehouse_id,
    )
