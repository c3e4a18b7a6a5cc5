"""Which file has which resources: `base` is the same everywhere, each overlay is written from its `environment.toml`."""

from __future__ import annotations

from pathlib import Path

import yaml

from conduit_contracts.topics import SERVICES, SIGNER
from conduit_generate.kubernetes import edge, exporter, flows, kafka, monitoring, postgres, scaling, secrets, workloads
from conduit_generate.kubernetes.environment import Environment, read_environment
from conduit_generate.kubernetes.resources import GENERATED, NAMESPACE, PART_OF, Resource, text_of
from conduit_local.services import POLICY_FILE

HOME = POLICY_FILE.parents[1] / "kubernetes"
BASE, OVERLAYS = "base", "overlays"
KUSTOMIZATION = "kustomization.yaml"


def namespace() -> Resource:
    """With Kubernetes' strictest standard for pods, enforced."""
    made: Resource = {"apiVersion": "v1", "kind": "Namespace"}
    standard = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    return made | {"metadata": {"name": NAMESPACE, "labels": {"app.kubernetes.io/part-of": PART_OF, **standard}}}


def base() -> dict[str, list[Resource]]:
    """Resources by file, for what no environment changes."""
    return {
        "namespace.yaml": [namespace()],
        "policy.yaml": [workloads.policy()],
        **{f"{service}.yaml": workloads.standing(service) for service in SERVICES},
        "signer.yaml": workloads.standing(SIGNER),
        "clamav.yaml": workloads.scanner(),
        "postgres-exporter.yaml": exporter.exporter(),
        "topics.yaml": kafka.topics(kafka.standing_specs()),
        "monitoring.yaml": monitoring.monitoring(),
    }


def overlay(environment: Environment) -> dict[str, list[Resource]]:
    """Resources by file, for one environment."""
    return {
        "kafka.yaml": kafka.cluster(environment),
        "topics.yaml": kafka.topics(kafka.partner_specs(environment)),
        "users.yaml": kafka.user_resources(environment),
        "postgres.yaml": postgres.cluster(environment),
        "secrets.yaml": secrets.external_secrets(environment),
        "migrations.yaml": workloads.migrations(environment),
        "services.yaml": workloads.services(environment),
        "scaling.yaml": scaling.scaling(environment),
        "edge.yaml": edge.routes(environment),
        "network.yaml": flows.policies(flows.flows_of(environment)),
    }


def texts(folder: Path) -> dict[str, str]:
    """Every generated file of the base or of an overlay, by its name."""
    if folder.name == BASE:
        return _with_kustomization(base(), [])
    relative = Path(*[".."] * 2, BASE)
    return _with_kustomization(overlay(read_environment(folder)), [str(relative)])


def folders() -> list[Path]:
    """The base, and every overlay that has an environment."""
    return [HOME / BASE, *sorted(path.parent for path in (HOME / OVERLAYS).glob("*/environment.toml"))]


def _with_kustomization(files: dict[str, list[Resource]], below: list[str]) -> dict[str, str]:
    kept = {name: resources for name, resources in files.items() if resources}
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*below, *kept],
    }
    made = {name: text_of(resources) for name, resources in kept.items()}
    return made | {KUSTOMIZATION: GENERATED + yaml.safe_dump(content, sort_keys=False)}
