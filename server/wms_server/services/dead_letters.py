"""The DeadLetterQueueService of the contract."""

from datetime import timedelta

from wms.orders.v1 import dead_letters_pb2 as pb
from wms_core.application import dead_letters
from wms_core.application.database import DeadLetterFilter, Page, Transaction
from wms_server.calls import pagination
from wms_server.calls.call import Call
from wms_server.calls.page_tokens import PageTokens
from wms_server.calls.pipeline import long_running, unary_read, unary_write
from wms_server.mapping.common import to_optional_timestamp
from wms_server.mapping.dead_letters import RESOLUTION_NAMES, to_entry_message
from wms_server.mapping.orders import STATUS_NAMES, to_order_message

_DEFAULT_LIMIT = 50


class DeadLetterQueueService:
    """Lists and resolves dead letters."""

    def __init__(self, page_tokens: PageTokens) -> None:
        self._page_tokens = page_tokens

    @long_running
    @unary_read
    async def list_dead_letter_entries(
        self, transaction: Transaction, request: pb.ListDeadLetterEntriesRequest, call: Call
    ) -> pb.ListDeadLetterEntriesResponse:
        """Return a page of entries, newest first."""
        page = self._read_page(request)
        min_age = timedelta(hours=request.older_than_hours)
        dead_letter_filter = DeadLetterFilter(
            is_resolved=request.resolved if request.HasField("resolved") else None,
            failure_status=STATUS_NAMES.get(request.failure_status),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
            created_before=call.now - min_age if request.HasField("older_than_hours") else None,
        )
        entries, has_more = await dead_letters.list_page(transaction, dead_letter_filter, page)
        response = pb.ListDeadLetterEntriesResponse()
        shown_count = await pagination.fill_response_list(response.entries, entries, to_entry_message)
        if has_more or shown_count < len(entries):
            last_entry = entries[shown_count - 1]
            response.next_page_token = self._page_tokens.encode_next_token(
                request, last_entry.created_at, last_entry.entry_id
            )
        return response

    @long_running
    @unary_read
    async def get_dead_letter_stats(
        self, transaction: Transaction, _request: pb.GetDeadLetterStatsRequest, _call: Call
    ) -> pb.GetDeadLetterStatsResponse:
        """Return the counts of entries."""
        dead_letter_stats = await dead_letters.read_stats(transaction)
        return pb.GetDeadLetterStatsResponse(
            total_entries=dead_letter_stats.total_entries,
            unresolved_count=dead_letter_stats.unresolved_count,
            resolved_count=dead_letter_stats.resolved_count,
            by_failure_status=dead_letter_stats.by_failure_status,
            by_resolution=dead_letter_stats.by_resolution,
            oldest_unresolved_at=to_optional_timestamp(dead_letter_stats.oldest_unresolved_at),
        )

    @unary_read
    async def get_dead_letter_entry(
        self, transaction: Transaction, request: pb.GetDeadLetterEntryRequest, _call: Call
    ) -> pb.GetDeadLetterEntryResponse:
        """Return an entry by its id, or the newest of an order."""
        entry = await dead_letters.get(transaction, request.order_id, request.entry_id)
        return pb.GetDeadLetterEntryResponse(entry=to_entry_message(entry))

    @unary_write
    async def resolve_dead_letter_entry(
        self, transaction: Transaction, request: pb.ResolveDeadLetterEntryRequest, call: Call
    ) -> pb.ResolveDeadLetterEntryResponse:
        """Apply a decision on an entry."""
        entry, order = await dead_letters.resolve_entry(
            transaction,
            request.order_id,
            request.etag,
            RESOLUTION_NAMES[request.resolution],
            request.notes,
            request.resolved_by,
            call.caller,
            call.now,
        )
        return pb.ResolveDeadLetterEntryResponse(
            entry=to_entry_message(entry), order=to_order_message(order, call.now)
        )

    def _read_page(self, request: pb.ListDeadLetterEntriesRequest) -> Page:
        """Return the page: by `limit` and `offset` if one is set, else by token or page number."""
        if request.HasField("limit") or request.HasField("offset"):
            size = request.limit or _DEFAULT_LIMIT
            return self._page_tokens.decode_page_cursor(
                request, size, pagination.check_depth(request.offset, size)
            )
        size = pagination.clamp_page_size(request.page_size)
        return self._page_tokens.decode_page_cursor(
            request, size, pagination.offset_of_page(request.page, size)
        )
