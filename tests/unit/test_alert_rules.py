"""The alert rules do what they say, over metrics that the worker has, and lead to a section of the guide."""

import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from prometheus_client.metrics_core import Metric

from tests.support.deployment import promtool
from wms_core.domain.levels import Levels, RoleLevel, WaitingLevel
from wms_core.domain.order_status import OrderStatus
from wms_core.postgres.bulkheads import Bulkheads
from wms_core.traces import Tracing
from wms_server.metrics import ServerGauges, registry
from wms_server.pipeline import Limits, Pipeline
from wms_server.requests import Requests
from wms_server.shared_metrics import restarts
from wms_worker.levels import LevelGauges
from wms_worker.metrics import EVENTS, OUTCOMES, Metrics
from wms_worker.order_counters import RETRY_OUTCOMES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "rules.yml").read_text(encoding="utf-8")
_BLOCKS = re.split(r"^ +- (?=alert: |record: )", RULES, flags=re.MULTILINE)
ALERTS = {block.split()[1]: block for block in _BLOCKS if block.startswith("alert: ")}
VALUES = {
    "type": EVENTS,
    "outcome": [*OUTCOMES, *RETRY_OUTCOMES.values()],
    "status": [status.value for status in OrderStatus],
    "code": [code.name for code in grpc.StatusCode],
}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
# What Prometheus and histograms add to what we label.
FOREIGN_LABELS = {"le", "instance", "job"}


def exported() -> dict[str, set[str]]:
    """Give the labels of every series that the worker or the server tells, by its name."""
    metrics = Metrics("fulfillment")
    gauges = LevelGauges(cast(Any, None), {}, timedelta(0))
    waiting = (WaitingLevel(OrderStatus.PICKING, "awaiting_moves", 1),)
    gauges.levels = replace(
        Levels(waiting, (), *cast(Any, [0] * 10)), roles=(RoleLevel("fulfillment", 1, 0.0),)
    )
    metrics.registry.register(gauges)
    requests = Requests()
    requests.ended("CreateOrder", "OK", 0.001)
    pipeline = Pipeline(cast(Any, None), Limits(), Tracing())
    server = registry(
        ServerGauges(pipeline, {}, Bulkheads({}).each),
        requests,
        restarts(),
    )
    return {
        family.name + suffix: labels(family)
        for family in [*metrics.registry.collect(), *server.collect()]
        for suffix in SUFFIXES.get(family.type, ("",))
    }


def labels(family: Metric) -> set[str]:
    """Give the labels of a family's samples."""
    return {label for sample in family.samples for label in sample.labels}


def expressions() -> str:
    """Give the rules without what people read."""
    return re.sub(r"^ *(#|summary:|description:|runbook:).*$", "", RULES, flags=re.MULTILINE)


def sections() -> set[str]:
    """Give the anchors of the operations guide."""
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.+)$", guide, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_rules_pass_their_own_tests() -> None:
    """Promtool runs a case that fires and one that does not for every alert."""
    done = subprocess.run(
        [promtool(), "test", "rules", "rules_test.yml"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tried_both_ways(alert: str) -> None:
    """There is a case named after it in which it fires, and one in which it is silent."""
    names = re.findall(
        rf"^  - name: {alert} (\w+ \w+)",
        (FOLDER / "rules_test.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert any(name.startswith("fires ") for name in names)
    assert "is silent" in names


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_says_what_to_do(alert: str) -> None:
    """It has a severity, a summary, a description, and a section of the guide that exists."""
    found = dict(re.findall(r"(summary|description|runbook|severity): ([^\n}]+)", ALERTS[alert]))
    assert found.keys() == {"summary", "description", "runbook", "severity"}
    assert found["severity"] in {"critical", "warning", "info"}
    guide, _, section = found["runbook"].partition("#")
    assert guide == "docs/operations.md"
    assert section in sections()


def test_rules_name_metrics_and_labels_that_exist() -> None:
    """A renamed metric or label would leave an alert silent for ever."""
    series = exported()
    for name, matchers in re.findall(r"\b(wms_\w+)(?:\{([^}]*)\})?", expressions()):
        assert name in series, name
        for label, value in re.findall(r'(\w+)[!=]=?~?"([^"]*)"', matchers):
            assert label in series[name], f"{name} has no label {label}"
            assert set(value.split("|")) <= set(VALUES.get(label, value.split("|"))), f"{label}={value}"


def test_rules_group_by_labels_that_exist() -> None:
    """So would a grouping by a label that nothing has."""
    known = {label for labels in exported().values() for label in labels} | FOREIGN_LABELS
    for grouping in re.findall(r"\bby \(([^)]*)\)", expressions()):
        assert {label.strip() for label in grouping.split(",")} <= known


def test_records_that_are_used_are_recorded() -> None:
    """Every `wms:…` series of an expression is recorded by a rule."""
    recorded = set(re.findall(r"- record: (wms:[\w:]+)", RULES))
    assert set(re.findall(r"wms:[\w:]+", expressions())) == recorded
