"""Logs: JSON for machines, colours for people, with the ids of the call that is at work.

A traceback says where and what kind, never with which values: addresses and phone numbers are among them.
"""

import builtins
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo

#: What stands in quotes may be a value, unless it is the name of a thing of Postgres.
_QUOTED = re.compile(
    r'(\b(?:column|constraint|database|function|index|relation|role|schema|sequence|table|type|user) "\w+")'
    r"""|(?<!\w)["'].*"""
)


#: Errors of the system quote addresses and files, which nobody sends us.
_OF_THE_SYSTEM = {"gaierror"} | {
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, OSError)
}


def without_values(kind: str, message: str) -> str:
    """Keep of the message of a kind of error what is no value: its first line, up to what it quotes.

    Postgres quotes single values there, and whole rows in the lines after it.
    """
    first = message.partition("\n")[0]
    return first if kind in _OF_THE_SYSTEM else _QUOTED.sub(lambda found: found[1] or "…", first)


def in_words(error: BaseException) -> str:
    """Give kind and message of an error for the log, without values."""
    kind = type(error).__name__
    return f"{kind}: {without_values(kind, str(error))}"


def configure_logging(level: str, form: str, service: str) -> None:
    """Send structlog and the standard library's log to stderr in one form."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = structlog.processors.JSONRenderer()
    if form == "pretty":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=_write_traceback
        )
    else:
        shared += [_service(service), structlog.processors.ExceptionRenderer(_traceback)]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # It says of each tick that the one before is still at work; our own log says how long a cycle took.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # It says of each batch that no collector takes it; `wms_core.traces` says that once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_fault_of_a_client)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_plain, renderer])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


#: gRPC logs an error with a traceback for each client that leaves before it has read its answer, and for each
#: header that is not UTF-8, with its value. The call says so to its client.
_FAULTS_OF_CLIENTS = ("ExecuteBatchError raised in core", "Invalid encoding on ")


def _is_no_fault_of_a_client(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_FAULTS_OF_CLIENTS)


_without_variables = ExceptionDictTransformer(show_locals=False)


def _traceback(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Describe an exception and its causes."""
    return [_without_values(one) for one in _without_variables(exc_info)]


def _without_values(one: dict[str, Any]) -> dict[str, Any]:
    """Take the values out of all messages."""
    members = [[_without_values(cause) for cause in member] for member in one["exceptions"]]
    return {**one, "exc_value": without_values(one["exc_type"], one["exc_value"]), "exceptions": members}


def _write_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """Write the same for people, the first cause first."""
    _write(out, _traceback(exc_info))


def _write(out: TextIO, causes: list[dict[str, Any]]) -> None:
    for one in reversed(causes):
        for member in one["exceptions"]:
            _write(out, member)
        out.writelines(f"\n  {at['filename']}:{at['lineno']} in {at['name']}" for at in one["frames"])
        out.write(f"\n{one['exc_type']}: {one['exc_value']}")


def _service(name: str) -> Any:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = name
        return event

    return add


def _plain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if not key.startswith("_")}
