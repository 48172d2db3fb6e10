"""A ZooKeeper session on the event loop. Only this module imports kazoo, which uses threads."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, KazooException, NoAuthError, SessionClosedRequireSaslError
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.interfaces import IAsyncResult
from kazoo.security import make_acl

from wms_core.application.database import ElectionToken
from wms_worker.leadership.zookeeper_settings import ElectionUnavailable, ZooKeeperConfig
from wms_worker.tls import TlsConfig

T = TypeVar("T")


def run_in_daemon_thread(target_function: Callable[..., None], *values: object) -> None:
    """Run a blocking function in a daemon thread. A thread of the loop's executor would delay the exit."""
    threading.Thread(target=target_function, args=values, daemon=True, name="zookeeper").start()


def call_in_loop(
    event_loop: asyncio.AbstractEventLoop, loop_callback: Callable[..., object], *values: object
) -> None:
    """Call a function in the event loop, from any thread; do nothing if the loop is closed."""
    try:
        event_loop.call_soon_threadsafe(loop_callback, *values)
    except RuntimeError:
        return


def set_result_if_pending(pending_future: "asyncio.Future[T]", value: T) -> None:
    """Set a result unless the future is done or cancelled."""
    if not pending_future.done():
        pending_future.set_result(value)


def set_exception_if_pending(pending_future: "asyncio.Future[Any]", error: Exception) -> None:
    """Set an error unless the future is done or cancelled."""
    if not pending_future.done():
        pending_future.set_exception(error)


_KAZOO_LOG_LEVEL = 5  # kazoo's own level for messages about each session
_CONNECTION_RETRY_OPTIONS = {"max_tries": -1, "delay": 0.05, "backoff": 2, "max_delay": 0.5}
_log = structlog.get_logger(__name__)


class ZooKeeperSession:
    """One candidacy for a role in one session; neither is reused.

    A kazoo lock must not be used again after its session was lost, and a suspended session may be lost. An
    interrupted session therefore counts as ended, although kazoo may reconnect.
    """

    def __init__(self, zookeeper_config: ZooKeeperConfig, role: str, worker_id: str) -> None:
        """Start to connect. Requires a running event loop."""
        self.connected_event = asyncio.Event()
        self.ended_event = asyncio.Event()
        self.end_cause = ""
        self._zookeeper_config = zookeeper_config
        self._event_loop = asyncio.get_running_loop()
        self._log_capture = KazooLogCapture(self._on_kazoo_error)
        self._reachable_event = threading.Event()
        self._closed = threading.Event()
        self._last_confirmed_at = time.monotonic()
        self._lock_path = f"{zookeeper_config.path.rstrip('/')}/{role}"
        self._kazoo_client = _create_client(zookeeper_config, self._log_capture)
        self._kazoo_client.add_listener(self._on_state_change)
        self._kazoo_lock = self._kazoo_client.Lock(self._lock_path, worker_id)
        self._kazoo_client.start_async()

    @property
    def last_error(self) -> str:
        """The last warning of kazoo while it connected."""
        return self._log_capture.last_error

    async def wait_until_elected(self) -> ElectionToken:
        """Wait until this candidate is the first in line, and return its token.

        After a cancellation the candidate stays in line until `close`.

        Raises:
            ElectionUnavailable: the session ended, or the candidate lacks permission.
        """
        token_future: asyncio.Future[ElectionToken] = self._event_loop.create_future()
        run_in_daemon_thread(self._acquire_lock, token_future)
        ended_task = asyncio.ensure_future(self.ended_event.wait())
        awaited_futures: set[asyncio.Future[Any]] = {token_future, ended_task}
        try:
            await asyncio.wait(awaited_futures, return_when=asyncio.FIRST_COMPLETED)
            if self.ended_event.is_set():
                raise ElectionUnavailable(self.end_cause)
            return token_future.result()
        finally:
            for awaited_future in awaited_futures:
                awaited_future.cancel()

    async def confirm_lock(self) -> bool:
        """Return whether the ensemble's leader confirms the lock. The caller limits the wait.

        The session is closed if this method is not called for a session timeout, because kazoo's threads
        would keep the session of a stuck process alive forever.

        Raises:
            ElectionUnavailable: the session has ended.
        """
        self._last_confirmed_at = time.monotonic()
        try:
            # Without the sync a server that lags behind would answer from its own, older state.
            await self._wait_for_result(self._kazoo_client.sync_async(self._lock_path))
            return await self._wait_for_result(self._kazoo_client.exists_async(self._node_path)) is not None
        except KazooException as error:
            raise ElectionUnavailable(_format_exception(error)) from error

    async def close(self) -> None:
        """Close the session, which frees its place in the line immediately.

        If the ensemble is unreachable, this takes up to the session timeout; the caller limits the wait.
        """
        closed_future: asyncio.Future[None] = self._event_loop.create_future()
        run_in_daemon_thread(self._close_in_thread, closed_future)
        await closed_future

    @property
    def _node_path(self) -> str:
        return f"{self._lock_path}/{self._kazoo_lock.node}"

    # In threads of kazoo or of `run_in_daemon_thread`:

    def _on_state_change(self, state: str) -> None:
        if state == "CONNECTED":
            self._reachable_event.set()
        else:
            self._reachable_event.clear()
        self._call_in_loop(self._handle_state, state, self._kazoo_client.client_state)

    def _on_kazoo_error(self, error: BaseException) -> None:
        self._call_in_loop(self._set_ended, self._describe_error(error))

    def _acquire_lock(self, token_future: "asyncio.Future[ElectionToken]") -> None:
        try:
            self._kazoo_lock.acquire()
            token = self._read_token()
        except Exception as error:
            self._call_in_loop(
                set_exception_if_pending, token_future, ElectionUnavailable(self._describe_error(error))
            )
            return
        self._last_confirmed_at = time.monotonic()
        self._call_in_loop(set_result_if_pending, token_future, token)
        self._close_when_stuck()

    def _read_token(self) -> ElectionToken:
        """Read the folder first: it cannot have been recreated while it contained this session's node."""
        folder_stat, node_stat = (
            self._kazoo_client.exists(self._lock_path),
            self._kazoo_client.exists(self._node_path),
        )
        if folder_stat is None or node_stat is None:
            raise ElectionUnavailable("the lock's node in ZooKeeper was deleted right after the election")
        return ElectionToken(folder_stat.ctime, node_stat.czxid)

    def _close_when_stuck(self) -> None:
        """Close the session if the leader does not confirm the lock for a session timeout."""
        while not self._closed.wait(self._zookeeper_config.session_timeout_seconds / 4):
            if time.monotonic() - self._last_confirmed_at > self._zookeeper_config.session_timeout_seconds:
                self._close_in_thread(None)

    def _close_in_thread(self, closed_future: "asyncio.Future[None] | None") -> None:
        is_first_close = not self._closed.is_set()
        self._closed.set()
        self._kazoo_lock.cancel()
        if is_first_close:
            self._stop_client()
        if closed_future is not None:
            self._call_in_loop(set_result_if_pending, closed_future, None)

    def _stop_client(self) -> None:
        """Stop kazoo after a connection is back or the session timeout has passed.

        A close request that reaches the ensemble deletes the node immediately.
        """
        if self._log_capture.granted_milliseconds is not None:
            self._reachable_event.wait(self._zookeeper_config.session_timeout_seconds)
        try:
            self._kazoo_client.stop()
            self._kazoo_client.close()
        except Exception as error:
            # The session expires by itself.
            _log.debug("zookeeper_session_close_failed", error=_format_exception(error))

    def _call_in_loop(self, loop_callback: Callable[..., object], *values: object) -> None:
        call_in_loop(self._event_loop, loop_callback, *values)

    # In the event loop:

    def _handle_state(self, state: str, client_state: str) -> None:
        requested_milliseconds, granted_milliseconds = (
            round(self._zookeeper_config.session_timeout_seconds * 1000),
            self._log_capture.granted_milliseconds,
        )
        if state != "CONNECTED":
            self._set_ended(_END_CAUSES.get(client_state, f"ZooKeeper {state.lower()}"))
        elif granted_milliseconds != requested_milliseconds:
            self._set_ended(
                f"ZOOKEEPER_SESSION_TIMEOUT is {requested_milliseconds} ms, but the ensemble grants "
                f"{granted_milliseconds} ms; choose a value between its minSessionTimeout and its "
                "maxSessionTimeout"
            )
        else:
            self.connected_event.set()

    def _set_ended(self, end_cause: str) -> None:
        if not self.ended_event.is_set():
            self.end_cause = end_cause
            self.ended_event.set()

    def _describe_error(self, error: BaseException) -> str:
        if isinstance(error, NoAuthError):
            return f"ZOOKEEPER_PATH={self._zookeeper_config.path}: the user has no write permission there"
        if isinstance(error, (AuthFailedError, SessionClosedRequireSaslError)):
            return (
                _END_CAUSES["AUTH_FAILED"]
                if self._zookeeper_config.sasl_login
                else "ZooKeeper requires a login; set ZOOKEEPER_SASL_USERNAME"
            )
        return str(error) if isinstance(error, ElectionUnavailable) else _format_exception(error)

    async def _wait_for_result(self, async_result: "IAsyncResult[T]") -> T:
        result_future: asyncio.Future[T] = self._event_loop.create_future()
        async_result.rawlink(
            lambda kazoo_result: self._call_in_loop(_copy_outcome, result_future, kazoo_result)
        )
        return await result_future


_END_CAUSES = {
    "CONNECTING": "the connection to ZooKeeper was suspended",
    "EXPIRED_SESSION": "the session with ZooKeeper has expired",
    "AUTH_FAILED": "ZooKeeper rejects ZOOKEEPER_SASL_USERNAME or its password",
    "CLOSED": "the session with ZooKeeper was closed",
}


class KazooLogCapture(logging.Logger):
    """Capture kazoo's log, the only source of the granted session timeout and of connection errors."""

    def __init__(self, on_error: Callable[[BaseException], None]) -> None:
        super().__init__("kazoo", _KAZOO_LOG_LEVEL)
        self.granted_milliseconds: int | None = None
        self.last_error = ""
        self._on_error = on_error

    def handle(self, record: logging.LogRecord) -> None:
        """Store the granted timeout or the last warning; the election logs the resulting reason."""
        if str(record.msg).startswith("Session created") and isinstance(record.args, tuple):
            self.granted_milliseconds = int(str(record.args[2]))
        elif record.levelno >= logging.WARNING:
            self.last_error = record.getMessage()
            _log.debug("kazoo_message_logged", message=self.last_error)
        if record.exc_info and record.exc_info[1] is not None:
            self._on_error(record.exc_info[1])


class _QuietThreadingHandler(SequentialThreadingHandler):
    """Start kazoo's threads without tracebacks on stderr, because `KazooLogCapture` has their errors."""

    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> threading.Thread:
        """Start a thread that logs its error at level debug."""

        def run_quietly() -> None:
            try:
                func(*args, **kwargs)
            except Exception as error:
                _log.debug("kazoo_message_logged", message=_format_exception(error))

        return super().spawn(run_quietly)


def _create_client(zookeeper_config: ZooKeeperConfig, log_capture: KazooLogCapture) -> KazooClient:
    tls_config, sasl_login = zookeeper_config.tls_config or TlsConfig(), zookeeper_config.sasl_login
    sasl_options = (
        {"mechanism": "DIGEST-MD5", "username": sasl_login.user_name, "password": sasl_login.password}
        if sasl_login
        else None
    )
    return KazooClient(
        hosts=zookeeper_config.addresses,
        timeout=zookeeper_config.session_timeout_seconds,
        handler=_QuietThreadingHandler(),
        connection_retry=_CONNECTION_RETRY_OPTIONS,
        logger=log_capture,
        sasl_options=sasl_options,
        # Only the user that created a node may delete it.
        default_acl=[make_acl("sasl", sasl_login.user_name, all=True)] if sasl_login else None,
        use_ssl=zookeeper_config.tls_config is not None,
        ca=tls_config.ca_file,
        certfile=tls_config.certificate_file,
        keyfile=tls_config.key_file,
        keyfile_password=tls_config.key_password,
        check_hostname=tls_config.check_hostname,
    )


def _copy_outcome(pending_future: "asyncio.Future[T]", kazoo_result: "IAsyncResult[T]") -> None:
    try:
        set_result_if_pending(pending_future, kazoo_result.get(block=False))
    except Exception as error:
        set_exception_if_pending(pending_future, error)


def _format_exception(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
