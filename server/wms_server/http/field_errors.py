"""Field errors of JSON requests: all errors together, each with the path that the caller sent."""

import re
from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor

from wms_core.domain.errors import FieldError, InvalidFields
from wms_core.domain.events.events import to_camel_case
from wms_server.calls.validation import MAX_FIELD_ERRORS

#: Unknown names of a request that get a suggestion: finding one takes as long as all other decoding.
MAX_HINTS = 20


class HintBudget:
    """The suggestions that may still be made for one request."""

    def __init__(self) -> None:
        self._remaining_hints = MAX_HINTS

    def take_hint(self) -> bool:
        """Return whether one more suggestion is allowed, and count it."""
        self._remaining_hints -= 1
        return self._remaining_hints >= 0


class TooManyFieldErrors(Exception):
    """The limit of field errors is reached; decoding stops."""


class FieldErrorCollector:
    """Collects the field errors of one request. The elements of a batch share its hint budget."""

    def __init__(self, hint_budget: HintBudget | None = None) -> None:
        self.field_errors: list[FieldError] = []
        self.hint_budget = hint_budget or HintBudget()
        #: The number of field errors of all elements of a batch.
        self.batch_error_count = 0
        #: By index, the error of an element of a batch whose elements are validated separately.
        self.errors_by_element: dict[int, InvalidFields] = {}

    def add(self, path: str, error_description: str, rule_name: str) -> None:
        """Add a field error.

        Raises:
            TooManyFieldErrors: the limit is reached.
        """
        self.field_errors.append(
            FieldError(_escape_surrogates(path), _escape_surrogates(error_description), rule_name)
        )
        if len(self.field_errors) >= MAX_FIELD_ERRORS:
            # More are not searched for: a body that consists of errors must not cost much.
            raise TooManyFieldErrors

    def with_rule_errors(self, rule_errors: Iterable[FieldError]) -> list[FieldError]:
        """Return all errors, with rule errors only of decoded fields (of arrays: if all elements are)."""
        unreadable_paths = tuple(field_error.field for field_error in self.field_errors)
        array_paths = {
            unreadable_path.rpartition("[")[0]
            for unreadable_path in unreadable_paths
            if unreadable_path.endswith("]")
        }
        relevant_errors = (field_error for field_error in rule_errors if field_error.field not in array_paths)
        return [
            *self.field_errors,
            *(
                field_error
                for field_error in relevant_errors
                if not _is_within(field_error.field, unreadable_paths)
            ),
        ]


def _escape_surrogates(text: str) -> str:
    """Return text with lone surrogates escaped: JSON keys may contain them, an error may not."""
    return text.encode("utf-8", "backslashreplace").decode()


def to_json_path(message_descriptor: Descriptor, path: str, body: str = "") -> str:
    """Return a proto field path as a JSON path, without the field that is the body."""
    json_names = list(_iterate_json_names(message_descriptor, path))
    if body not in ("", "*") and len(json_names) > 1 and path.partition(".")[0].partition("[")[0] == body:
        json_names = json_names[1:]
    return ".".join(json_names)


def _iterate_json_names(message_descriptor: Descriptor | None, path: str) -> Iterator[str]:
    for path_part in path.split("."):
        name, opening_bracket, index_suffix = path_part.partition("[")
        field_descriptor = message_descriptor.fields_by_name.get(name) if message_descriptor else None
        yield (
            (field_descriptor.json_name if field_descriptor else to_camel_case(name))
            + opening_bracket
            + index_suffix
        )
        message_descriptor = field_descriptor.message_type if field_descriptor else None


def _is_within(path: str, parent_paths: tuple[str, ...]) -> bool:
    return any(
        path == parent_path or re.match(re.escape(parent_path) + r"[.\[]", path)
        for parent_path in parent_paths
    )
