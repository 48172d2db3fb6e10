"""The check of lock files: no tracked file has a download address, and the locks match the project."""

from pathlib import Path

import pytest

from wms_dev.checks import lockfiles

ROOT = Path(__file__).parents[4]
HASH = "    --hash=sha256:" + "0" * 64


def _find_addresses(name: str, *lines: str) -> list[str]:
    """Return the faults of a file. Brackets hide the addresses in this file, which is checked as well."""
    text = "\n".join(lines).replace("[:]", ":").replace("[.]", ".")
    return list(lockfiles.find_addresses(iter([(name, text)])))


def _find_mismatches(
    tmp_path: Path, dependencies: str, lock: str, image: str | None = None, client: str = "[]"
) -> list[str]:
    folder = tmp_path / "clients" / "python"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "its-client"\ndependencies = {client}\n')
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "it"\ndependencies = {dependencies}\n')
    main_lock, *other_locks = lockfiles.LOCKS
    (tmp_path / main_lock).write_text(lock)
    for name in other_locks:
        (tmp_path / name).write_text("")
    full_lock, build_lock = lockfiles.IMAGE_LOCKS
    (tmp_path / full_lock).write_text(lock if image is None else image)
    (tmp_path / build_lock).write_text("")
    return list(lockfiles.find_lock_mismatches(tmp_path))


def test_repository_has_no_faults(capsys: pytest.CaptureFixture[str]) -> None:
    """`make lint` runs the same check."""
    assert (lockfiles.main(), capsys.readouterr().out) == (0, "")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("README.md", "pip install -i https[:]//pypi[.]org/simple wms-orders"),
        (
            "clients/typescript/package-lock.json",
            '"resolved": "https[:]//registry[.]npmjs[.]org/a/-/a-1.0.0.tgz"',
        ),
        ("clients/typescript/.npmrc", "registry=https[:]//mirror.example/npm/"),
        ("pip.conf", "index-url = https[:]//mirror.example/simple"),
        ("uv.lock", 'source = { url = "https[:]//mirror.example/a" }'),
        ("requirements.lock", "a @ git+ssh://git@host.example/a"),
        ("requirements.lock", "--find-links mirror[.]example/wheels"),
        ("Makefile", "\tpip install --index-url http[:]//10[.]0.0.1/root --trusted-host 10[.]0.0.1"),
        ("deploy/Dockerfile", "ADD https[:]//mirror.example/kafka_2.13-4.0.0.tgz /opt/"),
        ("go.env", "GOPROXY=proxy[.]golang[.]org"),
    ],
)
def test_download_address_is_reported_with_its_line(name: str, line: str) -> None:
    """The kind of the file does not matter."""
    (fault,) = _find_addresses(name, "", line)
    assert fault.startswith(f"{name}:2: ")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("requirements.lock", "apscheduler==3.11.3 \\"),
        ("README.md", "See https://www.postgresql.org/docs/18/ for more."),
        ("docs/guides/configuration.md", "postgresql://user:password@host:port/database"),
        ("protos/wms/orders/v1/orders.proto", "// The registry of handlers: one for each service."),
        ("clients/go/go.sum", "google.golang.org/grpc v1.76.0 h1:" + "A" * 43 + "="),
        ("docs/adr/0002.md", "The group of entry points is the registry itself."),
    ],
)
def test_other_text_is_no_fault(name: str, line: str) -> None:
    """Links for readers and words in sentences are no download addresses."""
    assert _find_addresses(name, line) == []


def test_matching_lock_has_no_faults(tmp_path: Path) -> None:
    """Each dependency has a required version and a hash, independent of extras, markers and spelling."""
    dependencies = '["Some_Package[extra]>=1.2,<2; python_version > \'3\'", "other==3.0"]'
    lock = f"some-package==1.10.0 \\\n{HASH}\n    # via wms-orders (pyproject.toml)\nother==3 \\\n{HASH}\n"
    assert _find_mismatches(tmp_path, dependencies, lock) == []


@pytest.mark.parametrize(
    ("dependency", "lock", "fault"),
    [
        ("a>=1", "", "a is missing"),
        ("a>=2", f"a==1.9.9 \\\n{HASH}\n", "a 1.9.9 does not match >=2"),
        ("a<2", f"a==2.0 \\\n{HASH}\n", "a 2.0 does not match <2"),
        ("a~=1", f"a==1.0 \\\n{HASH}\n", "a 1.0 does not match ~=1"),
        ("a", "a==1.0\n", "a has no hash"),
        ("a", f"a>=1.0 \\\n{HASH}\n", "not a pin"),
        ("a", f"a==1.0 \\\n{HASH}\n--extra-option\n", "not a pin"),
        (
            "a",
            f"a==1 \\\n{HASH}\nb==1 \\\n{HASH}\n    # via wms-orders (pyproject.toml)\n",
            "b is not a dependency any more",
        ),
    ],
)
def test_mismatch_is_reported_with_its_cause(tmp_path: Path, dependency: str, lock: str, fault: str) -> None:
    """The pin is missing, too old, too new, without a hash, malformed, or no longer required."""
    assert any(fault in reported for reported in _find_mismatches(tmp_path, f'["{dependency}"]', lock))


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("", "requirements-image.lock: a is missing"),
        (f"a==2.0 \\\n{HASH}\n", "a 2.0 is 1.0 in requirements.lock"),
        (f"a==1.0 \\\n{HASH}\nb==1 \\\n{HASH}\n", "b 1 is missing in requirements.lock"),
        ("a==1.0\n", "requirements-image.lock:1: a has no hash"),
    ],
)
def test_image_has_the_versions_of_the_tests(tmp_path: Path, image: str, fault: str) -> None:
    """It may have fewer packages, but not fewer than the project requires."""
    assert fault in "\n".join(_find_mismatches(tmp_path, '["a"]', f"a==1.0 \\\n{HASH}\n", image))


def test_requirements_of_the_client_are_in_lock_and_image(tmp_path: Path) -> None:
    """The versions must match. The client itself is installed from this tree and is in neither."""
    lock = f"a==1.0 \\\n{HASH}\n    # via wms-orders-client\n"
    faults = "\n".join(_find_mismatches(tmp_path, '["its-client==1"]', lock, "", '["a>=2", "b"]'))
    assert "a 1.0 does not match >=2" in faults
    assert "requirements.lock: b is missing" in faults
    assert "requirements-image.lock: a is missing" in faults
    assert "its-client" not in faults


def test_pin_without_a_requirement_is_reported(tmp_path: Path) -> None:
    """This holds for pins of the client, too.

    The list at the end of the file, which uv left out, does not count.
    """
    lock = (
        f"a==1.0 \\\n{HASH}\n    # via\n    #   wms-orders-client\nb==1.0 \\\n{HASH}\n# wms-orders-client\n"
    )
    (fault,) = _find_mismatches(tmp_path, "[]", lock)
    assert "a is not a dependency any more;" in fault


@pytest.mark.parametrize(
    ("version", "clauses", "fits"),
    [
        ("1.10", ">=1.9", True),
        ("3.0.0", "==3", True),
        ("0.66b1", ">=0.66", True),
        ("4.0", ">=3.11.3,<4", False),
        ("1.0", "!=1.0", False),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, clauses: str, fits: bool) -> None:
    """1.10 is later than 1.9, and 3.0.0 equals 3."""
    assert lockfiles.version_matches(version, clauses) is fits
