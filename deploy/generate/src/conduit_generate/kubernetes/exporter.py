"""PostgreSQL's exporter, as in docker-compose.yml: the rules and dashboards know its metrics, not the operator's."""

from __future__ import annotations

from typing import Any

from conduit_contracts.topics import SERVICES
from conduit_generate.kubernetes.pods import POD, container, spread
from conduit_generate.kubernetes.resources import (
    EXPORTER,
    EXPORTER_PORT,
    NAMESPACE,
    POSTGRES_AUTHORITY,
    POSTGRES_CLUSTER,
    POSTGRES_HOST,
    POSTGRES_PORT,
    Resource,
    labels,
    resource,
)
from conduit_generate.kubernetes.secrets import MONITOR_SECRET
from conduit_local.observability.configuration import POSTGRES_EXPORTER_OPTIONS, QUERIES_FILE
from conduit_operate.databases import database_of
from conduit_operate.monitor_role import ROLE

IMAGE = "quay.io/prometheuscommunity/postgres-exporter:v0.11.1"
QUERIES = "postgres-queries"
_ACCESS, _QUERIES = "/run/secrets/access", "/etc/postgres-exporter"


def role() -> Resource:
    """The exporter's role sees figures and no rows."""
    spec = {
        "cluster": {"name": POSTGRES_CLUSTER},
        "name": ROLE,
        "login": True,
        "inRoles": ["pg_monitor"],
        "passwordSecret": {"name": MONITOR_SECRET},
        "databaseRoleReclaimPolicy": "retain",
    }
    return resource("postgresql.cnpg.io/v1", "DatabaseRole", "monitor", spec)


def who_may_connect() -> list[str]:
    """Lines of pg_hba: it looks into every database's statistics."""
    return [f"hostssl {name} {ROLE} all scram-sha-256" for name in ("postgres", *map(database_of, SERVICES))]


def exporter() -> list[Resource]:
    """One pod is enough: without it an alert says so."""
    account = {**resource("v1", "ServiceAccount", EXPORTER), "automountServiceAccountToken": False}
    queries = {**resource("v1", "ConfigMap", QUERIES), "data": {QUERIES_FILE.name: QUERIES_FILE.read_text(encoding="utf-8")}}
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels(EXPORTER)},
        "template": {"metadata": {"labels": labels(EXPORTER)}, "spec": _pod()},
    }
    budget = {
        "maxUnavailable": 1,
        "selector": {"matchLabels": labels(EXPORTER)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return [
        account,
        queries,
        resource("apps/v1", "Deployment", EXPORTER, spec, metadata={"labels": labels(EXPORTER)}),
        resource("policy/v1", "PodDisruptionBudget", EXPORTER, budget),
    ]


def _pod() -> dict[str, Any]:
    tls = f"sslmode=verify-full&sslrootcert={_ACCESS}/ca.crt"
    told = {
        "DATA_SOURCE_URI": f"{POSTGRES_HOST}.{NAMESPACE}.svc:{POSTGRES_PORT}/postgres?{tls}",
        "DATA_SOURCE_USER": ROLE,
        "DATA_SOURCE_PASS_FILE": f"{_ACCESS}/password",
    }
    small = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"cpu": "200m", "memory": "128Mi"}}
    main = container(EXPORTER, IMAGE, env=[{"name": name, "value": value} for name, value in told.items()], resources=small)
    alive = {"httpGet": {"path": "/", "port": "metrics"}, "timeoutSeconds": 3}
    main |= {
        "args": [*POSTGRES_EXPORTER_OPTIONS, f"--extend.query-path={_QUERIES}/{QUERIES_FILE.name}"],
        "ports": [{"name": "metrics", "containerPort": EXPORTER_PORT}],
        "startupProbe": {**alive, "periodSeconds": 2, "failureThreshold": 30},
        "livenessProbe": {**alive, "periodSeconds": 20, "failureThreshold": 3},
        "readinessProbe": {**alive, "periodSeconds": 10, "failureThreshold": 2},
        "volumeMounts": [
            {"name": "access", "mountPath": _ACCESS, "readOnly": True},
            {"name": "queries", "mountPath": _QUERIES, "readOnly": True},
        ],
    }
    sources = [
        {"secret": {"name": MONITOR_SECRET, "items": [{"key": "password", "path": "password"}]}},
        {"secret": {"name": POSTGRES_AUTHORITY, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    return {
        **POD,
        "serviceAccountName": EXPORTER,
        "topologySpreadConstraints": spread(EXPORTER),
        "containers": [main],
        "volumes": [
            {"name": "access", "projected": {"defaultMode": 0o440, "sources": sources}},
            {"name": "queries", "configMap": {"name": QUERIES}},
        ],
    }
