"""Alertmanager's configuration: valid, without secrets, and each severity goes where it should."""

from __future__ import annotations

import re

import pytest
import yaml

from conduit_local.observability import configuration
from tests.monitoring.test_rules import alerts, run
from tests.support.missing import watcher

FILE = str(configuration.ALERTMANAGER_FILE)


def test_alertmanager_takes_the_configuration_and_that_of_this_machine() -> None:
    assert "SUCCESS" in run(watcher("amtool"), "check-config", FILE)


@pytest.mark.parametrize(("severity", "receiver"), [("page", "pages"), ("ticket", "tickets"), ("info", "notes")])
def test_a_severity_has_its_receiver(severity: str, receiver: str) -> None:
    said = run(watcher("amtool"), "config", "routes", "test", f"--config.file={FILE}", f"severity={severity}", "alertname=X")
    assert said.strip() == receiver


def test_secrets_come_from_files() -> None:
    text = configuration.ALERTMANAGER_FILE.read_text()
    assert not re.search(r"(password|credentials|secret|token|_key)\s*:", text)
    assert "credentials_file:" in text


def test_inhibitions_name_alerts_that_exist() -> None:
    names = {alert["alert"] for alert in alerts()}
    for rule in yaml.safe_load(configuration.ALERTMANAGER_FILE.read_text())["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = matcher.partition("=")[2].lstrip("~").strip('"')
            for part in re.split(r"\|(?![^(]*\))", pattern):
                assert any(re.fullmatch(part, name) for name in names), part
