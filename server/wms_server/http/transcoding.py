"""Between HTTP and the messages of a call: one way for every call, by its descriptors and its binding.

What the path, the query, the body and some headers say becomes the request; the answer, or the one field of
it that the binding names, becomes the body. No library that is kept does this in Python.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from wms_core.domain.errors import InvalidFields
from wms_server import validation
from wms_server.errors import status_of
from wms_server.http.beside_loop import MAX_INLINE_REQUEST_BYTES, beside_loop
from wms_server.http.bindings import Binding
from wms_server.http.conditions import ANY, IF_MATCH, refuse_other_conditions
from wms_server.http.faults import EnoughFaults, Faults, json_path
from wms_server.http.json_reading import Reading, fields_by_name
from wms_server.http.json_text import parse_json
from wms_server.http.json_writing import to_json
from wms_server.http.queries import read_query

#: Headers that say the same as a field of the request, where it has one.
FIELD_HEADERS = {"idempotency-key": "request_id", IF_MATCH: "etag", "last-event-id": "position"}


@dataclass(frozen=True, slots=True)
class Transcoded:
    """A request as a message; `refused` are elements of a batch that could not be read, by their places."""

    message: Message
    refused: Mapping[int, InvalidFields] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of its call; the body is JSON that was read, None when there is none."""

    values: tuple[bytes, ...] = ()
    query: bytes = b""
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, body: Any) -> "Asked":
        """Give the same with a body."""
        return replace(self, body=body)


class Transcoder:
    """Reads the requests and writes the answers of one binding; plain prices are in the currency."""

    def __init__(self, binding: Binding, currency: str) -> None:
        """Raises KeyError when the binding names fields that are not there."""
        self._binding = binding
        self._currency = currency
        self._kind = GetMessageClass(binding.call.input_type)
        self._answers = GetMessageClass(binding.call.output_type)
        self._variables = [_path_to(binding.call.input_type, name) for name in binding.template.variables]
        self._body = binding.call.input_type.fields_by_name[binding.body] if _is_field(binding.body) else None
        self._taken = frozenset(self._beside_query())
        if binding.response_body:
            binding.call.output_type.fields_by_name[binding.response_body]

    @property
    def takes_body(self) -> bool:
        """Whether the call has a body at all."""
        return bool(self._binding.body)

    async def read(self, asked: Asked, body: bytes | None = None) -> Transcoded:
        """Read a request, a large one beside the event loop. Raises BrokenJson, InvalidFields."""

        def read() -> Transcoded:
            return self.request(asked if body is None else asked.with_body(parse_json(body)))

        return await beside_loop(read, len(body or b""), MAX_INLINE_REQUEST_BYTES)

    def request(self, asked: Asked) -> Transcoded:
        """Read a request. Raises InvalidFields with all of its faults when some of it can't be read."""
        request, faults = self._kind(), Faults()
        try:
            self._read(request, asked, Reading(self._currency, faults))
        except EnoughFaults:
            raise InvalidFields(faults.found) from None
        if faults.found:
            broken = validation.invalid_fields(request)
            raise InvalidFields(faults.with_rules(self.named(broken).faults if broken else ()))
        return Transcoded(request, faults.of_elements)

    def named(self, error: InvalidFields) -> InvalidFields:
        """Give the error with the paths that the fields have in JSON."""
        kind, body = self._binding.call.input_type, self._binding.body
        named = [replace(fault, field=json_path(kind, fault.field, body)) for fault in error.faults]
        return InvalidFields(named, error.omitted)

    def answer(self, raw: bytes, refused: Mapping[int, InvalidFields] | None = None) -> Any:
        """Write an answer as what JSON is made from; the results of refused elements are their faults."""
        message: Any = self._answers.FromString(raw)
        for number, error in (refused or {}).items():
            message.results[number].status.CopyFrom(status_of(error))
        name = self._binding.response_body
        return to_json(getattr(message, name) if name else message)

    def _read(self, request: Message, asked: Asked, reading: Reading) -> None:
        if asked.body is not None:
            self._read_body(request, asked.body, reading)
        elif self._body is not None:
            getattr(request, self._body.name).SetInParent()
        for path, value in zip(self._variables, asked.values, strict=True):
            _set_variable(request, path, value, reading)
        if asked.query:
            read_query(request, asked.query, self._taken, reading)
        if not self._binding.reads:
            refuse_other_conditions(self._binding.call.input_type, asked.headers, reading.faults)
        for header, name in FIELD_HEADERS.items():
            if (text := asked.headers.get(header)) is not None:
                _set_from_header(request, name, header, text, reading)

    def _read_body(self, request: Message, body: Any, reading: Reading) -> None:
        if self._body is None:
            reading.message(request, body, "")
        else:
            held = getattr(request, self._body.name)
            held.SetInParent()
            reading.message(held, body, "")

    def _beside_query(self) -> Iterator[str]:
        """Name the fields that come from elsewhere."""
        if self._binding.body == "*":
            yield from self._binding.call.input_type.fields_by_name
        yield from (path[0].name for path in self._variables)
        if self._body is not None:
            yield self._body.name


def _is_field(body: str) -> bool:
    return body not in ("", "*")


def _path_to(message: Descriptor, name: str) -> list[FieldDescriptor]:
    """Give the fields that lead to one within a message; it holds text."""
    *above, last = name.split(".")
    path: list[FieldDescriptor] = []
    for part in above:
        path.append(message.fields_by_name[part])
        assert path[-1].message_type is not None, f"{name}: {part} has no fields"
        message = path[-1].message_type
    path.append(message.fields_by_name[last])
    assert path[-1].type == FieldDescriptor.TYPE_STRING, f"{name}: only text stands in a path"
    return path


def _set_variable(request: Message, path: list[FieldDescriptor], value: bytes, reading: Reading) -> None:
    *above, last = path
    holder = request
    for one in above:
        holder = getattr(holder, one.name)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        reading.faults.add(last.json_name, "is not UTF-8 with percent signs in the path", "path.text")
        return
    there = getattr(holder, last.name)
    if there not in ("", text):
        reading.faults.add(last.json_name, f"is {there!r} here and {text!r} in the path", "path.differs")
    else:
        setattr(holder, last.name, text)


def _set_from_header(request: Message, name: str, header: str, text: str, reading: Reading) -> None:
    target = fields_by_name(request.DESCRIPTOR).get(name)
    if target is None or text == ANY:
        return
    if header == IF_MATCH and not text:
        # No condition is not what the caller means, who has written one from a variable that is empty.
        reading.faults.add(IF_MATCH, "has no etag", "header.condition")
        return
    if header == "idempotency-key" and len(text) > 1 and text[0] == text[-1] == '"':
        # The draft of this header has it in quotes; an etag has them for its own.
        text = text[1:-1]
    if header == "last-event-id":
        # It is newer than the position that the stream once began with.
        request.ClearField(name)
    elif getattr(request, name) not in ("", text):
        reading.faults.add(target.json_name, f"is something else in the header {header}", "header.differs")
        return
    reading.one(request, target, text, target.json_name)
