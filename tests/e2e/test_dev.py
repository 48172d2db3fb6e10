"""`wms-orders dev` as its user runs it: it stays up, ships orders, keeps its data, and leaves no process."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from tests.support.builders.requests import create_order, item
from tests.support.external.kafka import count_records, require_kafka
from tests.support.waiting import exit_code, wait_until
from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc, storage_pb2, storage_pb2_grpc
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.free_port import find_free_port
from wms_dev.local_stack.address import Address, InvalidAddress
from wms_dev.local_stack.stale_processes import find_processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux"),
    pytest.mark.timeout(180),
]

UP_SECONDS = 60.0
SHIPPED_SECONDS = 30.0
STOP_SECONDS = 60.0
SHIPS_AFTER = ("received", "validated", "wave-assigned", "picking-started", "packing-started", "shipped")
SHIPPED = {order_pb2.ORDER_STATUS_SHIPPED, order_pb2.ORDER_STATUS_COMPLETED}


@dataclass
class Dev:
    """A development service."""

    process: subprocess.Popen[bytes]
    output: Path
    address: str
    data: Path
    mark: str

    def text(self) -> str:
        """Return the text that it has printed."""
        return self.output.read_text(encoding="utf-8")

    def is_up(self) -> bool:
        """Return whether it started. False if it ended or exceeded the time limit."""
        wait_until(lambda: "Everything is up" in self.text() or self.process.poll() is not None, UP_SECONDS)
        return self.process.poll() is None and "Everything is up" in self.text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the launcher alone. Return its exit code."""
        self.process.send_signal(number)
        return exit_code(self.process, STOP_SECONDS)

    def processes(self) -> dict[int, str]:
        """Return its processes, including itself."""
        return find_processes(self.mark, self.data)

    def pid_of(self, command: str) -> int:
        """Return the id of the only process with this subcommand."""
        [pid] = [pid for pid, line in self.processes().items() if f"wms_core.cli {command}" in line]
        return pid

    def leaves_no_process(self) -> bool:
        """Return whether all its processes are gone soon after its end."""
        return wait_until(lambda: not self.processes(), STOP_SECONDS)

    def ship_an_order(self, order_id: str) -> order_pb2.Order:
        """Create an order, wait until it is shipped, and return it."""
        with grpc.insecure_channel(self.address) as channel:
            orders = orders_pb2_grpc.OrderServiceStub(channel)
            orders.CreateOrder(create_order(order_id=order_id, items=[item("NW-001", 2)]), timeout=10)
            assert wait_until(lambda: self.order(order_id).status in SHIPPED, SHIPPED_SECONDS), self.order(
                order_id
            )
        return self.order(order_id)

    def order(self, order_id: str) -> order_pb2.Order:
        """Return the present state of an order."""
        with grpc.insecure_channel(self.address) as channel:
            orders = orders_pb2_grpc.OrderServiceStub(channel)
            return orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), timeout=10).order

    def units(self, sku: str) -> int:
        """Return the units of a SKU on hand."""
        with grpc.insecure_channel(self.address) as channel:
            storage = storage_pb2_grpc.StorageServiceStub(channel)
            response = storage.GetStock(storage_pb2.GetStockRequest(sku=sku), timeout=10)
        return sum(stock.on_hand for stock in response.stock)


class Devs:
    """Starts services, and ends the processes that a failed test left behind."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._started: list[Dev] = []
        # This folder is outside of pytest's, which the substitute user of Postgres cannot enter.
        self.folder = Path(tempfile.mkdtemp(prefix="wms-test-dev-"))
        self.folder.chmod(0o755)

    def start(self, data: str = "data", environment: Mapping[str, str] | None = None) -> Dev:
        """Start a service with its data in this folder, on ports of its own."""
        mark, address = f"wms-test-{uuid.uuid4().hex}", f"127.0.0.1:{find_free_port()}"
        own_variables = {
            "WMS_TEST_MARK": mark,
            "TMPDIR": str(self.folder),
            "SERVER_ADDR": address,
            "HTTP_ADDR": f"127.0.0.1:{find_free_port()}",
            "WORKER_ADDR": f"127.0.0.1:{find_free_port()}",
            "WORKER_HTTP_ADDR": f"127.0.0.1:{find_free_port()}",
            "DATA_DIR": str(self.folder / data),
            "FULFILLMENT_INTERVAL": "200ms",
        }
        output = self._output / mark
        with output.open("wb") as file:
            process = subprocess.Popen(
                with_parent_death_signal([sys.executable, "-m", "wms_core.cli", "dev"]),
                env={**_clean_environment(), **own_variables, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._started.append(Dev(process, output, address, self.folder / data, mark))
        return self._started[-1]

    def end(self) -> None:
        """End the remaining processes by their ids."""
        for dev in self._started:
            if dev.process.poll() is None:
                dev.process.kill()
                dev.process.wait(10)
        for dev in self._started:
            dev.leaves_no_process()
            for pid in dev.processes():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _clean_environment() -> dict[str, str]:
    removed_variables = {"DATABASE_URL", "KAFKA_BROKERS"}
    return {name: value for name, value in os.environ.items() if name not in removed_variables}


@pytest.fixture
def devs(tmp_path: Path) -> Iterator[Devs]:
    """Yield a starter of services, which ends them after the test."""
    started = Devs(tmp_path)
    yield started
    started.end()


def test_order_ships_and_survives_a_restart(devs: Devs) -> None:
    """SIGTERM ends all processes with 0. The next start has the same orders and stock."""
    first = devs.start()
    assert first.is_up(), first.text()
    received = first.units("NW-001")
    shipped = first.ship_an_order("ORD-E2E-1")
    assert sum(line.quantity for parcel in shipped.shipments for line in parcel.lines) == 2
    assert first.end() == 0, first.text()
    assert "the data is kept" in first.text()
    assert not first.processes()

    second = devs.start()
    assert second.is_up(), second.text()
    assert second.order("ORD-E2E-1").shipments == shipped.shipments
    assert "Stock received" not in second.text()
    assert second.units("NW-001") == received - 2
    assert second.end(signal.SIGINT) == 0, second.text()
    assert not second.processes()


def test_kafka_receives_the_events_of_an_order(devs: Devs) -> None:
    """`make dev KAFKA=1` starts a broker and prints the command that shows its topic."""
    require_kafka()
    dev = devs.start(environment={"KAFKA": "1"})
    assert dev.is_up(), dev.text()
    dev.ship_an_order("ORD-E2E-KAFKA")
    printed = re.search(r"(\S+) -m wms_dev.embedded.kafka (\S+) (\S+)", dev.text())
    assert printed
    python, brokers, topic = printed.groups()
    assert wait_until(lambda: count_records(brokers, topic) >= len(SHIPS_AFTER), SHIPPED_SECONDS)
    command = [python, "-m", "wms_dev.embedded.kafka", brokers, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reader:
        assert reader.stdout
        lines = [reader.stdout.readline() for _ in SHIPS_AFTER]
        reader.terminate()
    for kind, line in zip(SHIPS_AFTER, lines, strict=True):
        assert f"wms.order.{kind}" in line
        assert "ORD-E2E-KAFKA" in line
    assert dev.end() == 0
    assert not dev.processes()


def test_two_services_run_side_by_side(devs: Devs) -> None:
    """With other addresses and another folder, the second has its own orders and outlives the first."""
    first, second = devs.start("one"), devs.start("other")
    assert first.is_up(), first.text()
    assert second.is_up(), second.text()
    first.ship_an_order("ORD-E2E-SAME-ID")
    assert first.end() == 0
    assert not first.processes()
    second.ship_an_order("ORD-E2E-SAME-ID")
    assert second.end() == 0


def test_printed_locations_are_real(devs: Devs) -> None:
    """The printed addresses, pages, data folder and log files exist.

    The suggested commands work when pasted.
    """
    dev = devs.start()
    assert dev.is_up(), dev.text()
    assert dev.address in dev.text()
    assert str(dev.data) in dev.text()
    logs = re.search(r"logs +(\S+)", dev.text())
    assert logs
    assert {file.stem for file in Path(logs[1]).iterdir()} >= {"server", "worker", "simulator"}
    pages = re.findall(r"http://\S+(?:/docs|/metrics)", dev.text())
    assert len(pages) == 3
    for page in pages:
        assert httpx.get(page).status_code == 200, page
    pasted = re.search(r"^export SERVER_ADDR=.*?--position 0", dev.text(), re.MULTILINE | re.DOTALL)
    assert pasted
    shell = ["sh", "-ec", f"{pasted[0]} --limit {len(SHIPS_AFTER)}"]
    completed = subprocess.run(shell, capture_output=True, text=True, timeout=SHIPPED_SECONDS, check=True)
    assert re.search(r"^status +received", completed.stdout, re.MULTILINE)
    assert "shipped" in completed.stdout.splitlines()[-1]


def test_empty_http_address_disables_http(devs: Devs) -> None:
    """The output says that HTTP is off."""
    dev = devs.start(environment={"HTTP_ADDR": ""})
    assert dev.is_up(), dev.text()
    assert re.search(r"HTTP +off", dev.text())
    assert "/docs" not in dev.text()


@pytest.mark.parametrize("name", ["server", "worker", "simulate"])
def test_end_of_a_child_ends_all(devs: Devs, name: str) -> None:
    """Nothing is restarted silently. It prints the ended process and exits with 1."""
    dev = devs.start()
    assert dev.is_up(), dev.text()
    os.kill(dev.pid_of(name), signal.SIGKILL)
    assert exit_code(dev.process, STOP_SECONDS) == 1
    printed_name = {"simulate": "simulator"}.get(name, name)
    assert f"The {printed_name} was killed by signal 9. The end of its log:" in dev.text()
    assert not dev.processes()


def test_end_of_postgres_ends_all(devs: Devs) -> None:
    """Without its database the service ends."""
    dev = devs.start()
    assert dev.is_up(), dev.text()
    [postmaster] = [pid for pid, line in dev.processes().items() if f"-D {dev.data}/cluster" in line]
    os.kill(postmaster, signal.SIGKILL)
    assert exit_code(dev.process, STOP_SECONDS) == 1
    assert "Postgres has exited" in dev.text()
    assert dev.leaves_no_process(), dev.processes()


def test_killed_launcher_leaves_only_the_data(devs: Devs) -> None:
    """After kill -9 no process is left, and the next start on the same folder has the order."""
    killed = devs.start()
    assert killed.is_up(), killed.text()
    killed.ship_an_order("ORD-E2E-1")
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert killed.leaves_no_process(), killed.processes()
    restarted = devs.start()
    assert restarted.is_up(), restarted.text()
    assert restarted.order("ORD-E2E-1").status in SHIPPED
    restarted.ship_an_order("ORD-E2E-2")


def test_second_service_on_the_same_data_is_rejected(devs: Devs) -> None:
    """The error names the variable, and the first service continues."""
    first = devs.start()
    assert first.is_up(), first.text()
    second = devs.start()
    assert exit_code(second.process, UP_SECONDS) == 1
    assert "set DATA_DIR to another folder" in second.text()
    first.ship_an_order("ORD-E2E-1")


@pytest.mark.parametrize("variable", ["SERVER_ADDR", "HTTP_ADDR", "WORKER_ADDR", "WORKER_HTTP_ADDR"])
def test_port_in_use_names_its_variable(devs: Devs, variable: str) -> None:
    """The error names the variable to set, and no process is started."""
    port = find_free_port()
    with socket.create_server(("127.0.0.1", port)):
        dev = devs.start(environment={variable: f"127.0.0.1:{port}"})
        assert exit_code(dev.process, UP_SECONDS) == 1
    assert f"Set {variable} to another address" in dev.text()
    assert not dev.data.exists()


def test_configuration_error_of_a_child_is_printed(devs: Devs) -> None:
    """The last output of a child is printed, because it explains the error."""
    dev = devs.start(environment={"FULFILLMENT_INTERVAL": "often"})
    assert exit_code(dev.process, UP_SECONDS) == 1
    assert re.search(r"The worker exited with code 1.*FULFILLMENT_INTERVAL", dev.text(), re.DOTALL)
    assert dev.leaves_no_process()


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (":8001", "127.0.0.1:8001"),
        ("0.0.0.0:8001", "127.0.0.1:8001"),
        ("localhost:65535", "localhost:65535"),
        ("[::1]:8001", "[::1]:8001"),
        ("[::]:8001", "127.0.0.1:8001"),
    ],
)
def test_every_address_is_reachable_from_this_machine(text: str, target: str) -> None:
    """An address for all interfaces is reached over loopback. A child receives the address as written."""
    address = Address.parse("SERVER_ADDR", text)
    assert (str(address), address.target) == (text, target)


@pytest.mark.parametrize("text", ["", "8001", "host", "host:", "host:0", "host:99999", "::1:8001", "a:b:1"])
def test_invalid_address_names_its_variable(text: str) -> None:
    """The error names the variable and the allowed form."""
    with pytest.raises(InvalidAddress, match=r"^WORKER_ADDR=.* is not an address: use host:port"):
        Address.parse("WORKER_ADDR", text)
