"""The Go module, installed from its archive."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.clients.grpc_api import Api
from tests.support.external.packages import install, run_program
from tests.support.pytest_plugins.requirements import require_programs
from wms.orders.v1 import orders_pb2
from wms_dev.codegen.go import MODULE
from wms_dev.packages import go
from wms_dev.packages.building import project_repository, project_version

PROGRAM = f"""\
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	wmsorders "{MODULE}"
	"{MODULE}/ordersv1"
)

func main() {{
	client, err := wmsorders.Dial(os.Args[1])
	if err != nil {{
		log.Fatal(err)
	}}
	defer client.Close()
	created, err := client.Orders.CreateOrder(context.Background(), &ordersv1.CreateOrderRequest{{
		OrderId:         "GO-1",
		CustomerId:      "CUST-001",
		Priority:        ordersv1.OrderPriority_ORDER_PRIORITY_SAME_DAY,
		Items:           []*ordersv1.OrderItem{{{{Sku: "NW-001", Quantity: 2}}}},
		ShippingAddress: &ordersv1.ShippingAddress{{Street: "123 Main St", City: "New York", Country: "US"}},
	}})
	if err != nil {{
		log.Fatal(err)
	}}
	fmt.Println(created.Order.OrderId, created.Order.Status)
}}
"""


@pytest.mark.slow
@pytest.mark.one_postgres
@pytest.mark.timeout(900)
async def test_module_installed_from_its_archive_makes_a_call(api: Api, tmp_path: Path) -> None:
    """Install it with the commands of the README into an empty module and module cache."""
    require_programs("go")
    archives = tmp_path / "dist"
    [archive] = go.build(archives)
    _check_archive(archive)
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.go").write_text(PROGRAM)
    variables = _clean_environment(tmp_path / "modules")
    await run_program(["go", "mod", "init", "example.test/project"], project, **variables)
    await install("clients/go/README.md", __file__, project, DIST=str(archives), **variables)
    output = await run_program(["go", "run", ".", api.address], project, **variables)
    assert output == "GO-1 ORDER_STATUS_RECEIVED\n"
    assert (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id="GO-1"))).order.order_id == "GO-1"
    installed = await run_program(["go", "list", "-f", "{{.Module}}: {{.Doc}}", MODULE], project, **variables)
    assert installed.startswith(f"{MODULE} v{project_version()}: Package wmsorders is the Go client")


def _check_archive(archive: Path) -> None:
    """Compare the facts of the archive with those of the project."""
    version = f"v{project_version()}"
    assert f"https://{MODULE}" == f"{project_repository()}/clients/go"
    info = json.loads(archive.with_suffix(".info").read_text())
    assert (info["Version"], info["Origin"]["URL"]) == (version, project_repository())
    with zipfile.ZipFile(archive) as content:
        prefix = f"{MODULE}@{version}"
        assert all(name.startswith(f"{prefix}/") for name in content.namelist())
        assert {f"{prefix}/README.md", f"{prefix}/ordersv1/service_config.json"} <= {*content.namelist()}
        assert content.read(f"{prefix}/go.mod") == archive.with_suffix(".mod").read_bytes()


def _clean_environment(modules: Path) -> dict[str, str]:
    """Return the variables for a module cache of its own, fed by this machine's cache."""
    command = ["go", "env", "GOMODCACHE", "GOPROXY"]
    cache, proxies = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    return {
        "GOMODCACHE": str(modules),
        "GOPROXY": f"file://{cache}/cache/download,{proxies}",
        "GOWORK": "off",
        # `-modcacherw` lets the files be removed with the test's folder. `-trimpath` makes compiled packages
        # reusable.
        "GOFLAGS": "-modcacherw -trimpath",
    }
