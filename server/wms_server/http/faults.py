"""The faults of a request in JSON: all of them at once, each by the path that the caller sent."""

import re
from collections.abc import Iterable, Iterator

from google.protobuf.descriptor import Descriptor

from wms_core.domain.errors import FieldFault, InvalidFields
from wms_core.domain.events import camel_case
from wms_server.validation import MAX_FAULTS

#: Names that are not known which are compared with those that are: that takes as long as all else.
MAX_HINTS = 20


class Hints:
    """How many more names of one request are compared."""

    def __init__(self) -> None:
        """Begin with all."""
        self._left = MAX_HINTS

    def take(self) -> bool:
        """Say whether one more is."""
        self._left -= 1
        return self._left >= 0


class EnoughFaults(Exception):
    """There are so many faults that the rest does not matter."""


class Faults:
    """Collects what is wrong with one request."""

    def __init__(self, hints: Hints | None = None) -> None:
        """Begin with nothing. The elements of a batch share their hints."""
        self.found: list[FieldFault] = []
        self.hints = hints or Hints()
        #: The faults of all elements of a batch together.
        self.of_all = 0
        #: By its place, the error of an element of a batch whose elements are judged one by one.
        self.of_elements: dict[int, InvalidFields] = {}

    def add(self, path: str, description: str, rule: str) -> None:
        """Note one more. Raises EnoughFaults."""
        self.found.append(FieldFault(_sendable(path), _sendable(description), rule))
        if len(self.found) >= MAX_FAULTS:
            # More are not looked for: nobody reads them, and a body of nothing else must not cost much.
            raise EnoughFaults

    def with_rules(self, broken: Iterable[FieldFault]) -> list[FieldFault]:
        """Add the broken rules of fields that could be read; of an array as a whole when all of it could."""
        unread = tuple(fault.field for fault in self.found)
        arrays = {place.rpartition("[")[0] for place in unread if place.endswith("]")}
        judged = (fault for fault in broken if fault.field not in arrays)
        return [*self.found, *(fault for fault in judged if not _is_within(fault.field, unread))]


def _sendable(text: str) -> str:
    """Return text with half surrogate pairs as JSON writes them: a key may have them, an error may not."""
    return text.encode("utf-8", "backslashreplace").decode()


def json_path(message: Descriptor, path: str, body: str = "") -> str:
    """Write a path of the contract's fields as JSON has them; within the body it begins there."""
    names = list(_json_names(message, path))
    if body not in ("", "*") and len(names) > 1 and path.partition(".")[0].partition("[")[0] == body:
        names = names[1:]
    return ".".join(names)


def _json_names(message: Descriptor | None, path: str) -> Iterator[str]:
    for part in path.split("."):
        name, bracket, subscript = part.partition("[")
        field = message.fields_by_name.get(name) if message else None
        yield (field.json_name if field else camel_case(name)) + bracket + subscript
        message = field.message_type if field else None


def _is_within(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or re.match(re.escape(place) + r"[.\[]", path) for place in places)
