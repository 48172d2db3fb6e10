"""Size limits of requests: bytes by rpc, and elements of lists.

Both are checked before any work for an element: an element costs its sender two bytes, but the server much
more once it is decoded, validated and reported as invalid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from wms.orders.v1 import rules_pb2
from wms_core.domain.errors import FieldError, InvalidFields, MalformedMessage

#: Maximum bytes of a request if its rpc has no option `max_bytes`.
DEFAULT_MAX_REQUEST_BYTES = 64 * 1024
#: Maximum bytes of a request of any rpc.
MAX_REQUEST_BYTES = 4 * 1024 * 1024
#: Maximum elements of all lists of a request together (contract: OrderService).
MAX_ELEMENTS = 12_500
#: Maximum elements of a list outside the contract, such as the paths of a field mask.
FOREIGN_MAX_ITEMS = 100
#: Maximum fields that are scanned while counting elements, including unknown ones.
_MAX_FIELDS = 50_000
_WIRE_VARINT, _WIRE_FIXED64, _WIRE_LENGTH_DELIMITED, _WIRE_GROUP_START, _WIRE_GROUP_END, _WIRE_FIXED32 = (
    range(6)
)
_MAX_VARINT_BYTES = 10
#: A varint byte of at least this value is followed by another one.
_CONTINUATION_BIT = 0x80


def get_max_bytes(method: MethodDescriptor) -> int:
    """Return the maximum bytes of a request of an rpc."""
    limit: int = method.GetOptions().Extensions[rules_pb2.max_bytes]
    return limit or DEFAULT_MAX_REQUEST_BYTES


def get_max_items(field: FieldDescriptor) -> int:
    """Return the maximum elements of a list, 0 if the contract sets none."""
    field_rules: Any = field.GetOptions().Extensions[validate_pb2.field]
    if not field.full_name.startswith(f"{rules_pb2.DESCRIPTOR.package}."):
        return FOREIGN_MAX_ITEMS
    return int(field_rules.repeated.max_items)


def is_ignored(field: FieldDescriptor) -> bool:
    """Return whether a field is validated elsewhere (elements of a batch, the order of an update)."""
    field_rules: Any = field.GetOptions().Extensions[validate_pb2.field]
    return validate_pb2.IGNORE_ALWAYS in (field_rules.ignore, field_rules.repeated.items.ignore)


def find_list_errors(message: Message, prefix: str = "") -> Iterator[FieldError]:
    """Yield a field error for each list of a decoded message that is too long."""
    for field, limit, has_inner_lists in _find_list_fields(message.DESCRIPTOR):
        if field.is_repeated:
            list_elements = getattr(message, field.name)
            if len(list_elements) > limit:
                yield _make_length_error(prefix + field.name, limit)
            elif has_inner_lists:
                for index, list_element in enumerate(list_elements):
                    yield from find_list_errors(list_element, f"{prefix}{field.name}[{index}].")
        elif message.HasField(field.name):
            yield from find_list_errors(getattr(message, field.name), f"{prefix}{field.name}.")


def _make_length_error(path: str, limit: int) -> FieldError:
    return FieldError(path, f"must contain no more than {limit} items", "repeated.max_items")


@cache
def _find_list_fields(message_descriptor: Descriptor) -> tuple[tuple[FieldDescriptor, int, bool], ...]:
    """Return the fields that are or contain lists: field, its limit, whether its messages contain lists."""
    list_fields = []
    for field in message_descriptor.fields:
        has_inner_lists = not is_ignored(field) and _leads_to_lists(field, ())
        if field.is_repeated or has_inner_lists:
            list_fields.append((field, get_max_items(field) if field.is_repeated else 0, has_inner_lists))
    return tuple(list_fields)


def _leads_to_lists(field: FieldDescriptor, outer_types: tuple[str, ...]) -> bool:
    message_type = field.message_type
    if message_type is None or message_type.full_name in outer_types:
        return False
    return any(
        inner_field.is_repeated or _leads_to_lists(inner_field, (*outer_types, message_type.full_name))
        for inner_field in message_type.fields
    )


def check_elements(message_descriptor: Descriptor, raw_bytes: bytes) -> None:
    """Check the number of elements of an encoded message.

    An element takes at least one byte, so messages up to `MAX_ELEMENTS` bytes need no check.

    Raises:
        InvalidFields: the message has too many elements.
        MalformedMessage: the message is truncated.
    """
    if len(raw_bytes) > MAX_ELEMENTS:
        try:
            _ElementCounter(message_descriptor).count_message(
                _build_shape(message_descriptor), raw_bytes, 0, len(raw_bytes), is_outermost=True
            )
        except IndexError:
            raise MalformedMessage from None


@dataclass(frozen=True, slots=True)
class _MessageShape:
    """The list fields of a message, and the shapes of its submessages that have lists, by field number."""

    list_fields: dict[int, FieldDescriptor]
    inner_shapes: dict[int, "_MessageShape"]


@cache
def _build_shape(message_descriptor: Descriptor) -> _MessageShape:
    return _MessageShape(
        {field.number: field for field in message_descriptor.fields if field.is_repeated},
        {
            field.number: _build_shape(field.message_type)
            for field in message_descriptor.fields
            if field.message_type is not None and _leads_to_lists(field, ())
        },
    )


class _ElementCounter:
    """Counts the elements of one encoded message by its tags; other bytes are skipped."""

    def __init__(self, message_descriptor: Descriptor) -> None:
        self._message_descriptor = message_descriptor
        self._elements_left = MAX_ELEMENTS
        self._fields_left = _MAX_FIELDS
        self._outermost_number = 0

    def count_message(
        self,
        message_shape: _MessageShape,
        raw_bytes: bytes,
        offset: int,
        end: int,
        *,
        is_outermost: bool = False,
    ) -> None:
        counts_by_field: dict[int, int] = {}
        list_fields, inner_shapes = message_shape.list_fields, message_shape.inner_shapes
        while offset < end:
            field_tag = raw_bytes[offset]
            field_tag, offset = (
                (field_tag, offset + 1) if field_tag < _CONTINUATION_BIT else _read_varint(raw_bytes, offset)
            )
            field_number, wire_type = field_tag >> 3, field_tag & 7
            start, offset = _find_contents(raw_bytes, offset, wire_type)
            if offset > end:
                raise MalformedMessage
            self._fields_left -= 1
            if field_number in list_fields:
                # Numbers may be packed, each in at least one byte.
                is_packed = (
                    wire_type == _WIRE_LENGTH_DELIMITED
                    and list_fields[field_number].cpp_type in _PACKABLE_TYPES
                )
                count = offset - start if is_packed else 1
                self._elements_left -= count
                counts_by_field[field_number] = counts_by_field.get(field_number, 0) + count
            if is_outermost:
                self._outermost_number = field_number
            if self._elements_left < 0 or self._fields_left < 0:
                raise InvalidFields([self._make_elements_error(counts_by_field if is_outermost else {})])
            if wire_type == _WIRE_LENGTH_DELIMITED and field_number in inner_shapes:
                self.count_message(inner_shapes[field_number], raw_bytes, start, offset)

    def _make_elements_error(self, counts_by_field: dict[int, int]) -> FieldError:
        for field_number, count in counts_by_field.items():
            field = self._message_descriptor.fields_by_number[field_number]
            if count > get_max_items(field):
                return _make_length_error(field.name, get_max_items(field))
        outermost_field = self._message_descriptor.fields_by_number.get(self._outermost_number)
        text = f"must have no more than {MAX_ELEMENTS:,} elements in all its lists"
        return FieldError(outermost_field.name if outermost_field else "", text, "message.max_elements")


_PACKABLE_TYPES = frozenset(
    kind
    for kind in range(1, FieldDescriptor.MAX_CPPTYPE + 1)
    if kind not in (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE)
)


def _find_contents(raw_bytes: bytes, offset: int, wire_type: int) -> tuple[int, int]:
    """Return the start and end of a field's contents. Raise `IndexError` or `MalformedMessage`."""
    if wire_type == _WIRE_LENGTH_DELIMITED:
        size_bytes = raw_bytes[offset]
        size_bytes, offset = (
            (size_bytes, offset + 1) if size_bytes < _CONTINUATION_BIT else _read_varint(raw_bytes, offset)
        )
        return offset, offset + size_bytes
    if wire_type == _WIRE_VARINT:
        return offset, _read_varint(raw_bytes, offset)[1]
    if wire_type == _WIRE_FIXED64:
        return offset, offset + 8
    if wire_type == _WIRE_FIXED32:
        return offset, offset + 4
    if wire_type in (_WIRE_GROUP_START, _WIRE_GROUP_END):
        # The contract has no groups. Fields within an unknown group count as fields of the message.
        return offset, offset
    raise MalformedMessage


def _read_varint(raw_bytes: bytes, offset: int) -> tuple[int, int]:
    """Return a number and the offset after it. Raise `IndexError` or `MalformedMessage`."""
    value = 0
    for index in range(_MAX_VARINT_BYTES):
        varint_byte = raw_bytes[offset + index]
        value |= (varint_byte & 0x7F) << 7 * index
        if varint_byte < _CONTINUATION_BIT:
            return value, offset + index + 1
    raise MalformedMessage
