"""Certificates for tests: an authority, and a certificate for 127.0.0.1 options by it."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Certificate files in PEM format."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def combined_pem(self) -> Path:
        """Key and certificate in one file, as ZooKeeper requires them."""
        file = self.key.with_name("both.pem")
        file.write_text(self.key.read_text() + self.certificate.read_text())
        return file


def make_certificates(folder: Path) -> Certificates | None:
    """Create certificates by openssl; None if it is not installed."""
    if shutil.which("openssl") is None:
        return None
    folder.mkdir(parents=True)
    kind = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256"]
    _openssl(
        folder, "req", "-x509", *kind, "-subj", "/CN=test-authority", "-keyout", "ca.key", "-out", "ca.pem"
    )
    _openssl(folder, "req", *kind, "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    return Certificates(
        folder / "ca.pem", _sign_certificate(folder, "certificate.pem", days=2), folder / "key.pem"
    )


def make_expired(certificates: Certificates) -> Certificates:
    """Return the certificates with one that has expired."""
    certificate = _sign_certificate(certificates.authority.parent, "expired.pem", days=-1)
    return Certificates(certificates.authority, certificate, certificates.key)


def _sign_certificate(folder: Path, name: str, days: int) -> Path:
    options = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        str(days),
        "-extfile",
        "names",
    ]
    _openssl(folder, "x509", "-req", "-in", "request.pem", *options, "-out", name)
    return folder / name


def write_encrypted_key(key: Path, file: Path) -> None:
    """Write a copy of the key, encrypted by a password."""
    _openssl(key.parent, "pkcs8", "-topk8", "-in", str(key), "-passout", "pass:secret", "-out", str(file))


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607
