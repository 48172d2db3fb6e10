"""The operations: each HTTP binding of each call with its parameters, body and responses."""

from collections.abc import Iterator
from typing import Any

from google.api.annotations_pb2 import http as http_option
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from wms_core.domain.events.events import to_camel_case
from wms_dev.docs_generator.openapi.comments import read_proto_comments
from wms_dev.docs_generator.openapi.examples import REQUEST_EXAMPLES, RESPONSE_EXAMPLES
from wms_dev.docs_generator.openapi.rules import Schema
from wms_dev.docs_generator.openapi.schemas import SchemaBuilder

_CALLER_PARAMETERS = ("CorrelationId", "WaveNumber", "WorkflowId", "Actor", "Timeout")
# The headers that are alternatives to a field.
_HEADERS_OF_FIELDS = {"request_id": "IdempotencyKey", "etag": "IfMatch", "position": "LastEventId"}
_EVENTS = (
    "Server-sent events until the client disconnects. The data of each is a `{name}`, its name is that of "
    "the field that is set. An error that ends the stream is an event named `status`."
)


def read_http_rules(call: MethodDescriptor) -> Iterator[tuple[str, str, Any]]:
    """Yield the method, the path and the rule of each HTTP binding of a call."""
    options: Any = call.GetOptions()
    rule = options.Extensions[http_option]
    for http_rule in (rule, *rule.additional_bindings):
        if pattern := http_rule.WhichOneof("pattern"):
            yield pattern, getattr(http_rule, pattern), http_rule


class OperationBuilder:
    """Builds the operations of calls, and adds their schemas to a `SchemaBuilder`."""

    def __init__(self, schemas: SchemaBuilder) -> None:
        self._schemas = schemas

    def build_operations(self, call: MethodDescriptor) -> Iterator[tuple[str, str, Schema]]:
        """Yield the path, the method and the operation of each HTTP binding."""
        for number, (method, path, rule) in enumerate(read_http_rules(call)):
            variables = [part[1:-1] for part in path.split("/") if part.startswith("{")]
            openapi_path = path
            for name in variables:
                openapi_path = openapi_path.replace(f"{{{name}}}", f"{{{_last_segment(name)}}}")
            yield openapi_path, method, self._operation(call, number, method, variables, rule)

    def _operation(
        self, call: MethodDescriptor, number: int, method: str, variables: list[str], rule: Any
    ) -> Schema:
        text = read_proto_comments()[call.full_name]
        operation: Schema = {
            "operationId": call.name + (str(number + 1) if number else ""),
            "tags": [call.containing_service.name],
            "summary": text.partition(". ")[0].partition("\n")[0].removesuffix("."),
            "description": text,
            "parameters": list(self._parameters(call, variables, rule.body)),
        }
        if rule.body:
            operation["requestBody"] = self._build_request_body(call, variables, rule.body)
        is_create = method == "post" and call.name.startswith("Create")
        response = self._build_response(call, rule.response_body)
        operation["responses"] = {
            "201" if is_create else "200": response,
            "default": {"$ref": "#/components/responses/Error"},
        }
        if method == "get" and "ETag" in response["headers"]:
            operation["parameters"].append({"$ref": "#/components/parameters/IfNoneMatch"})
            operation["responses"]["304"] = _not_modified(response)
        return operation

    def _parameters(self, call: MethodDescriptor, variables: list[str], body: str) -> Iterator[Schema]:
        for name in variables:
            schema = dict(self._schemas.build_field_schema(_find_field(call.input_type, name)))
            text = schema.pop("description")
            schema.pop("readOnly", None)
            if "pattern" in schema:
                # A path variable cannot be empty.
                schema["pattern"] = schema["pattern"].replace("(", "").replace(")?", "")
            yield {
                "name": _last_segment(name),
                "in": "path",
                "required": True,
                "description": text,
                "schema": schema,
            }
        if body != "*":
            bound_names = {name.partition(".")[0] for name in variables} | {body}
            bound_names |= set(_oneof_alternatives(call.input_type, bound_names))
            yield from (
                self._build_query_parameter(field)
                for field in call.input_type.fields
                if field.name not in bound_names
            )
        names = [
            parameter_name
            for field, parameter_name in _HEADERS_OF_FIELDS.items()
            if field in call.input_type.fields_by_name
        ]
        yield from ({"$ref": f"#/components/parameters/{name}"} for name in (*names, *_CALLER_PARAMETERS))

    def _build_query_parameter(self, field: FieldDescriptor) -> Schema:
        schema = self._schemas.build_field_schema(field)
        text = schema.pop("description")
        parameter: Schema = {"name": field.json_name, "in": "query", "description": text, "schema": schema}
        if "minLength" in schema or schema.get("minItems"):
            parameter["required"] = True
        return parameter

    def _build_request_body(self, call: MethodDescriptor, variables: list[str], body: str) -> Schema:
        if body == "*":
            message, bound_names = call.input_type, variables
            name = f"{call.name}Body" if bound_names else message.name
        else:
            field = call.input_type.fields_by_name[body]
            assert field.message_type is not None
            message, bound_names = (
                field.message_type,
                [_after_first_segment(variable) for variable in variables if "." in variable],
            )
            name = f"{call.name}Body" if bound_names else message.name
        if bound_names:
            self._schemas.schemas_by_name[name] = self._schemas.build_message_schema(message, bound_names)
        else:
            self._schemas.build_reference(message)
        content: Schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        if call.name in REQUEST_EXAMPLES:
            content["example"] = REQUEST_EXAMPLES[call.name]
        required = bool(self._schemas.schemas_by_name[name].get("required"))
        return {"required": required, "content": {"application/json": content}}

    def _build_response(self, call: MethodDescriptor, field: str) -> Schema:
        message = call.output_type
        if field:
            field_message = message.fields_by_name[field].message_type
            assert field_message is not None
            message = field_message
        headers = {"X-WMS-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
        if call.server_streaming:
            self._schemas.build_reference(message)
            text = _EVENTS.format(name=message.name)
            events: Schema = {"text/event-stream": {"schema": {"type": "string"}}}
            return {"description": text, "headers": headers, "content": events}
        if "etag" in message.fields_by_name:
            headers["ETag"] = {"$ref": "#/components/headers/ETag"}
        content: Schema = {"schema": self._schemas.build_reference(message)}
        if call.name in RESPONSE_EXAMPLES:
            content["example"] = RESPONSE_EXAMPLES[call.name]
        return {
            "description": read_proto_comments()[message.full_name],
            "headers": headers,
            "content": {"application/json": content},
        }


def _not_modified(response: Schema) -> Schema:
    return {"description": "The order has an etag of `If-None-Match`.", "headers": response["headers"]}


def _find_field(message: Descriptor, name: str) -> FieldDescriptor:
    *above, last = name.split(".")
    for part in above:
        inner = message.fields_by_name[part].message_type
        assert inner is not None
        message = inner
    return message.fields_by_name[last]


def _oneof_alternatives(message: Descriptor, bound_names: set[str]) -> Iterator[str]:
    """Yield the fields of the oneofs that have a bound field."""
    for oneof in message.oneofs:
        names = {field.name for field in oneof.fields}
        if names & bound_names:
            yield from names


def _last_segment(name: str) -> str:
    return to_camel_case(name.rpartition(".")[2])


def _after_first_segment(name: str) -> str:
    return name.partition(".")[2]
