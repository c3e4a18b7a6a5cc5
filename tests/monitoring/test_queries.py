"""On the stack that is watched, under load: every rule evaluates, and everything that it asks for is there.

An alert's expression has no rows while all is well, so each of the series it selects is looked for instead.
"""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
import yaml

from conduit_local.observability import configuration
from conduit_local.observability.api import until
from tests.monitoring.watched import Watched

RULES = sorted(configuration.RULES_DIR.glob("*.yml"))
SELECTOR = re.compile(r"\b((?:conduit|kafka|pg|up|alertmanager|prometheus)(?:[_:]\w+)*)\b(\{[^}]*\})?(?!\()")
CLAUSES = re.compile(r"\b(by|on|without|ignoring)\s*\([^)]*\)|\[\w+\]|offset \w+")
BORN_WITH_THE_FAULT = re.compile(r'error=~"\.\*_AUTHORIZATION_FAILED"|status=~"5|outcome="failed"')
"""Labels that the first fault brings: without one, the metric has to be there without them."""
BORN_WITH_A_FAULT = {"conduit_worker_failures_total", "conduit_held_partitions"}
"""Series by kind of error or by what fails, of which there are none before the first: that they are declared has to do."""


def rules() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def selectors(expression: str) -> set[str]:
    """Every selector in an expression, with its labels unless a fault brings them."""
    found = SELECTOR.findall(CLAUSES.sub(" ", expression))
    return {name if BORN_WITH_THE_FAULT.search(labels) else name + labels for name, labels in found}


@pytest.mark.parametrize("rule", rules(), ids=name_of)
def test_everything_that_a_rule_asks_for_is_there(watched: Watched, rule: dict[str, Any]) -> None:
    wanted = selectors(rule["expr"])
    assert wanted
    for selector in wanted:
        if selector in BORN_WITH_A_FAULT:
            assert watched.watch.prometheus.describes(selector), selector
            continue
        assert watched.watch.query(f"last_over_time({selector}[10m])" if ":" not in selector else selector), selector


@pytest.mark.parametrize("rule", [rule for rule in rules() if "record" in rule], ids=name_of)
def test_what_a_rule_records_has_a_figure(watched: Watched, rule: dict[str, Any]) -> None:
    rows = watched.watch.prometheus.wait(rule["record"], 10)
    assert [row for row in rows if math.isnan(row.value)] == []


def test_prometheus_itself_evaluates_every_rule_without_an_error(watched: Watched) -> None:
    prometheus = watched.watch.prometheus
    until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()), "rules that were never evaluated", 20)
    evaluated = prometheus.rules()
    assert sorted(rule["name"] for rule in evaluated) == sorted(name_of(rule) for rule in rules())
    assert [rule["name"] for rule in evaluated if rule["health"] != "ok" or rule.get("lastError")] == []


def test_no_label_of_any_metric_holds_a_partner_a_force_a_referral_or_a_topic_of_theirs(watched: Watched) -> None:
    options = watched.stack.options
    identities = {*options.partner_ids, *(force for force in options.force_ids if "-" in force)}
    referral = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-")
    for row in watched.watch.query('{job=~"conduit|kafka|postgres"}'):
        for label, value in row.labels.items():
            assert not referral.search(value), (row.labels["__name__"], label)
            assert not identities & set(re.split(r"[./ ]", value)), (row.labels["__name__"], label, value)
