"""Ids that sort by the time they were made."""

from ulid import ULID


def new_id(prefix: str) -> str:
    """Give the prefix followed by a fresh 26-character ULID."""
    return prefix + str(ULID())
