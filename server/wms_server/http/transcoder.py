"""Transcoding between HTTP requests and messages: query, path, body and headers of one binding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from wms_core.domain.errors import InvalidFields
from wms_core.domain.events.events import to_camel_case
from wms_server.calls import validation
from wms_server.calls.error_status import to_status
from wms_server.http.beside_loop import MAX_INLINE_REQUEST_BYTES, run_off_event_loop
from wms_server.http.bindings import HttpBinding
from wms_server.http.conditional_requests import ANY_ETAG, IF_MATCH, reject_other_conditions
from wms_server.http.field_errors import FieldErrorCollector, TooManyFieldErrors, to_json_path
from wms_server.http.json_decoding import JsonDecoder, get_fields_by_name
from wms_server.http.json_encoding import message_to_json
from wms_server.http.json_parser import parse_json

_BOOLEAN_LITERALS = {"true": True, "false": False}
_FIELD_MASK_TYPE = "google.protobuf.FieldMask"


def read_query(
    target_message: Message, query_string: bytes, excluded_fields: frozenset[str], json_decoder: JsonDecoder
) -> None:
    """Fill a request from a query string; `excluded_fields` come from the path or the body."""
    texts_by_parameter: dict[str, tuple[str, list[str]]] = {}
    try:
        query_pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        json_decoder.error_collector.add("query", "must be percent-encoded UTF-8", "query.text")
        return
    for name, text in query_pairs:
        # Both names of a field (JSON and proto) are one parameter.
        texts_by_parameter.setdefault(to_camel_case(name), (name, []))[1].append(text)
    for name, parameter_texts in texts_by_parameter.values():
        _read_parameter(target_message, name, parameter_texts, excluded_fields, json_decoder)


def _read_parameter(
    target_message: Message,
    name: str,
    parameter_texts: list[str],
    excluded_fields: frozenset[str],
    json_decoder: JsonDecoder,
) -> None:
    parent_message, field_names = target_message, name.split(".")
    path: list[str] = []
    for depth, field_name in enumerate(field_names):
        field_descriptor = get_fields_by_name(parent_message.DESCRIPTOR).get(field_name)
        is_last = depth == len(field_names) - 1
        if (
            field_descriptor is None
            or (depth == 0 and field_descriptor.name in excluded_fields)
            or is_last != is_query_parameter(field_descriptor)
        ):
            json_decoder.error_collector.add(
                name[:100], _describe_unknown_parameter(target_message, excluded_fields), "query.unknown"
            )
            return
        path.append(field_descriptor.json_name)
        if is_last:
            _set_parameter(parent_message, field_descriptor, parameter_texts, ".".join(path), json_decoder)
        else:
            parent_message = getattr(parent_message, field_descriptor.name)


def is_query_parameter(field_descriptor: FieldDescriptor) -> bool:
    """Return whether a field can be written as the text of one parameter."""
    message_descriptor = field_descriptor.message_type
    if message_descriptor is None:
        return True
    return not field_descriptor.is_repeated and message_descriptor.full_name.startswith("google.protobuf.")


def _set_parameter(
    parent_message: Message,
    field_descriptor: FieldDescriptor,
    parameter_texts: list[str],
    path: str,
    json_decoder: JsonDecoder,
) -> None:
    values = [_text_to_json(field_descriptor, text) for text in parameter_texts]
    if field_descriptor.is_repeated:
        json_decoder.decode_field(parent_message, field_descriptor, values, path)
    elif len(values) > 1:
        json_decoder.error_collector.add(path, "must not be repeated", "query.twice")
    else:
        json_decoder.decode_field(parent_message, field_descriptor, values[0], path)


def _text_to_json(field_descriptor: FieldDescriptor, text: str) -> Any:
    """Return the JSON value of a parameter's text."""
    if field_descriptor.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _BOOLEAN_LITERALS.get(text, text)
    if (
        field_descriptor.message_type is not None
        and field_descriptor.message_type.full_name == _FIELD_MASK_TYPE
    ):
        return ",".join(to_camel_case(path) for path in text.split(","))
    return text


def _describe_unknown_parameter(target_message: Message, excluded_fields: frozenset[str]) -> str:
    parameter_names = [
        field_descriptor.json_name
        for field_descriptor in target_message.DESCRIPTOR.fields
        if field_descriptor.name not in excluded_fields
    ]
    return (
        f"is not a parameter of this call; parameters: {', '.join(parameter_names)}"
        if parameter_names
        else "is not a parameter of this call; it has none"
    )


#: Headers that set a field of the request, if the request has that field.
FIELD_HEADERS = {"idempotency-key": "request_id", IF_MATCH: "etag", "last-event-id": "position"}


@dataclass(frozen=True, slots=True)
class TranscodedRequest:
    """A request message, and by index the errors of a batch's elements that could not be decoded."""

    request_message: Message
    errors_by_element: Mapping[int, InvalidFields] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpRequestData:
    """The parts of an HTTP request that the transcoder reads; `json_body` is None without a body."""

    path_values: tuple[bytes, ...] = ()
    query_string: bytes = b""
    json_body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_body(self, json_body: Any) -> "HttpRequestData":
        """Return a copy with this body."""
        return replace(self, json_body=json_body)


class HttpTranscoder:
    """Decodes the requests and encodes the responses of one binding."""

    def __init__(self, http_binding: HttpBinding, default_currency: str) -> None:
        """Raise `KeyError` when the binding names unknown fields."""
        self._http_binding = http_binding
        self._default_currency = default_currency
        self._request_class = GetMessageClass(http_binding.method_descriptor.input_type)
        self._response_class = GetMessageClass(http_binding.method_descriptor.output_type)
        self._variable_paths = [
            _find_field_path(http_binding.method_descriptor.input_type, name)
            for name in http_binding.path_template.variable_names
        ]
        self._body_field = (
            http_binding.method_descriptor.input_type.fields_by_name[http_binding.body_field]
            if _is_field_name(http_binding.body_field)
            else None
        )
        self._excluded_fields = frozenset(self._list_excluded_fields())
        if http_binding.response_field:
            http_binding.method_descriptor.output_type.fields_by_name[http_binding.response_field]

    @property
    def is_body_allowed(self) -> bool:
        """Whether the binding allows a body."""
        return bool(self._http_binding.body_field)

    async def decode_request(
        self, http_request: HttpRequestData, body_bytes: bytes | None = None
    ) -> TranscodedRequest:
        """Decode a request; a large body is decoded in a thread.

        Raises:
            BrokenJson: the body is not valid JSON.
            InvalidFields: some fields cannot be decoded.
        """

        def parse_request() -> TranscodedRequest:
            return self.build_request(
                http_request if body_bytes is None else http_request.with_body(parse_json(body_bytes))
            )

        return await run_off_event_loop(parse_request, len(body_bytes or b""), MAX_INLINE_REQUEST_BYTES)

    def build_request(self, http_request: HttpRequestData) -> TranscodedRequest:
        """Build the message of a request.

        Raises:
            InvalidFields: some fields cannot be decoded; it also has the rule errors of the others.
        """
        request, error_collector = self._request_class(), FieldErrorCollector()
        try:
            self._fill_request(request, http_request, JsonDecoder(self._default_currency, error_collector))
        except TooManyFieldErrors:
            raise InvalidFields(error_collector.field_errors) from None
        if error_collector.field_errors:
            rule_errors = validation.find_invalid_fields(request)
            raise InvalidFields(
                error_collector.with_rule_errors(
                    self.with_json_paths(rule_errors).field_errors if rule_errors else ()
                )
            )
        return TranscodedRequest(request, error_collector.errors_by_element)

    def with_json_paths(self, error: InvalidFields) -> InvalidFields:
        """Return the error with JSON paths of its fields."""
        request_descriptor, body_field = (
            self._http_binding.method_descriptor.input_type,
            self._http_binding.body_field,
        )
        renamed_errors = [
            replace(field_error, field=to_json_path(request_descriptor, field_error.field, body_field))
            for field_error in error.field_errors
        ]
        return InvalidFields(renamed_errors, error.omitted)

    def encode_response(
        self, response_bytes: bytes, errors_by_element: Mapping[int, InvalidFields] | None = None
    ) -> Any:
        """Return a response as a value for `json.dumps`; results of invalid elements get their errors."""
        response_message: Any = self._response_class.FromString(response_bytes)
        for element_index, error in (errors_by_element or {}).items():
            response_message.results[element_index].status.CopyFrom(to_status(error))
        response_field = self._http_binding.response_field
        return message_to_json(
            getattr(response_message, response_field) if response_field else response_message
        )

    def _fill_request(
        self, request: Message, http_request: HttpRequestData, json_decoder: JsonDecoder
    ) -> None:
        if http_request.json_body is not None:
            self._fill_from_body(request, http_request.json_body, json_decoder)
        elif self._body_field is not None:
            getattr(request, self._body_field.name).SetInParent()
        for field_path, value in zip(self._variable_paths, http_request.path_values, strict=True):
            _set_variable(request, field_path, value, json_decoder)
        if http_request.query_string:
            read_query(request, http_request.query_string, self._excluded_fields, json_decoder)
        if not self._http_binding.is_read_only:
            reject_other_conditions(
                self._http_binding.method_descriptor.input_type,
                http_request.headers,
                json_decoder.error_collector,
            )
        for header, field_name in FIELD_HEADERS.items():
            if (text := http_request.headers.get(header)) is not None:
                _set_from_header(request, field_name, header, text, json_decoder)

    def _fill_from_body(self, request: Message, json_body: Any, json_decoder: JsonDecoder) -> None:
        if self._body_field is None:
            json_decoder.decode_message(request, json_body, "")
        else:
            field_message = getattr(request, self._body_field.name)
            field_message.SetInParent()
            json_decoder.decode_message(field_message, json_body, "")

    def _list_excluded_fields(self) -> Iterator[str]:
        """Yield the fields that the path or the body contains."""
        if self._http_binding.body_field == "*":
            yield from self._http_binding.method_descriptor.input_type.fields_by_name
        yield from (field_path[0].name for field_path in self._variable_paths)
        if self._body_field is not None:
            yield self._body_field.name


def _is_field_name(body_field: str) -> bool:
    return body_field not in ("", "*")


def _find_field_path(message_descriptor: Descriptor, dotted_name: str) -> list[FieldDescriptor]:
    """Return the fields on the path to a string field within a message."""
    *parent_names, last_name = dotted_name.split(".")
    field_path: list[FieldDescriptor] = []
    for parent_name in parent_names:
        field_path.append(message_descriptor.fields_by_name[parent_name])
        assert field_path[-1].message_type is not None, f"{dotted_name}: {parent_name} has no fields"
        message_descriptor = field_path[-1].message_type
    field_path.append(message_descriptor.fields_by_name[last_name])
    assert field_path[-1].type == FieldDescriptor.TYPE_STRING, (
        f"{dotted_name}: a path variable must be a string field"
    )
    return field_path


def _set_variable(
    request: Message, field_path: list[FieldDescriptor], value: bytes, json_decoder: JsonDecoder
) -> None:
    *parent_fields, last_field = field_path
    parent_message = request
    for parent_field in parent_fields:
        parent_message = getattr(parent_message, parent_field.name)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        json_decoder.error_collector.add(
            last_field.json_name, "must be percent-encoded UTF-8 in the path", "path.text"
        )
        return
    current_text = getattr(parent_message, last_field.name)
    if current_text not in ("", text):
        json_decoder.error_collector.add(
            last_field.json_name, f"is {current_text!r} in the body but {text!r} in the path", "path.differs"
        )
    else:
        setattr(parent_message, last_field.name, text)


def _set_from_header(
    request: Message, field_name: str, header_name: str, text: str, json_decoder: JsonDecoder
) -> None:
    field_descriptor = get_fields_by_name(request.DESCRIPTOR).get(field_name)
    if field_descriptor is None or text == ANY_ETAG:
        return
    if header_name == IF_MATCH and not text:
        # The client meant a condition: probably it built the header from an empty variable.
        json_decoder.error_collector.add(IF_MATCH, "has no etag", "header.condition")
        return
    if header_name == "idempotency-key" and len(text) > 1 and text[0] == text[-1] == '"':
        # Drafts of this header define a quoted string. The quotes of an etag are part of it.
        text = text[1:-1]
    if header_name == "last-event-id":
        # It is newer than the position with which the stream was first requested.
        request.ClearField(field_name)
    elif getattr(request, field_name) not in ("", text):
        json_decoder.error_collector.add(
            field_descriptor.json_name, f"differs from the header {header_name}", "header.differs"
        )
        return
    json_decoder.decode_singular_field(request, field_descriptor, text, field_descriptor.json_name)
