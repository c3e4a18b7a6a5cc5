"""For the Prometheus operator: what is scraped, and the rules of `deploy/prometheus/rules`, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from conduit_contracts.topics import SERVICES, SIGNER
from conduit_generate.kubernetes.resources import EXPORTER, KAFKA_CLUSTER, NAME_LABEL, POSTGRES_CLUSTER, Resource, resource
from conduit_local.observability.configuration import RULES_DIR

API = "monitoring.coreos.com/v1"
METRICS = "kafka-metrics"
METRICS_FILE = RULES_DIR.parent / "kafka-jmx.yml"


def monitoring() -> list[Resource]:
    """PodMonitors, a PrometheusRule per file of rules, and which of Kafka's figures become metrics."""
    pods = {"matchExpressions": [{"key": NAME_LABEL, "operator": "In", "values": [*SERVICES, SIGNER]}]}
    label = {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "service"}
    return [
        _monitor("services", pods, "http", [label, _job("conduit")]),
        _monitor("kafka", {"matchLabels": {"strimzi.io/name": f"{KAFKA_CLUSTER}-kafka"}}, "tcp-prometheus", [_job("kafka")]),
        _monitor("postgres", {"matchLabels": {NAME_LABEL: EXPORTER}}, "metrics", [_job("postgres")]),
        _monitor(
            "cloudnative-pg", {"matchLabels": {"cnpg.io/cluster": POSTGRES_CLUSTER}}, "metrics", [_job("cloudnative-pg")]
        ),
        {**resource("v1", "ConfigMap", METRICS), "data": {METRICS_FILE.name: METRICS_FILE.read_text(encoding="utf-8")}},
        *(_rules(path) for path in rule_files()),
    ]


def rule_files() -> list[Path]:
    return sorted(RULES_DIR.glob("*.yml"))


def _job(name: str) -> dict[str, Any]:
    """The rules and dashboards know each job by this name."""
    return {"targetLabel": "job", "replacement": name}


def _monitor(name: str, selector: dict[str, Any], port: str, relabelings: list[dict[str, Any]]) -> Resource:
    endpoint = {"port": port, "interval": "15s", "relabelings": relabelings}
    return resource(API, "PodMonitor", name, {"selector": selector, "podMetricsEndpoints": [endpoint]})


def _rules(path: Path) -> Resource:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return resource(API, "PrometheusRule", path.stem.replace("_", "-"), {"groups": document["groups"]})
