"""A server that is unreachable or speaks another protocol: a clear error within limited time."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from tests.support.clients.cli import CommandResult, run_command
from tests.support.clients.grpc_api import Api, open_api
from tests.support.external.certificates import (
    Certificates,
    make_certificates,
    make_expired,
    write_encrypted_key,
)
from tests.support.faults.tcp_proxy import open_proxy
from tests.support.waiting import Stopwatch

from wms_dev.free_port import find_free_port


async def list_orders(address: str, *arguments: str) -> CommandResult:
    """List orders. The command must fail soon, with empty standard output."""
    watch = Stopwatch()
    result = await run_command(address, "orders", "list", "--deadline", "3", *arguments)
    assert watch.seconds < 20
    assert "Traceback" not in result.stderr_text
    if result.exit_code:
        assert result.stdout_text == ""
    return result


@pytest.mark.parametrize(
    ("address", "expected_text"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("unknown.invalid:8001", "host named unknown.invalid"),
        ("localhost", "host:port"),
        ("", "host:port"),
        ("localhost:99999", "host:port"),
    ],
)
async def test_an_invalid_address_is_reported(address: str, expected_text: str) -> None:
    """With the cause, and the option for another address."""
    result = await list_orders(address, "--address", address)
    assert result.exit_code == 4
    assert expected_text in result.stderr_text
    assert "--address or SERVER_ADDR" in result.stderr_text


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_server_that_does_not_respond_times_out(api: Api) -> None:
    """At the deadline. The error of a change shows how to repeat it safely."""
    async with open_proxy(f"tcp://{api.address}") as proxy:
        proxy.freeze()
        result = await list_orders(proxy.url.removeprefix("tcp://"))
        assert result.exit_code == 4
        watch = await run_command(proxy.url.removeprefix("tcp://"), "orders", "watch", "--deadline", "0.5")
        assert watch.exit_code == 4
        assert "does not answer" in watch.stderr_text
        cancel = ("orders", "cancel", "ORD-1", "--deadline", "0.5", "--request-id", "mine")
        result = await run_command(proxy.url.removeprefix("tcp://"), *cancel)
    assert result.exit_code == 4
    assert "--request-id mine" in result.stderr_text


@pytest.mark.one_postgres
async def test_the_port_of_http_is_detected(database_url: str) -> None:
    """It accepts connections, but does not respond to gRPC."""
    http = f"127.0.0.1:{find_free_port()}"
    async with open_api(database_url, http_addr=http):
        result = await list_orders(http)
    assert result.exit_code == 4
    assert "HTTP port" in result.stderr_text


@contextmanager
def unresponsive_address() -> Iterator[str]:
    """Yield an address that does not respond: the queue of its connections is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", find_free_port()))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield "{}:{}".format(*listener.getsockname())


@pytest.mark.slow
@pytest.mark.one_postgres
async def test_health_reports_the_cause_for_each_unreachable_target(database_url: str) -> None:
    """In one word in the table, and in a sentence with advice. The other targets are reported, too."""
    http = f"127.0.0.1:{find_free_port()}"
    with unresponsive_address() as silent:
        async with open_api(database_url, http_addr=http) as api:
            targets = (api.address, "127.0.0.1:1", "unknown.invalid:8001", silent, http, "localhost")
            result = await run_command("127.0.0.1:1", "health", *targets, "--deadline", "2")
    assert result.exit_code == 4
    states = {
        line.split()[0]: " ".join(line.split()[1:]) for line in reversed(result.stdout_text.splitlines())
    }
    assert states.pop("unknown.invalid:8001") in (
        "reachable no no such host",
        "reachable no name not resolved",
    )
    assert states == {
        "target": "check state for detail",
        api.address: "ready serving",
        "127.0.0.1:1": "reachable no refused",
        silent: "reachable no timeout",
        http: "reachable no no answer",
        "localhost": "reachable no no address",
    }
    for target, expected_text in (
        ("127.0.0.1:1", "Start the server or worker there"),
        ("unknown.invalid:8001", "check "),
        (silent, "check the host, the port and the firewall"),
        (http, "HTTP port"),
        ("localhost", "host:port"),
    ):
        assert f"{target} does not answer. " in result.stderr_text
        assert expected_text in result.stderr_text.split(f"{target} does not answer. ")[1].splitlines()[0]


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Return certificates of an authority that no system trusts."""
    created = make_certificates(tmp_path / "certificates")
    assert created is not None, "openssl is needed"
    return created


@asynccontextmanager
async def behind_tls(
    address: str, certificates: Certificates, *, requires_client_certificate: bool = False
) -> AsyncIterator[str]:
    """Yield the address of a TLS proxy in front of the server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    if requires_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.authority)
    context.set_alpn_protocols(["h2"])
    host, port = address.split(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()

    proxy_port = find_free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", proxy_port, ssl=context):
        yield f"127.0.0.1:{proxy_port}"


@pytest.mark.one_postgres
async def test_tls_with_and_without_its_authority(api: Api, certificates: Certificates) -> None:
    """With the authority the call succeeds. All other errors report the missing setting."""
    async with behind_tls(api.address, certificates) as address:
        ca = str(certificates.authority)
        assert (await list_orders(address, "--ca", ca)).stdout_text == "No orders.\n"
        assert (await run_command(address, "orders", "list", SERVER_CA=ca)).exit_code == 0
        plain, untrusted = await asyncio.gather(list_orders(address), list_orders(address, "--tls"))
    assert plain.exit_code == untrusted.exit_code == 4
    assert "expects TLS" in plain.stderr_text
    assert "--ca FILE" in untrusted.stderr_text
    needless = await list_orders(api.address, "--tls")
    assert needless.exit_code == 4
    assert "does not use TLS" in needless.stderr_text


@pytest.mark.slow
@pytest.mark.one_postgres
async def test_health_reports_tls_errors(api: Api, certificates: Certificates) -> None:
    """TLS on one side only, an untrusted authority, an expired certificate."""
    ca = ("--ca", str(certificates.authority))
    async with behind_tls(api.address, certificates) as address:
        assert (await run_command(address, "health", *ca)).exit_code == 0
        plain, untrusted = await asyncio.gather(
            run_command(address, "health"), run_command(address, "health", "--tls")
        )
    needless = await run_command(api.address, "health", "--tls")
    async with behind_tls(api.address, make_expired(certificates)) as address:
        expired = await run_command(address, "health", *ca)
    for result, expected_text in (
        (plain, "expects TLS: add --tls"),
        (untrusted, "give its authority with --ca FILE"),
        (needless, "leave out --tls"),
        (expired, "certificate has expired): renew it"),
    ):
        assert (result.exit_code, "reachable  no     TLS" in result.stdout_text) == (4, True), result
        assert expected_text in result.stderr_text


async def test_an_unreadable_certificate_is_reported(tmp_path: Path) -> None:
    """Before any call."""
    result = await list_orders("127.0.0.1:1", "--ca", str(tmp_path / "absent.pem"))
    assert result.exit_code == 2
    assert "absent.pem" in result.stderr_text


@pytest.mark.one_postgres
async def test_a_client_certificate_is_presented_on_request(
    api: Api, certificates: Certificates, tmp_path: Path
) -> None:
    """By options or variables.

    Without it, or with only one of its two files, the error has the missing one.
    """
    ca, cert, key = map(str, (certificates.authority, certificates.certificate, certificates.key))
    async with behind_tls(api.address, certificates, requires_client_certificate=True) as address:
        assert (
            await list_orders(address, "--ca", ca, "--cert", cert, "--key", key)
        ).stdout_text == "No orders.\n"
        named = {"SERVER_CA": ca, "SERVER_CERT": cert, "SERVER_KEY": key}
        assert (await run_command(address, "orders", "list", **named)).exit_code == 0
        without = await list_orders(address, "--ca", ca)
    assert without.exit_code == 4
    assert "a client certificate (--cert, --key)" in without.stderr_text


async def test_unusable_certificates_are_reported(certificates: Certificates, tmp_path: Path) -> None:
    """Before any call: no file, no PEM, a missing file, the key of another certificate, a password."""
    ca, cert, key = map(str, (certificates.authority, certificates.certificate, certificates.key))
    other = str(certificates.key.with_name("ca.key"))
    nowhere, text, closed = (str(tmp_path / name) for name in ("nowhere.pem", "text.pem", "closed.pem"))
    write_encrypted_key(Path(key), Path(closed))
    await asyncio.to_thread(Path(text).write_text, "certificate\n")
    for arguments, expected_text in (
        (("--ca", nowhere), "nowhere.pem can't be read: No such file"),
        (("--ca", text), "text.pem has no certificate in PEM format"),
        (("--cert", cert), "give both or neither"),
        (("--ca", ca, "--key", key), "give both or neither"),
        (("--cert", cert, "--key", nowhere), "nowhere.pem can't be read: No such file"),
        (("--cert", text, "--key", key), "are not a certificate and its unencrypted key"),
        (("--cert", cert, "--key", other), "are not a certificate and its unencrypted key"),
        (("--cert", cert, "--key", closed), "are not a certificate and its unencrypted key"),
    ):
        result = await list_orders("127.0.0.1:1", *arguments)
        assert (result.exit_code, expected_text in result.stderr_text) == (2, True), result
