"""Logging: JSON for machines, colours for people, with the ids of the current call.

A traceback has locations and error types, but no values: these may be addresses and phone numbers.
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

#: Quoted text may be a value, unless it is the name of a Postgres object.
_QUOTED_TEXT = re.compile(
    r'(\b(?:column|constraint|database|function|index|relation|role|schema|sequence|table|type|user) "\w+")'
    r"""|(?<!\w)["'].*"""
)


#: System errors quote host names and files, which do not come from clients.
_SYSTEM_ERROR_NAMES = {"gaierror"} | {
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, OSError)
}


def redact_values(error_type: str, message: str) -> str:
    """Return the first line of an error message, up to the first quoted value.

    Postgres quotes single values in this line, and whole rows in later ones.
    """
    first_line = message.partition("\n")[0]
    return (
        first_line
        if error_type in _SYSTEM_ERROR_NAMES
        else _QUOTED_TEXT.sub(lambda quoted_match: quoted_match[1] or "…", first_line)
    )


def describe_error(error: BaseException) -> str:
    """Return type and message of an error for the log, without values."""
    error_type = type(error).__name__
    return f"{error_type}: {redact_values(error_type, str(error))}"


def configure_logging(log_level: str, log_format: str, service_name: str) -> None:
    """Send structlog and the standard library's log to stderr in one format."""
    shared_processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    log_renderer: Any = structlog.processors.JSONRenderer()
    if log_format == "pretty":
        log_renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=_write_traceback
        )
    else:
        shared_processors += [
            make_service_processor(service_name),
            structlog.processors.ExceptionRenderer(_build_traceback),
        ]
    structlog.configure(
        processors=[*shared_processors, log_renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # apscheduler logs each tick during a running cycle; the worker's own log has the duration of each cycle.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # opentelemetry logs every batch that no collector accepts; `wms_core.runtime.tracing` logs this once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_not_client_error)
    stream_handler = logging.StreamHandler(sys.stderr)
    stream_handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors, processors=[_drop_private_fields, log_renderer]
        )
    )
    logging.basicConfig(handlers=[stream_handler], level=logging.WARNING, force=True)


#: gRPC logs an error with a traceback for each client that disconnects before its response, and for each
#: header that is not UTF-8, with its value. The call itself reports these errors to its client.
_CLIENT_ERROR_PREFIXES = ("ExecuteBatchError raised in core", "Invalid encoding on ")


def _is_not_client_error(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_CLIENT_ERROR_PREFIXES)


_traceback_transformer = ExceptionDictTransformer(show_locals=False)


def _build_traceback(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Return an exception and its causes as dicts."""
    return [_redact_exception(exception_dict) for exception_dict in _traceback_transformer(exc_info)]


def _redact_exception(exception_dict: dict[str, Any]) -> dict[str, Any]:
    """Remove the values from all messages."""
    redacted_members = [
        [_redact_exception(member_cause) for member_cause in group_member]
        for group_member in exception_dict["exceptions"]
    ]
    return {
        **exception_dict,
        "exc_value": redact_values(exception_dict["exc_type"], exception_dict["exc_value"]),
        "exceptions": redacted_members,
    }


def _write_traceback(output_stream: TextIO, exc_info: ExcInfo) -> None:
    """Write the traceback for people, the first cause first."""
    _write_exceptions(output_stream, _build_traceback(exc_info))


def _write_exceptions(output_stream: TextIO, exception_dicts: list[dict[str, Any]]) -> None:
    for exception_dict in reversed(exception_dicts):
        for group_member in exception_dict["exceptions"]:
            _write_exceptions(output_stream, group_member)
        output_stream.writelines(
            f"\n  {stack_frame['filename']}:{stack_frame['lineno']} in {stack_frame['name']}"
            for stack_frame in exception_dict["frames"]
        )
        output_stream.write(f"\n{exception_dict['exc_type']}: {exception_dict['exc_value']}")


def make_service_processor(service_name: str) -> Any:
    """Return a structlog processor that adds the service name to each event."""

    def add_service_name(
        _bound_logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service_name
        return event

    return add_service_name


def _drop_private_fields(_bound_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if not key.startswith("_")}
