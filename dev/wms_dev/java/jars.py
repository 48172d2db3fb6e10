"""The jars of a server: fetched once by Maven, then kept beside the project's other made things."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from wms_dev.java.problems import JavaMissing

KEPT = Path(__file__).resolve().parents[3] / ".data" / "jars"
FETCH_SECONDS = 300


def maven_jars(name: str, pom: Path) -> Path:
    """The folder with the jars of a `pom.xml`, in its present state; raises `JavaMissing`.

    Maven is asked, and the network used, only when there is no such folder yet.
    """
    folder = KEPT / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        _fetch(name, pom, folder)
    return folder


def _fetch(name: str, pom: Path, folder: Path) -> None:
    """All or nothing, however many do it at once and however they end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    try:
        _run_maven(name, pom, unfinished)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_maven(name: str, pom: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise JavaMissing(f"There is no Maven to fetch the jars of {name}; on Debian: apt-get install maven")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    command = [maven, "--quiet", "--batch-mode", "--file", str(pom), *goal]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=FETCH_SECONDS, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise JavaMissing(f"Maven took over {FETCH_SECONDS} s to fetch the jars of {name}") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise JavaMissing(f"Maven could not fetch the jars of {name}:\n{said}")
