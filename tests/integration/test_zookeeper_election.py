"""What keeps a replica from standing for election in ZooKeeper, and that it is named."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from kazoo.security import make_acl

from tests.support.certificates import Certificates, make_certificates
from tests.support.requirements import skip_or_fail
from tests.support.roles import MemoryRoles
from tests.support.waiting import bounded, eventually
from tests.support.zookeeper import fresh_path, hand, own_zookeeper
from wms_core.application.ports import ElectionToken, Fence
from wms_dev.ports import free_port
from wms_worker.elected import ZooKeeperElection
from wms_worker.ensemble import Ensemble, Login
from wms_worker.tls import Tls

ROLE = "fulfillment"
SESSION = timedelta(seconds=2)


class Candidate:
    """A replica that stands, and what it reported."""

    def __init__(self, ensemble: Ensemble, roles: MemoryRoles | None = None) -> None:
        """Stand nowhere yet."""
        self.reports: list[str] = []
        report = self.reports.append
        self.election = ZooKeeperElection(roles or MemoryRoles(), ROLE, "candidate", ensemble, report)

    async def trouble(self) -> str:
        """Let it stand until it reports what keeps it from that; it does not win."""
        async with _standing(self.election) as standing:

            async def reported() -> str:
                assert not standing.done()
                return next((report for report in self.reports if report), "")

            return await eventually(reported)

    async def wins(self) -> Fence:
        """Let it win and resign."""
        fence = await bounded(self.election.win(), 10)
        await self.election.resign()
        return fence


@asynccontextmanager
async def _standing(election: ZooKeeperElection) -> AsyncIterator["asyncio.Task[Fence]"]:
    task = asyncio.create_task(election.win())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_timeout_that_is_not_granted_is_named(zookeeper_hosts: str) -> None:
    """With the one that is: a replica that counts on another would step down too late or too early."""
    candidate = Candidate(Ensemble(zookeeper_hosts, fresh_path(), timedelta(seconds=100)))
    trouble = await candidate.trouble()
    assert "ZOOKEEPER_SESSION_TIMEOUT is 100000 ms" in trouble
    assert "grants 60000 ms" in trouble


async def test_hosts_where_nobody_answers_are_named() -> None:
    """With what the connection came to, and once for as long as it stays so."""
    candidate = Candidate(Ensemble("127.0.0.1:1", fresh_path(), SESSION))
    trouble = await candidate.trouble()
    assert "ZOOKEEPER_HOSTS=127.0.0.1:1" in trouble
    assert "refused" in trouble


async def test_hosts_that_do_not_exist_are_named() -> None:
    """A name that can't be resolved is a wrong host too."""
    candidate = Candidate(Ensemble("nowhere.invalid:2181", fresh_path(), SESSION))
    assert "Cannot resolve nowhere.invalid" in await candidate.trouble()


async def test_a_path_that_may_not_be_written_is_named(zookeeper_hosts: str) -> None:
    """By the variable that says it."""
    path = fresh_path()
    with hand(zookeeper_hosts) as client:
        client.create(path, b"", [make_acl("world", "anyone", read=True)])
    candidate = Candidate(Ensemble(zookeeper_hosts, path, SESSION))
    assert f"ZOOKEEPER_PATH={path}: " in await candidate.trouble()


async def test_an_ensemble_that_was_set_back_is_named(zookeeper_hosts: str) -> None:
    """Postgres knows a later election: whoever wins here is refused, and leaves the line to others."""
    roles = MemoryRoles()
    await roles.claim_elected(ROLE, "from the future", ElectionToken(10**15, 1))
    candidate = Candidate(Ensemble(zookeeper_hosts, fresh_path(), SESSION), roles)
    assert "later election" in await candidate.trouble()


async def test_what_kept_it_from_standing_is_forgotten_when_it_stands(zookeeper_hosts: str) -> None:
    """The last report says that nothing is the matter."""
    candidate = Candidate(Ensemble(zookeeper_hosts, fresh_path(), SESSION))
    await candidate.wins()
    assert candidate.reports[-1] == ""


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give certificates; the tests are skipped without openssl, and fail in CI."""
    made = make_certificates(tmp_path_factory.mktemp("certificates") / "ours")
    if made is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    return made


@pytest.fixture(scope="module")
def secure_hosts(certificates: Certificates) -> Iterator[str]:
    """Give the address of a ZooKeeper that speaks TLS and asks for a certificate."""
    port = free_port()
    settings = {
        "secureClientPort": str(port),
        "secureClientPortAddress": "127.0.0.1",
        "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
        "ssl.keyStore.location": str(certificates.both),
        "ssl.trustStore.location": str(certificates.authority),
    }
    with own_zookeeper(settings=settings):
        yield f"127.0.0.1:{port}"


def _tls(certificates: Certificates, authority: Path | None = None) -> Tls:
    return Tls(str(authority or certificates.authority), str(certificates.certificate), str(certificates.key))


# kazoo asks for what Python's defaults have long forbidden.
_OLD_OPTIONS = pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning")


@_OLD_OPTIONS
async def test_an_election_by_tls_is_won(secure_hosts: str, certificates: Certificates) -> None:
    """Both sides show a certificate, and the ensemble's names its host."""
    candidate = Candidate(Ensemble(secure_hosts, fresh_path(), SESSION, _tls(certificates)))
    assert (await candidate.wins()).epoch == 1


@_OLD_OPTIONS
# kazoo leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_an_ensemble_that_another_authority_signed_is_not_spoken_to(
    secure_hosts: str, certificates: Certificates, tmp_path: Path
) -> None:
    """And the reason is told."""
    stranger = make_certificates(tmp_path / "stranger")
    assert stranger is not None
    candidate = Candidate(
        Ensemble(secure_hosts, fresh_path(), SESSION, _tls(certificates, stranger.authority))
    )
    trouble = await candidate.trouble()
    assert "ZOOKEEPER_HOSTS" in trouble
    assert "certificate" in trouble.lower()


# SASL

_JAAS = """
Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_wms="right";
};
"""


@pytest.fixture(scope="module")
def sasl_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a ZooKeeper that lets in nobody but the user wms."""
    file = tmp_path_factory.mktemp("jaas") / "jaas.conf"
    file.write_text(_JAAS)
    settings = {
        "authProvider.1": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        "sessionRequireClientSASLAuth": "true",
    }
    options = [f"-Djava.security.auth.login.config={file}"]
    with own_zookeeper(settings=settings, java_options=options) as zookeeper:
        yield zookeeper.hosts


async def test_a_user_of_the_ensemble_is_elected(sasl_hosts: str) -> None:
    """By SASL; what it makes there is its own."""
    login = Login("wms", "right")
    path = fresh_path()
    candidate = Candidate(Ensemble(sasl_hosts, path, SESSION, login=login))
    assert (await candidate.wins()).epoch == 1


async def test_a_wrong_password_is_named(sasl_hosts: str) -> None:
    """By its variable, and without showing it."""
    candidate = Candidate(Ensemble(sasl_hosts, fresh_path(), SESSION, login=Login("wms", "wrong")))
    trouble = await candidate.trouble()
    assert "ZOOKEEPER_SASL_USERNAME" in trouble
    assert "wrong" not in trouble
