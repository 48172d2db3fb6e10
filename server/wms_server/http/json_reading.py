"""Messages from JSON, by the descriptors: proto JSON with the words of the Order Service document."""

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
from wms_core.domain.errors import FieldFault, InvalidFields
from wms_server import validation
from wms_server.http.faults import EnoughFaults, Faults, json_path
from wms_server.http.scalars import Unreadable, money_of, scalar_reader, time_of
from wms_server.order_batches import MAX_BATCH_FAULTS
from wms_server.request_limits import max_items

_MONEY = "google.type.Money"
_TIMESTAMP = "google.protobuf.Timestamp"
_WELL_KNOWN = "google.protobuf."


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one request needs: the currency of plain prices, and where faults go."""

    currency: str
    faults: Faults

    def message(self, target: Message, value: Any, path: str) -> None:
        """Fill a message from a JSON object; what can't be read is left out and becomes a fault."""
        if not isinstance(value, dict):
            self.faults.add(path or "body", "must be an object", "json.object")
            if not path:
                raise EnoughFaults
            return
        for name in getattr(value, "twice", ()):
            self.faults.add(joined(path, name), "is there twice", "json.twice")
        known = fields_by_name(target.DESCRIPTOR)
        seen: set[str] = set()
        for name, content in value.items():
            field = known.get(name)
            if field is None:
                hint = _unknown(known, name) if self.faults.hints.take() else "is not known here"
                self.faults.add(joined(path, name[:100]), hint, "json.unknown")
            elif field.name in seen:
                self.faults.add(joined(path, name), "is there twice, by two names", "json.twice")
            elif content is not None:
                seen.add(field.name)
                self.field(target, field, content, joined(path, field.json_name))

    def field(self, target: Message, field: FieldDescriptor, value: Any, path: str) -> None:
        """Read what a field of a message holds, an array when it is repeated."""
        if _is_set_otherwise(target, field):
            self.faults.add(path, "can't be there together with another form of the same", "json.oneof")
        elif not field.is_repeated:
            self.one(target, field, value, path)
        elif field.message_type is not None and field.message_type.GetOptions().map_entry:
            self._known(target, {field.json_name: value}, path)
        elif not isinstance(value, list):
            self.faults.add(path, "must be an array", "json.array")
        elif 0 < (limit := max_items(field)) < len(value):
            self.faults.add(path, f"must contain no more than {limit} items", "repeated.max_items")
        else:
            self._elements(getattr(target, field.name), field, value, path)

    def _known(self, target: Message, value: Any, path: str) -> None:
        """Read what proto JSON has a form of its own for."""
        try:
            json_format.ParseDict(_plain(value), target)
        except (json_format.ParseError, TypeError, AttributeError, ValueError):
            self.faults.add(path, f"can't be read as a {target.DESCRIPTOR.name}", "json.value")

    def _elements(self, target: Any, field: FieldDescriptor, values: list[Any], path: str) -> None:
        alone = is_judged_alone(field)
        for number, value in enumerate(values):
            place = f"{path}[{number}]"
            if alone:
                self._element(target.add(), value, number, place)
            elif field.message_type is not None:
                self._submessage(target.add(), value, place)
            else:
                self._scalar(field, value, place, target.append, stand_in="" if _is_text(field) else 0)

    def _element(self, target: Message, value: Any, number: int, place: str) -> None:
        """Read an element that is judged by itself; one with a fault is left empty, which keeps its place."""
        faults = Faults(self.faults.hints)
        kind: Any = target.DESCRIPTOR
        if not isinstance(value, dict):
            self.faults.of_elements[number] = InvalidFields(
                [FieldFault(place, "must be an object", "json.object")]
            )
            return
        with suppress(EnoughFaults):
            Reading(self.currency, faults).message(target, value, "")
        if faults.found:
            error = validation.invalid_fields(target, fail_fast=self.faults.of_all >= MAX_BATCH_FAULTS)
            judged = error.faults if error else ()
            broken = (replace(fault, field=json_path(kind, fault.field)) for fault in judged)
            self.faults.of_elements[number] = InvalidFields(faults.with_rules(broken))
            self.faults.of_all += len(self.faults.of_elements[number].faults)
            target.Clear()

    def one(self, target: Message, field: FieldDescriptor, value: Any, path: str) -> None:
        """Read one value into a field that is not repeated."""
        if field.message_type is not None:
            held = getattr(target, field.name)
            held.SetInParent()
            self._submessage(held, value, path)
        else:
            self._scalar(field, value, path, lambda read: setattr(target, field.name, read))

    def _scalar(
        self,
        field: FieldDescriptor,
        value: Any,
        path: str,
        keep: Callable[[Any], object],
        stand_in: Any = None,
    ) -> None:
        try:
            keep(_reader_of(field)(value))
        except Unreadable as error:
            self.faults.add(path, str(error), "json.value")
            if stand_in is not None:
                # Keeps the places of what follows.
                keep(stand_in)

    def _submessage(self, target: Message, value: Any, path: str) -> None:
        name = target.DESCRIPTOR.full_name
        try:
            if name == _TIMESTAMP:
                target.CopyFrom(time_of(value))
            elif name == _MONEY and not isinstance(value, dict):
                target.CopyFrom(money_of(value, self.currency))
            elif name.startswith(_WELL_KNOWN):
                self._known(target, value, path)
            else:
                self.message(target, value, path)
        except Unreadable as error:
            self.faults.add(path, str(error), "json.value")


def joined(path: str, name: str) -> str:
    """Give the path of a member."""
    return f"{path}.{name}" if path else name


@cache
def fields_by_name(message: Descriptor) -> dict[str, FieldDescriptor]:
    """Give the fields under both of their names, that of JSON and that of the contract."""
    return {name: field for field in message.fields for name in (field.name, field.json_name)}


@cache
def is_judged_alone(field: FieldDescriptor) -> bool:
    """Say whether a fault of an element is its own result and no fault of the batch, as the contract says."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    return rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS


@cache
def _reader_of(field: FieldDescriptor) -> Callable[[Any], Any]:
    return scalar_reader(field)


def _is_text(field: FieldDescriptor) -> bool:
    return field.type == FieldDescriptor.TYPE_STRING


def _is_set_otherwise(target: Message, field: FieldDescriptor) -> bool:
    """Say whether the field belongs to a oneof of which a member is set."""
    oneof = field.containing_oneof
    return oneof is not None and target.WhichOneof(oneof.name) is not None


def _plain(value: Any) -> Any:
    """Give JSON as others read it, with floats."""
    return json.loads(json.dumps(value, default=float))


def _unknown(known: dict[str, FieldDescriptor], name: str) -> str:
    names = list(dict.fromkeys(field.json_name for field in known.values()))
    near = get_close_matches(name[:100], names, n=1)
    if near:
        return f"is not known here; perhaps {near[0]} is meant"
    return f"is not known here; what is: {', '.join(names)}" if names else "is not known here; nothing is"
