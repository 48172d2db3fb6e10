"""Run an attack in two identical rounds beside a well-behaved caller, and judge the result."""

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

RESPONSE_SECONDS = 1.0
P99_MS = 1_000.0
#: A round may end with this factor of the memory of the rounds before it. The kernel decides which process
#: accepts a connection, so a second round may fill the process that the first has spared. In that case a
#: third round decides.
GROWTH = 1.10
_MAX_ROUNDS = 3
#: From this share on, other work makes the machine too busy to judge latency.
_BUSY = 0.2
#: The minimum time for which the caller is observed.
_MIN_SECONDS = 0.7
_SAMPLE_SECONDS = 0.1
#: Memory is released a little after the load.
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
    #: The share of the time after the attack in which work waited for a processor, because of other work.
    busy_at_rest: float = 0.0
    responses: dict[str, int] = field(default_factory=dict)
    caller_errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The effect of an attack on the service. The service withstood it if there are no faults."""

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
        """Return the highest memory at the end of a round, or infinity before the first one has ended."""
        return max((round_.end_mib for round_ in self.rounds), default=math.inf)

    @property
    def has_grown(self) -> bool:
        """Whether the last round ended with more memory than all rounds before it."""
        *before, last = [round_.end_mib for round_ in self.rounds]
        return last > max(before, default=math.inf) * GROWTH


class Campaign:
    """Runs attacks on one service, and starts a new service after an attack that it has not withstood."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._started: tuple[Service, Attacker] | None = None

    async def __aenter__(self) -> Self:
        """Enter the campaign. The service starts with the first attack."""
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
            # The effects of this attack must not count for the next one.
            self._started = None
            await self._stack.aclose()
        return report


async def _run_attack(service: Service, attacker: Attacker, attack: Attack, *, short: bool) -> Report:
    """Run an attack in at least two rounds. Return its measurements and faults."""
    size = attack.size(short=short)
    size_text = f"{size.count:,} {attack.unit}" + (f", {size.hold_seconds:g} s" if size.hold_seconds else "")
    report = Report(attack.name, attack.kind, size_text, [], [])
    ended_before, errors_before = service.count_ended_processes(), len(service.errors_since(0))
    while len(report.rounds) < 2 or (report.has_grown and len(report.rounds) < _MAX_ROUNDS):
        round_ = Round()
        try:
            await _run_round(service, attacker, attack, size, round_, _ATTACK_SECONDS[short])
        except AttackFailed as error:
            report.faults.append(str(error))
        await _settle(service, round_, report.end_mib)
        report.rounds.append(round_)
    report.faults += _find_faults(report, attack)
    if ended_count := service.count_ended_processes() - ended_before:
        report.faults.append(f"{ended_count} processes ended")
    if not attack.stops_the_database and (logged := service.errors_since(errors_before)):
        names = ", ".join(sorted(set(logged)))
        report.faults.append(f"{len(logged)} errors logged: {names}")
    return report


async def _run_round(
    service: Service, attacker: Attacker, attack: Attack, size: Size, round_: Round, timeout_seconds: float
) -> None:
    started = time.monotonic()

    async def attack_then_probe() -> None:
        try:
            round_.responses = await attacker.run(attack.run.__name__, size, timeout_seconds)
        finally:
            round_.seconds = time.monotonic() - started
            round_.answers_after_seconds = await answers_after(service.target)

    async with _memory_sampling(service, round_), calling(service.target) as latencies:
        try:
            # A short attack may affect other callers a little later.
            await asyncio.gather(attack_then_probe(), asyncio.sleep(_MIN_SECONDS))
        finally:
            round_.p99_ms, round_.calls = latencies.p99_ms, len(latencies.seconds)
            round_.caller_errors = sorted(set(latencies.errors))[:5]


@asynccontextmanager
async def _memory_sampling(service: Service, round_: Round) -> AsyncIterator[None]:
    """Record the peak memory of server and worker until the end of the block."""

    async def sample() -> None:
        while True:
            server, worker = await asyncio.to_thread(
                lambda: [
                    proportional_bytes_of_tree(process.pid) for process in (service.server, service.worker)
                ]
            )
            round_.peak_mib = max(round_.peak_mib, server / MIB)
            round_.worker_peak_mib = max(round_.worker_peak_mib, worker / MIB)
            await asyncio.sleep(_SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield
    finally:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)


async def _settle(service: Service, round_: Round, before_mib: float) -> None:
    """Record the settled memory of the server. After the first round, wait until it is below that round's."""
    started, stopwatch, previous_mib = time.monotonic(), Stopwatch(), math.inf
    while True:
        round_.end_mib = (await asyncio.to_thread(proportional_bytes_of_tree, service.server.pid)) / MIB
        limit = before_mib * GROWTH if before_mib < math.inf else math.inf
        is_settled = round_.end_mib > previous_mib * 0.98 if limit == math.inf else round_.end_mib <= limit
        await asyncio.sleep(0.3)
        seconds = time.monotonic() - started
        round_.busy_at_rest = 1 - stopwatch.seconds / seconds
        if is_settled or seconds > _SETTLE_SECONDS:
            return
        previous_mib = round_.end_mib


def _find_faults(report: Report, attack: Attack) -> list[str]:
    faults: list[str] = []
    busy = max(round_.busy_at_rest for round_ in report.rounds)
    other_work = f" (other work waited for a processor {busy:.0%} of the time)" if busy > _BUSY else ""
    answer_seconds = max(round_.answers_after_seconds for round_ in report.rounds)
    if answer_seconds > RESPONSE_SECONDS:
        faults.append(f"served new connections {answer_seconds:.1f} s after the attack{other_work}")
    p99_ms = max(round_.p99_ms for round_ in report.rounds)
    if p99_ms >= P99_MS and not attack.stops_the_database:
        errors = {error for round_ in report.rounds for error in round_.caller_errors}
        errors_text = f" ({'; '.join(sorted(errors))})" if errors else ""
        faults.append(f"p99 of the caller {p99_ms:.0f} ms{other_work}{errors_text}")
    if report.has_grown:
        end_values = ", ".join(f"{round_.end_mib:.0f}" for round_ in report.rounds)
        faults.append(f"memory grew with each round: {end_values} MiB")
    for name, peak in (
        ("server", max(round_.peak_mib for round_ in report.rounds)),
        ("worker", max(round_.worker_peak_mib for round_ in report.rounds)),
    ):
        limit = memory_limit_bytes(name) / MIB
        if peak > limit:
            faults.append(f"{name} peaked at {peak:.0f} MiB, its limit is {limit:.0f}")
    return faults
