"""Parse DATABASE_URL with libpq's parameters.

Parameters that asyncpg does not support are implemented here or rejected by name.
"""

import asyncio
import random
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlencode, urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute

_AsyncpgConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_URL_FORMAT_HINT = (
    "the form is postgresql://user:password@host:port/database; "
    "in the password, write / # ? @ and : as %2F %23 %3F %40 and %3A"
)
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
#: Parameters of libpq that asyncpg supports.
_TEXT_PARAMETERS = ("host", "port", "dbname", "user", "password", "service", "sslpassword", "krbsrvname")
_SESSION_PARAMETERS = ("application_name", "options")
_FILE_PARAMETERS = ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl")
_DRIVER_CHOICES: Mapping[str, tuple[str, ...]] = {
    "gsslib": ("gssapi", "sspi"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
}
_DRIVER_PARAMETERS = frozenset((*_TEXT_PARAMETERS, *_SESSION_PARAMETERS, *_FILE_PARAMETERS, *_DRIVER_CHOICES))
#: Parameters that this module implements, with the maximum that libpq or Linux accepts.
_NUMBER_PARAMETERS: Mapping[str, int] = {
    "connect_timeout": 2_147_483,
    "keepalives_idle": 32_767,
    "keepalives_interval": 32_767,
    "keepalives_count": 127,
    "tcp_user_timeout": 2_147_483_647,
}
_OWN_CHOICES: Mapping[str, tuple[str, ...]] = {
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "keepalives": ("0", "1"),
}
#: Parameters for which asyncpg supports only these values.
_FIXED_CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("auto", "utf8", "UTF8", "utf-8", "UTF-8"),
    "gssdelegation": ("0",),
    "gssencmode": ("disable", "prefer"),
    "max_protocol_version": ("3.0", "3.2", "latest"),
    "min_protocol_version": ("3.0",),
    "replication": ("0", "false", "off", "no"),
    "ssl": ("true",),
    "sslcertmode": ("allow",),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
_ALLOWED_CHOICES = {**_DRIVER_CHOICES, **_OWN_CHOICES, **_FIXED_CHOICES}
_KNOWN_PARAMETERS = _DRIVER_PARAMETERS | {*_NUMBER_PARAMETERS, *_ALLOWED_CHOICES, "fallback_application_name"}
_SOCKET_OPTIONS = {
    "keepalives_idle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "keepalives_interval": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    "keepalives_count": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    "tcp_user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
}
_SYSTEM_ROOTS = ("sslrootcert", "system")
_CA_BUNDLE_PATH = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """The address of Postgres. Hosts are tried in order; without hosts asyncpg uses its default."""

    driver_dsn: str = field(repr=False)
    host_options: tuple[Mapping[str, Any], ...] = ()
    target_session_attrs: str | None = None
    should_shuffle_hosts: bool = False
    connect_timeout_seconds: float | None = None
    socket_options: tuple[tuple[int, int, int], ...] = ()

    async def open_connection(self, timeout_seconds: float, **options: Any) -> _AsyncpgConnection:
        """Open a connection to the first suitable host.

        `timeout_seconds` is the total for all hosts. `connect_timeout` of the URL replaces it and applies to
        each host. If all hosts fail, the error of the last one is raised.
        """
        # Without hosts asyncpg uses its default host.
        candidate_hosts: Sequence[Mapping[str, Any]] = self.host_options or [{}]
        if self.should_shuffle_hosts:
            candidate_hosts = random.sample(candidate_hosts, len(candidate_hosts))
        timeout_seconds = self.connect_timeout_seconds or timeout_seconds / len(candidate_hosts)
        last_error: Exception | None = None
        # First try to find a standby, then accept any host.
        for session_target in (
            ("standby", "any")
            if self.target_session_attrs == "prefer-standby"
            else (self.target_session_attrs,)
        ):
            for host in candidate_hosts:
                try:
                    connection: _AsyncpgConnection = await asyncpg.connect(
                        self.driver_dsn,
                        timeout=timeout_seconds,
                        target_session_attrs=SessionAttribute(session_target) if session_target else None,
                        **host,
                        **options,
                    )
                except (OSError, *_TRY_NEXT_HOST_ERRORS) as error:
                    last_error = error
                else:
                    self._set_socket_options(connection)
                    return connection
        assert last_error is not None
        raise last_error

    def _set_socket_options(self, connection: _AsyncpgConnection) -> None:
        if not self.socket_options:
            return
        # asyncpg has no public access to its socket.
        driver_socket = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined] # noqa: SLF001
        if driver_socket.family != socket.AF_UNIX:
            for option_level, name, value in self.socket_options:
                driver_socket.setsockopt(option_level, name, value)


#: Errors after which the next host is tried, as in libpq.
_TRY_NEXT_HOST_ERRORS = (
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
    asyncio.TimeoutError,
)


def parse_database_url(url: str) -> DatabaseAddress:
    """Parse the URL of a Postgres database.

    Raises:
        ValueError: the URL is invalid. The message names parameters and never contains values.
    """
    try:
        url_parts = urlsplit(url)
    except ValueError:
        # The original message contains parts of the URL.
        raise ValueError(_URL_FORMAT_HINT) from None
    host_texts = url_parts.netloc.rpartition("@")[2].split(",")
    port_texts = [host.rpartition("]")[2].partition(":")[2] for host in host_texts]
    # An error message would show a part of a password with ? or / as a parameter or a database.
    is_complete = not url_parts.fragment and "@" not in url_parts.path + url_parts.query
    if (
        not is_complete
        or url_parts.scheme not in ("postgres", "postgresql")
        or not all(_is_port(port) for port in port_texts)
    ):
        raise ValueError(_URL_FORMAT_HINT)
    parameter_pairs = [
        parameter_text.partition("=") for parameter_text in url_parts.query.split("&") if parameter_text
    ]
    url_parameters = {unquote(name): unquote(value) for name, _, value in parameter_pairs}
    if url_parameters.get("ssl") == "true":
        del url_parameters["ssl"]
        url_parameters["sslmode"] = "require"
    if parameter_errors := list(_find_parameter_errors(url_parameters)):
        raise ValueError("; ".join(parameter_errors))
    if _SYSTEM_ROOTS in url_parameters.items():
        url_parameters["sslrootcert"] = _find_system_roots()
    host_options = tuple(_parse_hosts(url_parts.netloc.rpartition("@")[2], url_parameters))
    driver_parameters = {name: value for name, value in url_parameters.items() if name in _DRIVER_PARAMETERS}
    return DatabaseAddress(
        url_parts._replace(query=urlencode(driver_parameters, quote_via=quote)).geturl(),
        host_options,
        url_parameters.get("target_session_attrs"),
        url_parameters.get("load_balance_hosts") == "random",
        max(float(url_parameters.get("connect_timeout", 0)), 0) or None,
        tuple(_parse_socket_options(url_parameters)),
    )


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65_536)


def _is_whole_number(text: str, max_number: int) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 11 and int(digits) <= max_number


def _find_parameter_errors(url_parameters: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each invalid parameter."""
    for name, value in url_parameters.items():
        if name not in _KNOWN_PARAMETERS:
            yield f"its parameter {name} is unknown here; settings of Postgres go into options=-c name=value"
        elif not value and name != "password":
            yield f"its parameter {name} has no value"
        elif value not in _ALLOWED_CHOICES.get(name, (value,)):
            yield f"its parameter {name} can only be {' or '.join(_ALLOWED_CHOICES[name])} here"
        elif name in _NUMBER_PARAMETERS and not _is_whole_number(value, _NUMBER_PARAMETERS[name]):
            yield f"its parameter {name} must be a whole number up to {_NUMBER_PARAMETERS[name]}"
        elif name in _FILE_PARAMETERS and not (Path(value).is_file() or (name, value) == _SYSTEM_ROOTS):
            yield f"its parameter {name} must name a file that this process can read"


def _find_system_roots() -> str:
    """Return the file with the CA certificates that the system trusts.

    Raises:
        ValueError: the system has no such file.
    """
    bundle_path = ssl.get_default_verify_paths().cafile or str(_CA_BUNDLE_PATH)
    if not Path(bundle_path).is_file():
        raise ValueError(
            "its parameter sslrootcert is system, but this system has no file of certificates; name a file"
        )
    return bundle_path


def _parse_hosts(network_location: str, url_parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the hosts of a URL as arguments for asyncpg, and remove them from the parameters."""
    host_parameter, port_parameter = url_parameters.pop("host", ""), url_parameters.pop("port", "")
    host_pairs = [
        _split_host_and_port(host) for host in (network_location or host_parameter).split(",") if host
    ]
    port_texts = port_parameter.split(",")
    if not all(_is_port(port) for port in port_texts) or len(port_texts) not in (1, len(host_pairs)):
        raise ValueError("its parameter port must be one number from 1 to 65535, or one for each host")
    if not all(_is_host(host) for host, _ in host_pairs):
        raise ValueError(
            "a host name has an empty part, a part of over 63 characters, or a character that is not allowed"
        )
    if len(port_texts) == 1:
        port_texts *= len(host_pairs)
    for (host, own_port), port in zip(host_pairs, port_texts, strict=True):
        # Without a port asyncpg uses the default port of Postgres.
        yield {"host": host, **({"port": int(own_port or port)} if own_port or port else {})}


def _is_host(text: str) -> bool:
    """Return whether the system can resolve a host name. The folder of a socket is not resolved."""
    try:
        return text.startswith("/") or bool(text.encode("idna"))
    except UnicodeError:
        return False


def _split_host_and_port(text: str) -> tuple[str, str]:
    """Split `host:port`. An IPv6 address is in brackets; the folder of a socket begins with a slash."""
    address, closing_bracket, port = text.rpartition("]")
    if not closing_bracket:
        address, _, port = text.partition(":")
    host = unquote(address.removeprefix("["))
    return (host, port.removeprefix(":")) if not host.startswith("/") else (host, "")


def _parse_socket_options(url_parameters: Mapping[str, str]) -> Iterator[tuple[int, int, int]]:
    options = [
        (*_SOCKET_OPTIONS[name], int(value))
        for name, value in url_parameters.items()
        if name in _SOCKET_OPTIONS and int(value) > 0
    ]
    is_keepalive_enabled = url_parameters.get("keepalives", "1") == "1"
    if "keepalives" in url_parameters or options:
        yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(is_keepalive_enabled)
    yield from options
