"""Errors of the embedded Java servers."""

from wms_dev.errors import UserError


class JavaMissing(UserError):
    """A Java server needs Java, Maven or a package from Maven that this machine does not have."""


class ServerFailed(UserError):
    """A Java server did not start in time, or exited."""
