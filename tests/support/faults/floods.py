"""Requests of maximum size that consist of the smallest elements of one list.

They are generated from the descriptors of the contract, so new calls and lists are tested without changes.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from buf.validate import validate_pb2
from tests.support.clients.raw_calls import encode_field as wire
from tests.support.clients.raw_calls import encode_varint
from wms_server.limits.request_limits import MAX_ELEMENTS, get_max_items

_VALID_TEXTS = {"country": "US", "currency_code": "USD", "wave_id": "WAVE-2024-00001"}


@dataclass(frozen=True, slots=True)
class FloodRequest:
    """A list of a request, by the fields that lead to it, and whether its elements are valid."""

    method: MethodDescriptor
    list_path: tuple[FieldDescriptor, ...]
    has_valid_elements: bool

    @property
    def name(self) -> str:
        """The call, the list and the validity of its elements."""
        dotted_path = ".".join(path_field.name for path_field in self.list_path)
        return f"{self.method.name}-{dotted_path}-{'good' if self.has_valid_elements else 'bad'}"

    def build_message(self, size: int) -> bytes:
        """Return a request of at most `size` bytes, with one message at each level above the list."""
        *parent_fields, list_field = self.list_path
        element = _build_element(list_field, is_valid=self.has_valid_elements)
        # Each message around the list takes a few bytes.
        body = element * ((size - 10 * len(self.list_path)) // len(element))
        for parent_field in reversed(parent_fields):
            body = wire(parent_field.number, body)
        return body

    def build_nested_message(self, size: int) -> bytes | None:
        """Return a request whose outer list has many elements with one element each; None without one."""
        if len(self.list_path) < 2 or not self.list_path[0].is_repeated:
            return None
        body = _build_element(self.list_path[-1], is_valid=self.has_valid_elements)
        for parent_field in reversed(self.list_path[:-1]):
            body = wire(parent_field.number, body)
        return body * (size // len(body))

    def build_longest_allowed(self) -> bytes:
        """Return a request whose lists have the maximum length, with all fields of each element invalid."""
        *parent_fields, list_field = self.list_path
        outer_elements = prod(
            get_max_items(parent_field) for parent_field in parent_fields if parent_field.is_repeated
        )
        body = _build_worst_element(list_field) * min(
            get_max_items(list_field), MAX_ELEMENTS // outer_elements - 1
        )
        for parent_field in reversed(parent_fields):
            body = wire(parent_field.number, body) * (
                get_max_items(parent_field) if parent_field.is_repeated else 1
            )
        return body

    def build_json(self, size: int) -> bytes:
        """Return the request as JSON, of at most `size` bytes."""
        *parent_fields, list_field = self.list_path
        element = json.dumps(
            _build_json_element(list_field, is_valid=self.has_valid_elements), separators=(",", ":")
        )
        text = "[" + ",".join([element] * ((size - 60 * len(self.list_path)) // (len(element) + 1))) + "]"
        text = f'{{"{list_field.json_name}":{text}}}'
        for parent_field in reversed(parent_fields):
            text = f"[{text}]" if parent_field.is_repeated else text
            text = f'{{"{parent_field.json_name}":{text}}}'
        return text.encode()


def find_list_paths(method: MethodDescriptor) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Yield the path of fields to every list of a call's request, at any depth."""
    yield from _walk_list_paths(method.input_type, ())


def build_floods(method: MethodDescriptor) -> list[FloodRequest]:
    """Return floods of valid and invalid elements for every list of a call's request."""
    return [
        FloodRequest(method, path, has_valid_elements)
        for path in find_list_paths(method)
        for has_valid_elements in (False, True)
    ]


def _walk_list_paths(
    message_descriptor: Descriptor, parent_fields: tuple[FieldDescriptor, ...]
) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field_descriptor in message_descriptor.fields:
        if field_descriptor.is_repeated:
            yield (*parent_fields, field_descriptor)
        if field_descriptor.message_type is not None and field_descriptor.message_type not in [
            field.message_type for field in parent_fields
        ]:
            yield from _walk_list_paths(field_descriptor.message_type, (*parent_fields, field_descriptor))


def _build_element(field: FieldDescriptor, *, is_valid: bool) -> bytes:
    message_descriptor = field.message_type
    if message_descriptor is not None:
        return wire(field.number, _build_valid_message(message_descriptor) if is_valid else b"")
    if field.type == FieldDescriptor.TYPE_STRING:
        return wire(field.number, b"a" if is_valid else b"")
    return encode_varint(field.number << 3) + encode_varint(1 if is_valid else 99)


def _build_worst_element(field: FieldDescriptor) -> bytes:
    """Return an element whose texts, numbers and messages are all invalid."""
    if field.message_type is not None:
        nested_fields = [
            nested_field
            for nested_field in field.message_type.fields
            if nested_field.message_type != field.message_type
        ]
        return wire(
            field.number, b"".join(_build_worst_element(nested_field) for nested_field in nested_fields)
        )
    if field.type == FieldDescriptor.TYPE_STRING:
        return wire(field.number, b"\n")
    return encode_varint(field.number << 3) + encode_varint(
        99 if field.type == FieldDescriptor.TYPE_ENUM else -1
    )


def _build_json_element(field: FieldDescriptor, *, is_valid: bool) -> Any:
    if field.message_type is not None:
        return _build_valid_json(field.message_type) if is_valid else {}
    if field.type == FieldDescriptor.TYPE_STRING:
        return "a" if is_valid else ""
    return 1 if is_valid else 99


def _build_valid_message(message: Descriptor) -> bytes:
    """Return the smallest valid message, by the rules for required fields."""
    valid_message: Any = GetMessageClass(message)()
    for field in message.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if not (rules.required or rules.int32.gte > 0):
            continue
        kind = field.message_type
        if kind is not None:
            field_message = getattr(valid_message, field.name)
            (field_message.add() if field.is_repeated else field_message).MergeFromString(
                _build_valid_message(kind)
            )
        else:
            setattr(
                valid_message,
                field.name,
                _VALID_TEXTS.get(field.name, "a") if field.type == FieldDescriptor.TYPE_STRING else 1,
            )
    message_bytes: bytes = valid_message.SerializeToString()
    return message_bytes


def _build_valid_json(message: Descriptor) -> dict[str, Any]:
    valid_json: dict[str, Any] = {}
    for field in message.fields:
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if not (rules.required or rules.int32.gte > 0):
            continue
        value: Any
        if field.message_type is not None:
            value = _build_valid_json(field.message_type)
        else:
            value = _VALID_TEXTS.get(field.name, "a") if field.type == FieldDescriptor.TYPE_STRING else 1
        valid_json[field.json_name] = [value] if field.is_repeated else value
    return valid_json
