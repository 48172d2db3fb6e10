"""The dependency check: imports and declared dependencies must match."""

import json
from pathlib import Path

import pytest

from wms_dev.checks.dependencies import DistributionsByModule, find_faults, read_installed_modules

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


def installed_modules(**modules: str) -> DistributionsByModule:
    """Return an environment: the distribution of each module. `__` in a name stands for a dot."""
    modules_with_owner = {"rpc": "rpc", "rpc.calls": "rpc", "driver": "driver", "checks": "checks", **modules}
    # Two distributions share this namespace.
    namespace = {"common.errors": "common-errors", "common.money": "common-money"}
    return {
        name.replace("__", "."): frozenset({distribution})
        for name, distribution in {**modules_with_owner, **namespace}.items()
    }


def write_tree(
    root: Path,
    *,
    client: tuple[str, ...] = ("rpc>=1", "Common_Errors"),
    dependencies: tuple[str, ...] = ("it-client==1", "driver", "rpc[extra]<2"),
    dev: tuple[str, ...] = ("checks",),
    reasons: tuple[str, ...] = (),
    **sources: str,
) -> Path:
    """Write two distributions without faults, except for the given changes. Return their root."""
    reason_lines = "".join(f'{name} = "because"\n' for name in reasons)
    (root / "clients" / "python").mkdir(parents=True)
    (root / "clients" / "python" / "pyproject.toml").write_text(
        f'[project]\nname = "it-client"\ndependencies = {json.dumps(client)}\n'
    )
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "it"\ndependencies = {json.dumps(dependencies)}\n'
        f"[project.optional-dependencies]\ndev = {json.dumps(dev)}\n"
        f"{CONFIGURATION}[tool.wms-orders.needed-without-import]\n{reason_lines}"
    )
    texts = {"client": CLIENT, "core": CORE, "server": SERVER, "tests": TESTS, **sources}
    folders = {"client": "clients/python/it_client", "core": "core/it_core", "server": "server/it_server"}
    for name, text in texts.items():
        package = root / folders.get(name, name)
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
    return root


def list_faults(root: Path) -> list[str]:
    """Return the faults that the check reports."""
    return list(find_faults(root, installed_modules()))


def test_consistent_tree_has_no_faults(tmp_path: Path) -> None:
    """It has imports for types, in functions, of the standard library, of itself, and relative ones."""
    assert list_faults(write_tree(tmp_path)) == []


def test_undeclared_dependency_is_reported_with_its_first_import(tmp_path: Path) -> None:
    """This holds even if another distribution installs it."""
    root = write_tree(tmp_path, dependencies=("it-client==1", "rpc"))
    assert list_faults(root) == [
        "core/it_core/__init__.py:5: driver is imported but not in `dependencies` of it"
    ]


def test_unused_dependency_is_reported(tmp_path: Path) -> None:
    """The fault names the searched folders."""
    root = write_tree(tmp_path, dependencies=("it-client==1", "driver", "rpc", "scheduler"))
    assert list_faults(root) == ["`dependencies` of it: scheduler is not imported in core, server"]


def test_dependency_used_only_by_tests_belongs_to_the_tests(tmp_path: Path) -> None:
    """It is an unused dependency of the service."""
    root = write_tree(tmp_path, dependencies=("it-client==1", "driver", "rpc", "checks"), dev=())
    assert list_faults(root) == ["`dependencies` of it: checks is not imported in core, server"]


def test_service_must_not_import_a_test_dependency(tmp_path: Path) -> None:
    """It is not installed with the service."""
    root = write_tree(tmp_path, core=f"{CORE}import checks\n")
    assert list_faults(root) == [
        "core/it_core/__init__.py:6: checks is imported but not in `dependencies` of it"
    ]


def test_each_distribution_declares_its_own_imports(tmp_path: Path) -> None:
    """A declaration of the service does not count for its client."""
    root = write_tree(tmp_path, client=("common-errors",))
    assert list_faults(root) == [
        "clients/python/it_client/__init__.py:1: rpc is imported but not in `dependencies` of it-client"
    ]


def test_distributions_in_one_namespace_are_distinguished(tmp_path: Path) -> None:
    """They are distinguished by their installed modules."""
    root = write_tree(tmp_path, client=("rpc", "common-money"))
    assert list_faults(root) == [
        "clients/python/it_client/__init__.py:2: common-errors is imported"
        " but not in `dependencies` of it-client",
        "`dependencies` of it-client: common-money is not imported in clients/python",
    ]


def test_import_of_an_uninstalled_module_is_reported(tmp_path: Path) -> None:
    """Its distribution is unknown, so the fault names the module."""
    root = write_tree(tmp_path, core=f"{CORE}import elsewhere.far\n")
    assert list_faults(root) == [
        "core/it_core/__init__.py:6: the module elsewhere is imported but not in `dependencies` of it"
    ]


def test_dependency_without_an_import_needs_a_reason(tmp_path: Path) -> None:
    """With a reason it is no fault."""
    root = write_tree(tmp_path, dev=("checks", "linter"), reasons=("Linter",))
    assert list_faults(root) == []


@pytest.mark.parametrize("name", ["checks", "gone"])
def test_unused_reason_is_reported(tmp_path: Path, name: str) -> None:
    """A reason is unused if its dependency is imported, or declared nowhere."""
    root = write_tree(tmp_path, reasons=(name,))
    assert list_faults(root) == [
        f"needed-without-import: {name} is imported or not declared, so it needs no reason"
    ]


def test_dependency_list_without_folders_is_an_error(tmp_path: Path) -> None:
    """Otherwise the list would never be checked."""
    root = write_tree(tmp_path)
    file = root / "pyproject.toml"
    file.write_text(file.read_text().replace("dev = ", 'extra = ["x"]\ndev = '))
    with pytest.raises(KeyError, match="extra"):
        list_faults(root)


def test_installed_modules_have_their_distributions() -> None:
    """This includes compiled modules and those of a shared namespace."""
    modules = read_installed_modules()
    assert modules["asyncpg.protocol.protocol"] == {"asyncpg"}
    assert modules["google.protobuf.message"] == {"protobuf"}
    assert modules["google.rpc.status_pb2"] == {"googleapis-common-protos"}
    assert modules["opentelemetry.trace"] == {"opentelemetry-api"}
