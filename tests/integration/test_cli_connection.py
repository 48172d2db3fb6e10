"""A server that is not there, or is not what the command takes it for: a clear word, in bounded time."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.support.api import Api, open_api
from tests.support.certificates import Certificates, expired, make_certificates, make_closed
from tests.support.cli import Done, run
from tests.support.proxy import open_proxy
from tests.support.waiting import Stopwatch
from wms_dev.ports import free_port


async def listed(address: str, *arguments: str) -> Done:
    """List orders; whatever is wrong, it has to end soon and without a word on standard output."""
    watch = Stopwatch()
    ended = await run(address, "orders", "list", "--deadline", "3", *arguments)
    assert watch.seconds < 20
    assert "Traceback" not in ended.complaint
    if ended.code:
        assert ended.text == ""
    return ended


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("nobody.invalid:8001", "host named nobody.invalid"),
        ("localhost", "host:port"),
        ("", "host:port"),
        ("localhost:99999", "host:port"),
    ],
)
async def test_a_wrong_address_is_named(address: str, said: str) -> None:
    """With what is wrong with it, and how to name another one."""
    ended = await listed(address, "--address", address)
    assert ended.code == 4
    assert said in ended.complaint
    assert "--address or SERVER_ADDR" in ended.complaint


@pytest.mark.one_postgres
@pytest.mark.slow
async def test_a_server_that_does_not_answer_is_given_up(api: Api) -> None:
    """At the deadline; a change says how to do it again safely."""
    async with open_proxy(f"tcp://{api.address}") as proxy:
        proxy.freeze()
        ended = await listed(proxy.url.removeprefix("tcp://"))
        assert ended.code == 4
        watch = await run(proxy.url.removeprefix("tcp://"), "orders", "watch", "--deadline", "0.5")
        assert watch.code == 4
        assert "does not answer" in watch.complaint
        cancel = ("orders", "cancel", "ORD-1", "--deadline", "0.5", "--request-id", "mine")
        ended = await run(proxy.url.removeprefix("tcp://"), *cancel)
    assert ended.code == 4
    assert "--request-id mine" in ended.complaint


@pytest.mark.one_postgres
async def test_the_port_of_http_is_told_from_that_of_grpc(database_url: str) -> None:
    """It listens, and does not answer."""
    http = f"127.0.0.1:{free_port()}"
    async with open_api(database_url, http_addr=http):
        ended = await listed(http)
    assert ended.code == 4
    assert "port of HTTP" in ended.complaint


@contextmanager
def deaf() -> Iterator[str]:
    """Yield an address that answers no one: the queue of its connections is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", free_port()))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield "{}:{}".format(*listener.getsockname())


@pytest.mark.slow
@pytest.mark.one_postgres
async def test_health_says_of_each_target_why_it_cannot_be_reached(database_url: str) -> None:
    """In a word in the table, and in a sentence with what to do; the others are told all the same."""
    http = f"127.0.0.1:{free_port()}"
    with deaf() as silent:
        async with open_api(database_url, http_addr=http) as api:
            targets = (api.address, "127.0.0.1:1", "nobody.invalid:8001", silent, http, "localhost")
            ended = await run("127.0.0.1:1", "health", *targets, "--deadline", "2")
    assert ended.code == 4
    states = {line.split()[0]: " ".join(line.split()[1:]) for line in reversed(ended.text.splitlines())}
    assert states.pop("nobody.invalid:8001") in (
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
    for target, said in (
        ("127.0.0.1:1", "Start the server or worker there"),
        ("nobody.invalid:8001", "see "),
        (silent, "see to the host, the port and the firewall"),
        (http, "port of HTTP"),
        ("localhost", "host:port"),
    ):
        assert f"{target} does not answer. " in ended.complaint
        assert said in ended.complaint.split(f"{target} does not answer. ")[1].splitlines()[0]


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Give certificates of an authority that no system trusts."""
    made = make_certificates(tmp_path / "certificates")
    assert made is not None, "openssl is needed"
    return made


@asynccontextmanager
async def behind_tls(
    address: str, certificates: Certificates, *, asks_back: bool = False
) -> AsyncIterator[str]:
    """Give the address of the same server behind TLS, as a proxy in front of it speaks it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    if asks_back:
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

    here = free_port()
    async with await asyncio.start_server(serve, "127.0.0.1", here, ssl=context):
        yield f"127.0.0.1:{here}"


@pytest.mark.one_postgres
async def test_tls_is_spoken_when_it_is_asked_for(api: Api, certificates: Certificates) -> None:
    """With the authority named it works; every other way says what is missing."""
    async with behind_tls(api.address, certificates) as address:
        ca = str(certificates.authority)
        assert (await listed(address, "--ca", ca)).text == "No orders.\n"
        assert (await run(address, "orders", "list", SERVER_CA=ca)).code == 0
        plain, stranger = await asyncio.gather(listed(address), listed(address, "--tls"))
    assert plain.code == stranger.code == 4
    assert "expects TLS" in plain.complaint
    assert "--ca FILE" in stranger.complaint
    needless = await listed(api.address, "--tls")
    assert needless.code == 4
    assert "does not speak TLS" in needless.complaint


@pytest.mark.slow
@pytest.mark.one_postgres
async def test_health_says_what_is_wrong_with_tls(api: Api, certificates: Certificates) -> None:
    """Spoken by one side only; an authority that is not trusted; a certificate that has expired."""
    ca = ("--ca", str(certificates.authority))
    async with behind_tls(api.address, certificates) as address:
        assert (await run(address, "health", *ca)).code == 0
        plain, stranger = await asyncio.gather(run(address, "health"), run(address, "health", "--tls"))
    needless = await run(api.address, "health", "--tls")
    async with behind_tls(api.address, expired(certificates)) as address:
        late = await run(address, "health", *ca)
    for ended, said in (
        (plain, "expects TLS: say --tls"),
        (stranger, "name its authority with --ca FILE"),
        (needless, "leave out --tls"),
        (late, "certificate has expired): see to its renewal"),
    ):
        assert (ended.code, "reachable  no     TLS" in ended.text) == (4, True), ended
        assert said in ended.complaint


async def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Before anything is called."""
    ended = await listed("127.0.0.1:1", "--ca", str(tmp_path / "absent.pem"))
    assert ended.code == 2
    assert "absent.pem" in ended.complaint


@pytest.mark.one_postgres
async def test_a_certificate_is_shown_to_who_asks_for_one(
    api: Api, certificates: Certificates, tmp_path: Path
) -> None:
    """By options or by variables; without one, and with half of one, it is said what is missing."""
    ca, cert, key = map(str, (certificates.authority, certificates.certificate, certificates.key))
    async with behind_tls(api.address, certificates, asks_back=True) as address:
        assert (await listed(address, "--ca", ca, "--cert", cert, "--key", key)).text == "No orders.\n"
        named = {"SERVER_CA": ca, "SERVER_CERT": cert, "SERVER_KEY": key}
        assert (await run(address, "orders", "list", **named)).code == 0
        without = await listed(address, "--ca", ca)
    assert without.code == 4
    assert "a certificate of yours (--cert, --key)" in without.complaint


async def test_certificates_that_can_not_be_used_are_named(
    certificates: Certificates, tmp_path: Path
) -> None:
    """Before any server is called: no file, no PEM, one without the other, the key of another, a password."""
    ca, cert, key = map(str, (certificates.authority, certificates.certificate, certificates.key))
    other = str(certificates.key.with_name("ca.key"))
    nowhere, text, closed = (str(tmp_path / name) for name in ("nowhere.pem", "text.pem", "closed.pem"))
    make_closed(Path(key), Path(closed))
    await asyncio.to_thread(Path(text).write_text, "certificate\n")
    for arguments, said in (
        (("--ca", nowhere), "nowhere.pem can't be read: No such file"),
        (("--ca", text), "text.pem has no certificate in PEM"),
        (("--cert", cert), "give both or none"),
        (("--ca", ca, "--key", key), "give both or none"),
        (("--cert", cert, "--key", nowhere), "nowhere.pem can't be read"),
        (("--cert", text, "--key", key), "are no certificate and its key"),
        (("--cert", cert, "--key", other), "are no certificate and its key"),
        (("--cert", cert, "--key", closed), "without a password"),
    ):
        ended = await listed("127.0.0.1:1", *arguments)
        assert (ended.code, said in ended.complaint) == (2, True), ended
