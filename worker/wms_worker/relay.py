"""The office of the relay: it carries the event log to Kafka, in order (docs/adr/0014)."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from wms_core.application.ports import Database, Fence
from wms_core.domain.errors import StaleEpoch, WmsError
from wms_core.domain.publishing import RelayState
from wms_core.domain.workers import Role
from wms_core.tasks import running
from wms_core.traces import Tracing
from wms_worker.brokers import Brokers, KafkaTrouble
from wms_worker.kafka import open_kafka
from wms_worker.metrics import Metrics
from wms_worker.patience import Patience
from wms_worker.publication import Publication
from wms_worker.publication_spans import PublicationSpans

_GRACE = 1.5  # seconds that the round on its way may take at the end of a term
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries
_REPORT_SECONDS = 2.0  # between two reports of how the relay is; readers take them for stale after ten
_log = structlog.get_logger(__name__)


class RelayOffice:
    """See `wms_worker.candidature.Office`."""

    role = Role.RELAY

    def __init__(
        self,
        brokers: Brokers,
        database: Database,
        worker_id: str,
        report: Callable[[str], None],
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        """Publish to these brokers; `report` is told what keeps us from it."""
        self._worker_id = worker_id
        self._brokers = brokers
        self._database = database
        self._report = report
        self._metrics = metrics
        self._spans = PublicationSpans(tracing, brokers.topic.name)
        self._patience = Patience()

    async def open(self, fence: Fence) -> "RelayTerm":
        """Prepare a term."""
        return RelayTerm(
            self._brokers,
            self._database,
            fence,
            self._worker_id,
            self._report,
            self._metrics,
            self._spans,
            self._patience,
        )


class RelayTerm:
    """One term's work; see `wms_worker.candidature.Term`."""

    def __init__(
        self,
        brokers: Brokers,
        database: Database,
        fence: Fence,
        worker_id: str,
        report: Callable[[str], None],
        metrics: Metrics,
        spans: PublicationSpans,
        patience: Patience,
    ) -> None:
        """Use `RelayOffice.open` instead."""
        self.deposed = asyncio.Event()
        #: Never set: while Kafka is away no replica gets on, and the others would do no better.
        self.stalled = asyncio.Event()
        self._stopping = asyncio.Event()
        self._brokers = brokers
        self._database = database
        self._fence = fence
        self._worker_id = worker_id
        self._report = report
        self._metrics = metrics
        self._spans = spans
        self._patience = patience
        #: Why publishing fails, empty while it does not; None before the first try has ended.
        self._trouble: str | None = None
        self._state_changed = asyncio.Event()
        self._failures = 0

    def stop(self) -> None:
        """Begin no further round."""
        self._stopping.set()

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """Publish; at the end the round on its way may still be acknowledged."""
        async with running(self._report_state()), running(self._run()) as task:
            try:
                yield
            finally:
                self.stop()
                await asyncio.wait({task}, timeout=_GRACE)
                self._report("")

    async def _run(self) -> None:
        """Publish until the end of the term; after any trouble everything begins anew, a little later."""
        while not self._stopping.is_set():
            try:
                await self._publish()
            except StaleEpoch as error:
                _log.warning("stale_write_refused", error=str(error))
                self._metrics.write_refused(Role.RELAY)
                self.deposed.set()
                return
            except KafkaTrouble as error:
                self._metrics.publishing_failed()
                self._say(str(error))
            except WmsError as error:
                self._say(f"the database: {error}")
            except Exception as error:
                self._break(f"a fault that nobody expected: {type(error).__name__}: {error}")
            await self._pause()

    async def _publish(self) -> None:
        async with open_kafka(self._brokers, self._patience) as kafka:
            work = Publication(kafka, self._database, self._fence, self._metrics, self._spans, self._stopping)
            await work.run(self._went_well)

    def _went_well(self) -> None:
        self._failures = 0
        self._say("")

    async def _pause(self) -> None:
        pause = min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
        self._failures += 1
        try:
            async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311 # jitter, no secret
                await self._stopping.wait()
        except TimeoutError:
            return

    def _break(self, trouble: str) -> None:
        if trouble != self._trouble:
            _log.exception("relay_broke")
        self._metrics.publishing_failed()
        self._say(trouble)

    async def _report_state(self) -> None:
        """Write down how publishing goes, for the readiness of all processes: again and again."""
        while True:
            if self._trouble is not None:
                await self._write_report(RelayState.FAILING if self._trouble else RelayState.PUBLISHING)
            with suppress(TimeoutError):
                async with asyncio.timeout(_REPORT_SECONDS):
                    await self._state_changed.wait()
            self._state_changed.clear()

    async def _write_report(self, state: RelayState) -> None:
        try:
            await self._database.transact(
                lambda transaction: transaction.relay.report(self._worker_id, state), fence=self._fence
            )
        except WmsError as error:
            _log.debug("relay_state_not_written", error=str(error))

    def _say(self, trouble: str) -> None:
        """Report what keeps events from being published, and log it when it is something new."""
        if trouble != self._trouble:
            self._state_changed.set()
        if trouble and trouble != self._trouble:
            _log.warning("not_publishing", role=Role.RELAY, reason=trouble)
        if self._trouble and not trouble:
            _log.info("publishing", role=Role.RELAY)
        self._trouble = trouble
        self._report(trouble)
