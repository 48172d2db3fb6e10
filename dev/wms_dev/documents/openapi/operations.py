"""The operations: each binding of each call with its parameters, its body and its answers."""

from collections.abc import Iterator
from typing import Any

from google.api.annotations_pb2 import http as http_option
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from wms_core.domain.events import camel_case
from wms_dev.documents.openapi.comments import comments
from wms_dev.documents.openapi.examples import ANSWERS, BODIES
from wms_dev.documents.openapi.rules import Schema
from wms_dev.documents.openapi.schemas import Schemas

_CALLER = ("CorrelationId", "WaveNumber", "WorkflowId", "Actor", "Timeout")
#: The headers that say the same as a field.
_SAYING = {"request_id": "IdempotencyKey", "etag": "IfMatch", "position": "LastEventId"}
_EVENTS = (
    "Server-sent events, for as long as the client stays: the data of each is a `{name}`, its name that of "
    "the one field that is set. An error that ends them is an event named `status`."
)


def rules_of_http(call: MethodDescriptor) -> Iterator[tuple[str, str, Any]]:
    """Give the method, the path and the rule of each binding of a call."""
    options: Any = call.GetOptions()
    rule = options.Extensions[http_option]
    for one in (rule, *rule.additional_bindings):
        if pattern := one.WhichOneof("pattern"):
            yield pattern, getattr(one, pattern), one


class Operations:
    """Writes the operations of calls; their schemas go where the others are."""

    def __init__(self, schemas: Schemas) -> None:
        """Add what is referred to here."""
        self._schemas = schemas

    def of(self, call: MethodDescriptor) -> Iterator[tuple[str, str, Schema]]:
        """Give the path, the method and the operation of each binding."""
        for number, (method, path, rule) in enumerate(rules_of_http(call)):
            variables = [part[1:-1] for part in path.split("/") if part.startswith("{")]
            shown = path
            for name in variables:
                shown = shown.replace(f"{{{name}}}", f"{{{_last(name)}}}")
            yield shown, method, self._operation(call, number, method, variables, rule)

    def _operation(
        self, call: MethodDescriptor, number: int, method: str, variables: list[str], rule: Any
    ) -> Schema:
        text = comments()[call.full_name]
        operation: Schema = {
            "operationId": call.name + (str(number + 1) if number else ""),
            "tags": [call.containing_service.name],
            "summary": text.partition(". ")[0].partition("\n")[0].removesuffix("."),
            "description": text,
            "parameters": list(self._parameters(call, variables, rule.body)),
        }
        if rule.body:
            operation["requestBody"] = self._body(call, variables, rule.body)
        created = method == "post" and call.name.startswith("Create")
        answer = self._answer(call, rule.response_body)
        operation["responses"] = {
            "201" if created else "200": answer,
            "default": {"$ref": "#/components/responses/Error"},
        }
        if method == "get" and "ETag" in answer["headers"]:
            operation["parameters"].append({"$ref": "#/components/parameters/IfNoneMatch"})
            operation["responses"]["304"] = _not_modified(answer)
        return operation

    def _parameters(self, call: MethodDescriptor, variables: list[str], body: str) -> Iterator[Schema]:
        for name in variables:
            schema = dict(self._schemas.field(_field_at(call.input_type, name)))
            text = schema.pop("description")
            schema.pop("readOnly", None)
            if "pattern" in schema:
                # In a path it can't be empty.
                schema["pattern"] = schema["pattern"].replace("(", "").replace(")?", "")
            yield {"name": _last(name), "in": "path", "required": True, "description": text, "schema": schema}
        if body != "*":
            taken = {name.partition(".")[0] for name in variables} | {body}
            taken |= set(_other_forms(call.input_type, taken))
            yield from (self._query(field) for field in call.input_type.fields if field.name not in taken)
        names = [word for field, word in _SAYING.items() if field in call.input_type.fields_by_name]
        yield from ({"$ref": f"#/components/parameters/{name}"} for name in (*names, *_CALLER))

    def _query(self, field: FieldDescriptor) -> Schema:
        schema = self._schemas.field(field)
        text = schema.pop("description")
        found: Schema = {"name": field.json_name, "in": "query", "description": text, "schema": schema}
        if "minLength" in schema or schema.get("minItems"):
            found["required"] = True
        return found

    def _body(self, call: MethodDescriptor, variables: list[str], body: str) -> Schema:
        if body == "*":
            message, taken = call.input_type, variables
            name = f"{call.name}Body" if taken else message.name
        else:
            field = call.input_type.fields_by_name[body]
            assert field.message_type is not None
            message, taken = field.message_type, [_inner(one) for one in variables if "." in one]
            name = f"{call.name}Body" if taken else message.name
        if taken:
            self._schemas.found[name] = self._schemas.whole(message, taken)
        else:
            self._schemas.reference(message)
        content: Schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        if call.name in BODIES:
            content["example"] = BODIES[call.name]
        required = bool(self._schemas.found[name].get("required"))
        return {"required": required, "content": {"application/json": content}}

    def _answer(self, call: MethodDescriptor, field: str) -> Schema:
        message = call.output_type
        if field:
            held = message.fields_by_name[field].message_type
            assert held is not None
            message = held
        headers = {"X-WMS-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
        if call.server_streaming:
            self._schemas.reference(message)
            text = _EVENTS.format(name=message.name)
            events: Schema = {"text/event-stream": {"schema": {"type": "string"}}}
            return {"description": text, "headers": headers, "content": events}
        if "etag" in message.fields_by_name:
            headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        content: Schema = {"schema": self._schemas.reference(message)}
        if call.name in ANSWERS:
            content["example"] = ANSWERS[call.name]
        return {
            "description": comments()[message.full_name],
            "headers": headers,
            "content": {"application/json": content},
        }


def _not_modified(answer: Schema) -> Schema:
    return {"description": "The order has an etag of `If-None-Match`.", "headers": answer["headers"]}


def _field_at(message: Descriptor, name: str) -> FieldDescriptor:
    *above, last = name.split(".")
    for part in above:
        inner = message.fields_by_name[part].message_type
        assert inner is not None
        message = inner
    return message.fields_by_name[last]


def _other_forms(message: Descriptor, taken: set[str]) -> Iterator[str]:
    """Name the fields that can't be there together with those that are taken."""
    for oneof in message.oneofs:
        names = {field.name for field in oneof.fields}
        if names & taken:
            yield from names


def _last(name: str) -> str:
    return camel_case(name.rpartition(".")[2])


def _inner(name: str) -> str:
    return name.partition(".")[2]
