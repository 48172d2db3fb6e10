"""What is wrong with a request as HTTP, before it is a request of the contract."""

from wms_core.domain.errors import (
    DeadlinePassed,
    InvalidArgument,
    MalformedMessage,
    NotFound,
    NotServed,
    Overloaded,
    PermissionDenied,
)


class PathNotFound(NotFound):
    """There is nothing at {path}; {hint}."""

    reason = "PATH_NOT_FOUND"

    def __init__(self, path: str, nearest: str) -> None:
        """Name the paths that are most like it, if any is."""
        hint = f"the nearest: {nearest}" if nearest else "/openapi.json says what there is"
        super().__init__(path=path, hint=hint)
        self.facts = {"path": path, "nearest": nearest} if nearest else {"path": path}


class MethodNotAllowed(NotServed):
    """{method} is not for {path}; allowed: {allowed}."""

    reason = "METHOD_NOT_ALLOWED"


class UnsupportedMediaType(InvalidArgument):
    """The body must be JSON in UTF-8, with Content-Type: application/json and not compressed, and is said to
    be: {media_type}.
    """

    reason = "UNSUPPORTED_MEDIA_TYPE"


class HostNotAllowed(PermissionDenied):
    """{host} is not a name of this server; use another one, or add it to HTTP_ALLOWED_HOSTS."""

    reason = "HOST_NOT_ALLOWED"


class CrossSiteRequest(PermissionDenied):
    """A web page of another site may not change anything here ({header}: {value})."""

    reason = "CROSS_SITE_REQUEST"


class RequestTooSlow(DeadlinePassed):
    """The request did not arrive within {seconds} seconds; nothing was done."""

    reason = "REQUEST_TOO_SLOW"


class TooManyConnections(Overloaded):
    """This server has {limit} connections over HTTP; send the same request again a little later."""


class BrokenJson(MalformedMessage):
    """The body is no JSON: {problem} (line {line}, column {column})."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        """Say where; the contract's reason has no metadata."""
        super().__init__(problem=problem, line=line, column=column)
        self.facts = {}
