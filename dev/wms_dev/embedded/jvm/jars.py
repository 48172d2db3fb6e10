"""The jars of a server, fetched once by Maven and cached in `.data/jars`."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from wms_dev.embedded.jvm.errors import JavaMissing

JAR_CACHE = Path(__file__).resolve().parents[4] / ".data" / "jars"
FETCH_TIMEOUT_SECONDS = 300


def fetch_maven_jars(name: str, pom: Path) -> Path:
    """Return the folder with the jars of a `pom.xml`. Fetch them only if they are not cached.

    Raises:
        JavaMissing: There is no Maven, or it failed.
    """
    folder = JAR_CACHE / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        _fetch_atomically(name, pom, folder)
    return folder


def _fetch_atomically(name: str, pom: Path, folder: Path) -> None:
    """Fetch into a temporary folder and rename it, so that aborted calls leave no partial cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial_folder = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    try:
        _run_maven(name, pom, partial_folder)
        partial_folder.chmod(0o755)
        try:
            partial_folder.rename(folder)
        except OSError:
            if not folder.is_dir():  # otherwise a concurrent call was faster
                raise
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _run_maven(name: str, pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JavaMissing(f"Maven is required for the jars of {name}; on Debian: apt-get install maven")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    command = [maven, "--quiet", "--batch-mode", "--file", str(pom), *goal]
    try:
        completed = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=FETCH_TIMEOUT_SECONDS, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise JavaMissing(f"Maven took over {FETCH_TIMEOUT_SECONDS} s to fetch the jars of {name}") from None
    if completed.returncode != 0:
        output_tail = "\n".join((completed.stdout + completed.stderr).splitlines()[-5:])
        raise JavaMissing(f"Maven could not fetch the jars of {name}:\n{output_tail}")
