"""`wms-orders demo` as its user runs it: a process that shows, adds up, and leaves nothing behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.waiting import Stopwatch, exit_code, until
from wms.orders.v1 import dead_letter_pb2, event_pb2, order_pb2, storage_pb2
from wms_core.tether import tethered
from wms_dev.demo.accounts import faults
from wms_dev.demo.books import MOVED_TO_DLQ, Books
from wms_dev.demo.decisions import decide, end_it
from wms_dev.demo.report import percentile
from wms_dev.demo.summary import rows
from wms_dev.ports import free_port
from wms_dev.processes.census import processes_of
from wms_dev.simulator.journal import HELD, SHORT_PICK, Incident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")

DEMO_SECONDS = 180.0
GONE_SECONDS = 40.0
IN_THE_MIDDLE = re.compile(r"(picking|packing|completed) \d+")


@dataclass
class Demo:
    """A demo at work. All that belongs to it carries its mark, or works in its folder."""

    process: subprocess.Popen[bytes]
    output: Path
    folder: Path
    mark: str

    def text(self) -> str:
        """What it has printed."""
        return self.output.read_text(encoding="utf-8")

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return exit_code(self.process, DEMO_SECONDS)

    def reaches_the_middle(self) -> bool:
        """Whether orders came to be under way before it ended."""
        return until(lambda: bool(IN_THE_MIDDLE.search(self.text())) or self.process.poll() is not None, 60)

    def processes(self) -> dict[int, str]:
        """Its processes, itself included."""
        return processes_of(self.mark, self.folder)

    def leaves_nothing(self) -> bool:
        """Whether all its processes and files go, soon after its end."""
        return until(lambda: not self.processes() and not list(self.folder.iterdir()), GONE_SECONDS)

    def what_is_left(self) -> str:
        """For the message of a test that fails."""
        return f"{self.processes()} {list(self.folder.iterdir())} after:\n{self.text()}"


class Demos:
    """Starts demos and ends what a failed test left of them."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._started: list[Demo] = []

    def start(self, environment: Mapping[str, str] | None = None) -> Demo:
        """Start one with these variables beside ours."""
        mark = f"wms-test-{uuid.uuid4().hex}"
        # Outside of pytest's folder: Postgres's stand-in user could not enter that.
        folder = Path(tempfile.mkdtemp(prefix=f"{mark}-"))
        folder.chmod(0o755)
        ours = {"TMPDIR": str(folder), "WMS_TEST_MARK": mark}
        output = self._output / mark
        with output.open("wb") as file:
            process = subprocess.Popen(
                tethered([sys.executable, "-m", "wms_core.command", "demo"]),
                env={**_clean_environment(), **ours, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        demo = Demo(process, output, folder, mark)
        self._started.append(demo)
        return demo

    def end(self) -> None:
        """End what still runs, by process id."""
        for demo in self._started:
            if demo.process.poll() is None:
                demo.process.kill()
                demo.process.wait(10)
            demo.leaves_nothing()
            for pid in demo.processes():
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(demo.folder, ignore_errors=True)


def _clean_environment() -> dict[str, str]:
    ours = {"DATABASE_URL", "KAFKA_BROKERS", "SERVER_ADDR", "WORKER_ADDR", "DATA_DIR"}
    return {name: value for name, value in os.environ.items() if name not in ours}


@pytest.fixture
def demos(tmp_path: Path) -> Iterator[Demos]:
    """Demos that are gone after the test."""
    started = Demos(tmp_path)
    yield started
    started.end()


def sums(text: str) -> dict[str, tuple[int, list[int]]]:
    """The rows of the summary: the total and its parts."""
    summary = text.partition("\nSummary")[2].partition("\n\n")[0]
    found = re.findall(r"^([a-z -]+[a-z]) +(\d+) +(\d.+)$", summary, re.MULTILINE)
    return {
        what: (int(total), [int(part) for part in re.findall(r"\d+", parts)]) for what, total, parts in found
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_accounts_for_every_order_and_every_unit(demos: Demos) -> None:
    """It ends with 0 in time; all that it prints adds up, mishaps too, in plain text, and nothing is left."""
    watch = Stopwatch()
    demo = demos.start()
    assert demo.wait() == 0, demo.text()
    assert watch.seconds < DEMO_SECONDS
    summary = sums(demo.text())
    assert all(total == sum(parts) for total, parts in summary.values()), summary
    assert len(summary) == 9
    assert summary["orders placed"][0] == 415
    assert all(part > 0 for part in summary["orders placed"][1])
    assert summary["units ordered"][0] == 25_322
    assert summary["units ordered"][1][0] == summary["units received"][1][0]
    assert summary["units short-picked"][0] == summary["units received"][1][1]
    assert summary["units on hold"][0] == summary["units received"][1][3]
    for mishap in ("not found", "arrived damaged", "on a crane that broke down", "quantity mismatch", "lost"):
        assert re.search(rf"[1-9]\d* {mishap}", demo.text()), mishap
    assert "Everything adds up." in demo.text()
    assert re.search(r"events told +(\d+) +\1 read from Kafka", demo.text())
    assert all(character.isprintable() or character == "\n" for character in demo.text())
    assert demo.leaves_nothing(), demo.what_is_left()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_demo_that_is_killed_in_the_middle_leaves_nothing_behind(demos: Demos) -> None:
    """After kill -9 of the launcher neither a process nor a file is left."""
    demo = demos.start()
    assert demo.reaches_the_middle(), demo.text()
    # Launcher, guard, keeper, Postgres, server, worker, simulator.
    assert len(demo.processes()) >= 7
    demo.process.kill()
    assert demo.wait() == -signal.SIGKILL
    assert demo.leaves_nothing(), demo.what_is_left()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_stops_cleanly(demos: Demos, number: signal.Signals) -> None:
    """Ctrl-C ends it with 130, without a trace, and nothing is left when it has ended."""
    demo = demos.start()
    assert demo.reaches_the_middle(), demo.text()
    demo.process.send_signal(number)
    assert demo.wait() == 128 + number, demo.text()
    assert f"Stopped by {number.name}" in demo.text()
    assert "Traceback" not in demo.text()
    assert not demo.processes()
    assert not list(demo.folder.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["server", "worker", "simulate"])
def test_the_end_of_a_child_ends_the_demo(demos: Demos, name: str) -> None:
    """It says which process ended, and how, exits with 1 and leaves nothing."""
    demo = demos.start()
    assert demo.reaches_the_middle(), demo.text()
    [victim] = [pid for pid, command in demo.processes().items() if f"wms_core.command {name}" in command]
    os.kill(victim, signal.SIGKILL)
    assert demo.wait() == 1, demo.text()
    assert re.search(r"The (server|worker|simulator) was ended by signal 9. Its last words:", demo.text())
    assert "Traceback" not in demo.text()
    assert demo.leaves_nothing(), demo.what_is_left()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_taken_port_is_named(demos: Demos) -> None:
    """An address that somebody has is an error that names the variable, before anything is started."""
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        demo = demos.start({"SERVER_ADDR": f"127.0.0.1:{port}"})
        assert demo.wait() == 1
    assert "Set SERVER_ADDR to another address" in demo.text()
    assert demo.leaves_nothing(), demo.what_is_left()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:0", "127.0.0.1:65536", ":http"])
def test_an_address_that_is_none_is_named(demos: Demos, address: str) -> None:
    """A wrong value names its variable and what is allowed."""
    demo = demos.start({"WORKER_ADDR": address})
    assert demo.wait() == 1
    assert f"WORKER_ADDR={address!r} is no address" in demo.text()


def moment(seconds: int) -> Timestamp:
    """A time."""
    return Timestamp(seconds=seconds)


def event(
    order_id: str, sequence: int, *statuses: order_pb2.OrderStatus.ValueType, kind: str = ""
) -> event_pb2.Event:
    """An event from one status to another."""
    told = event_pb2.Event(
        order_id=order_id,
        sequence=sequence,
        type=kind,
        from_status=statuses[0],
        to_status=statuses[1],
        occurred_at=moment(sequence),
    )
    if kind == MOVED_TO_DLQ:
        told.payload["finalFailureReason"] = "Inventory unavailable"
    return told


@pytest.fixture
def books() -> Books:
    """Two orders, five units shipped to one and three not to the other, out of ten."""
    received, shipped = order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_COMPLETED
    dead, none = order_pb2.ORDER_STATUS_DEAD_LETTER, order_pb2.ORDER_STATUS_UNSPECIFIED
    shipment = order_pb2.Shipment(lines=[order_pb2.ShipmentLine(sku="A", quantity=5)])
    escalated = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
    attempts = [dead_letter_pb2.FailureAttempt(attempt_number=1)]
    return Books(
        placed={"ORD-1": Counter(A=5), "ORD-2": Counter(A=3)},
        received=Counter(A=10),
        escalated=frozenset({"ORD-2"}),
        orders=[
            order_pb2.Order(
                order_id="ORD-1",
                status=shipped,
                items=[order_pb2.OrderItem(sku="A", quantity=5, quantity_shipped=5)],
                shipments=[shipment],
            ),
            order_pb2.Order(order_id="ORD-2", status=dead),
        ],
        stock=[storage_pb2.Stock(sku="A", on_hand=5, available=5)],
        entries=[
            dead_letter_pb2.DeadLetterEntry(
                order_id="ORD-2", total_retry_attempts=1, attempts=attempts, resolution=escalated
            )
        ],
        histories={
            "ORD-1": [event("ORD-1", 1, none, received), event("ORD-1", 2, received, shipped)],
            "ORD-2": [
                event("ORD-2", 1, none, received),
                event("ORD-2", 2, received, dead, kind=MOVED_TO_DLQ),
            ],
        },
    )


def test_books_that_add_up_have_no_fault(books: Books) -> None:
    """The checks accept what is right."""
    assert faults(books) == []
    assert (books.units_ordered, books.shipped.total(), books.units_waiting) == (8, 5, 3)


def test_a_lost_order_is_found(books: Books) -> None:
    """An order that the service does not know any more is a fault."""
    assert any("missing" in fault for fault in faults(replace(books, orders=books.orders[:1])))


def test_a_lost_unit_is_found(books: Books) -> None:
    """Stock that is neither on hand nor shipped is a fault that names the SKU."""
    stock = [storage_pb2.Stock(sku="A", on_hand=4, available=4)]
    assert "A: 10 units came in, 5 went out, 0 were written off and 4 are there" in faults(
        replace(books, stock=stock)
    )


def test_a_unit_that_is_held_for_nobody_is_found(books: Books) -> None:
    """An allocation that outlives its order is a fault."""
    stock = [storage_pb2.Stock(sku="A", on_hand=5, available=5, allocated=1)]
    assert "A: 1 units are held for nobody" in faults(replace(books, stock=stock))


def test_a_shipment_too_many_is_found(books: Books) -> None:
    """Goods sent twice are a fault of the order and of the stock."""
    books.orders[0].shipments.append(books.orders[0].shipments[0])
    assert any(fault.startswith("ORD-1: 10 units were shipped, 5 were due") for fault in faults(books))


@pytest.fixture
def mishaps(books: Books) -> Books:
    """The same books, with two units that a picker missed and were given up, and one that is on hold."""
    books.orders[0].shipments[0].lines[0].quantity = 3
    books.orders[0].items[0].quantity_shipped = 3
    backorder = storage_pb2.Backorder(
        backorder_id="BO-1",
        order_id="ORD-1",
        sku="A",
        quantity=2,
        reason=storage_pb2.BACKORDER_REASON_DAMAGED,
        status=storage_pb2.BACKORDER_STATUS_CANCELLED,
    )
    return replace(
        books,
        stock=[storage_pb2.Stock(sku="A", on_hand=5, available=4, on_hold=1)],
        given_up=frozenset({"BO-1"}),
        backorders=[backorder],
        held=[storage_pb2.Carrier(carrier_id="CAR-1", sku="A", quantity=1, status_reason="lost: CAR-1")],
        incidents=[
            Incident(SHORT_PICK, order_id="ORD-1", sku="A", units=2, reason="damaged"),
            Incident(HELD, carrier_id="CAR-1", sku="A", units=1),
        ],
    )


def test_books_with_mishaps_add_up(mishaps: Books) -> None:
    """What was written off, given up and held is accounted for, in every row of the summary."""
    assert faults(mishaps) == []
    assert all(row.adds_up for row in rows(mishaps)), [row for row in rows(mishaps) if not row.adds_up]
    words = {row.what: row.words for row in rows(mishaps)}
    assert words["units received"] == "3 shipped + 2 written off + 4 free + 1 on hold"
    assert words["units ordered"] == "3 shipped + 2 given up + 0 cancelled + 3 dead-lettered"
    assert words["units on hold"] == "1 lost"


def test_a_backorder_that_the_supervisor_did_not_give_up_is_found(mishaps: Books) -> None:
    """Units that nobody decided about must be shipped."""
    found = faults(replace(mishaps, given_up=frozenset()))
    assert "ORD-1: 3 units were shipped, 5 were due" in found


def test_a_debt_that_is_left_open_is_found(mishaps: Books) -> None:
    """A backorder without an end is a fault."""
    mishaps.backorders[0].status = storage_pb2.BACKORDER_STATUS_OPEN
    assert "ORD-1: A is still owed" in faults(mishaps)


def test_units_that_no_picker_missed_are_found(mishaps: Books) -> None:
    """Goods that are off the books without a picker's report are a fault of stock and backorder."""
    found = faults(replace(mishaps, incidents=mishaps.incidents[1:]))
    assert "ORD-1: 2 units of A are owed that no picker missed" in found
    assert any(fault.startswith("A: 10 units came in, 3 went out, 0 were written off") for fault in found)


def test_a_carrier_that_nobody_held_is_found(mishaps: Books) -> None:
    """A carrier on hold without the inspector's word is a fault, and so are such units without a carrier."""
    found = faults(replace(mishaps, incidents=mishaps.incidents[:1]))
    assert any("no inspector held" in fault for fault in found)
    assert any("units are on hold" in fault for fault in faults(replace(mishaps, held=[])))


def test_a_dead_letter_without_an_entry_is_found(books: Books) -> None:
    """An event that tells of an entry that isn't there is a fault."""
    assert any("0 entries" in fault for fault in faults(replace(books, entries=[])))


@pytest.mark.parametrize("published", [{"1", "2", "3"}, {"1", "2", "3", "4", "5"}])
def test_an_event_that_kafka_lacks_or_nobody_told_is_found(books: Books, published: set[str]) -> None:
    """What was read from Kafka is what the histories tell, no less and no more."""
    for number, told in enumerate(books.events(), start=1):
        told.event_id = str(number)
    whole = replace(books, published=frozenset({"1", "2", "3", "4"}))
    assert faults(whole) == []
    assert any("events told: 4" in fault for fault in faults(replace(whole, published=frozenset(published))))


def test_a_hole_in_a_history_is_found(books: Books) -> None:
    """A missing event is a fault, and so is a step that the one before does not lead to."""
    holed = {**books.histories, "ORD-1": books.histories["ORD-1"][1:]}
    found = faults(replace(books, histories=holed))
    assert {"ORD-1: its history has a hole", "ORD-1: its history jumps"} <= set(found)


def test_an_order_left_behind_is_found(books: Books) -> None:
    """An order in the dead letter queue that nobody escalated is a fault."""
    assert any(
        fault.startswith("ORD-2 is dead letter") for fault in faults(replace(books, escalated=frozenset()))
    )


def test_the_supervisor_orders_what_the_retried_orders_lack() -> None:
    """Every order is decided about, and the delivery is what the retried ones need beyond the stock."""
    dead = [
        order_pb2.Order(order_id=f"ORD-{n:02}", items=[order_pb2.OrderItem(sku="A", quantity=3)])
        for n in range(1, 11)
    ]
    decisions = decide(dead, [], Counter(A=10, B=5), ())
    assert decisions.resolutions.keys() == {order.order_id for order in dead}
    retried = decisions.count(dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    assert retried == 7
    assert decisions.count(dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED) == 2
    assert 3 * retried - 10 == 11
    assert decisions.delivery == Counter(A=60)


def owed(backorder_id: str, sku: str, quantity: int) -> storage_pb2.Backorder:
    """A backorder of which nothing has come yet."""
    return storage_pb2.Backorder(backorder_id=backorder_id, sku=sku, quantity=quantity)


def test_what_is_discontinued_is_not_waited_for() -> None:
    """Its backorders are given up beyond what is there, and dead orders for it are cancelled."""
    dead = [order_pb2.Order(order_id="ORD-1", items=[order_pb2.OrderItem(sku="OLD", quantity=1)])]
    debts = [owed("BO-1", "OLD", 4), owed("BO-2", "OLD", 4), owed("BO-3", "NEW", 61)]
    decisions = decide(dead, debts, Counter(OLD=4), {"OLD"}, routes=["PACK-1"])
    assert decisions.given_up.keys() == {"BO-2"}
    assert decisions.resolutions == {"ORD-1": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED}
    assert decisions.delivery == Counter(NEW=120)
    assert decisions.routes == {"PACK-1"}


def test_orders_that_wait_for_a_route_are_counted_in() -> None:
    """What they will take is delivered for the others, or is not there for them."""
    items = [order_pb2.OrderItem(sku="OLD", quantity=3), order_pb2.OrderItem(sku="NEW", quantity=5)]
    debts = [owed("BO-1", "OLD", 2), owed("BO-2", "NEW", 1)]
    available = Counter(OLD=4, NEW=5)
    decisions = decide([], debts, available, {"OLD"}, [order_pb2.Order(items=items)], ["PACK-1"])
    assert decisions.given_up.keys() == {"BO-1"}
    assert decisions.delivery == Counter(NEW=60)


def test_in_the_end_nothing_is_waited_for() -> None:
    """What still waits the second time is cancelled and given up."""
    decisions = end_it([order_pb2.Order(order_id="ORD-1")], [owed("BO-1", "NEW", 4)])
    assert decisions.resolutions == {"ORD-1": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED}
    assert decisions.given_up.keys() == {"BO-1"}
    assert not decisions.delivery


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.95, 3.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0), (list(range(1, 101)), 0.95, 95)],
)
def test_a_percentile_is_a_value_that_occurred(values: list[float], share: float, expected: float) -> None:
    """Nearest rank: no time is reported that no order took."""
    assert percentile(values, share) == expected
