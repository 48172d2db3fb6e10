"""One measurement from an empty database to its figures."""

import time
from dataclasses import asdict

import asyncpg

from benchmarks.connection import Connection
from benchmarks.events.bare import Message, bare_rate, messages, simple_rate
from benchmarks.events.carrying import Memory, all_carried, burst_rate, carried
from benchmarks.events.delays import delays
from benchmarks.events.figures import Figures, middle, percentile
from benchmarks.events.filling import fill_log
from benchmarks.events.placing import Callers
from benchmarks.events.scale import Scale
from benchmarks.events.services import TOPIC, Services
from benchmarks.events.topics import make_topic
from benchmarks.progress import Phases
from benchmarks.queries import query


class Measurement:
    """Runs the phases one after the other and keeps what they give."""

    def __init__(self, services: Services, scale: Scale, phases: Phases, connection: Connection) -> None:
        self._services = services
        self._brokers = services.kafka.brokers
        self._scale = scale
        self._phases = phases
        self._connection = connection

    async def run(self) -> Figures:
        """Measure. Raises TimeoutError when the relay stands still."""
        scale = self._scale
        await self._prepare()
        backlog, memory = await self._carry_backlog()
        sent = await messages(self._connection, min(scale.events, scale.log))
        before = await self._bare("before", sent)
        with self._phases.phase("relay that marks one by one (seconds)", round(scale.simple)):
            simple = await simple_rate(self._connection, self._brokers, "bare-before", scale.simple)
        relay, late = await self._carry_burst(len(sent))
        after = await self._bare("after", sent)
        highest, without, with_ = await self._place()
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
                "most": memory.most,
            },
            delay={"p50": 1000 * middle(late), "p99": 1000 * percentile(late, 0.99)},
            highest_rate=highest,
            placing_without=without,
            placing_with=with_,
        )

    async def _prepare(self) -> None:
        with self._phases.phase("events in the log", self._scale.log) as count:
            await fill_log(self._connection, self._scale.log, count)
        await make_topic(self._brokers, TOPIC)

    async def _carry_backlog(self) -> tuple[float, Memory]:
        """Bring what the log has to Kafka, before there is a server to put more into it."""
        backlog = self._scale.backlog_there
        newest: int = await self._connection.fetchval(query("log.newest"))
        await self._connection.execute(query("log.start_from"), newest - backlog)
        with self._phases.phase("backlog carried to Kafka", backlog) as count:
            async with self._services.relay() as relay:
                began, start = time.perf_counter(), await self._connection.fetchval(query("log.carried"))
                memory = await carried(self._connection, newest, count, relay.process.pid)
                rate = (newest - start) / (time.perf_counter() - began)
        return rate, memory

    async def _bare(self, name: str, sent: list[Message]) -> float:
        with self._phases.phase(f"bare producer, {name}", len(sent)):
            topic = f"bare-{name}"
            await make_topic(self._brokers, topic)
            return await bare_rate(self._brokers, topic, sent)

    async def _carry_burst(self, count: int) -> tuple[float, list[float]]:
        scale = self._scale
        await self._services.children.start_server(self._services.server)
        async with self._services.relay():
            with self._phases.phase("outbox carried to Kafka", count) as moved:
                rate = await burst_rate(self._connection, count, moved)
            with self._phases.phase("delays at a steady rate", round(scale.delay_rate * scale.delay)) as told:
                url = self._services.postgres.dsn
                late = await delays(url, self._brokers, scale.delay_rate, scale.delay, told)
        return rate, late

    async def _place(self) -> tuple[float, list[float], list[float]]:
        """Place orders at half the highest rate, by turns without the relay and with it."""
        scale, callers = self._scale, Callers(self._services.server.target)
        without: list[float] = []
        with_: list[float] = []
        try:
            with self._phases.phase("orders placed, in turns", 1 + 2 * scale.rounds) as done:
                highest = await callers.highest_rate(scale.callers, scale.highest)
                done(1)
                for _ in range(scale.rounds):
                    without.append(1000 * middle(await callers.latencies(highest / 2, scale.placing)))
                    done(1)
                    async with self._services.relay():
                        await all_carried(self._connection)
                        with_.append(1000 * middle(await callers.latencies(highest / 2, scale.placing)))
                    done(1)
        finally:
            await callers.close()
        return highest, without, with_


async def measure(services: Services, scale: Scale, phases: Phases) -> Figures:
    """Measure on fresh services."""
    services.children.migrate()
    connection = await asyncpg.connect(services.postgres.dsn)
    try:
        return await Measurement(services, scale, phases, connection).run()
    finally:
        await connection.close()
