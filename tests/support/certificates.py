"""Certificates for a test: an authority, and one for 127.0.0.1 that it signed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def both(self) -> Path:
        """Key and certificate in one file, as ZooKeeper takes them."""
        file = self.key.with_name("both.pem")
        file.write_text(self.key.read_text() + self.certificate.read_text())
        return file


def make_certificates(folder: Path) -> Certificates | None:
    """Make them by the openssl of this machine; None when there is none."""
    if shutil.which("openssl") is None:
        return None
    folder.mkdir(parents=True)
    kind = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-sha256"]
    _openssl(
        folder, "req", "-x509", *kind, "-subj", "/CN=test-authority", "-keyout", "ca.key", "-out", "ca.pem"
    )
    _openssl(folder, "req", *kind, "-subj", "/CN=127.0.0.1", "-keyout", "key.pem", "-out", "request.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    return Certificates(folder / "ca.pem", _signed(folder, "certificate.pem", days=2), folder / "key.pem")


def expired(certificates: Certificates) -> Certificates:
    """Return the same with a certificate of which the last day was yesterday."""
    certificate = _signed(certificates.authority.parent, "expired.pem", days=-1)
    return Certificates(certificates.authority, certificate, certificates.key)


def _signed(folder: Path, name: str, days: int) -> Path:
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days), "-extfile", "names"]
    _openssl(folder, "x509", "-req", "-in", "request.pem", *signed, "-out", name)
    return folder / name


def make_closed(key: Path, file: Path) -> None:
    """Write the key once more, behind a password."""
    _openssl(key.parent, "pkcs8", "-topk8", "-in", str(key), "-passout", "pass:secret", "-out", str(file))


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607
