"""The look at lock files: no tracked file says where to download from, and the lock fits the project."""

from pathlib import Path

import pytest

from wms_dev import lockfiles

ROOT = Path(__file__).parents[2]
HASH = "    --hash=sha256:" + "0" * 64


def _found(name: str, *lines: str) -> list[str]:
    """Look at a file; its addresses are written with brackets here, for this file is looked at too."""
    text = "\n".join(lines).replace("[:]", ":").replace("[.]", ".")
    return list(lockfiles.addresses(iter([(name, text)])))


def _misfits(
    tmp_path: Path, dependencies: str, lock: str, image: str | None = None, client: str = "[]"
) -> list[str]:
    folder = tmp_path / "clients" / "python"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "its-client"\ndependencies = {client}\n')
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "it"\ndependencies = {dependencies}\n')
    main, *others = lockfiles.LOCKS
    (tmp_path / main).write_text(lock)
    for name in others:
        (tmp_path / name).write_text("")
    whole, build = lockfiles.IMAGE_LOCKS
    (tmp_path / whole).write_text(lock if image is None else image)
    (tmp_path / build).write_text("")
    return list(lockfiles.misfits(tmp_path))


def test_this_repository_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    """What `make lint` runs finds nothing here."""
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
def test_a_place_to_download_from_is_named_with_its_line(name: str, line: str) -> None:
    """Whatever kind of file it stands in."""
    (fault,) = _found(name, "", line)
    assert fault.startswith(f"{name}:2: ")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("requirements.lock", "apscheduler==3.11.3 \\"),
        ("README.md", "See https://www.postgresql.org/docs/18/ for more."),
        ("docs/configuration.md", "postgresql://user:password@host:port/database"),
        ("protos/wms/orders/v1/orders.proto", "// The registry of handlers: one for each service."),
        ("clients/go/go.sum", "google.golang.org/grpc v1.76.0 h1:" + "A" * 43 + "="),
        ("docs/adr/0002.md", "The group of entry points is the registry itself."),
    ],
)
def test_other_text_is_left_alone(name: str, line: str) -> None:
    """Links for readers and words in sentences are no download addresses."""
    assert _found(name, line) == []


def test_a_lock_that_fits_has_no_faults(tmp_path: Path) -> None:
    """Each dependency in a version asked for, with a hash, whatever its extras, markers and spelling."""
    dependencies = '["Some_Package[extra]>=1.2,<2; python_version > \'3\'", "other==3.0"]'
    lock = f"some-package==1.10.0 \\\n{HASH}\n    # via wms-orders (pyproject.toml)\nother==3 \\\n{HASH}\n"
    assert _misfits(tmp_path, dependencies, lock) == []


@pytest.mark.parametrize(
    ("dependency", "lock", "fault"),
    [
        ("a>=1", "", "a is not in it"),
        ("a>=2", f"a==1.9.9 \\\n{HASH}\n", "a 1.9.9 is not >=2"),
        ("a<2", f"a==2.0 \\\n{HASH}\n", "a 2.0 is not <2"),
        ("a~=1", f"a==1.0 \\\n{HASH}\n", "a 1.0 is not ~=1"),
        ("a", "a==1.0\n", "a has no hash"),
        ("a", f"a>=1.0 \\\n{HASH}\n", "neither a pin"),
        ("a", f"a==1.0 \\\n{HASH}\n--extra-option\n", "neither a pin"),
        ("a", f"a==1 \\\n{HASH}\nb==1 \\\n{HASH}\n    # via wms-orders (pyproject.toml)\n", "ask for b"),
    ],
)
def test_a_lock_that_does_not_fit_says_why(tmp_path: Path, dependency: str, lock: str, fault: str) -> None:
    """Missing, too old, too new, without a hash, not a pin, or no longer asked for."""
    assert any(fault in found for found in _misfits(tmp_path, f'["{dependency}"]', lock))


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        ("", "requirements-image.lock: a is not in it"),
        (f"a==2.0 \\\n{HASH}\n", "a 2.0 is 1.0 in requirements.lock"),
        (f"a==1.0 \\\n{HASH}\nb==1 \\\n{HASH}\n", "b 1 is missing in requirements.lock"),
        ("a==1.0\n", "requirements-image.lock:1: a has no hash"),
    ],
)
def test_the_image_has_what_the_tests_have(tmp_path: Path, image: str, fault: str) -> None:
    """In the same versions; less of it, but nothing that the project asks for."""
    assert fault in "\n".join(_misfits(tmp_path, '["a"]', f"a==1.0 \\\n{HASH}\n", image))


def test_what_the_client_asks_for_is_in_the_lock_and_the_image(tmp_path: Path) -> None:
    """In a version that it allows; the client itself is installed from this tree and is in neither."""
    lock = f"a==1.0 \\\n{HASH}\n    # via wms-orders-client\n"
    faults = "\n".join(_misfits(tmp_path, '["its-client==1"]', lock, "", '["a>=2", "b"]'))
    assert "a 1.0 is not >=2" in faults
    assert "requirements.lock: b is not in it" in faults
    assert "requirements-image.lock: a is not in it" in faults
    assert "its-client" not in faults


def test_a_pin_that_the_client_does_not_ask_for_any_more_is_named(tmp_path: Path) -> None:
    """As one of the service; the list of what uv left out at the end of the file asks for nothing."""
    lock = (
        f"a==1.0 \\\n{HASH}\n    # via\n    #   wms-orders-client\nb==1.0 \\\n{HASH}\n# wms-orders-client\n"
    )
    (fault,) = _misfits(tmp_path, "[]", lock)
    assert "the project does not ask for a;" in fault


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
    """1.10 comes after 1.9, and 3.0.0 is 3."""
    assert lockfiles.fits(version, clauses) is fits
