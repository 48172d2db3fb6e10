"""Times as asyncpg gives them."""

from datetime import UTC
from typing import Any


def aware(moment: Any) -> Any:
    """Give a time with its zone; nothing stays nothing.

    asyncpg stores the first and the last microsecond of Python's calendar as infinities, and gives those back
    without a zone.
    """
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
