"""The npm package, installed from its archive."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.support.clients.grpc_api import Api
from tests.support.external.packages import install, run_program
from tests.support.pytest_plugins.requirements import require_programs
from wms.orders.v1 import orders_pb2
from wms_dev.codegen.typescript import FOLDER
from wms_dev.packages import typescript
from wms_dev.packages.building import project_repository, project_version

PROGRAM = """\
import { OrderPriority, OrderStatus, ordersClient } from "@wms-orders/client";
import { connectTransport } from "@wms-orders/client/connect";
import { grpcJsTransport } from "@wms-orders/client/grpc-js";

const address = process.argv[2]!;
const { order } = await ordersClient(connectTransport(`http://${address}`)).orders.createOrder({
  orderId: "TS-1",
  customerId: "CUST-001",
  priority: OrderPriority.SAME_DAY,
  items: [{ sku: "NW-001", quantity: 2 }],
  shippingAddress: { street: "123 Main St", city: "New York", country: "US" },
});
const transport = grpcJsTransport(address);
const read = await ordersClient(transport).orders.getOrder({ orderId: order!.orderId });
console.log(read.order!.orderId, OrderStatus[read.order!.status]);
transport.client.close();
"""
OPTIONS = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_prefer_offline": "true"}


@pytest.mark.slow
@pytest.mark.one_postgres
@pytest.mark.timeout(900)
async def test_package_installed_from_its_archive_makes_a_call(api: Api, tmp_path: Path) -> None:
    """Install it by the README into an empty project, for both transports and the type checker."""
    require_programs("typescript")
    archives = tmp_path / "dist"
    [archive] = typescript.build(archives)
    _check_archive(archive)
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"type": "module"}')
    (project / "main.ts").write_text(PROGRAM)
    await install("clients/typescript/README.md", __file__, project, DIST=str(archives), **OPTIONS)
    tools = json.loads((FOLDER / "package.json").read_text())["devDependencies"]
    requirements = [f"{name}@{tools[name]}" for name in ("typescript", "@types/node")]
    await run_program(["npm", "install", "--silent", *requirements], project, **OPTIONS)
    compiler = ["node_modules/.bin/tsc", "--strict", "--module", "nodenext", "--target", "es2023", "main.ts"]
    await run_program(compiler, project)
    output = await run_program(["node", "main.js", api.address], project)
    assert output == "TS-1 RECEIVED\n"
    assert (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="TS-1"))).order.order_id == "TS-1"


def _check_archive(archive: Path) -> None:
    """Compare the facts of the archive with those of the project."""
    assert archive.name == f"wms-orders-client-{project_version()}.tgz"
    with tarfile.open(archive) as content:
        names = {name.removeprefix("package/") for name in content.getnames()}
        manifest = content.extractfile("package/package.json")
        assert manifest
        facts = json.load(manifest)
    assert (facts["name"], facts["version"]) == ("@wms-orders/client", project_version())
    assert facts["description"].startswith("The TypeScript client of wms-orders")
    assert facts["repository"]["url"] == f"git+{project_repository()}"
    assert {"README.md", *(name.removeprefix("./") for name in facts["exports"].values())} <= names
    assert {"dist/index.d.ts", "dist/gen/wms/orders/v1/orders_pb.d.ts"} <= names
    assert not any(name.startswith(("dist/conformance", "node_modules", "src")) for name in names)
