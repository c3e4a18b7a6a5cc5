"""The rules stand by themselves: they are valid, each alert is tried firing and quiet, and each leads to a page."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conduit_local.observability import configuration
from tests.monitoring import quick_rules
from tests.support.missing import watcher

ROOT = Path(__file__).parents[2]
RULES = sorted(configuration.RULES_DIR.glob("*.yml"))
UNIT_TESTS = sorted((configuration.RULES_DIR.parent / "tests").glob("*.yml"))
SEVERITIES = {"page", "ticket", "info"}
IDENTITIES = re.compile(r"partner_id|force_id|referral_id|\$labels\.(instance|partner|force|user|principal)")


def alerts() -> list[dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    said = run(watcher("promtool"), "check", "config", str(configuration.PROMETHEUS_FILE))
    assert re.findall(r"\d+ rule files found", said) == [f"{len(RULES)} rule files found"]
    assert len(re.findall(r"\d+ rules found", said)) == len(RULES)


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_must_and_else_are_quiet(path: Path) -> None:
    assert "SUCCESS" in run(watcher("promtool"), "test", "rules", str(path))


def test_every_alert_has_a_unit_test_that_fires_and_one_that_is_quiet() -> None:
    tried: dict[str, set[bool]] = {}
    for path in UNIT_TESTS:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for part in case["promql_expr_test"]:
                (name,) = re.findall(r'alertname="(\w+)"', part["expr"])
                tried.setdefault(name, set()).add(bool(part["exp_samples"]))
    assert tried == {alert["alert"]: {True, False} for alert in alerts()}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert['alert']}{alert['labels'].get('between', '')}")
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on_and_names_nobody(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert (ROOT / alert["annotations"]["runbook_url"]).is_file()
    assert not IDENTITIES.search(yaml.safe_dump(alert))


def test_every_runbook_is_reached_from_an_alert_and_from_the_list() -> None:
    pages = {path.name for path in (ROOT / "docs/runbooks").glob("*.md")} - {"README.md"}
    by_people = {name for name in pages if "\nNo alert leads here: " in (ROOT / "docs/runbooks" / name).read_text()}
    assert {Path(alert["annotations"]["runbook_url"]).name for alert in alerts()} == pages - by_people
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/runbooks/README.md").read_text())
    assert sorted(listed) == sorted(pages)


def test_shortened_rules_differ_in_times_alone(tmp_path: Path) -> None:
    number = re.compile(r"\d+(\.\d+)?( \* 86400)?[smhd]?")
    run(watcher("promtool"), "check", "rules", *map(str, quick_rules.write(tmp_path)))
    for path in RULES:
        before, after = (yaml.safe_load(one.read_text()) for one in (path, tmp_path / path.name))
        for old, new in zip(before["groups"], after["groups"], strict=True):
            for one, other in zip(old["rules"], new["rules"], strict=True):
                assert number.sub("", one["expr"]) == number.sub("", other["expr"])
                assert {**one, "expr": "", "for": ""} == {**other, "expr": "", "for": ""}


def test_shortening_keeps_shares_and_counts_and_shortens_what_is_a_time() -> None:
    shorten = quick_rules.shortened
    assert shorten("rate(x[5m]) > 0.05", 20) == "rate(x[15s]) > 0.05"
    assert shorten("increase(x[1h] offset 15m) > 20", 20) == "increase(x[180s] offset 45s) > 20"
    assert shorten('max(a_seconds{level="x"}) > 600', 20) == 'max(a_seconds{level="x"}) > 30'
    assert shorten("a_seconds > 60 and b_seconds > 0", 20) == "a_seconds > 15 and b_seconds > 0"
    assert shorten("ratio1h > 14.4 * 0.001", 20) == "ratio1h > 14.4 * 0.001"
