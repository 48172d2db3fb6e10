"""Runs one attack in two identical rounds beside a well-behaved caller, and judges what happened."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from tests.attack.attacker import Attacker, AttackFailed
from tests.attack.caller import answers_after, calling
from tests.attack.memory_meter import MIB, proportional_bytes_of_tree
from tests.attack.registry import Attack, Size
from tests.attack.service import Service, memory_limit_bytes, open_service
from tests.support.waiting import Stopwatch

ANSWER_SECONDS = 1.0
P99_MS = 1_000.0
#: A round may end with so much more memory than those before it. Chance decides which of the processes takes
#: a connection, so that a second round may fill the one that the first has spared: then a third one decides.
GROWTH = 1.10
_MAX_ROUNDS = 3
#: From this share on the machine is too busy with other work to judge latency by it.
_BUSY = 0.2
#: The caller is watched for so long at least.
_MIN_SECONDS = 0.7
_SAMPLE_SECONDS = 0.1
#: Memory is given back a little after the load.
_SETTLE_SECONDS = 15.0
_ATTACK_SECONDS = {False: 240.0, True: 40.0}


@dataclass(slots=True)
class Round:
    """One run of an attack."""

    seconds: float = math.inf
    answers_after_seconds: float = math.inf
    p99_ms: float = math.inf
    calls: int = 0
    peak_mib: float = 0.0
    worker_peak_mib: float = 0.0
    end_mib: float = 0.0
    #: The share of the time after the attack in which work waited for a processor: other work, then.
    busy_at_rest: float = 0.0
    responses: dict[str, int] = field(default_factory=dict)
    caller_errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What an attack did to the service. It holds when there is no fault."""

    attack: str
    kind: str
    size: str
    rounds: list[Round]
    faults: list[str]

    @property
    def holds(self) -> bool:
        """Whether the service withstood the attack."""
        return not self.faults

    @property
    def end_mib(self) -> float:
        """The most memory that a round has left; infinite before the first one has ended."""
        return max((one.end_mib for one in self.rounds), default=math.inf)

    @property
    def has_grown(self) -> bool:
        """Whether the last round has left more memory than all before it."""
        *before, last = [one.end_mib for one in self.rounds]
        return last > max(before, default=math.inf) * GROWTH


class Campaign:
    """Runs attacks on one service, and on a new one after an attack that the service has not withstood."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._stack = AsyncExitStack()
        self._started: tuple[Service, Attacker] | None = None

    async def __aenter__(self) -> Self:
        """The service starts with the first attack."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the service and the attacker."""
        await self._stack.aclose()

    async def run(self, attack: Attack, *, short: bool) -> Report:
        """Run an attack in two rounds."""
        if self._started is None:
            service = await self._stack.enter_async_context(open_service())
            self._started = service, await self._stack.enter_async_context(Attacker(service.target))
        report = await _run_attack(*self._started, attack, short=short)
        if not report.holds:
            # The next attack is not to be judged by what this one has left.
            self._started = None
            await self._stack.aclose()
        return report


async def _run_attack(service: Service, attacker: Attacker, attack: Attack, *, short: bool) -> Report:
    """Run an attack twice; return what was measured and what did not hold."""
    size = attack.size(short=short)
    shown = f"{size.count:,} {attack.unit}" + (f", {size.hold_seconds:g} s" if size.hold_seconds else "")
    report = Report(attack.name, attack.kind, shown, [], [])
    ended, errors = service.count_ended_processes(), len(service.errors_since(0))
    while len(report.rounds) < 2 or (report.has_grown and len(report.rounds) < _MAX_ROUNDS):
        one = Round()
        try:
            await _run_round(service, attacker, attack, size, one, _ATTACK_SECONDS[short])
        except AttackFailed as error:
            report.faults.append(str(error))
        await _settle(service, one, report.end_mib)
        report.rounds.append(one)
    report.faults += _faults(report, attack)
    if ended_since := service.count_ended_processes() - ended:
        report.faults.append(f"{ended_since} processes ended")
    if not attack.stops_the_database and (logged := service.errors_since(errors)):
        names = ", ".join(sorted(set(logged)))
        report.faults.append(f"{len(logged)} errors logged: {names}")
    return report


async def _run_round(
    service: Service, attacker: Attacker, attack: Attack, size: Size, one: Round, timeout_seconds: float
) -> None:
    started = time.monotonic()

    async def attack_and_ask() -> None:
        try:
            one.responses = await attacker.run(attack.run.__name__, size, timeout_seconds)
        finally:
            one.seconds = time.monotonic() - started
            one.answers_after_seconds = await answers_after(service.target)

    async with _sampled(service, one), calling(service.target) as latencies:
        try:
            # What a short attack does to others may be seen a little later.
            await asyncio.gather(attack_and_ask(), asyncio.sleep(_MIN_SECONDS))
        finally:
            one.p99_ms, one.calls = latencies.p99_ms, len(latencies.seconds)
            one.caller_errors = sorted(set(latencies.errors))[:5]


@asynccontextmanager
async def _sampled(service: Service, one: Round) -> AsyncIterator[None]:
    """Record the highest memory of server and worker until the end of the block."""

    async def sample() -> None:
        while True:
            server, worker = await asyncio.to_thread(
                lambda: [
                    proportional_bytes_of_tree(process.pid) for process in (service.server, service.worker)
                ]
            )
            one.peak_mib = max(one.peak_mib, server / MIB)
            one.worker_peak_mib = max(one.worker_peak_mib, worker / MIB)
            await asyncio.sleep(_SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)


async def _settle(service: Service, one: Round, before_mib: float) -> None:
    """Record the memory of the server once it has settled, after the first round below what that left."""
    started, watch, last = time.monotonic(), Stopwatch(), math.inf
    while True:
        one.end_mib = (await asyncio.to_thread(proportional_bytes_of_tree, service.server.pid)) / MIB
        limit = before_mib * GROWTH if before_mib < math.inf else math.inf
        is_settled = one.end_mib > last * 0.98 if limit == math.inf else one.end_mib <= limit
        await asyncio.sleep(0.3)
        seconds = time.monotonic() - started
        one.busy_at_rest = 1 - watch.seconds / seconds
        if is_settled or seconds > _SETTLE_SECONDS:
            return
        last = one.end_mib


def _faults(report: Report, attack: Attack) -> list[str]:
    faults: list[str] = []
    busy = max(one.busy_at_rest for one in report.rounds)
    other_work = f" (other work waited for a processor {busy:.0%} of the time)" if busy > _BUSY else ""
    late = max(one.answers_after_seconds for one in report.rounds)
    if late > ANSWER_SECONDS:
        faults.append(f"answered {late:.1f} s after the attack{other_work}")
    slow = max(one.p99_ms for one in report.rounds)
    if slow >= P99_MS and not attack.stops_the_database:
        errors = {error for one in report.rounds for error in one.caller_errors}
        told = f" ({'; '.join(sorted(errors))})" if errors else ""
        faults.append(f"p99 of the caller {slow:.0f} ms{other_work}{told}")
    if report.has_grown:
        ends = ", ".join(f"{one.end_mib:.0f}" for one in report.rounds)
        faults.append(f"memory grew with each round: {ends} MiB")
    for name, peak in (
        ("server", max(one.peak_mib for one in report.rounds)),
        ("worker", max(one.worker_peak_mib for one in report.rounds)),
    ):
        limit = memory_limit_bytes(name) / MIB
        if peak > limit:
            faults.append(f"{name} peaked at {peak:.0f} MiB, its limit is {limit:.0f}")
    return faults
