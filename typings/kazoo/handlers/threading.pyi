from collections.abc import Callable
from threading import Thread
from typing import Any

class SequentialThreadingHandler:
    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Thread: ...
