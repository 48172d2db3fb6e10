"""The image: the steps of the Dockerfile, replayed as a plain user in an empty folder."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.builders.requests import create_order, item
from tests.support.processes.processes import open_client
from tests.support.specs.deployment import ROOT, ReplayedImage, exit_code
from tests.support.waiting import eventually
from wms.orders.v1 import order_pb2, orders_pb2
from wms_dev.free_port import find_free_port

# The test downloads and installs packages.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def image() -> Iterator[ReplayedImage]:
    """Yield the result of the Dockerfile."""
    # Not the folder of pytest, which other users cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="wms-image-"))
    folder.chmod(0o755)
    replayed_image = ReplayedImage(folder)
    try:
        replayed_image.build()
        yield replayed_image
    finally:
        replayed_image.make_removable()
        shutil.rmtree(folder)


def health_check(service: str, port: int) -> str:
    """Return the Python code of a service's health check in docker-compose.yml, with another port."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    kind, program, option, code = services[service]["healthcheck"]["test"]
    assert (kind, program, option) == ("CMD", "python", "-c")
    usual = {"server": "127.0.0.1:8080", "worker": "127.0.0.1:8082"}[service]
    assert usual in code
    return str(code).replace(usual, f"127.0.0.1:{port}")


def check_commands(image: ReplayedImage, tmp_path: Path) -> None:
    """Check that the commands of docker-compose.yml exist, and that no build tool is left."""
    help_text = image.run_and_read_output("--help", log=tmp_path / "help.log", COLUMNS="200")
    for command in ("server", "worker", "migrate", "simulate"):
        assert command in help_text
    assert exit_code(image.start("demo", log=tmp_path / "demo.log")) == 1
    assert (tmp_path / "demo.log").read_text().count("\n") == 1
    assert image.python("import pip", log=tmp_path / "pip.log") != 0
    assert image.python("import hatchling", log=tmp_path / "hatchling.log") != 0


# A single test, because creating the image takes half a minute.
@pytest.mark.one_postgres
async def test_the_image_runs_read_only_as_a_plain_user(
    image: ReplayedImage, empty_database_url: str, tmp_path: Path
) -> None:
    """From an empty database: health checks, an order that the simulator ships, and a timely drain."""
    check_commands(image, tmp_path)
    environment = {"DATABASE_URL": empty_database_url, "TRACING_ENABLED": "false"}
    migration_output = image.run_and_read_output("migrate", log=tmp_path / "migrate.log", **environment)
    assert migration_output.endswith("The schema is up to date.\n")
    grpc_port, http_port, worker_port, worker_http = (find_free_port() for _ in range(4))
    server = image.start(
        "server",
        log=tmp_path / "server.log",
        SERVER_ADDR=f"127.0.0.1:{grpc_port}",
        HTTP_ADDR=f"127.0.0.1:{http_port}",
        **environment,
    )
    worker = image.start(
        "worker",
        log=tmp_path / "worker.log",
        WORKER_ADDR=f"127.0.0.1:{worker_port}",
        WORKER_HTTP_ADDR=f"127.0.0.1:{worker_http}",
        **environment,
    )
    started = [worker, server]
    checks = {"server": health_check("server", http_port), "worker": health_check("worker", worker_http)}
    try:
        for service, code in checks.items():

            async def is_healthy(code: str = code) -> bool:
                assert server.poll() is None, (tmp_path / "server.log").read_text(encoding="utf-8")
                assert worker.poll() is None, (tmp_path / "worker.log").read_text(encoding="utf-8")
                return image.python(code, log=tmp_path / f"{service}-check.log") == 0  # noqa: B023

            await eventually(is_healthy, 60)
        if os.geteuid() == 0:
            assert 0 not in [os.stat(f"/proc/{process.pid}").st_uid for process in (server, worker)]  # noqa: PTH116 # no file
        simulator = image.start(
            *("simulate", "--server", f"127.0.0.1:{grpc_port}", "--stocked", "--speed", "600"),
            log=tmp_path / "simulator.log",
        )
        started.append(simulator)
        async with open_client(f"127.0.0.1:{grpc_port}") as api:
            request = create_order(items=[item("NW-001")])
            order_id = (await api.orders.CreateOrder(request)).order.order_id

            async def is_shipped() -> bool:
                order = (await api.orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id))).order
                return order.status >= order_pb2.ORDER_STATUS_SHIPPED

            await eventually(is_shipped, 90)
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"http://127.0.0.1:{http_port}/metrics")).text
        assert "wms_server_processes" in metrics
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        codes = [exit_code(process, 40) for process in started]
    assert codes == [0, 0, 0]
    for service, code in checks.items():
        assert image.python(code, log=tmp_path / f"{service}-after.log") != 0
