"""What Prometheus and Alertmanager say over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.25


class QueryError(RuntimeError):
    """Prometheus refused a query; the text is its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of an instant query's answer. The name of the metric, where there is one, is the label `__name__`."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Target:
    """One address that Prometheus scrapes. `error` is empty while it is up."""

    job: str
    url: str
    up: bool
    error: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as Prometheus (`pending`, `firing`) or Alertmanager (`active`, `suppressed`) sees it."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    since: str
    """When it began, as the server spells it: another time is another alert."""


class Prometheus:
    """A running Prometheus at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        return _answers(f"{self.url}/-/ready")

    def query(self, expression: str) -> list[Sample]:
        """The rows of an instant query; a scalar gives one row without labels.

        Raises:
            QueryError: the expression is not PromQL, or cannot be evaluated.
        """
        data = self._get("query", query=expression)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(row["metric"], float(row["value"][1])) for row in data["result"]]

    def value(self, expression: str) -> float | None:
        """The first row's value; None where there is no row."""
        rows = self.query(expression)
        return rows[0].value if rows else None

    def targets(self) -> list[Target]:
        active = self._get("targets", state="active")["activeTargets"]
        return [Target(one["labels"]["job"], one["scrapeUrl"], one["health"] == "up", one["lastError"]) for one in active]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health and the error of its last evaluation, as the API has them."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def evaluated(self) -> datetime:
        """When the rule that has waited longest was evaluated; long ago where one never was."""
        return min(datetime.fromisoformat(rule["lastEvaluation"]) for rule in self.rules())

    def describes(self, metric: str) -> bool:
        """Whether something that is scraped declares this metric, with or without a series."""
        # What is exposed is a family, which for a counter is scraped under its name with or without the ending.
        return bool(self._get("metadata", metric=metric) or self._get("metadata", metric=metric.removesuffix("_total")))

    def alerts(self) -> list[Alert]:
        """What is pending or firing now."""
        found = self._get("alerts")["alerts"]
        return [
            Alert(one["labels"]["alertname"], one["labels"], one["annotations"], one["state"], one["activeAt"])
            for one in found
        ]

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {alert.name for alert in self.alerts() if alert.state == "firing"}

    def wait(self, expression: str, timeout: float) -> list[Sample]:
        """Until the query has a row.

        Raises:
            TimeoutError: it has none after `timeout` seconds.
        """
        until(lambda: bool(self.query(expression)), f"no row of {expression}", timeout)
        return self.query(expression)

    def _get(self, what: str, **parameters: str) -> Any:
        response = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=TIMEOUT_SECONDS, trust_env=False)
        if response.is_server_error:
            response.raise_for_status()
        answer = response.json()
        if answer["status"] != "success":
            raise QueryError(f"{answer['error']}: {parameters}")
        return answer["data"]


class Alertmanager:
    """A running Alertmanager at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ready(self) -> bool:
        return _answers(f"{self.url}/-/ready")

    def alerts(self) -> list[Alert]:
        """What it holds; `suppressed` where another alert inhibits it or somebody silenced it."""
        response = httpx.get(f"{self.url}/api/v2/alerts", timeout=TIMEOUT_SECONDS, trust_env=False)
        response.raise_for_status()
        return [
            Alert(one["labels"]["alertname"], one["labels"], one["annotations"], one["status"]["state"], one["startsAt"])
            for one in response.json()
        ]

    def active(self) -> set[str]:
        """The names of the alerts that someone is being told about now."""
        return {alert.name for alert in self.alerts() if alert.state == "active"}


def until(ready: Callable[[], bool], otherwise: str, timeout: float) -> None:
    """Poll; raises TimeoutError saying `otherwise` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} after {timeout:.0f} s")
        time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
