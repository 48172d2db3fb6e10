"""The alert rules fire as intended, use existing metrics, and link to a section of the operations guide."""

import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from prometheus_client.metrics_core import Metric

from tests.support.specs.deployment import find_promtool
from wms_core.domain.backlog_metrics import BacklogSnapshot, RoleVacancy, WaitingBacklog
from wms_core.domain.orders.status import OrderStatus
from wms_core.postgres.bulkheads import PoolBulkheads
from wms_core.runtime.tracing import SpanTracing
from wms_server.calls.pipeline import CallPipeline, PipelineLimits
from wms_server.observability.call_metrics import RequestMetrics
from wms_server.observability.metrics import ServerGauges, create_registry
from wms_server.observability.multiprocess_metrics import create_restart_counter
from wms_worker.observability.backlog_gauges import BacklogGauges
from wms_worker.observability.metrics import CYCLE_OUTCOMES, EVENT_TYPES, RETRY_OUTCOMES, WorkerMetrics

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "rules.yml").read_text(encoding="utf-8")
_BLOCKS = re.split(r"^ +- (?=alert: |record: )", RULES, flags=re.MULTILINE)
ALERTS = {block.split()[1]: block for block in _BLOCKS if block.startswith("alert: ")}
VALUES = {
    "type": EVENT_TYPES,
    "outcome": [*CYCLE_OUTCOMES, *RETRY_OUTCOMES.values()],
    "status": [status.value for status in OrderStatus],
    "code": [code.name for code in grpc.StatusCode],
}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
# Labels that Prometheus and histograms add.
PROMETHEUS_LABELS = {"le", "instance", "job"}


def labels_by_series() -> dict[str, set[str]]:
    """Return the labels of every series that the worker or the server exports, by its name."""
    metrics = WorkerMetrics("fulfillment")
    gauges = BacklogGauges(cast(Any, None), {}, timedelta(0))
    waiting = (WaitingBacklog(OrderStatus.PICKING, "awaiting_moves", 1),)
    gauges.backlog_snapshot = replace(
        BacklogSnapshot(waiting, (), *cast(Any, [0] * 10)),
        role_vacancies=(RoleVacancy("fulfillment", 1, 0.0),),
    )
    metrics.collector_registry.register(gauges)
    requests = RequestMetrics()
    requests.record_call("CreateOrder", "OK", 0.001)
    pipeline = CallPipeline(cast(Any, None), PipelineLimits(), SpanTracing())
    server = create_registry(
        ServerGauges(pipeline, {}, PoolBulkheads({}).bulkheads_by_workload),
        requests,
        create_restart_counter(),
    )
    return {
        family.name + suffix: sample_labels(family)
        for family in [*metrics.collector_registry.collect(), *server.collect()]
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def sample_labels(family: Metric) -> set[str]:
    """Return the labels of a family's samples."""
    return {label for sample in family.samples for label in sample.labels}


def rule_expressions() -> str:
    """Return the rules without comments, summaries and other texts for people."""
    return re.sub(r"^ *(#|summary:|description:|runbook:).*$", "", RULES, flags=re.MULTILINE)


def guide_sections() -> set[str]:
    """Return the anchors of the operations guide."""
    guide = (ROOT / "docs" / "guides" / "operations.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", guide, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_rules_pass_their_own_tests() -> None:
    """For every alert, promtool runs a case that fires and one that does not."""
    completed = subprocess.run(
        [find_promtool(), "test", "rules", "rules_test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_has_a_firing_and_a_silent_case(alert: str) -> None:
    """The cases have the name of the alert."""
    names = re.findall(
        rf"^  - name: {alert} (\w+ \w+)",
        (FOLDER / "rules_test.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert any(name.startswith("fires ") for name in names)
    assert "is silent" in names


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_links_to_a_runbook(alert: str) -> None:
    """It has a severity, a summary, a description, and an existing section of the guide."""
    annotations = dict(re.findall(r"(summary|description|runbook|severity): ([^\n}]+)", ALERTS[alert]))
    assert annotations.keys() == {"summary", "description", "runbook", "severity"}
    assert annotations["severity"] in {"critical", "warning", "info"}
    guide, _, section = annotations["runbook"].partition("#")
    assert guide == "docs/guides/operations.md"
    assert section in guide_sections()


def test_rules_name_metrics_and_labels_that_exist() -> None:
    """A renamed metric or label would silence an alert forever."""
    series = labels_by_series()
    for name, matchers in re.findall(r"\b(wms_\w+)(?:\{([^}]*)\})?", rule_expressions()):
        assert name in series, name
        for label, value in re.findall(r'(\w+)[!=]=?~?"([^"]*)"', matchers):
            assert label in series[name], f"{name} has no label {label}"
            assert set(value.split("|")) <= set(VALUES.get(label, value.split("|"))), f"{label}={value}"


def test_rules_group_by_labels_that_exist() -> None:
    """Grouping by a missing label would silence an alert as well."""
    known_labels = {
        label for sample_labels in labels_by_series().values() for label in sample_labels
    } | PROMETHEUS_LABELS
    for grouping in re.findall(r"\bby \(([^)]*)\)", rule_expressions()):
        assert {label.strip() for label in grouping.split(",")} <= known_labels


def test_used_records_are_recorded() -> None:
    """Every `wms:…` series of an expression is recorded by a rule."""
    recorded = set(re.findall(r"- record: (wms:[\w:]+)", RULES))
    assert set(re.findall(r"wms:[\w:]+", rule_expressions())) == recorded
