"""The check of dependencies: what is imported is declared, and nothing else is."""

import json
from pathlib import Path

import pytest

from wms_dev.dependencies import Owners, faults, installed_modules

CONFIGURATION = """
[[tool.wms-orders.imports]]
distribution = "it-client"
requirements = "dependencies"
folders = ["clients/python"]

[[tool.wms-orders.imports]]
distribution = "it"
requirements = "dependencies"
folders = ["core", "server"]

[[tool.wms-orders.imports]]
distribution = "it"
requirements = "dev"
installed-with = ["dependencies"]
folders = ["tests"]
"""
CLIENT = "import rpc.calls\nfrom common.errors import Failure\n"
CORE = "import typing\n\nif typing.TYPE_CHECKING:\n\n    from driver import Connection\n"
SERVER = "from it_client import connect\nfrom it_core import rules\n\n\ndef start():\n    import rpc\n"
TESTS = "import checks\nfrom it_server import start\nfrom tests.support import api\nfrom . import other\n"


def installed(**modules: str) -> Owners:
    """Return an environment: modules, written with `__` for dots, with the distribution of each."""
    known = {"rpc": "rpc", "rpc.calls": "rpc", "driver": "driver", "checks": "checks", **modules}
    # One namespace with the modules of two distributions.
    namespace = {"common.errors": "common-errors", "common.money": "common-money"}
    return {name.replace("__", "."): frozenset({owner}) for name, owner in {**known, **namespace}.items()}


def tree(
    root: Path,
    *,
    client: tuple[str, ...] = ("rpc>=1", "Common_Errors"),
    dependencies: tuple[str, ...] = ("it-client==1", "driver", "rpc[extra]<2"),
    dev: tuple[str, ...] = ("checks",),
    reasons: tuple[str, ...] = (),
    **sources: str,
) -> Path:
    """Write two distributions in which everything fits, but for what is given; return the root."""
    listed = "".join(f'{name} = "because"\n' for name in reasons)
    (root / "clients" / "python").mkdir(parents=True)
    (root / "clients" / "python" / "pyproject.toml").write_text(
        f'[project]\nname = "it-client"\ndependencies = {json.dumps(client)}\n'
    )
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "it"\ndependencies = {json.dumps(dependencies)}\n'
        f"[project.optional-dependencies]\ndev = {json.dumps(dev)}\n"
        f"{CONFIGURATION}[tool.wms-orders.needed-without-import]\n{listed}"
    )
    texts = {"client": CLIENT, "core": CORE, "server": SERVER, "tests": TESTS, **sources}
    folders = {"client": "clients/python/it_client", "core": "core/it_core", "server": "server/it_server"}
    for name, text in texts.items():
        package = root / folders.get(name, name)
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
    return root


def found(root: Path) -> list[str]:
    """Return what the check finds."""
    return list(faults(root, installed()))


def test_a_tree_that_fits_has_no_faults(tmp_path: Path) -> None:
    """With imports for types alone, in functions, of the standard library, of itself, and relative ones."""
    assert found(tree(tmp_path)) == []


def test_an_undeclared_dependency_is_named_with_the_first_place_that_imports_it(tmp_path: Path) -> None:
    """Also when another distribution brings it along."""
    root = tree(tmp_path, dependencies=("it-client==1", "rpc"))
    assert found(root) == ["core/it_core/__init__.py:5: driver is imported, and not in `dependencies` of it"]


def test_an_unused_dependency_is_named(tmp_path: Path) -> None:
    """With the folders that it was looked for in."""
    root = tree(tmp_path, dependencies=("it-client==1", "driver", "rpc", "scheduler"))
    assert found(root) == ["`dependencies` of it: nothing in core, server imports scheduler"]


def test_what_only_tests_import_is_a_dependency_of_theirs(tmp_path: Path) -> None:
    """Not of the service; and the service may not import what only tests have."""
    root = tree(tmp_path, dependencies=("it-client==1", "driver", "rpc", "checks"), dev=())
    assert found(root) == ["`dependencies` of it: nothing in core, server imports checks"]


def test_the_service_does_not_import_what_only_tests_have(tmp_path: Path) -> None:
    """It would not be installed with the service."""
    root = tree(tmp_path, core=f"{CORE}import checks\n")
    assert found(root) == ["core/it_core/__init__.py:6: checks is imported, and not in `dependencies` of it"]


def test_each_distribution_declares_what_it_imports_itself(tmp_path: Path) -> None:
    """What the service declares does not help its client."""
    root = tree(tmp_path, client=("common-errors",))
    assert found(root) == [
        "clients/python/it_client/__init__.py:1: rpc is imported, and not in `dependencies` of it-client"
    ]


def test_distributions_that_share_a_namespace_are_told_apart(tmp_path: Path) -> None:
    """By the modules that each of them installs."""
    root = tree(tmp_path, client=("rpc", "common-money"))
    assert found(root) == [
        "clients/python/it_client/__init__.py:2: common-errors is imported,"
        " and not in `dependencies` of it-client",
        "`dependencies` of it-client: nothing in clients/python imports common-money",
    ]


def test_a_module_that_nothing_installed_is_named(tmp_path: Path) -> None:
    """It can't be declared by its name alone."""
    root = tree(tmp_path, core=f"{CORE}import elsewhere.far\n")
    assert found(root) == [
        "core/it_core/__init__.py:6: the module elsewhere is imported, and not in `dependencies` of it"
    ]


def test_what_is_needed_without_an_import_has_a_reason(tmp_path: Path) -> None:
    """And is no fault then."""
    root = tree(tmp_path, dev=("checks", "linter"), reasons=("Linter",))
    assert found(root) == []


@pytest.mark.parametrize("name", ["checks", "gone"])
def test_a_reason_without_a_use_is_named(tmp_path: Path, name: str) -> None:
    """For what is imported, and for what is declared nowhere any more."""
    root = tree(tmp_path, reasons=(name,))
    assert found(root) == [f"needed-without-import: {name} is imported, or declared nowhere"]


def test_a_list_without_folders_is_an_error(tmp_path: Path) -> None:
    """Else nothing would compare it."""
    root = tree(tmp_path)
    file = root / "pyproject.toml"
    file.write_text(file.read_text().replace("dev = ", 'extra = ["x"]\ndev = '))
    with pytest.raises(KeyError, match="extra"):
        found(root)


def test_the_modules_of_this_environment_are_known_by_their_distributions() -> None:
    """Also compiled ones, and those of a namespace that several share."""
    modules = installed_modules()
    assert modules["asyncpg.protocol.protocol"] == {"asyncpg"}
    assert modules["google.protobuf.message"] == {"protobuf"}
    assert modules["google.rpc.status_pb2"] == {"googleapis-common-protos"}
    assert modules["opentelemetry.trace"] == {"opentelemetry-api"}
