"""DeadLetterQueueService."""

from datetime import timedelta

from wms.orders.v1 import dead_letters_pb2 as pb
from wms_core.application import dead_letters
from wms_core.application.ports import DeadLetterFilter, Page, Transaction
from wms_server import pages
from wms_server.calls import Call
from wms_server.messages.dead_letters import RESOLUTION_WORDS, entry_message
from wms_server.messages.orders import STATUS_WORDS, order_message
from wms_server.messages.values import timestamp
from wms_server.page_tokens import PageTokens
from wms_server.pipeline import change, costly, read

_LIMIT = 50


class DeadLetterQueueService:
    """Shows and resolves the orders that ran out of retries."""

    def __init__(self, tokens: PageTokens) -> None:
        """Sign the tokens of pages by these keys."""
        self._tokens = tokens

    @costly
    @read
    async def list_dead_letter_entries(
        self, transaction: Transaction, request: pb.ListDeadLetterEntriesRequest, call: Call
    ) -> pb.ListDeadLetterEntriesResponse:
        """Give a page of entries, newest first."""
        page = self._page(request)
        older = timedelta(hours=request.older_than_hours)
        wanted = DeadLetterFilter(
            resolved=request.resolved if request.HasField("resolved") else None,
            failure_status=STATUS_WORDS.get(request.failure_status),
            customer_id=request.customer_id,
            warehouse_id=request.warehouse_id,
            created_before=call.now - older if request.HasField("older_than_hours") else None,
        )
        found, has_more = await dead_letters.list_page(transaction, wanted, page)
        answer = pb.ListDeadLetterEntriesResponse()
        shown = await pages.fill(answer.entries, found, entry_message)
        if has_more or shown < len(found):
            last = found[shown - 1]
            answer.next_page_token = self._tokens.next_token(request, last.created_at, last.entry_id)
        return answer

    @costly
    @read
    async def get_dead_letter_stats(
        self, transaction: Transaction, _request: pb.GetDeadLetterStatsRequest, _call: Call
    ) -> pb.GetDeadLetterStatsResponse:
        """Count the entries."""
        stats = await dead_letters.stats(transaction)
        return pb.GetDeadLetterStatsResponse(
            total_entries=stats.total_entries,
            unresolved_count=stats.unresolved_count,
            resolved_count=stats.resolved_count,
            by_failure_status=stats.by_failure_status,
            by_resolution=stats.by_resolution,
            oldest_unresolved_at=timestamp(stats.oldest_unresolved_at),
        )

    @read
    async def get_dead_letter_entry(
        self, transaction: Transaction, request: pb.GetDeadLetterEntryRequest, _call: Call
    ) -> pb.GetDeadLetterEntryResponse:
        """Give an entry, or the newest of an order."""
        entry = await dead_letters.get(transaction, request.order_id, request.entry_id)
        return pb.GetDeadLetterEntryResponse(entry=entry_message(entry))

    @change
    async def resolve_dead_letter_entry(
        self, transaction: Transaction, request: pb.ResolveDeadLetterEntryRequest, call: Call
    ) -> pb.ResolveDeadLetterEntryResponse:
        """Do what a supervisor decided."""
        entry, order = await dead_letters.resolve(
            transaction,
            request.order_id,
            request.etag,
            RESOLUTION_WORDS[request.resolution],
            request.notes,
            request.resolved_by,
            call.caller,
            call.now,
        )
        return pb.ResolveDeadLetterEntryResponse(
            entry=entry_message(entry), order=order_message(order, call.now)
        )

    def _page(self, request: pb.ListDeadLetterEntriesRequest) -> Page:
        """Read the page: the seed's limit and offset when one is set, else a token or a page number."""
        if request.HasField("limit") or request.HasField("offset"):
            size = request.limit or _LIMIT
            return self._tokens.page_after(request, size, pages.deep(request.offset, size))
        size = pages.page_size(request.page_size)
        return self._tokens.page_after(request, size, pages.numbered(request.page, size))
