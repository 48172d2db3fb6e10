"""Publishing the log over one connection to Kafka, from the saved position on."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from wms_core.application.ports import Database, Fence, Transaction
from wms_core.domain.publishing import LogEvent, Refusal, Released
from wms_worker.kafka import BATCH_BYTES, Kafka
from wms_worker.metrics import Metrics
from wms_worker.patience import Patience
from wms_worker.publication_spans import PublicationSpans
from wms_worker.refusals import publish_halves, publish_in_order
from wms_worker.rounds import Round, rounds

_EVENTS, _BYTES = 4_000, 2_000_000  # of one reading of the log
_LEAST = 1_000  # bytes of a batch for a topic that takes less than others do
_OF_ORDER = 50  # events of an order that are read at once
# A look that finds less is followed by a rest (seconds): many small rounds cost others more than they gain.
_HANDFUL, _REST = 500, 0.1
_RELEASES = 0.5  # seconds between two looks for released events
_CHECK_SECONDS = 5.0  # without anything to publish, after which a broker is asked whether it is there


class Publication:
    """Publishes until it is told to stop, or raises.

    Nothing of it survives an error: the next one begins with what Postgres knows.
    """

    def __init__(
        self,
        kafka: Kafka,
        database: Database,
        fence: Fence,
        metrics: Metrics,
        spans: PublicationSpans,
        stopping: asyncio.Event,
    ) -> None:
        """Publish by a connection, and write by the fence."""
        self._kafka = kafka
        self._database = database
        self._fence = fence
        self._metrics = metrics
        self._spans = spans
        self._stopping = stopping
        self._patience = Patience()
        self._position = 0
        self._held: set[str] = set()
        self._batch_bytes = BATCH_BYTES
        self._looked = 0.0
        self._answered = time.monotonic()
        self._ahead: asyncio.Task[list[Round]] | None = None

    async def run(self, went_well: Callable[[], None]) -> None:
        """Publish what the log has, and what comes; tells of each success.

        Raises KafkaTrouble, StaleEpoch, StorageUnavailable.
        """
        await self._write(self._begin)
        try:
            while not self._stopping.is_set():
                await self._retry_released()
                found = await self._next()
                await self._publish(found, went_well)
                if time.monotonic() - self._answered > _CHECK_SECONDS:
                    await self._kafka.check()
                    self._answered = time.monotonic()
                went_well()
                if _is_handful(found):
                    await self._rest()
        finally:
            self._forget_ahead()

    async def _begin(self, transaction: Transaction) -> None:
        self._position = await transaction.relay.begin()
        self._held = await transaction.relay.held()

    async def _publish(self, found: list[Round], went_well: Callable[[], None]) -> None:
        """Publish rounds one after the other, while what follows them is read and laid out."""
        if not _is_handful(found):
            self._ahead = self._patience.begin(self._read(found[-1].position))
        for one in found:
            if self._stopping.is_set():
                return
            refusals = await self._carry(one)
            went_well()
            if refusals:
                # What was laid out may have events of orders that are held up now.
                self._forget_ahead()
                return

    async def _next(self) -> list[Round]:
        ahead, self._ahead = self._ahead, None
        return await (ahead or self._read(self._position))

    async def _read(self, position: int) -> list[Round]:
        events = await self._database.read(lambda t: t.relay.after(position, _EVENTS, _BYTES))
        return list(rounds(self._kafka, events, self._held, self._batch_bytes))

    def _forget_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    async def _carry(self, one: Round) -> list[Refusal]:
        """Publish a round, park what is refused of it, and save its position; gives the refusals."""
        acknowledged, began = self._kafka.acknowledged, time.time_ns()
        refusals: list[Refusal] = []
        for partition, error in (await self._kafka.publish(one.batches)).items():
            events = one.batches[partition].events
            if len(events) > 1:
                # A topic that takes smaller batches than most do would refuse the next ones, too.
                self._batch_bytes = max(self._batch_bytes // 2, _LEAST)
            refusals += await publish_halves(self._kafka, partition, events, error)
        self._answered = time.monotonic()

        async def save(transaction: Transaction) -> None:
            # Held orders are remembered here: their parked events must not be forgotten there.
            await transaction.relay.save(one.position, durably=bool(refusals))
            if refusals:
                await transaction.relay.park(refusals)

        await self._write(save)
        self._position = one.position
        self._held.update(refusal.event.order_id for refusal in refusals)
        self._metrics.published(self._kafka.acknowledged - acknowledged, one.oldest)
        self._metrics.parked(len(refusals))
        carried = (event for batch in one.batches.values() for event in batch.events)
        self._spans.tell(carried, [refusal.event.event_id for refusal in refusals], began)
        return refusals

    async def _retry_released(self) -> None:
        """Publish what somebody has released, with all that it held up."""
        if not self._held or time.monotonic() - self._looked < _RELEASES:
            return
        self._looked = time.monotonic()
        for released in await self._database.read(lambda t: t.relay.released(100)):
            self._forget_ahead()
            await self._retry(released)

    async def _retry(self, released: Released) -> None:
        partition = self._kafka.partition(released.order_id)
        sequence = released.sequence
        while events := await self._of_order(released.order_id, sequence):
            acknowledged = self._kafka.acknowledged
            refusals = await publish_in_order(self._kafka, partition, events)
            self._metrics.published(self._kafka.acknowledged - acknowledged)
            if refusals:
                await self._park_again(released, refusals[0])
                return
            sequence = events[-1].sequence + 1
        await self._write(lambda t: t.relay.unpark(released.position))
        self._held.discard(released.order_id)

    async def _of_order(self, order_id: str, sequence: int) -> list[LogEvent]:
        upto = self._position
        return await self._database.read(lambda t: t.relay.of_order(order_id, sequence, upto, _OF_ORDER))

    async def _park_again(self, released: Released, refusal: Refusal) -> None:
        await self._write(lambda t: t.relay.park_again(released.position, refusal))
        self._metrics.parked(1)

    async def _write(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        await self._database.transact(work, fence=self._fence)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(_REST):
                await self._stopping.wait()
        except TimeoutError:
            return


def _is_handful(found: list[Round]) -> bool:
    events = sum(len(batch.events) for one in found for batch in one.batches.values())
    return events < _HANDFUL and sum(one.size for one in found) < _BYTES // 4
