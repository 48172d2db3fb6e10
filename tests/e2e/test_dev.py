"""`wms-orders dev` as its user runs it: stays up, ships what is ordered, keeps data, leaves no process."""

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

from tests.support.kafka import count_records, require_kafka
from tests.support.requests import create_order, item
from tests.support.waiting import exit_code, until
from wms.orders.v1 import order_pb2, orders_pb2, orders_pb2_grpc, storage_pb2, storage_pb2_grpc
from wms_core.tether import tethered
from wms_dev.ports import free_port
from wms_dev.processes.census import processes_of
from wms_dev.stack.address import Address, AddressWrong

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux"),
    pytest.mark.timeout(180),
]

UP_SECONDS = 60.0
SHIPPED_SECONDS = 30.0
ENDED_SECONDS = 60.0
SHIPS_AFTER = ("received", "validated", "wave-assigned", "picking-started", "packing-started", "shipped")
SHIPPED = {order_pb2.ORDER_STATUS_SHIPPED, order_pb2.ORDER_STATUS_COMPLETED}


@dataclass
class Dev:
    """A service that was started for development."""

    process: subprocess.Popen[bytes]
    output: Path
    address: str
    data: Path
    mark: str

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")

    def is_up(self) -> bool:
        """Whether it came up; False when it ended or took too long."""
        until(lambda: "Everything is up" in self.text() or self.process.poll() is not None, UP_SECONDS)
        return self.process.poll() is None and "Everything is up" in self.text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the launcher alone; gives its exit code."""
        self.process.send_signal(number)
        return exit_code(self.process, ENDED_SECONDS)

    def processes(self) -> dict[int, str]:
        """Its processes, itself included."""
        return processes_of(self.mark, self.data)

    def pid_of(self, command: str) -> int:
        """The one process with this subcommand."""
        [pid] = [pid for pid, line in self.processes().items() if f"wms_core.command {command}" in line]
        return pid

    def leaves_no_process(self) -> bool:
        """Whether all its processes go, soon after its end."""
        return until(lambda: not self.processes(), ENDED_SECONDS)

    def ship_an_order(self, order_id: str) -> order_pb2.Order:
        """Place an order, touch nothing, and give it once it has been shipped."""
        with grpc.insecure_channel(self.address) as channel:
            orders = orders_pb2_grpc.OrderServiceStub(channel)
            orders.CreateOrder(create_order(order_id=order_id, items=[item("NW-001", 2)]), timeout=10)
            assert until(lambda: self.order(order_id).status in SHIPPED, SHIPPED_SECONDS), self.order(
                order_id
            )
        return self.order(order_id)

    def order(self, order_id: str) -> order_pb2.Order:
        """An order as it is now."""
        with grpc.insecure_channel(self.address) as channel:
            orders = orders_pb2_grpc.OrderServiceStub(channel)
            return orders.GetOrder(orders_pb2.GetOrderRequest(order_id=order_id), timeout=10).order

    def units(self, sku: str) -> int:
        """Units of a SKU on hand."""
        with grpc.insecure_channel(self.address) as channel:
            storage = storage_pb2_grpc.StorageServiceStub(channel)
            answer = storage.GetStock(storage_pb2.GetStockRequest(sku=sku), timeout=10)
        return sum(stock.on_hand for stock in answer.stock)


class Devs:
    """Starts services and ends what a failed test left of them."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._started: list[Dev] = []
        # Outside of pytest's folder: Postgres's stand-in user could not enter that.
        self.folder = Path(tempfile.mkdtemp(prefix="wms-test-dev-"))
        self.folder.chmod(0o755)

    def start(self, data: str = "data", environment: Mapping[str, str] | None = None) -> Dev:
        """Start one with its data in this folder, on ports of its own."""
        mark, address = f"wms-test-{uuid.uuid4().hex}", f"127.0.0.1:{free_port()}"
        ours = {
            "WMS_TEST_MARK": mark,
            "TMPDIR": str(self.folder),
            "SERVER_ADDR": address,
            "HTTP_ADDR": f"127.0.0.1:{free_port()}",
            "WORKER_ADDR": f"127.0.0.1:{free_port()}",
            "WORKER_HTTP_ADDR": f"127.0.0.1:{free_port()}",
            "DATA_DIR": str(self.folder / data),
            "FULFILLMENT_INTERVAL": "200ms",
        }
        output = self._output / mark
        with output.open("wb") as file:
            process = subprocess.Popen(
                tethered([sys.executable, "-m", "wms_core.command", "dev"]),
                env={**_without_others(), **ours, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._started.append(Dev(process, output, address, self.folder / data, mark))
        return self._started[-1]

    def end(self) -> None:
        """End what still runs, by process id."""
        for dev in self._started:
            if dev.process.poll() is None:
                dev.process.kill()
                dev.process.wait(10)
        for dev in self._started:
            dev.leaves_no_process()
            for pid in dev.processes():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _without_others() -> dict[str, str]:
    others = {"DATABASE_URL", "KAFKA_BROKERS"}
    return {name: value for name, value in os.environ.items() if name not in others}


@pytest.fixture
def devs(tmp_path: Path) -> Iterator[Devs]:
    """Services that are gone after the test."""
    started = Devs(tmp_path)
    yield started
    started.end()


def test_an_order_ships_by_itself_and_is_still_there_after_a_restart(devs: Devs) -> None:
    """SIGTERM ends all of it with 0; the next start finds orders and stock as they were."""
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


def test_with_a_kafka_what_happens_to_an_order_is_read_there(devs: Devs) -> None:
    """`make dev KAFKA=1` starts one and prints the command that shows its topic."""
    require_kafka()
    dev = devs.start(environment={"KAFKA": "1"})
    assert dev.is_up(), dev.text()
    dev.ship_an_order("ORD-E2E-KAFKA")
    printed = re.search(r"(\S+) -m wms_dev.kafka (\S+) (\S+)", dev.text())
    assert printed
    python, brokers, topic = printed.groups()
    assert until(lambda: count_records(brokers, topic) >= len(SHIPS_AFTER), SHIPPED_SECONDS)
    command = [python, "-m", "wms_dev.kafka", brokers, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as reader:
        assert reader.stdout
        lines = [reader.stdout.readline() for _ in SHIPS_AFTER]
        reader.terminate()
    for kind, line in zip(SHIPS_AFTER, lines, strict=True):
        assert f"wms.order.{kind}" in line
        assert "ORD-E2E-KAFKA" in line
    assert dev.end() == 0
    assert not dev.processes()


def test_two_run_side_by_side(devs: Devs) -> None:
    """With other addresses and another folder a second one has its own orders, and outlives the first."""
    one, other = devs.start("one"), devs.start("other")
    assert one.is_up(), one.text()
    assert other.is_up(), other.text()
    one.ship_an_order("ORD-E2E-SAME-ID")
    assert one.end() == 0
    assert not one.processes()
    other.ship_an_order("ORD-E2E-SAME-ID")
    assert other.end() == 0


def test_the_places_it_prints_are_real(devs: Devs) -> None:
    """Addresses, pages, data folder and log files are where it says; what it suggests works when pasted."""
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
    answer = subprocess.run(shell, capture_output=True, text=True, timeout=SHIPPED_SECONDS, check=True)
    assert re.search(r"^status +received", answer.stdout, re.MULTILINE)
    assert "shipped" in answer.stdout.splitlines()[-1]


def test_http_is_off_where_its_address_is_empty(devs: Devs) -> None:
    """And it says so."""
    dev = devs.start(environment={"HTTP_ADDR": ""})
    assert dev.is_up(), dev.text()
    assert re.search(r"HTTP +off", dev.text())
    assert "/docs" not in dev.text()


@pytest.mark.parametrize("name", ["server", "worker", "simulate"])
def test_the_end_of_a_child_ends_all(devs: Devs, name: str) -> None:
    """Nothing is restarted silently: it says which process ended, and exits with 1."""
    dev = devs.start()
    assert dev.is_up(), dev.text()
    os.kill(dev.pid_of(name), signal.SIGKILL)
    assert exit_code(dev.process, ENDED_SECONDS) == 1
    shown = {"simulate": "simulator"}.get(name, name)
    assert f"The {shown} was ended by signal 9. Its last words:" in dev.text()
    assert not dev.processes()


def test_the_end_of_postgres_ends_all(devs: Devs) -> None:
    """A database that is gone is no service."""
    dev = devs.start()
    assert dev.is_up(), dev.text()
    [postmaster] = [pid for pid, line in dev.processes().items() if f"-D {dev.data}/cluster" in line]
    os.kill(postmaster, signal.SIGKILL)
    assert exit_code(dev.process, ENDED_SECONDS) == 1
    assert "Postgres has ended" in dev.text()
    assert dev.leaves_no_process(), dev.processes()


def test_a_killed_launcher_takes_everything_with_it_but_the_data(devs: Devs) -> None:
    """After kill -9 no process is left, and the next start on the same folder has the order."""
    killed = devs.start()
    assert killed.is_up(), killed.text()
    killed.ship_an_order("ORD-E2E-1")
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert killed.leaves_no_process(), killed.processes()
    again = devs.start()
    assert again.is_up(), again.text()
    assert again.order("ORD-E2E-1").status in SHIPPED
    again.ship_an_order("ORD-E2E-2")


def test_a_second_one_on_the_same_data_is_refused(devs: Devs) -> None:
    """Two can't share a folder; the error names the variable, and the first one goes on."""
    first = devs.start()
    assert first.is_up(), first.text()
    second = devs.start()
    assert exit_code(second.process, UP_SECONDS) == 1
    assert "set DATA_DIR to another folder" in second.text()
    first.ship_an_order("ORD-E2E-1")


@pytest.mark.parametrize("variable", ["SERVER_ADDR", "HTTP_ADDR", "WORKER_ADDR", "WORKER_HTTP_ADDR"])
def test_a_taken_port_names_its_variable(devs: Devs, variable: str) -> None:
    """Whoever has the port, the error says what to set, and nothing is started."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        dev = devs.start(environment={variable: f"127.0.0.1:{port}"})
        assert exit_code(dev.process, UP_SECONDS) == 1
    assert f"Set {variable} to another address" in dev.text()
    assert not dev.data.exists()


def test_a_child_that_refuses_its_configuration_is_quoted(devs: Devs) -> None:
    """What a child says before it ends is shown, so that one knows what to mend."""
    dev = devs.start(environment={"FULFILLMENT_INTERVAL": "often"})
    assert exit_code(dev.process, UP_SECONDS) == 1
    assert re.search(r"The worker ended with exit code 1.*FULFILLMENT_INTERVAL", dev.text(), re.DOTALL)
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
def test_a_client_on_this_machine_finds_every_address(text: str, target: str) -> None:
    """An address for every interface is reached over loopback; a child is told what the caller wrote."""
    address = Address.parse("SERVER_ADDR", text)
    assert (str(address), address.target) == (text, target)


@pytest.mark.parametrize("text", ["", "8001", "host", "host:", "host:0", "host:99999", "::1:8001", "a:b:1"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    """The error names the variable and says what is allowed."""
    with pytest.raises(AddressWrong, match=r"^WORKER_ADDR=.* is no address: write host:port"):
        Address.parse("WORKER_ADDR", text)
