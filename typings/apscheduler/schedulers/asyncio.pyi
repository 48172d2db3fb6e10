from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, tzinfo

from apscheduler.triggers.base import BaseTrigger

class Job:
    def modify(self, *, next_run_time: datetime) -> None: ...

class AsyncIOScheduler:
    def __init__(
        self,
        *,
        executors: Mapping[str, object] = ...,
        job_defaults: Mapping[str, object] = ...,
        timezone: tzinfo = ...,
    ) -> None: ...
    def add_job(
        self,
        func: Callable[[], Awaitable[None]],
        trigger: BaseTrigger,
        *,
        next_run_time: datetime,
    ) -> Job: ...
    def start(self) -> None: ...
    def pause(self) -> None: ...
    def shutdown(self, wait: bool = True) -> None: ...
