"""Where a call is found over HTTP: what the contract's `google.api.http` options say of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.api.annotations_pb2 import http as http_option
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor import MethodDescriptor

from wms_server.http.templates import Template


@dataclass(frozen=True, slots=True)
class Binding:
    """One way to make a call: by this method and path, with this much of the request in the body.

    `body` is the name of a field, `*` for the whole request, or empty; `response_body` is the name of the
    field that is the answer, or empty for all of it.
    """

    call: MethodDescriptor
    method: str
    template: Template
    body: str
    response_body: str

    @property
    def reads(self) -> bool:
        """Whether it changes nothing by its method."""
        return self.method == "GET"

    @property
    def creates(self) -> bool:
        """Whether it makes what was not there before (AIP-133)."""
        return self.method == "POST" and self.call.name.startswith("Create")


def bindings_of(call: MethodDescriptor) -> Iterator[Binding]:
    """Give every way to make a call; none when the contract names no path. Raises TemplateError."""
    options: Any = call.GetOptions()
    rule: HttpRule = options.Extensions[http_option]
    for one in (rule, *rule.additional_bindings):
        if pattern := one.WhichOneof("pattern"):
            template = Template.parse(getattr(one, pattern))
            yield Binding(call, pattern.upper(), template, one.body, one.response_body)
