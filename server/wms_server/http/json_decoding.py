"""Decoding of JSON to messages, by descriptors: proto JSON with the Order Service specification's names."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from wms_core.domain.errors import FieldError, InvalidFields
from wms_server.calls import validation
from wms_server.calls.order_batches import MAX_BATCH_FIELD_ERRORS
from wms_server.http.field_errors import FieldErrorCollector, TooManyFieldErrors, to_json_path
from wms_server.http.scalar_parsing import InvalidValue, get_scalar_parser, parse_money, parse_time
from wms_server.limits.request_limits import get_max_items

_MONEY_TYPE = "google.type.Money"
_TIMESTAMP_TYPE = "google.protobuf.Timestamp"
_WELL_KNOWN_PREFIX = "google.protobuf."


@dataclass(frozen=True, slots=True)
class JsonDecoder:
    """Decodes one request; prices without a currency get the default, and errors go to the collector."""

    default_currency: str
    error_collector: FieldErrorCollector

    def decode_message(self, target_message: Message, value: Any, path: str) -> None:
        """Fill a message from a JSON object; values that cannot be decoded become field errors."""
        if not isinstance(value, dict):
            self.error_collector.add(path or "body", "must be an object", "json.object")
            if not path:
                raise TooManyFieldErrors
            return
        for name in getattr(value, "duplicate_keys", ()):
            self.error_collector.add(join_path(path, name), "must not occur twice", "json.twice")
        known_fields = get_fields_by_name(target_message.DESCRIPTOR)
        seen_names: set[str] = set()
        for name, member_json in value.items():
            field_descriptor = known_fields.get(name)
            if field_descriptor is None:
                unknown_hint = (
                    _describe_unknown_field(known_fields, name)
                    if self.error_collector.hint_budget.take_hint()
                    else "is unknown"
                )
                self.error_collector.add(join_path(path, name[:100]), unknown_hint, "json.unknown")
            elif field_descriptor.name in seen_names:
                self.error_collector.add(
                    join_path(path, name), "must not occur twice, by two names", "json.twice"
                )
            elif member_json is not None:
                seen_names.add(field_descriptor.name)
                self.decode_field(
                    target_message, field_descriptor, member_json, join_path(path, field_descriptor.json_name)
                )

    def decode_field(
        self, target_message: Message, field_descriptor: FieldDescriptor, value: Any, path: str
    ) -> None:
        """Decode the value of a field, an array if the field is repeated."""
        if _is_oneof_set(target_message, field_descriptor):
            self.error_collector.add(path, "excludes another field of the same oneof", "json.oneof")
        elif not field_descriptor.is_repeated:
            self.decode_singular_field(target_message, field_descriptor, value, path)
        elif (
            field_descriptor.message_type is not None and field_descriptor.message_type.GetOptions().map_entry
        ):
            self._decode_well_known(target_message, {field_descriptor.json_name: value}, path)
        elif not isinstance(value, list):
            self.error_collector.add(path, "must be an array", "json.array")
        elif 0 < (max_elements := get_max_items(field_descriptor)) < len(value):
            self.error_collector.add(
                path, f"must contain no more than {max_elements} items", "repeated.max_items"
            )
        else:
            self._decode_elements(
                getattr(target_message, field_descriptor.name), field_descriptor, value, path
            )

    def _decode_well_known(self, target_message: Message, value: Any, path: str) -> None:
        """Decode a well-known type, for which proto JSON defines its own form."""
        try:
            json_format.ParseDict(_with_floats(value), target_message)
        except (json_format.ParseError, TypeError, AttributeError, ValueError):
            self.error_collector.add(path, f"must be a valid {target_message.DESCRIPTOR.name}", "json.value")

    def _decode_elements(
        self, repeated_field: Any, field_descriptor: FieldDescriptor, values: list[Any], path: str
    ) -> None:
        is_separate = is_validated_separately(field_descriptor)
        for element_index, value in enumerate(values):
            element_path = f"{path}[{element_index}]"
            if is_separate:
                self._decode_separate_element(repeated_field.add(), value, element_index, element_path)
            elif field_descriptor.message_type is not None:
                self._decode_submessage(repeated_field.add(), value, element_path)
            else:
                self._decode_scalar(
                    field_descriptor,
                    value,
                    element_path,
                    repeated_field.append,
                    stand_in="" if _is_text(field_descriptor) else 0,
                )

    def _decode_separate_element(
        self, target_message: Message, value: Any, element_index: int, element_path: str
    ) -> None:
        """Decode an element of a batch; an invalid one becomes an empty message, so indexes stay the same."""
        error_collector = FieldErrorCollector(self.error_collector.hint_budget)
        message_descriptor: Any = target_message.DESCRIPTOR
        if not isinstance(value, dict):
            self.error_collector.errors_by_element[element_index] = InvalidFields(
                [FieldError(element_path, "must be an object", "json.object")]
            )
            return
        with suppress(TooManyFieldErrors):
            JsonDecoder(self.default_currency, error_collector).decode_message(target_message, value, "")
        if error_collector.field_errors:
            error = validation.find_invalid_fields(
                target_message, fail_fast=self.error_collector.batch_error_count >= MAX_BATCH_FIELD_ERRORS
            )
            rule_errors = error.field_errors if error else ()
            json_rule_errors = (
                replace(field_error, field=to_json_path(message_descriptor, field_error.field))
                for field_error in rule_errors
            )
            self.error_collector.errors_by_element[element_index] = InvalidFields(
                error_collector.with_rule_errors(json_rule_errors)
            )
            self.error_collector.batch_error_count += len(
                self.error_collector.errors_by_element[element_index].field_errors
            )
            target_message.Clear()

    def decode_singular_field(
        self, target_message: Message, field_descriptor: FieldDescriptor, value: Any, path: str
    ) -> None:
        """Decode one value into a field that is not repeated."""
        if field_descriptor.message_type is not None:
            field_message = getattr(target_message, field_descriptor.name)
            field_message.SetInParent()
            self._decode_submessage(field_message, value, path)
        else:
            self._decode_scalar(
                field_descriptor,
                value,
                path,
                lambda decoded_scalar: setattr(target_message, field_descriptor.name, decoded_scalar),
            )

    def _decode_scalar(
        self,
        field_descriptor: FieldDescriptor,
        value: Any,
        path: str,
        store_scalar: Callable[[Any], object],
        stand_in: Any = None,
    ) -> None:
        try:
            store_scalar(_get_scalar_parser(field_descriptor)(value))
        except InvalidValue as error:
            self.error_collector.add(path, str(error), "json.value")
            if stand_in is not None:
                # A placeholder keeps the indexes of the following elements.
                store_scalar(stand_in)

    def _decode_submessage(self, target_message: Message, value: Any, path: str) -> None:
        type_name = target_message.DESCRIPTOR.full_name
        try:
            if type_name == _TIMESTAMP_TYPE:
                target_message.CopyFrom(parse_time(value))
            elif type_name == _MONEY_TYPE and not isinstance(value, dict):
                target_message.CopyFrom(parse_money(value, self.default_currency))
            elif type_name.startswith(_WELL_KNOWN_PREFIX):
                self._decode_well_known(target_message, value, path)
            else:
                self.decode_message(target_message, value, path)
        except InvalidValue as error:
            self.error_collector.add(path, str(error), "json.value")


def join_path(path: str, name: str) -> str:
    """Return the path of a member."""
    return f"{path}.{name}" if path else name


@cache
def get_fields_by_name(message_descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """Return the fields by both of their names, the JSON name and the proto name."""
    return {
        name: field_descriptor
        for field_descriptor in message_descriptor.fields
        for name in (field_descriptor.name, field_descriptor.json_name)
    }


@cache
def is_validated_separately(field_descriptor: FieldDescriptor) -> bool:
    """Return whether elements are validated separately, so that each has its own result in the response."""
    field_rules = field_descriptor.GetOptions().Extensions[validate_pb2.field]
    return field_rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS


@cache
def _get_scalar_parser(field_descriptor: FieldDescriptor) -> Callable[[Any], Any]:
    return get_scalar_parser(field_descriptor)


def _is_text(field_descriptor: FieldDescriptor) -> bool:
    return field_descriptor.type == FieldDescriptor.TYPE_STRING


def _is_oneof_set(target_message: Message, field_descriptor: FieldDescriptor) -> bool:
    """Return whether another member of the field's oneof is set."""
    oneof_descriptor = field_descriptor.containing_oneof
    return oneof_descriptor is not None and target_message.WhichOneof(oneof_descriptor.name) is not None


def _with_floats(value: Any) -> Any:
    """Return JSON with floats in place of decimals, as protobuf's parser expects it."""
    return json.loads(json.dumps(value, default=float))


def _describe_unknown_field(known_fields: dict[str, FieldDescriptor], name: str) -> str:
    json_names = list(dict.fromkeys(field_descriptor.json_name for field_descriptor in known_fields.values()))
    close_names = get_close_matches(name[:100], json_names, n=1)
    if close_names:
        return f"is unknown; did you mean {close_names[0]}?"
    return (
        f"is unknown; known fields: {', '.join(json_names)}"
        if json_names
        else "is unknown; this object has no fields"
    )
