"""A request that is sent again gets its first answer and changes nothing."""

from collections.abc import Awaitable, Callable

from wms_core.application.ports import RequestKey, Transaction
from wms_core.domain.errors import RequestIdReused


async def once(
    transaction: Transaction, key: RequestKey | None, work: Callable[[], Awaitable[bytes]]
) -> bytes:
    """Do the work and keep its answer in the same transaction, or give the answer kept before.

    Without a key the work is simply done. Waits for another transaction that holds the id. Raises
    RequestIdReused when the id was used for other content. What `work` raises is not kept.
    """
    if key is None:
        return await work()
    answered = await transaction.requests.reserve([key])
    if key.request_id in answered:
        return replay(key, *answered[key.request_id])
    answer = await work()
    await transaction.requests.keep([(key, answer)])
    return answer


def replay(key: RequestKey, fingerprint: bytes, answer: bytes) -> bytes:
    """Give the kept answer if the content is the same, else raise RequestIdReused."""
    if fingerprint != key.fingerprint:
        raise RequestIdReused(request_id=key.request_id)
    return answer
