"""The jars of ZooKeeper: fetched once by Maven, then kept beside the project's other made things."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from wms_dev.zookeeper.problems import ZooKeeperMissing

POM = Path(__file__).parent / "pom.xml"
KEPT = Path(__file__).resolve().parents[3] / ".data" / "jars"
FETCH_SECONDS = 300


def zookeeper_jars() -> Path:
    """The folder with the jars of `pom.xml`, in its present state; raises `ZooKeeperMissing`.

    Maven is asked, and the network used, only when there is no such folder yet.
    """
    folder = KEPT / f"zookeeper-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    """All or nothing, however many do it at once and however they end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    try:
        _run_maven(unfinished)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_maven(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ZooKeeperMissing(
            "There is no Maven to fetch ZooKeeper's jars; on Debian: apt-get install maven"
        )

    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    command = [maven, "--quiet", "--batch-mode", "--file", str(POM), *goal]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=FETCH_SECONDS, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise ZooKeeperMissing(f"Maven took over {FETCH_SECONDS} s to fetch ZooKeeper's jars") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise ZooKeeperMissing(f"Maven could not fetch ZooKeeper's jars:\n{said}")
