"""The ReprocessingService of the contract."""

from wms.orders.v1 import reprocessing_pb2 as pb
from wms_core.application import orders, reprocessing
from wms_core.application.database import Transaction
from wms_core.domain.failures.failures import EligibleOrder, RetryPolicy
from wms_core.domain.orders.status import OrderStatus
from wms_server.calls import pagination
from wms_server.calls.call import Call
from wms_server.calls.pipeline import long_running, unary_read, unary_write
from wms_server.mapping.common import read_datetime, to_optional_timestamp
from wms_server.mapping.dead_letters import to_entry_message, to_retry_fields
from wms_server.mapping.orders import STATUS_NAMES, to_order_message, to_status_number, to_statuses

_DEFAULT_LIMIT = 100


class ReprocessingService:
    """Counts failures, retries orders, and moves them to the dead letter queue."""

    def __init__(self, retry_policy: RetryPolicy) -> None:
        self._retry_policy = retry_policy

    @long_running
    @unary_read
    async def list_eligible_orders(
        self, transaction: Transaction, request: pb.ListEligibleOrdersRequest, _call: Call
    ) -> pb.ListEligibleOrdersResponse:
        """Return the orders that wait for a retry, the earliest first."""
        eligible_orders, total = await reprocessing.list_eligible(
            transaction,
            to_statuses(request.statuses),
            request.max_retries if request.HasField("max_retries") else self._retry_policy.max_retries,
            request.limit or _DEFAULT_LIMIT,
        )
        response = pb.ListEligibleOrdersResponse(total=total)
        await pagination.fill_response_list(response.orders, eligible_orders, _to_eligible_message)
        return response

    @unary_read
    async def get_retry_metadata(
        self, transaction: Transaction, request: pb.GetRetryMetadataRequest, _call: Call
    ) -> pb.GetRetryMetadataResponse:
        """Return the failures of an order and its next retry."""
        retry_metadata = await reprocessing.read_retry_metadata(
            transaction, request.order_id, self._retry_policy
        )
        return pb.GetRetryMetadataResponse(**to_retry_fields(retry_metadata))

    @unary_write
    async def increment_retry_count(
        self, transaction: Transaction, request: pb.IncrementRetryCountRequest, call: Call
    ) -> pb.IncrementRetryCountResponse:
        """Count a failure of an order."""
        failed_at = read_datetime(request, "failed_at")
        call.reject_future_time("failed_at", failed_at)
        retry_metadata = await reprocessing.record_failure(
            transaction,
            request.order_id,
            request.etag,
            request.failure_reason,
            failed_at or call.now,
            request.workflow_id or call.caller.workflow_id,
            self._retry_policy,
            call.caller,
            call.now,
        )
        return pb.IncrementRetryCountResponse(
            retry=pb.RetryMetadata(**to_retry_fields(retry_metadata)),
            moved_to_dead_letter=retry_metadata.order.status is OrderStatus.DEAD_LETTER,
            order=to_order_message(retry_metadata.order, call.now),
        )

    @unary_write
    async def reset_order(
        self, transaction: Transaction, request: pb.ResetOrderRequest, call: Call
    ) -> pb.ResetOrderResponse:
        """Reset an order to `received` before its retry is due."""
        order = await reprocessing.reset_order(
            transaction, request.order_id, request.etag, call.caller, call.now
        )
        return pb.ResetOrderResponse(order=to_order_message(order, call.now))

    @unary_write
    async def move_to_dead_letter_queue(
        self, transaction: Transaction, request: pb.MoveToDeadLetterQueueRequest, call: Call
    ) -> pb.MoveToDeadLetterQueueResponse:
        """Move an order to the dead letter queue without further retries."""
        entry = await reprocessing.move_to_dead_letter_queue(
            transaction,
            request.order_id,
            request.etag,
            STATUS_NAMES.get(request.failure_status),
            request.failure_reason,
            call.caller,
            call.now,
        )
        order = await orders.get(transaction, request.order_id)
        return pb.MoveToDeadLetterQueueResponse(
            entry=to_entry_message(entry), order=to_order_message(order, call.now)
        )


def _to_eligible_message(order: EligibleOrder) -> pb.EligibleOrder:
    return pb.EligibleOrder(
        order_id=order.order_id,
        customer_id=order.customer_id,
        status=to_status_number(order.failed_status),
        retry_count=order.retry_count,
        last_failure_reason=order.last_failure_reason,
        last_failed_at=to_optional_timestamp(order.last_failed_at),
        created_at=to_optional_timestamp(order.created_at),
        next_retry_at=to_optional_timestamp(order.next_retry_at),
        warehouse_id=order.warehouse_id,
    )
