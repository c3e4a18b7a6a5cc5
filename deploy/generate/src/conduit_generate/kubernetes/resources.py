"""What every manifest is made of: names, labels, and how a resource becomes text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import yaml

Resource: TypeAlias = dict[str, Any]

NAMESPACE = "conduit"
PART_OF = "conduit"
NAME_LABEL = "app.kubernetes.io/name"
MIGRATES = "migration"
"""Added to a service's name, it names the job that migrates its database."""

KAFKA_CLUSTER = "conduit"
KAFKA_AUTHORITY = f"{KAFKA_CLUSTER}-cluster-ca-cert"
KAFKA_BOOTSTRAP = f"{KAFKA_CLUSTER}-kafka-bootstrap"
KAFKA_PORT, KAFKA_OUTSIDE_PORT = 9093, 9094
POSTGRES_CLUSTER = "conduit-postgres"
POSTGRES_AUTHORITY = f"{POSTGRES_CLUSTER}-ca"
POSTGRES_HOST = f"{POSTGRES_CLUSTER}-rw"
"""Where the primary is; CloudNativePG moves it at a failover."""
POSTGRES_PORT = 5432
HTTP_PORT = 8000
CLAMAV, CLAMAV_PORT = "clamav", 3310
EXPORTER, EXPORTER_PORT = "postgres-exporter", 9187

GENERATED = "# Written by `make kubernetes`; what may be changed by hand stands in the overlays' environment.toml.\n"


def labels(name: str) -> dict[str, str]:
    """By these a pod is found."""
    return {NAME_LABEL: name, "app.kubernetes.io/part-of": PART_OF}


def resource(
    api: str, kind: str, name: str, spec: Mapping[str, Any] | None = None, *, metadata: Mapping[str, Any] | None = None
) -> Resource:
    """One resource in the conduit's namespace. `metadata` comes beside its name; labels are added to the common one."""
    extra = dict(metadata or {})
    found = {"app.kubernetes.io/part-of": PART_OF, **extra.pop("labels", {})}
    made: Resource = {"apiVersion": api, "kind": kind}
    made["metadata"] = {"name": name, "namespace": NAMESPACE, "labels": found, **extra}
    if spec is not None:
        made["spec"] = dict(spec)
    return made


def text_of(resources: Iterable[Resource]) -> str:
    """The resources as one YAML file."""
    dumped = (
        yaml.dump(each, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
        for each in resources
    )
    return GENERATED + "---\n".join(dumped)


class _Plain(yaml.SafeDumper):
    """Without anchors, which hide what a resource says."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  PyYAML's signature
        return True
