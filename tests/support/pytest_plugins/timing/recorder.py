"""A pytest plugin that records the duration and the waits of each test and fixture.

Run `pytest -p tests.support.pytest_plugins.timing.recorder` with TEST_TIMES_DIRECTORY set; each process
writes one file of JSON lines there. Times are seconds. `processor` is the processor time of this process,
`children` that of child processes that ended meanwhile; servers that outlive the test are in neither.
"""

import json
import os
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.pytest_plugins.timing.waits import kind_of_wait

_SAMPLE_SECONDS = 0.02


class Sampler(threading.Thread):
    """Samples the main thread every 20 ms, and sums its time by the cause of the wait."""

    def __init__(self) -> None:
        super().__init__(name="test-times", daemon=True)
        self.seconds: dict[str, float] = defaultdict(float)
        self._main = threading.main_thread().ident or 0
        self._clock = time.pthread_getcpuclockid(self._main)

    def run(self) -> None:
        """Sample until the process ends."""
        wall, processor = time.monotonic(), time.clock_gettime(self._clock)
        while True:
            time.sleep(_SAMPLE_SECONDS)
            now, used = time.monotonic(), time.clock_gettime(self._clock)
            self.seconds["own processor time"] += used - processor
            # The remaining time of the interval counts as a wait, even if the thread only waited for a core.
            self.seconds[self._kind_of_wait()] += max(0.0, now - wall - (used - processor))
            wall, processor = now, used

    def _kind_of_wait(self) -> str:
        frame = sys._current_frames().get(self._main)
        try:
            return kind_of_wait(frame) if frame else "other"
        except (RuntimeError, ValueError):  # the stack changed while it was read
            return "other"


class Recorder:
    """Writes one line for each phase of each test and each setup of a fixture."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / f"{os.getpid()}.jsonl").open("w")
        self._sampler = Sampler()
        self._sampler.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record a test's setup."""
        with self._timed("phase", test=item.nodeid, phase="setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record a test's body."""
        with self._timed("phase", test=item.nodeid, phase="call"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record a test's teardown."""
        with self._timed("phase", test=item.nodeid, phase="teardown"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Record a fixture's setup, without that of the fixtures it depends on."""
        with self._timed("fixture", fixture=fixturedef.argname, scope=fixturedef.scope):
            return (yield)

    @contextmanager
    def _timed(self, kind: str, **names: str) -> Iterator[None]:
        wall, processor, children = time.monotonic(), time.process_time(), _children_seconds()
        before = dict(self._sampler.seconds)
        try:
            yield
        finally:
            line = {
                "kind": kind,
                **names,
                "wall": time.monotonic() - wall,
                "processor": time.process_time() - processor,
                "children": _children_seconds() - children,
                "waits": {
                    kind: seconds - before.get(kind, 0.0)
                    for kind, seconds in dict(self._sampler.seconds).items()
                    if seconds > before.get(kind, 0.0)
                },
            }
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def pytest_configure(config: pytest.Config) -> None:
    """Register the recorder in each process that runs tests: the workers of xdist, or the only process."""
    directory = os.environ.get("TEST_TIMES_DIRECTORY")
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if directory and runs_tests:
        config.pluginmanager.register(Recorder(Path(directory)), "test-times-recorder")


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
