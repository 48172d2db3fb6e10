from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

class IAsyncResult(Generic[T]):
    def get(self, block: bool = ..., timeout: float | None = ...) -> T: ...
    def rawlink(self, callback: Callable[[IAsyncResult[T]], object]) -> None: ...
