"""From the bytes of a request to a message that keeps the limits and the rules of its call."""

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from wms_core.domain.errors import MalformedMessage, MessageTooLarge
from wms_server.request_limits import check_elements, max_bytes
from wms_server.validation import validate


class RequestDecoder:
    """Decodes the requests of one call, of a stream its messages."""

    def __init__(self, method: MethodDescriptor) -> None:
        """Take the limits from the contract."""
        self._descriptor = method.input_type
        self._kind = GetMessageClass(method.input_type)
        self.max_bytes = max_bytes(method)

    def decode(self, raw: bytes) -> Message:
        """Return the message. Raises MessageTooLarge, MalformedMessage; InvalidFields for a list too long."""
        if len(raw) > self.max_bytes:
            raise MessageTooLarge(limit=self.max_bytes)
        check_elements(self._descriptor, raw)
        try:
            return self._kind.FromString(raw)
        except DecodeError:
            raise MalformedMessage from None

    def accept(self, raw: bytes) -> Message:
        """Return a message that keeps the rules. Raises what `decode` does; InvalidFields with its faults."""
        request = self.decode(raw)
        validate(request)
        return request
