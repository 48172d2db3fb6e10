"""Causes that prevent an election by ZooKeeper, and their reports."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from kazoo.security import make_acl

from tests.support.external.certificates import Certificates, make_certificates
from tests.support.external.zookeeper import new_zookeeper_path, open_kazoo_client, run_zookeeper
from tests.support.fakes.role_leases import InMemoryRoleLeases
from tests.support.pytest_plugins.requirements import skip_or_fail
from tests.support.waiting import eventually, with_timeout
from wms_core.application.database import ElectionToken, Fence
from wms_dev.free_port import find_free_port
from wms_worker.leadership.zookeeper_election import ZooKeeperElection
from wms_worker.leadership.zookeeper_settings import ZooKeeperConfig, ZooKeeperLogin
from wms_worker.tls import TlsConfig

ROLE = "fulfillment"
SESSION = timedelta(seconds=2)


class Candidate:
    """A replica in the election, and its reports."""

    def __init__(self, ensemble: ZooKeeperConfig, roles: InMemoryRoleLeases | None = None) -> None:
        self.reports: list[str] = []
        report = self.reports.append
        self.election = ZooKeeperElection(roles or InMemoryRoleLeases(), ROLE, "candidate", ensemble, report)

    async def wait_for_report(self) -> str:
        """Return the report of a cause that prevents the election. The replica must not acquire the role."""
        async with _acquiring(self.election) as acquisition:

            async def find_report() -> str:
                assert not acquisition.done()
                return next((report for report in self.reports if report), "")

            return await eventually(find_report)

    async def acquire_and_release(self) -> Fence:
        """Acquire the role, release it, and return the fence."""
        fence = await with_timeout(self.election.acquire(), 10)
        await self.election.release()
        return fence


@asynccontextmanager
async def _acquiring(election: ZooKeeperElection) -> AsyncIterator["asyncio.Task[Fence]"]:
    task = asyncio.create_task(election.acquire())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_timeout_that_zookeeper_changes_is_reported(zookeeper_hosts: str) -> None:
    """The report has the granted one.

    With another timeout than configured, the replica would step down too late or too early.
    """
    candidate = Candidate(ZooKeeperConfig(zookeeper_hosts, new_zookeeper_path(), timedelta(seconds=100)))
    report = await candidate.wait_for_report()
    assert "ZOOKEEPER_SESSION_TIMEOUT is 100000 ms" in report
    assert "grants 60000 ms" in report


async def test_unreachable_hosts_are_reported() -> None:
    """With the connection error, and once as long as it does not change."""
    candidate = Candidate(ZooKeeperConfig("127.0.0.1:1", new_zookeeper_path(), SESSION))
    report = await candidate.wait_for_report()
    assert "ZOOKEEPER_HOSTS=127.0.0.1:1" in report
    assert "refused" in report


async def test_unknown_hosts_are_reported() -> None:
    """A name that cannot be resolved is an invalid host, too."""
    candidate = Candidate(ZooKeeperConfig("nowhere.invalid:2181", new_zookeeper_path(), SESSION))
    assert "Cannot resolve nowhere.invalid" in await candidate.wait_for_report()


async def test_a_path_without_write_permission_is_reported(zookeeper_hosts: str) -> None:
    """With the variable that sets it."""
    path = new_zookeeper_path()
    with open_kazoo_client(zookeeper_hosts) as client:
        client.create(path, b"", [make_acl("world", "anyone", read=True)])
    candidate = Candidate(ZooKeeperConfig(zookeeper_hosts, path, SESSION))
    assert f"ZOOKEEPER_PATH={path}: " in await candidate.wait_for_report()


async def test_an_ensemble_with_older_data_is_reported(zookeeper_hosts: str) -> None:
    """Postgres has accepted a later election token. The replica is rejected and leaves the election."""
    roles = InMemoryRoleLeases()
    await roles.claim_elected(ROLE, "from the future", ElectionToken(10**15, 1))
    candidate = Candidate(ZooKeeperConfig(zookeeper_hosts, new_zookeeper_path(), SESSION), roles)
    assert "later election" in await candidate.wait_for_report()


async def test_a_report_is_cleared_when_the_election_succeeds(zookeeper_hosts: str) -> None:
    """The last report is empty."""
    candidate = Candidate(ZooKeeperConfig(zookeeper_hosts, new_zookeeper_path(), SESSION))
    await candidate.acquire_and_release()
    assert candidate.reports[-1] == ""


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates. Without openssl the tests are skipped, or fail in CI."""
    created = make_certificates(tmp_path_factory.mktemp("certificates") / "ours")
    if created is None:
        skip_or_fail("there is no openssl on this machine; on Debian: apt-get install openssl")
    return created


@pytest.fixture(scope="module")
def secure_hosts(certificates: Certificates) -> Iterator[str]:
    """Yield the address of a ZooKeeper that requires TLS with a client certificate."""
    port = find_free_port()
    settings = {
        "secureClientPort": str(port),
        "secureClientPortAddress": "127.0.0.1",
        "serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory",
        "ssl.keyStore.location": str(certificates.combined_pem),
        "ssl.trustStore.location": str(certificates.authority),
    }
    with run_zookeeper(settings=settings):
        yield f"127.0.0.1:{port}"


def _tls(certificates: Certificates, authority: Path | None = None) -> TlsConfig:
    return TlsConfig(
        str(authority or certificates.authority), str(certificates.certificate), str(certificates.key)
    )


# kazoo uses defaults of ssl that Python has deprecated.
_OLD_OPTIONS = pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning")


@_OLD_OPTIONS
async def test_an_election_over_tls_succeeds(secure_hosts: str, certificates: Certificates) -> None:
    """Both sides present a certificate, and that of the ensemble has its host name."""
    candidate = Candidate(ZooKeeperConfig(secure_hosts, new_zookeeper_path(), SESSION, _tls(certificates)))
    assert (await candidate.acquire_and_release()).epoch == 1


@_OLD_OPTIONS
# kazoo does not close the socket of a failed handshake; the garbage collector does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_certificate_of_another_authority_is_rejected(
    secure_hosts: str, certificates: Certificates, tmp_path: Path
) -> None:
    """The reason is reported."""
    other_authority = make_certificates(tmp_path / "stranger")
    assert other_authority is not None
    candidate = Candidate(
        ZooKeeperConfig(
            secure_hosts, new_zookeeper_path(), SESSION, _tls(certificates, other_authority.authority)
        )
    )
    report = await candidate.wait_for_report()
    assert "ZOOKEEPER_HOSTS" in report
    assert "certificate" in report.lower()


# SASL

_JAAS = """
Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_wms="right";
};
"""


@pytest.fixture(scope="module")
def sasl_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a ZooKeeper that accepts only the user wms."""
    file = tmp_path_factory.mktemp("jaas") / "jaas.conf"
    file.write_text(_JAAS)
    settings = {
        "authProvider.1": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        "sessionRequireClientSASLAuth": "true",
    }
    options = [f"-Djava.security.auth.login.config={file}"]
    with run_zookeeper(settings=settings, java_options=options) as zookeeper:
        yield zookeeper.hosts


async def test_an_election_with_sasl_succeeds(sasl_hosts: str) -> None:
    """The nodes that it creates belong to this user."""
    login = ZooKeeperLogin("wms", "right")
    path = new_zookeeper_path()
    candidate = Candidate(ZooKeeperConfig(sasl_hosts, path, SESSION, sasl_login=login))
    assert (await candidate.acquire_and_release()).epoch == 1


async def test_a_wrong_password_is_reported(sasl_hosts: str) -> None:
    """With its variable and without the password."""
    candidate = Candidate(
        ZooKeeperConfig(sasl_hosts, new_zookeeper_path(), SESSION, sasl_login=ZooKeeperLogin("wms", "wrong"))
    )
    report = await candidate.wait_for_report()
    assert "ZOOKEEPER_SASL_USERNAME" in report
    assert "wrong" not in report
