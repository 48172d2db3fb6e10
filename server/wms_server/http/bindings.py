"""HTTP bindings of the rpcs, from the `google.api.http` options of the contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.api.annotations_pb2 import http as http_option
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import MethodDescriptor

from wms_server.http.router import PathTemplate


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """One binding of an rpc: method, path and the part of the request that the body contains.

    `body_field` is the name of a field, `*` for the whole request, or empty. `response_field` is the name of
    the field that the response consists of, or empty for the whole message.
    """

    method_descriptor: MethodDescriptor
    http_method: str
    path_template: PathTemplate
    body_field: str
    response_field: str

    @property
    def is_read_only(self) -> bool:
        """Whether the HTTP method is safe (GET)."""
        return self.http_method == "GET"

    @property
    def is_creation(self) -> bool:
        """Whether the call creates a resource (AIP-133)."""
        return self.http_method == "POST" and self.method_descriptor.name.startswith("Create")


def get_bindings(method_descriptor: MethodDescriptor) -> Iterator[HttpBinding]:
    """Yield the bindings of an rpc, none if the contract defines no path.

    Raises:
        TemplateError: a path template uses unsupported syntax.
    """
    method_options: Any = method_descriptor.GetOptions()
    http_rule: HttpRule = method_options.Extensions[http_option]
    for binding_rule in (http_rule, *http_rule.additional_bindings):
        if pattern_name := binding_rule.WhichOneof("pattern"):
            path_template = PathTemplate.parse(getattr(binding_rule, pattern_name))
            yield HttpBinding(
                method_descriptor,
                pattern_name.upper(),
                path_template,
                binding_rule.body,
                binding_rule.response_body,
            )
