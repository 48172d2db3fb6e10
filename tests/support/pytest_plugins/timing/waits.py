"""Classify the wait of a thread, from its stack and that of the task that its event loop runs."""

import asyncio
from types import CodeType, FrameType
from typing import Any

_MAX_DEPTH = 60

# The first entry whose path is part of a frame's file name, searched from the innermost frame outwards.
_BY_FILE = (
    ("/asyncpg/", "Postgres"),
    ("/grpc/", "gRPC call"),
    ("/aiokafka/", "Kafka"),
    ("/confluent_kafka/", "Kafka"),
    ("/kazoo/", "ZooKeeper"),
    ("/httpx/", "HTTP response"),
    ("/httpcore/", "HTTP response"),
    ("/urllib/", "HTTP response"),
    ("/http/client.py", "HTTP response"),
    ("/asyncio/subprocess.py", "child process"),
    ("/subprocess.py", "child process"),
    ("/wms_dev/embedded/postgres/", "start or stop of Postgres"),
    ("/wms_dev/embedded/jvm/", "start or stop of a JVM"),
    ("/asyncio/streams.py", "socket or pipe"),
    ("/socket.py", "socket or pipe"),
    ("/tests/support/docs_runner/", "shell of the documentation"),
)


def kind_of_wait(frame: FrameType) -> str:
    """Return the cause of the wait of a thread with this innermost frame."""
    codes = _stack(frame)
    if any(code.co_name == "select" and code.co_filename.endswith("/selectors.py") for code in codes[:3]):
        return _classify(_awaited(frame))
    return _classify(codes)


def _classify(codes: list[CodeType]) -> str:
    if any(code.co_name == "eventually" for code in codes):
        return "condition (polled)"
    for code in codes:
        for path, kind in _BY_FILE:
            if path in code.co_filename:
                return kind
    is_sleeping = any(code.co_name == "sleep" and "/asyncio/" in code.co_filename for code in codes)
    caller_code = next((code for code in codes if "/asyncio/" not in code.co_filename), None)
    location = (
        f"{caller_code.co_filename.rsplit('/', 1)[-1]}:{caller_code.co_name}"
        if caller_code
        else "an unknown location"
    )
    return f"{'sleep' if is_sleeping else 'other'} in {location}"


def _stack(frame: FrameType | None) -> list[CodeType]:
    """Return the code objects of a thread's stack, innermost first."""
    codes: list[CodeType] = []
    while frame is not None and len(codes) < _MAX_DEPTH:
        codes.append(frame.f_code)
        frame = frame.f_back
    return codes


def _awaited(frame: FrameType) -> list[CodeType]:
    """Return the code objects of the coroutines that the loop's main task awaits, innermost first."""
    outer: FrameType | None = frame
    while outer is not None and outer.f_code.co_name != "run_until_complete":
        outer = outer.f_back
    task = outer.f_locals.get("future") if outer else None
    codes: list[CodeType] = []
    while isinstance(task, asyncio.Task) and len(codes) < _MAX_DEPTH:
        coroutine: Any = task.get_coro()
        while coroutine is not None and len(codes) < _MAX_DEPTH:
            running = _attribute(coroutine, "frame")
            if running is not None:
                codes.append(running.f_code)
            coroutine = _attribute(coroutine, "await") or _generator(running)
        task = getattr(task, "_fut_waiter", None)
    return codes[::-1]


def _attribute(coroutine: Any, name: str) -> Any:
    """Return `cr_frame`, `gi_frame`, `ag_frame` or `cr_await`, `ag_await`; None without one."""
    return next(
        (
            value
            for prefix in ("cr", "gi", "ag")
            if (value := getattr(coroutine, f"{prefix}_{name}", None)) is not None
            and (name == "frame" or hasattr(value, "cr_frame") or hasattr(value, "ag_frame"))
        ),
        None,
    )


def _generator(running: FrameType | None) -> Any:
    """Return the asynchronous generator that a fixture or context manager advances in this frame.

    The object that `anext` returns does not expose the generator, so it is found by its variable.
    """
    if running is None:
        return None
    return running.f_locals.get("gen_obj") or getattr(running.f_locals.get("self"), "gen", None)
