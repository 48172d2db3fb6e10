"""Builder of WHERE clauses."""

from typing import Any


class WhereBuilder:
    """A WHERE clause with its parameter values."""

    def __init__(self) -> None:
        self.condition_texts: list[str] = []
        self.values: list[Any] = []

    def add_condition(self, condition_text: str, *values: Any) -> None:
        """Add a condition, in which each `?` stands for the next value."""
        for value in values:
            self.values.append(value)
            condition_text = condition_text.replace("?", f"${len(self.values)}", 1)
        self.condition_texts.append(condition_text)

    def add_parameter(self, value: Any) -> str:
        """Add a value and return the name of its parameter."""
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def where_clause(self) -> str:
        """The clause including WHERE; empty without conditions."""
        return " WHERE " + " AND ".join(self.condition_texts) if self.condition_texts else ""
