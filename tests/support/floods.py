"""Requests that are as large as their call takes and consist of the smallest elements of one list.

They are made from the descriptors of the contract, so that a new call and a new list are tried by themselves.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from buf.validate import validate_pb2
from tests.support.raw import field as wire
from tests.support.raw import varint
from wms_server.request_limits import MAX_ELEMENTS, max_items

_F = FieldDescriptor
_TEXTS = {"country": "US", "currency_code": "USD", "wave_id": "WAVE-2024-00001"}


@dataclass(frozen=True, slots=True)
class Flood:
    """A list of a request by the fields that lead to it, and whether its elements keep their rules."""

    method: MethodDescriptor
    path: tuple[FieldDescriptor, ...]
    is_good: bool

    @property
    def name(self) -> str:
        """The call, the list and the kind of its elements."""
        where = ".".join(one.name for one in self.path)
        return f"{self.method.name}-{where}-{'good' if self.is_good else 'bad'}"

    def message(self, size: int) -> bytes:
        """Return a request of this size at most; every message above the list is there once."""
        *above, last = self.path
        element = _element(last, good=self.is_good)
        # What is around it takes a few bytes for each message.
        body = element * ((size - 10 * len(self.path)) // len(element))
        for one in reversed(above):
            body = wire(one.number, body)
        return body

    def message_of_many(self, size: int) -> bytes | None:
        """Return a request whose outer list has many elements with one each; None where no list is around."""
        if len(self.path) < 2 or not self.path[0].is_repeated:
            return None
        body = _element(self.path[-1], good=self.is_good)
        for one in reversed(self.path[:-1]):
            body = wire(one.number, body)
        return body * (size // len(body))

    def longest_allowed(self) -> bytes:
        """Return a request whose lists are as long as they may be, with all faults in each element."""
        *above, last = self.path
        around = prod(max_items(one) for one in above if one.is_repeated)
        body = _worst(last) * min(max_items(last), MAX_ELEMENTS // around - 1)
        for one in reversed(above):
            body = wire(one.number, body) * (max_items(one) if one.is_repeated else 1)
        return body

    def json(self, size: int) -> bytes:
        """Return the same as JSON, the whole request as one object."""
        *above, last = self.path
        element = json.dumps(_json_element(last, good=self.is_good), separators=(",", ":"))
        text = "[" + ",".join([element] * ((size - 60 * len(self.path)) // (len(element) + 1))) + "]"
        text = f'{{"{last.json_name}":{text}}}'
        for one in reversed(above):
            text = f"[{text}]" if one.is_repeated else text
            text = f'{{"{one.json_name}":{text}}}'
        return text.encode()


def lists_of(method: MethodDescriptor) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Yield the way to every list of a call's request, at any depth."""
    yield from _lists(method.input_type, ())


def floods(method: MethodDescriptor) -> list[Flood]:
    """Return both kinds of floods for every list of a call's request."""
    return [Flood(method, path, good) for path in lists_of(method) for good in (False, True)]


def _lists(message: Descriptor, above: tuple[FieldDescriptor, ...]) -> Iterator[tuple[FieldDescriptor, ...]]:
    for one in message.fields:
        if one.is_repeated:
            yield (*above, one)
        if one.message_type is not None and one.message_type not in [field.message_type for field in above]:
            yield from _lists(one.message_type, (*above, one))


def _element(field: FieldDescriptor, *, good: bool) -> bytes:
    kind = field.message_type
    if kind is not None:
        return wire(field.number, _good_message(kind) if good else b"")
    if field.type == _F.TYPE_STRING:
        return wire(field.number, b"a" if good else b"")
    return varint(field.number << 3) + varint(1 if good else 99)


def _worst(field: FieldDescriptor) -> bytes:
    """Return an element in which every text, number and message breaks its rules."""
    if field.message_type is not None:
        nested = [one for one in field.message_type.fields if one.message_type != field.message_type]
        return wire(field.number, b"".join(_worst(one) for one in nested))
    if field.type == _F.TYPE_STRING:
        return wire(field.number, b"\n")
    return varint(field.number << 3) + varint(99 if field.type == _F.TYPE_ENUM else -1)


def _json_element(field: FieldDescriptor, *, good: bool) -> Any:
    if field.message_type is not None:
        return _json_message(field.message_type) if good else {}
    if field.type == _F.TYPE_STRING:
        return "a" if good else ""
    return 1 if good else 99


def _good_message(message: Descriptor) -> bytes:
    """Return the smallest message that keeps the rules, as far as fields say that they are required."""
    made: Any = GetMessageClass(message)()
    for field in message.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if not (rules.required or rules.int32.gte > 0):
            continue
        kind = field.message_type
        if kind is not None:
            held = getattr(made, field.name)
            (held.add() if field.is_repeated else held).MergeFromString(_good_message(kind))
        else:
            setattr(made, field.name, _TEXTS.get(field.name, "a") if field.type == _F.TYPE_STRING else 1)
    written: bytes = made.SerializeToString()
    return written


def _json_message(message: Descriptor) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in message.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if not (rules.required or rules.int32.gte > 0):
            continue
        value: Any
        if field.message_type is not None:
            value = _json_message(field.message_type)
        else:
            value = _TEXTS.get(field.name, "a") if field.type == _F.TYPE_STRING else 1
        made[field.json_name] = [value] if field.is_repeated else value
    return made
