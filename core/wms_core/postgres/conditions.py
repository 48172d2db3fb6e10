"""A WHERE clause that is put together from conditions and their values."""

from typing import Any


class Conditions:
    """A WHERE clause with its parameters."""

    def __init__(self) -> None:
        """Start with no condition."""
        self.clauses: list[str] = []
        self.values: list[Any] = []

    def add(self, clause: str, *values: Any) -> None:
        """Add a condition; each `?` stands for the next value."""
        for value in values:
            self.values.append(value)
            clause = clause.replace("?", f"${len(self.values)}", 1)
        self.clauses.append(clause)

    def parameter(self, value: Any) -> str:
        """Add a value and give the name of its parameter."""
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def where(self) -> str:
        """The clause, with WHERE, or nothing."""
        return " WHERE " + " AND ".join(self.clauses) if self.clauses else ""
