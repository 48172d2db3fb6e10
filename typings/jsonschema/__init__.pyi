from collections.abc import Callable, Iterator
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., bool])

class ValidationError(Exception):
    message: str
    @property
    def json_path(self) -> str: ...

class FormatChecker:
    def __init__(self, formats: tuple[str, ...] | None = None) -> None: ...
    def checks(
        self, format: str, raises: type[Exception] | tuple[type[Exception], ...] = ()
    ) -> Callable[[F], F]: ...

class Draft7Validator:
    def __init__(self, schema: object, *, format_checker: FormatChecker | None = None) -> None: ...
    def iter_errors(self, instance: object) -> Iterator[ValidationError]: ...
    def is_valid(self, instance: object) -> bool: ...
