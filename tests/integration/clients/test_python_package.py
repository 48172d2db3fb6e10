"""The Python packages as installed by users: their contents, and a call from a separate environment."""

import asyncio
import email
import json
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from tests.support.clients.grpc_api import Api

from wms.orders.v1 import orders_pb2
from wms_dev.checks.distributions import ROOT, normalize_name
from wms_dev.packages import python

# The test downloads and installs packages.
pytestmark = pytest.mark.timeout(300)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION: str = PROJECT["version"]
#: The client, its imports, and their requirements.
INSTALLED = {"wms-orders-client", "grpcio", "protobuf", "googleapis-common-protos", "typing-extensions"}
PROGRAM = """
import asyncio
import sys

from wms.orders.v1 import order_pb2, orders_pb2
from wms_client import connect


async def main() -> None:
    async with connect(sys.argv[1]) as client:
        created = await client.orders.CreateOrder(
            orders_pb2.CreateOrderRequest(
                customer_id="CUST-001",
                priority=order_pb2.ORDER_PRIORITY_STANDARD,
                items=[order_pb2.OrderItem(sku="SKU-001", quantity=2)],
                shipping_address=order_pb2.ShippingAddress(
                    street="123 Main St", city="New York", country="US"
                ),
            )
        )
        print(created.order.order_id)


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the packages and return them by file name."""
    return {path.name: path for path in python.build(tmp_path_factory.mktemp("dist"))}


def wheel_of(packages: dict[str, Path], name: str) -> zipfile.ZipFile:
    """Open the wheel of a distribution."""
    return zipfile.ZipFile(packages[f"{name}-{VERSION}-py3-none-any.whl"])


def metadata(wheel: zipfile.ZipFile) -> Message:
    """Return the metadata of a wheel."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def top_folders(wheel: zipfile.ZipFile) -> set[str]:
    """Return the packages in a wheel."""
    return {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" not in name}


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel and its requirements, in the locked versions, into a new environment.

    Returns the Python of the environment.
    """
    venv.create(folder / "environment", with_pip=False)
    program = folder / "environment" / "bin" / "python"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^\S+==[^\s\\]+(?: ;[^\\\n]*)?", lock, re.MULTILINE)))
    pip(program, "install", "--quiet", "--only-binary", ":all:", "--constraint", str(constraints), str(wheel))
    return program


def pip(program: Path, *arguments: str) -> str:
    """Run the pip of the tests for another environment, and return its output."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        str(program),
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_client_has_complete_metadata(packages: dict[str, Path]) -> None:
    """Name, version, description, source URL and guide. It is typed."""
    wheel = wheel_of(packages, "wms_orders_client")
    facts = metadata(wheel)
    assert (facts["Name"], facts["Version"]) == ("wms-orders-client", VERSION)
    assert facts["Summary"].startswith("The Python client of wms-orders")
    assert facts["Requires-Python"] == PROJECT["requires-python"]
    assert facts.get_all("Project-URL") == [f"Repository, {PROJECT['urls']['Repository']}"]
    assert re.match(
        r"# .+\n\n(<!-- .+ -->\n)?```sh\npip install wms-orders-client\n", str(facts.get_payload())
    )
    assert top_folders(wheel) == {"wms", "wms_client", "buf"}
    assert {"wms/py.typed", "wms_client/py.typed", "buf/py.typed"} <= set(wheel.namelist())
    assert {"wms/orders/v1/orders_pb2.pyi", "wms/orders/v1/service_config.json"} <= set(wheel.namelist())


def test_the_service_contains_no_part_of_the_client(packages: dict[str, Path]) -> None:
    """It requires the client in the same version."""
    wheel = wheel_of(packages, "wms_orders")
    assert top_folders(wheel) == {"wms_core", "wms_server", "wms_worker", "wms_dev", "wms_cli"}
    assert f"wms-orders-client=={VERSION}" in metadata(wheel).get_all("Requires-Dist", [])


@pytest.mark.parametrize("name", ["wms_orders", "wms_orders_client"])
def test_a_source_archive_has_the_files_of_the_wheel(packages: dict[str, Path], name: str) -> None:
    """The wheel can be built from it. Each package has the folder of the repository."""
    with tarfile.open(packages[f"{name}-{VERSION}.tar.gz"]) as archive:
        sources = archive.getnames()
    wheel = wheel_of(packages, name)
    missing = [
        file
        for file in wheel.namelist()
        if ".dist-info/" not in file and not any(source.endswith(f"/{file}") for source in sources)
    ]
    assert missing == []


@pytest.mark.slow
@pytest.mark.one_postgres
async def test_an_environment_with_only_the_client_creates_an_order(
    packages: dict[str, Path], api: Api, tmp_path: Path
) -> None:
    """Neither the service nor its requirements are installed (clients/python/README.md)."""
    wheel = packages[f"wms_orders_client-{VERSION}-py3-none-any.whl"]
    program = await asyncio.to_thread(install, wheel, tmp_path)
    listed = json.loads(pip(program, "list", "--format", "json"))
    assert {normalize_name(package["name"]) for package in listed} == INSTALLED
    pip(program, "check")
    process = await asyncio.create_subprocess_exec(
        *(program, "-I", "-c", PROGRAM, api.address), cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    order_response = await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=output.decode().strip()))
    assert order_response.order.customer_id == "CUST-001"
