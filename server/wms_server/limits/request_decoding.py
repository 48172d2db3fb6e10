"""Decoding and validation of requests, within the limits of their rpc."""

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from wms_core.domain.errors import MalformedMessage, MessageTooLarge
from wms_server.calls.validation import validate_message
from wms_server.limits.request_limits import check_elements, get_max_bytes


class RequestDecoder:
    """Decodes the requests of one rpc, or the messages of a request stream."""

    def __init__(self, method: MethodDescriptor) -> None:
        self._message_descriptor = method.input_type
        self._message_class = GetMessageClass(method.input_type)
        self.max_bytes = get_max_bytes(method)

    def decode(self, request_bytes: bytes) -> Message:
        """Decode a message.

        Raises:
            MessageTooLarge: the request exceeds the size limit of its rpc.
            MalformedMessage: the bytes are not a valid message.
            InvalidFields: a list is too long.
        """
        if len(request_bytes) > self.max_bytes:
            raise MessageTooLarge(limit=self.max_bytes)
        check_elements(self._message_descriptor, request_bytes)
        try:
            return self._message_class.FromString(request_bytes)
        except DecodeError:
            raise MalformedMessage from None

    def decode_and_validate(self, request_bytes: bytes) -> Message:
        """Decode and validate a message.

        Raises the errors of `decode`.

        Raises:
            InvalidFields: the message breaks rules of the protos.
        """
        request = self.decode(request_bytes)
        validate_message(request)
        return request
