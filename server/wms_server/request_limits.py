"""How large a request may be: its bytes by call, and the elements of its lists.

Both are checked before anything is done for each element: an element costs its sender two bytes, and the
server much more as soon as it is decoded, judged and told to be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from wms.orders.v1 import rules_pb2
from wms_core.domain.errors import FieldFault, InvalidFields, MalformedMessage

#: Bytes of a request whose call says nothing else (contract: `max_bytes`).
DEFAULT_MAX_BYTES = 64 * 1024
#: Bytes of the largest request of any call.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
#: Elements of all lists of a request together (contract: OrderService).
MAX_ELEMENTS = 12_500
#: Elements of a list in a message that is not of the contract: the paths of a field mask.
FOREIGN_MAX_ITEMS = 100
#: Fields that are passed on the way to the elements, unknown ones too.
_MAX_FIELDS = 50_000
_VARINT, _FIXED64, _LENGTH, _GROUP, _GROUP_END, _FIXED32 = range(6)
_MAX_VARINT_BYTES = 10
#: A byte of a varint from here on says that another one follows.
_MORE = 0x80


def max_bytes(method: MethodDescriptor) -> int:
    """Return the largest request of a call in bytes."""
    limit: int = method.GetOptions().Extensions[rules_pb2.max_bytes]
    return limit or DEFAULT_MAX_BYTES


def max_items(field: FieldDescriptor) -> int:
    """Return the most elements of a list, 0 where the contract says nothing."""
    rules: Any = field.GetOptions().Extensions[validate_pb2.field]
    if not field.full_name.startswith(f"{rules_pb2.DESCRIPTOR.package}."):
        return FOREIGN_MAX_ITEMS
    return int(rules.repeated.max_items)


def is_ignored(field: FieldDescriptor) -> bool:
    """Say whether the contract leaves a field to be judged elsewhere: the elements of a batch, an update."""
    rules: Any = field.GetOptions().Extensions[validate_pb2.field]
    return validate_pb2.IGNORE_ALWAYS in (rules.ignore, rules.repeated.items.ignore)


def list_faults(message: Message, prefix: str = "") -> Iterator[FieldFault]:
    """Yield a fault for each list of a decoded message that is too long."""
    for field, limit, leads_on in _lists(message.DESCRIPTOR):
        if field.is_repeated:
            elements = getattr(message, field.name)
            if len(elements) > limit:
                yield _too_long(prefix + field.name, limit)
            elif leads_on:
                for number, element in enumerate(elements):
                    yield from list_faults(element, f"{prefix}{field.name}[{number}].")
        elif message.HasField(field.name):
            yield from list_faults(getattr(message, field.name), f"{prefix}{field.name}.")


def _too_long(path: str, limit: int) -> FieldFault:
    return FieldFault(path, f"must contain no more than {limit} items", "repeated.max_items")


@cache
def _lists(message: Descriptor) -> tuple[tuple[FieldDescriptor, int, bool], ...]:
    """Return the fields that are lists or lead to one, each with its limit and whether it leads further."""
    found = []
    for field in message.fields:
        leads_on = not is_ignored(field) and _leads_to_lists(field, ())
        if field.is_repeated or leads_on:
            found.append((field, max_items(field) if field.is_repeated else 0, leads_on))
    return tuple(found)


def _leads_to_lists(field: FieldDescriptor, above: tuple[str, ...]) -> bool:
    kind = field.message_type
    if kind is None or kind.full_name in above:
        return False
    return any(one.is_repeated or _leads_to_lists(one, (*above, kind.full_name)) for one in kind.fields)


def check_elements(message: Descriptor, raw: bytes) -> None:
    """Raise InvalidFields when an encoded message has too many elements, MalformedMessage when it is cut off.

    Each element and field that is counted takes a byte at least, so that most messages need not be looked at.
    """
    if len(raw) > MAX_ELEMENTS:
        try:
            _Count(message).message(_shape(message), raw, 0, len(raw), outermost=True)
        except IndexError:
            raise MalformedMessage from None


@dataclass(frozen=True, slots=True)
class _Shape:
    """The lists of a message, and the shapes of the messages below it that have lists, by field number."""

    lists: dict[int, FieldDescriptor]
    below: dict[int, "_Shape"]


@cache
def _shape(message: Descriptor) -> _Shape:
    return _Shape(
        {field.number: field for field in message.fields if field.is_repeated},
        {
            field.number: _shape(field.message_type)
            for field in message.fields
            if field.message_type is not None and _leads_to_lists(field, ())
        },
    )


class _Count:
    """Counts the elements of one encoded message by its tags; what lies between them is passed over."""

    def __init__(self, message: Descriptor) -> None:
        self._message = message
        self._elements = MAX_ELEMENTS
        self._fields = _MAX_FIELDS
        self._outermost = 0

    def message(self, shape: _Shape, raw: bytes, at: int, end: int, *, outermost: bool = False) -> None:
        counts: dict[int, int] = {}
        lists, below = shape.lists, shape.below
        while at < end:
            tag = raw[at]
            tag, at = (tag, at + 1) if tag < _MORE else _varint(raw, at)
            number, wire_type = tag >> 3, tag & 7
            start, at = _contents(raw, at, wire_type)
            if at > end:
                raise MalformedMessage
            self._fields -= 1
            if number in lists:
                # Numbers may be packed, a byte or more each.
                packed = wire_type == _LENGTH and lists[number].cpp_type in _PACKABLE
                count = at - start if packed else 1
                self._elements -= count
                counts[number] = counts.get(number, 0) + count
            if outermost:
                self._outermost = number
            if self._elements < 0 or self._fields < 0:
                raise InvalidFields([self._fault(counts if outermost else {})])
            if wire_type == _LENGTH and number in below:
                self.message(below[number], raw, start, at)

    def _fault(self, counts: dict[int, int]) -> FieldFault:
        for number, count in counts.items():
            field = self._message.fields_by_number[number]
            if count > max_items(field):
                return _too_long(field.name, max_items(field))
        place = self._message.fields_by_number.get(self._outermost)
        text = f"must have no more than {MAX_ELEMENTS:,} elements in all its lists"
        return FieldFault(place.name if place else "", text, "message.max_elements")


_PACKABLE = frozenset(
    kind
    for kind in range(1, FieldDescriptor.MAX_CPPTYPE + 1)
    if kind not in (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE)
)


def _contents(raw: bytes, at: int, wire_type: int) -> tuple[int, int]:
    """Return where the contents of a field begin and end. Raises IndexError, MalformedMessage."""
    if wire_type == _LENGTH:
        size = raw[at]
        size, at = (size, at + 1) if size < _MORE else _varint(raw, at)
        return at, at + size
    if wire_type == _VARINT:
        return at, _varint(raw, at)[1]
    if wire_type == _FIXED64:
        return at, at + 8
    if wire_type == _FIXED32:
        return at, at + 4
    if wire_type in (_GROUP, _GROUP_END):
        # The contract has no groups. What is within an unknown one counts as if it were not.
        return at, at
    raise MalformedMessage


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends. Raises IndexError, MalformedMessage."""
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        byte = raw[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < _MORE:
            return value, at + count + 1
    raise MalformedMessage
