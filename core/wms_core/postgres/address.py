"""DATABASE_URL with libpq's parameters: what the driver does not know is done here, or refused by name."""

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

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_FORM = (
    "the form is postgresql://user:password@host:port/database; "
    "in the password, / # ? @ and : are written as %2F %23 %3F %40 and %3A"
)
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
#: libpq's parameters that the driver knows itself.
_TEXTS = ("host", "port", "dbname", "user", "password", "service", "sslpassword", "krbsrvname")
_SESSION = ("application_name", "options")
_FILES = ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "gsslib": ("gssapi", "sspi"),
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
}
_OF_THE_DRIVER = frozenset((*_TEXTS, *_SESSION, *_FILES, *_CHOICES))
#: Those that are seen to here, and the most that libpq or Linux takes.
_NUMBERS = {
    "connect_timeout": 2_147_483,
    "keepalives_idle": 32_767,
    "keepalives_interval": 32_767,
    "keepalives_count": 127,
    "tcp_user_timeout": 2_147_483_647,
}
_OUR_CHOICES: Mapping[str, tuple[str, ...]] = {
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "keepalives": ("0", "1"),
}
#: Those of which the driver does this and nothing else.
_FIXED: Mapping[str, tuple[str, ...]] = {
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
_ALLOWED = {**_CHOICES, **_OUR_CHOICES, **_FIXED}
_KNOWN = _OF_THE_DRIVER | {*_NUMBERS, *_ALLOWED, "fallback_application_name"}
_SOCKET_OPTIONS = {
    "keepalives_idle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "keepalives_interval": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    "keepalives_count": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    "tcp_user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
}
_SYSTEM_ROOTS = ("sslrootcert", "system")
_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where Postgres is and how to connect to it; `hosts` are tried in turn, none: the driver's default."""

    dsn: str = field(repr=False)
    hosts: tuple[Mapping[str, Any], ...] = ()
    target: str | None = None
    shuffled: bool = False
    connect_seconds: float | None = None
    socket_options: tuple[tuple[int, int, int], ...] = ()

    async def connect(self, seconds: float, **options: Any) -> _Connection:
        """Open a connection to the first host that will do, within so many seconds over all of them.

        `connect_timeout` of the URL is the time for each instead. Raises what the last host's failure was.
        """
        # Without any the driver goes where it goes by default.
        hosts: Sequence[Mapping[str, Any]] = self.hosts or [{}]
        if self.shuffled:
            hosts = random.sample(hosts, len(hosts))
        seconds = self.connect_seconds or seconds / len(hosts)
        failure: Exception | None = None
        # A standby is preferred, and any will do.
        for target in ("standby", "any") if self.target == "prefer-standby" else (self.target,):
            for host in hosts:
                try:
                    connection: _Connection = await asyncpg.connect(
                        self.dsn,
                        timeout=seconds,
                        target_session_attrs=SessionAttribute(target) if target else None,
                        **host,
                        **options,
                    )
                except (OSError, *_NEXT_HOST) as error:
                    failure = error
                else:
                    self._set_socket_options(connection)
                    return connection
        assert failure is not None
        raise failure

    def _set_socket_options(self, connection: _Connection) -> None:
        if not self.socket_options:
            return
        # The driver shows its socket to nobody.
        of_connection = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined] # noqa: SLF001
        if of_connection.family != socket.AF_UNIX:
            for level, name, value in self.socket_options:
                of_connection.setsockopt(level, name, value)


#: The next host is asked after these, as by libpq.
_NEXT_HOST = (asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched, asyncio.TimeoutError)


def parse_database_url(url: str) -> DatabaseAddress:
    """Parse the URL of a Postgres. Raises ValueError, which names parameters and never shows a value."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # Its message has parts of the URL.
        raise ValueError(_FORM) from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts]
    # A password with a ? or a / in it would be told as a parameter or a database.
    is_whole = not parts.fragment and "@" not in parts.path + parts.query
    if (
        not is_whole
        or parts.scheme not in ("postgres", "postgresql")
        or not all(_is_port(port) for port in ports)
    ):
        raise ValueError(_FORM)
    told = [parameter.partition("=") for parameter in parts.query.split("&") if parameter]
    given = {unquote(name): unquote(value) for name, _, value in told}
    if given.get("ssl") == "true":
        del given["ssl"]
        given["sslmode"] = "require"
    if faults := list(_faults(given)):
        raise ValueError("; ".join(faults))
    if _SYSTEM_ROOTS in given.items():
        given["sslrootcert"] = _system_roots()
    named = tuple(_hosts(parts.netloc.rpartition("@")[2], given))
    of_driver = {name: value for name, value in given.items() if name in _OF_THE_DRIVER}
    return DatabaseAddress(
        parts._replace(query=urlencode(of_driver, quote_via=quote)).geturl(),
        named,
        given.get("target_session_attrs"),
        given.get("load_balance_hosts") == "random",
        max(float(given.get("connect_timeout", 0)), 0) or None,
        tuple(_socket_options(given)),
    )


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) < 6 and 0 < int(text) < 65_536)


def _is_number(text: str, limit: int) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 11 and int(digits) <= limit


def _faults(given: Mapping[str, str]) -> Iterator[str]:
    """Say what is wrong with parameters."""
    for name, value in given.items():
        if name not in _KNOWN:
            yield f"its parameter {name} is unknown here; settings of Postgres go into options=-c name=value"
        elif not value and name != "password":
            yield f"its parameter {name} has no value"
        elif value not in _ALLOWED.get(name, (value,)):
            yield f"its parameter {name} can only be {' or '.join(_ALLOWED[name])} here"
        elif name in _NUMBERS and not _is_number(value, _NUMBERS[name]):
            yield f"its parameter {name} is a whole number up to {_NUMBERS[name]}"
        elif name in _FILES and not (Path(value).is_file() or (name, value) == _SYSTEM_ROOTS):
            yield f"its parameter {name} names no file that can be read here"


def _system_roots() -> str:
    """Return the file with the certificates that the system trusts."""
    found = ssl.get_default_verify_paths().cafile or str(_CA_BUNDLE)
    if not Path(found).is_file():
        raise ValueError(
            "its parameter sslrootcert is system, which has no file of certificates here; name one"
        )
    return found


def _hosts(netloc: str, given: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield each host that a URL names as the driver takes it, and take them out of the parameters."""
    told, told_ports = given.pop("host", ""), given.pop("port", "")
    hosts = [_host_and_port(host) for host in (netloc or told).split(",") if host]
    ports = told_ports.split(",")
    if not all(_is_port(port) for port in ports) or len(ports) not in (1, len(hosts)):
        raise ValueError("its parameter port is one number from 1 to 65535, or one for each host")
    if not all(_is_host(host) for host, _ in hosts):
        raise ValueError("a host name has an empty part, one of over 63 letters, or a sign that none has")
    if len(ports) == 1:
        ports *= len(hosts)
    for (host, own_port), port in zip(hosts, ports, strict=True):
        # Without one the driver takes Postgres's usual one.
        yield {"host": host, **({"port": int(own_port or port)} if own_port or port else {})}


def _is_host(text: str) -> bool:
    """Return whether a host can be looked up; the folder of a socket and the driver's default need not be."""
    try:
        text.encode("idna")
    except UnicodeError:
        return text.startswith("/")
    return True


def _host_and_port(text: str) -> tuple[str, str]:
    """Split `host:port`; an IPv6 address is in brackets, and the folder of a socket begins with a slash."""
    address, bracket, port = text.rpartition("]")
    if not bracket:
        address, _, port = text.partition(":")
    host = unquote(address.removeprefix("["))
    return (host, port.removeprefix(":")) if not host.startswith("/") else (host, "")


def _socket_options(given: Mapping[str, str]) -> Iterator[tuple[int, int, int]]:
    options = [
        (*_SOCKET_OPTIONS[name], int(value))
        for name, value in given.items()
        if name in _SOCKET_OPTIONS and int(value) > 0
    ]
    keeps_alive = given.get("keepalives", "1") == "1"
    if "keepalives" in given or options:
        yield socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(keeps_alive)
    yield from options
