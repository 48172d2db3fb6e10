"""One measurement, from an empty database to its figures."""

import time
from dataclasses import asdict

import asyncpg

from benchmarks.connection import Connection
from benchmarks.events.bare import Message, measure_bare_rate, measure_simple_rate, read_log_messages
from benchmarks.events.carrying import (
    MemorySamples,
    measure_burst_rate,
    wait_until_all_published,
    wait_until_published,
)
from benchmarks.events.delays import measure_delays
from benchmarks.events.figures import Figures, median_of, percentile
from benchmarks.events.filling import fill_log
from benchmarks.events.placing import OrderCallers
from benchmarks.events.scale import Scale
from benchmarks.events.services import TOPIC, Services
from benchmarks.events.topics import make_topic
from benchmarks.progress import PhaseProgress
from benchmarks.queries import query


class Measurement:
    """Runs the phases one after the other and collects their results."""

    def __init__(
        self, services: Services, scale: Scale, phases: PhaseProgress, connection: Connection
    ) -> None:
        self._services = services
        self._brokers = services.kafka.addresses
        self._scale = scale
        self._phases = phases
        self._connection = connection

    async def run(self) -> Figures:
        """Run all phases. Raises TimeoutError if the relay makes no progress."""
        scale = self._scale
        await self._prepare_log()
        backlog, memory = await self._measure_backlog()
        sent_messages = await read_log_messages(self._connection, min(scale.events, scale.log))
        before = await self._measure_bare_producer("before", sent_messages)
        with self._phases.show_phase("relay that marks one by one (seconds)", round(scale.simple)):
            simple = await measure_simple_rate(self._connection, self._brokers, "bare-before", scale.simple)
        relay, event_delays = await self._measure_burst(len(sent_messages))
        after = await self._measure_bare_producer("after", sent_messages)
        highest_rate, medians_without_relay, medians_with_relay = await self._measure_placing()
        return Figures(
            scale=asdict(scale),
            bare=(before, after),
            simple=simple,
            relay=relay,
            backlog=backlog,
            memory={
                "at_tenth": memory.at_tenth,
                "at_half": memory.at_half,
                "at_end": memory.at_end,
                "most": memory.maximum,
            },
            delay={"p50": 1000 * median_of(event_delays), "p99": 1000 * percentile(event_delays, 0.99)},
            highest_rate=highest_rate,
            placing_without=medians_without_relay,
            placing_with=medians_with_relay,
        )

    async def _prepare_log(self) -> None:
        with self._phases.show_phase("events in the log", self._scale.log) as count:
            await fill_log(self._connection, self._scale.log, count)
        await make_topic(self._brokers, TOPIC)

    async def _measure_backlog(self) -> tuple[float, MemorySamples]:
        """Publish the log to Kafka, before the server starts and adds events."""
        backlog = self._scale.backlog_there
        newest: int = await self._connection.fetchval(query("log.newest"))
        await self._connection.execute(query("log.start_from"), newest - backlog)
        with self._phases.show_phase("backlog published to Kafka", backlog) as count:
            async with self._services.relay() as relay:
                started_at, start = (
                    time.perf_counter(),
                    await self._connection.fetchval(query("log.relay_position")),
                )
                memory = await wait_until_published(self._connection, newest, count, relay.process.pid)
                rate = (newest - start) / (time.perf_counter() - started_at)
        return rate, memory

    async def _measure_bare_producer(self, name: str, sent_messages: list[Message]) -> float:
        with self._phases.show_phase(f"bare producer, {name}", len(sent_messages)):
            topic = f"bare-{name}"
            await make_topic(self._brokers, topic)
            return await measure_bare_rate(self._brokers, topic, sent_messages)

    async def _measure_burst(self, count: int) -> tuple[float, list[float]]:
        scale = self._scale
        await self._services.children.start_server(self._services.server)
        async with self._services.relay():
            with self._phases.show_phase("outbox published to Kafka", count) as count_published:
                rate = await measure_burst_rate(self._connection, count, count_published)
            with self._phases.show_phase(
                "delays at a steady rate", round(scale.delay_rate * scale.delay)
            ) as count_written:
                url = self._services.postgres.dsn
                event_delays = await measure_delays(
                    url, self._brokers, scale.delay_rate, scale.delay, count_written
                )
        return rate, event_delays

    async def _measure_placing(self) -> tuple[float, list[float], list[float]]:
        """Place orders at half the highest rate, alternately without and with the relay."""
        scale, callers = self._scale, OrderCallers(self._services.server.target)
        medians_without_relay: list[float] = []
        medians_with_relay: list[float] = []
        try:
            with self._phases.show_phase("orders placed, in turns", 1 + 2 * scale.rounds) as count_done:
                highest_rate = await callers.measure_highest_rate(scale.callers, scale.highest)
                count_done(1)
                for _ in range(scale.rounds):
                    medians_without_relay.append(
                        1000 * median_of(await callers.measure_latencies(highest_rate / 2, scale.placing))
                    )
                    count_done(1)
                    async with self._services.relay():
                        await wait_until_all_published(self._connection)
                        medians_with_relay.append(
                            1000 * median_of(await callers.measure_latencies(highest_rate / 2, scale.placing))
                        )
                    count_done(1)
        finally:
            await callers.close()
        return highest_rate, medians_without_relay, medians_with_relay


async def measure(services: Services, scale: Scale, phases: PhaseProgress) -> Figures:
    """Measure on newly started services."""
    services.children.migrate()
    connection = await asyncpg.connect(services.postgres.dsn)
    try:
        return await Measurement(services, scale, phases, connection).run()
    finally:
        await connection.close()
