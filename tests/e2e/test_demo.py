"""`wms-orders demo` as its user runs it: it prints a summary that adds up, and leaves nothing behind."""

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

from tests.support.waiting import Stopwatch, exit_code, wait_until
from wms.orders.v1 import dead_letter_pb2, event_pb2, order_pb2, storage_pb2
from wms_core.runtime.parent_death import with_parent_death_signal
from wms_dev.demo.decisions import decide_first, decide_last
from wms_dev.demo.reconciliation import find_discrepancies
from wms_dev.demo.report import percentile
from wms_dev.demo.stock_ledger import MOVED_TO_DLQ, ReconciliationInput
from wms_dev.demo.summary import build_summary_rows
from wms_dev.free_port import find_free_port
from wms_dev.local_stack.stale_processes import find_processes
from wms_dev.simulator.incident_log import HELD, SHORT_PICK, Incident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")

DEMO_SECONDS = 180.0
CLEANUP_SECONDS = 40.0
ACTIVE_ORDERS = re.compile(r"(picking|packing|completed) \d+")


@dataclass
class Demo:
    """A running demo. All its processes carry its mark or work in its folder."""

    process: subprocess.Popen[bytes]
    output: Path
    folder: Path
    mark: str

    def text(self) -> str:
        """Return the text that it has printed."""
        return self.output.read_text(encoding="utf-8")

    def wait(self) -> int:
        """Wait for the end of the demo. Return its exit code."""
        return exit_code(self.process, DEMO_SECONDS)

    def wait_until_orders_are_active(self) -> bool:
        """Return whether orders were in progress before it ended."""
        return wait_until(
            lambda: bool(ACTIVE_ORDERS.search(self.text())) or self.process.poll() is not None, 60
        )

    def processes(self) -> dict[int, str]:
        """Return its processes, including itself."""
        return find_processes(self.mark, self.folder)

    def leaves_nothing(self) -> bool:
        """Return whether all its processes and files are gone soon after its end."""
        return wait_until(lambda: not self.processes() and not list(self.folder.iterdir()), CLEANUP_SECONDS)

    def describe_leftovers(self) -> str:
        """Return the leftovers for the message of a failed test."""
        return f"{self.processes()} {list(self.folder.iterdir())} after:\n{self.text()}"


class Demos:
    """Starts demos, and ends the processes that a failed test left behind."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._started: list[Demo] = []

    def start(self, environment: Mapping[str, str] | None = None) -> Demo:
        """Start a demo with these additional variables."""
        mark = f"wms-test-{uuid.uuid4().hex}"
        # This folder is outside of pytest's, which the substitute user of Postgres cannot enter.
        folder = Path(tempfile.mkdtemp(prefix=f"{mark}-"))
        folder.chmod(0o755)
        own_variables = {"TMPDIR": str(folder), "WMS_TEST_MARK": mark}
        output = self._output / mark
        with output.open("wb") as file:
            process = subprocess.Popen(
                with_parent_death_signal([sys.executable, "-m", "wms_core.cli", "demo"]),
                env={**_clean_environment(), **own_variables, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        demo = Demo(process, output, folder, mark)
        self._started.append(demo)
        return demo

    def end(self) -> None:
        """End the remaining processes by their ids."""
        for demo in self._started:
            if demo.process.poll() is None:
                demo.process.kill()
                demo.process.wait(10)
            demo.leaves_nothing()
            for pid in demo.processes():
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(demo.folder, ignore_errors=True)


def _clean_environment() -> dict[str, str]:
    removed_variables = {"DATABASE_URL", "KAFKA_BROKERS", "SERVER_ADDR", "WORKER_ADDR", "DATA_DIR"}
    return {name: value for name, value in os.environ.items() if name not in removed_variables}


@pytest.fixture
def demos(tmp_path: Path) -> Iterator[Demos]:
    """Yield a starter of demos, which ends them after the test."""
    started = Demos(tmp_path)
    yield started
    started.end()


def parse_summary(text: str) -> dict[str, tuple[int, list[int]]]:
    """Return the rows of the summary: each total with its parts."""
    summary = text.partition("\nSummary")[2].partition("\n\n")[0]
    rows = re.findall(r"^([a-z -]+[a-z]) +(\d+) +(\d.+)$", summary, re.MULTILINE)
    return {
        label: (int(total), [int(part) for part in re.findall(r"\d+", parts)]) for label, total, parts in rows
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_demo_accounts_for_every_order_and_every_unit(demos: Demos) -> None:
    """It exits with 0 in time and leaves nothing behind.

    The printed plain text adds up, including incidents.
    """
    stopwatch = Stopwatch()
    demo = demos.start()
    assert demo.wait() == 0, demo.text()
    assert stopwatch.seconds < DEMO_SECONDS
    summary = parse_summary(demo.text())
    assert all(total == sum(parts) for total, parts in summary.values()), summary
    assert len(summary) == 9
    assert summary["orders placed"][0] == 415
    assert all(part > 0 for part in summary["orders placed"][1])
    assert summary["units ordered"][0] == 25_322
    assert summary["units ordered"][1][0] == summary["units received"][1][0]
    assert summary["units short-picked"][0] == summary["units received"][1][1]
    assert summary["units on hold"][0] == summary["units received"][1][3]
    for incident in (
        "not found",
        "arrived damaged",
        "on a crane that broke down",
        "quantity mismatch",
        "lost",
    ):
        assert re.search(rf"[1-9]\d* {incident}", demo.text()), incident
    assert "Reconciliation passed." in demo.text()
    assert re.search(r"events logged +(\d+) +\1 read from Kafka", demo.text())
    assert all(character.isprintable() or character == "\n" for character in demo.text())
    assert demo.leaves_nothing(), demo.describe_leftovers()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_killed_demo_leaves_nothing_behind(demos: Demos) -> None:
    """After kill -9 of the launcher, all processes and files are gone."""
    demo = demos.start()
    assert demo.wait_until_orders_are_active(), demo.text()
    # Launcher, guard, Postgres supervisor, Postgres, server, worker, simulator.
    assert len(demo.processes()) >= 7
    demo.process.kill()
    assert demo.wait() == -signal.SIGKILL
    assert demo.leaves_nothing(), demo.describe_leftovers()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_stops_cleanly(demos: Demos, number: signal.Signals) -> None:
    """Ctrl-C ends it with 130 and without a traceback, and it leaves nothing behind."""
    demo = demos.start()
    assert demo.wait_until_orders_are_active(), demo.text()
    demo.process.send_signal(number)
    assert demo.wait() == 128 + number, demo.text()
    assert f"Stopped by {number.name}" in demo.text()
    assert "Traceback" not in demo.text()
    assert not demo.processes()
    assert not list(demo.folder.iterdir())


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["server", "worker", "simulate"])
def test_end_of_a_child_ends_the_demo(demos: Demos, name: str) -> None:
    """It prints the ended process and the cause, exits with 1 and leaves nothing behind."""
    demo = demos.start()
    assert demo.wait_until_orders_are_active(), demo.text()
    [victim] = [pid for pid, command in demo.processes().items() if f"wms_core.cli {name}" in command]
    os.kill(victim, signal.SIGKILL)
    assert demo.wait() == 1, demo.text()
    assert re.search(
        r"The (server|worker|simulator) was killed by signal 9. The end of its log:", demo.text()
    )
    assert "Traceback" not in demo.text()
    assert demo.leaves_nothing(), demo.describe_leftovers()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_port_in_use_is_reported(demos: Demos) -> None:
    """The error names the variable of the address before any process is started."""
    port = find_free_port()
    with socket.create_server(("127.0.0.1", port)):
        demo = demos.start({"SERVER_ADDR": f"127.0.0.1:{port}"})
        assert demo.wait() == 1
    assert "Set SERVER_ADDR to another address" in demo.text()
    assert demo.leaves_nothing(), demo.describe_leftovers()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:0", "127.0.0.1:65536", ":http"])
def test_invalid_address_is_reported(demos: Demos, address: str) -> None:
    """The error names the variable and the allowed values."""
    demo = demos.start({"WORKER_ADDR": address})
    assert demo.wait() == 1
    assert f"WORKER_ADDR={address!r} is not an address" in demo.text()


def timestamp(seconds: int) -> Timestamp:
    """Return a timestamp."""
    return Timestamp(seconds=seconds)


def event(
    order_id: str, sequence: int, *statuses: order_pb2.OrderStatus.ValueType, kind: str = ""
) -> event_pb2.Event:
    """Return an event from one status to another."""
    built_event = event_pb2.Event(
        order_id=order_id,
        sequence=sequence,
        type=kind,
        from_status=statuses[0],
        to_status=statuses[1],
        occurred_at=timestamp(sequence),
    )
    if kind == MOVED_TO_DLQ:
        built_event.payload["finalFailureReason"] = "Inventory unavailable"
    return built_event


@pytest.fixture
def reconciliation() -> ReconciliationInput:
    """Two orders: five units shipped to one and three not shipped to the other, out of ten."""
    received, shipped = order_pb2.ORDER_STATUS_RECEIVED, order_pb2.ORDER_STATUS_COMPLETED
    dead, unspecified = order_pb2.ORDER_STATUS_DEAD_LETTER, order_pb2.ORDER_STATUS_UNSPECIFIED
    shipment = order_pb2.Shipment(lines=[order_pb2.ShipmentLine(sku="A", quantity=5)])
    escalated = dead_letter_pb2.DEAD_LETTER_RESOLUTION_ESCALATED
    attempts = [dead_letter_pb2.FailureAttempt(attempt_number=1)]
    return ReconciliationInput(
        ordered_units_by_order={"ORD-1": Counter(A=5), "ORD-2": Counter(A=3)},
        received_units=Counter(A=10),
        escalated_order_ids=frozenset({"ORD-2"}),
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
            "ORD-1": [event("ORD-1", 1, unspecified, received), event("ORD-1", 2, received, shipped)],
            "ORD-2": [
                event("ORD-2", 1, unspecified, received),
                event("ORD-2", 2, received, dead, kind=MOVED_TO_DLQ),
            ],
        },
    )


def test_matching_reconciliation_has_no_discrepancy(reconciliation: ReconciliationInput) -> None:
    """The checks accept a correct state."""
    assert find_discrepancies(reconciliation) == []
    assert (
        reconciliation.ordered_units,
        reconciliation.shipped_units_by_sku.total(),
        reconciliation.dead_lettered_units,
    ) == (8, 5, 3)


def test_lost_order_is_reported(reconciliation: ReconciliationInput) -> None:
    """An order that the service no longer has is a discrepancy."""
    assert any(
        "missing" in discrepancy
        for discrepancy in find_discrepancies(replace(reconciliation, orders=reconciliation.orders[:1]))
    )


def test_lost_unit_is_reported(reconciliation: ReconciliationInput) -> None:
    """Units that are neither on hand nor shipped are a discrepancy that names the SKU."""
    stock = [storage_pb2.Stock(sku="A", on_hand=4, available=4)]
    assert "A: 10 units were received, 5 shipped, 0 written off, and 4 are on hand" in find_discrepancies(
        replace(reconciliation, stock=stock)
    )


def test_allocated_unit_without_order_is_reported(reconciliation: ReconciliationInput) -> None:
    """An allocation that outlives its order is a discrepancy."""
    stock = [storage_pb2.Stock(sku="A", on_hand=5, available=5, allocated=1)]
    assert "A: 1 units are allocated without an order" in find_discrepancies(
        replace(reconciliation, stock=stock)
    )


def test_duplicate_shipment_is_reported(reconciliation: ReconciliationInput) -> None:
    """A duplicate shipment is a discrepancy of the order and of the stock."""
    reconciliation.orders[0].shipments.append(reconciliation.orders[0].shipments[0])
    assert any(
        discrepancy.startswith("ORD-1: 10 units were shipped, expected 5")
        for discrepancy in find_discrepancies(reconciliation)
    )


@pytest.fixture
def with_incidents(reconciliation: ReconciliationInput) -> ReconciliationInput:
    """The same state with two units short-picked and given up, and one unit on hold."""
    reconciliation.orders[0].shipments[0].lines[0].quantity = 3
    reconciliation.orders[0].items[0].quantity_shipped = 3
    backorder = storage_pb2.Backorder(
        backorder_id="BO-1",
        order_id="ORD-1",
        sku="A",
        quantity=2,
        reason=storage_pb2.BACKORDER_REASON_DAMAGED,
        status=storage_pb2.BACKORDER_STATUS_CANCELLED,
    )
    return replace(
        reconciliation,
        stock=[storage_pb2.Stock(sku="A", on_hand=5, available=4, on_hold=1)],
        cancelled_backorder_ids=frozenset({"BO-1"}),
        backorders=[backorder],
        held_carriers=[
            storage_pb2.Carrier(carrier_id="CAR-1", sku="A", quantity=1, status_reason="lost: CAR-1")
        ],
        incidents=[
            Incident(SHORT_PICK, order_id="ORD-1", sku="A", units=2, reason="damaged"),
            Incident(HELD, carrier_id="CAR-1", sku="A", units=1),
        ],
    )


def test_reconciliation_with_incidents_adds_up(with_incidents: ReconciliationInput) -> None:
    """Units written off, given up and on hold are accounted for in every row of the summary."""
    assert find_discrepancies(with_incidents) == []
    assert all(row.adds_up for row in build_summary_rows(with_incidents)), [
        row for row in build_summary_rows(with_incidents) if not row.adds_up
    ]
    sums_by_label = {row.label: row.sum_text for row in build_summary_rows(with_incidents)}
    assert sums_by_label["units received"] == "3 shipped + 2 written off + 4 available + 1 on hold"
    assert (
        sums_by_label["units ordered"] == "3 shipped + 2 backorder cancelled + 0 cancelled + 3 dead-lettered"
    )
    assert sums_by_label["units on hold"] == "1 lost"


def test_backorder_without_a_decision_is_reported(with_incidents: ReconciliationInput) -> None:
    """Units must be shipped unless the supervisor has given them up."""
    discrepancies = find_discrepancies(replace(with_incidents, cancelled_backorder_ids=frozenset()))
    assert "ORD-1: 3 units were shipped, expected 5" in discrepancies


def test_open_backorder_is_reported(with_incidents: ReconciliationInput) -> None:
    """A backorder that stays open is a discrepancy."""
    with_incidents.backorders[0].status = storage_pb2.BACKORDER_STATUS_OPEN
    assert "ORD-1: the backorder of A is still open" in find_discrepancies(with_incidents)


def test_missing_units_without_a_short_pick_are_reported(with_incidents: ReconciliationInput) -> None:
    """Missing units without a picker's report are a discrepancy of stock and backorder."""
    discrepancies = find_discrepancies(replace(with_incidents, incidents=with_incidents.incidents[1:]))
    assert "ORD-1: 2 units of A are backordered without a short pick" in discrepancies
    assert any(
        discrepancy.startswith("A: 10 units were received, 3 shipped, 0 written off")
        for discrepancy in discrepancies
    )


def test_carrier_on_hold_without_an_inspection_is_reported(with_incidents: ReconciliationInput) -> None:
    """A load carrier on hold without an inspector's report and such units without one are discrepancies."""
    discrepancies = find_discrepancies(replace(with_incidents, incidents=with_incidents.incidents[:1]))
    assert any("without an incident" in discrepancy for discrepancy in discrepancies)
    assert any(
        "units are on hold" in discrepancy
        for discrepancy in find_discrepancies(replace(with_incidents, held_carriers=[]))
    )


def test_dead_letter_without_an_entry_is_reported(reconciliation: ReconciliationInput) -> None:
    """An event about a dead letter entry that does not exist is a discrepancy."""
    assert any(
        "0 entries" in discrepancy for discrepancy in find_discrepancies(replace(reconciliation, entries=[]))
    )


@pytest.mark.parametrize("published", [{"1", "2", "3"}, {"1", "2", "3", "4", "5"}])
def test_missing_or_unknown_event_in_kafka_is_reported(
    reconciliation: ReconciliationInput, published: set[str]
) -> None:
    """The events read from Kafka must be exactly those of the order histories."""
    for number, event_ in enumerate(reconciliation.iterate_events(), start=1):
        event_.event_id = str(number)
    complete = replace(reconciliation, published_event_ids=frozenset({"1", "2", "3", "4"}))
    assert find_discrepancies(complete) == []
    assert any(
        "events logged: 4" in discrepancy
        for discrepancy in find_discrepancies(replace(complete, published_event_ids=frozenset(published)))
    )


def test_gap_in_a_history_is_reported(reconciliation: ReconciliationInput) -> None:
    """A missing event and an illegal transition are discrepancies."""
    incomplete_histories = {**reconciliation.histories, "ORD-1": reconciliation.histories["ORD-1"][1:]}
    discrepancies = find_discrepancies(replace(reconciliation, histories=incomplete_histories))
    assert {
        "ORD-1: its history has a gap in the sequence",
        "ORD-1: its history has a transition from an unexpected status",
    } <= set(discrepancies)


def test_unresolved_dead_letter_is_reported(reconciliation: ReconciliationInput) -> None:
    """An order in the dead letter queue without an escalation is a discrepancy."""
    assert any(
        discrepancy.startswith("ORD-2 is dead letter")
        for discrepancy in find_discrepancies(replace(reconciliation, escalated_order_ids=frozenset()))
    )


def test_supervisor_orders_the_missing_units_of_retried_orders() -> None:
    """Every order gets a decision. The delivery has the units that retried orders need beyond the stock."""
    dead = [
        order_pb2.Order(order_id=f"ORD-{n:02}", items=[order_pb2.OrderItem(sku="A", quantity=3)])
        for n in range(1, 11)
    ]
    decisions = decide_first(dead, [], Counter(A=10, B=5), ())
    assert decisions.resolutions.keys() == {order.order_id for order in dead}
    retried = decisions.count(dead_letter_pb2.DEAD_LETTER_RESOLUTION_MANUAL_RETRY)
    assert retried == 7
    assert decisions.count(dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED) == 2
    assert 3 * retried - 10 == 11
    assert decisions.delivery == Counter(A=60)


def open_backorder(backorder_id: str, sku: str, quantity: int) -> storage_pb2.Backorder:
    """Return a backorder without delivered units."""
    return storage_pb2.Backorder(backorder_id=backorder_id, sku=sku, quantity=quantity)


def test_backorders_of_discontinued_skus_are_cancelled() -> None:
    """Backorders beyond the stock are given up, and dead letters with the SKU are cancelled."""
    dead = [order_pb2.Order(order_id="ORD-1", items=[order_pb2.OrderItem(sku="OLD", quantity=1)])]
    backorders = [
        open_backorder("BO-1", "OLD", 4),
        open_backorder("BO-2", "OLD", 4),
        open_backorder("BO-3", "NEW", 61),
    ]
    decisions = decide_first(dead, backorders, Counter(OLD=4), {"OLD"}, routes=["PACK-1"])
    assert decisions.cancelled_backorders.keys() == {"BO-2"}
    assert decisions.resolutions == {"ORD-1": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED}
    assert decisions.delivery == Counter(NEW=120)
    assert decisions.routes == {"PACK-1"}


def test_demand_includes_orders_that_wait_for_a_route() -> None:
    """Their units are delivered in addition, or are not available to other orders."""
    items = [order_pb2.OrderItem(sku="OLD", quantity=3), order_pb2.OrderItem(sku="NEW", quantity=5)]
    backorders = [open_backorder("BO-1", "OLD", 2), open_backorder("BO-2", "NEW", 1)]
    available = Counter(OLD=4, NEW=5)
    decisions = decide_first([], backorders, available, {"OLD"}, [order_pb2.Order(items=items)], ["PACK-1"])
    assert decisions.cancelled_backorders.keys() == {"BO-1"}
    assert decisions.delivery == Counter(NEW=60)


def test_last_decision_leaves_nothing_waiting() -> None:
    """Orders and backorders that still wait the second time are cancelled."""
    decisions = decide_last([order_pb2.Order(order_id="ORD-1")], [open_backorder("BO-1", "NEW", 4)])
    assert decisions.resolutions == {"ORD-1": dead_letter_pb2.DEAD_LETTER_RESOLUTION_CANCELLED}
    assert decisions.cancelled_backorders.keys() == {"BO-1"}
    assert not decisions.delivery


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.95, 3.0), ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0), (list(range(1, 101)), 0.95, 95)],
)
def test_percentile_is_a_measured_value(values: list[float], share: float, expected: float) -> None:
    """Nearest rank: every reported time is the time of an order."""
    assert percentile(values, share) == expected
