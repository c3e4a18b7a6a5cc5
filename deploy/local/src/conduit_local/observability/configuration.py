"""The committed configuration of Prometheus and Alertmanager, with this machine's addresses in the place of compose's.

Jobs, labels, rules, routes and inhibitions are therefore the same in both places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[4]
PROMETHEUS_FILE = DEPLOY / "prometheus" / "prometheus.yml"
RULES_DIR = DEPLOY / "prometheus" / "rules"
QUERIES_FILE = DEPLOY / "prometheus" / "postgres-queries.yml"
ALERTMANAGER_FILE = DEPLOY / "alertmanager" / "alertmanager.yml"
POSTGRES_EXPORTER_OPTIONS = (
    "--no-collector.bgwriter",
    "--auto-discover-databases",
    "--exclude-databases=template0,template1",
)
"""PostgreSQL 17 moved what this version of the exporter reads of the background writer."""


def prometheus_configuration(addresses: Mapping[str, Sequence[str]], rules: Sequence[Path], scrape_seconds: float) -> str:
    """`addresses` has this machine's addresses by the committed one; a job left without any is left out."""
    document = yaml.safe_load(PROMETHEUS_FILE.read_text())
    every = f"{round(scrape_seconds * 1000)}ms"
    document["global"] |= {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": every}
    document["rule_files"] = [str(path) for path in rules]
    jobs = [_moved(job, addresses) for job in document["scrape_configs"]]
    document["scrape_configs"] = [job for job in jobs if job["static_configs"]]
    managers = [_moved(one, addresses) for one in document["alerting"]["alertmanagers"]]
    document["alerting"]["alertmanagers"] = [one for one in managers if one["static_configs"]]
    return yaml.safe_dump(document, sort_keys=False)


def alertmanager_configuration(smtp: str, *, quick: bool = False) -> str:
    """Everything goes by e-mail to `smtp` (`host:port`): a pager's gateway is not on this machine.

    `quick` sends within a second what would otherwise be gathered for half a minute and more.
    """
    document = yaml.safe_load(ALERTMANAGER_FILE.read_text())
    document["global"] = {
        key: value for key, value in document["global"].items() if not key.startswith(("smtp_auth", "smtp_require"))
    } | {"smtp_smarthost": smtp, "smtp_require_tls": False}
    for receiver in document["receivers"]:
        receiver.pop("webhook_configs", None)
    if quick:
        for route in _routes(document["route"]):
            route |= {"group_wait": "0s", "group_interval": "1s"}
    return yaml.safe_dump(document, sort_keys=False)


def _routes(route: dict[str, Any]) -> list[dict[str, Any]]:
    return [route, *(below for child in route.get("routes", ()) for below in _routes(child))]


def _moved(job: dict[str, Any], addresses: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    moved = [
        {**one, "targets": [here for target in one["targets"] for here in addresses.get(target, ())]}
        for one in job["static_configs"]
    ]
    return {**job, "static_configs": [one for one in moved if one["targets"]]}
