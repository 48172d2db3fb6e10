"""Idempotency keys: a repeated request gets its stored response and changes nothing."""

from collections.abc import Awaitable, Callable

from wms_core.application.database import RequestKey, Transaction
from wms_core.domain.errors import RequestIdReused


async def run_idempotent(
    transaction: Transaction, key: RequestKey | None, operation: Callable[[], Awaitable[bytes]]
) -> bytes:
    """Run the operation and store its response in the same transaction, or return the stored response.

    Without a key the operation simply runs. Waits for another transaction that has the key. Errors of
    `operation` are not stored. Raises RequestIdReused when the id was used for different content.
    """
    if key is None:
        return await operation()
    stored_responses = await transaction.idempotency_keys.reserve([key])
    if key.request_id in stored_responses:
        return replay_response(key, *stored_responses[key.request_id])
    response = await operation()
    await transaction.idempotency_keys.store_responses([(key, response)])
    return response


def replay_response(key: RequestKey, content_fingerprint: bytes, response: bytes) -> bytes:
    """Return the stored response. Raises RequestIdReused when it belongs to different content."""
    if content_fingerprint != key.content_fingerprint:
        raise RequestIdReused(request_id=key.request_id)
    return response
