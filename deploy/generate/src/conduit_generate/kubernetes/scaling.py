"""KEDA: as many replicas as what waits on Kafka asks for, and never more than could share it out."""

from __future__ import annotations

from typing import Any

from conduit_chassis.settings import Settings
from conduit_contracts.geography import forces
from conduit_contracts.topics import FORCE, PARTNER, SERVICES, Topic, consumed_by
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import KAFKA_AUTHORITY, KAFKA_BOOTSTRAP, KAFKA_PORT, Resource, resource
from conduit_operate.access import Operation, service_principal, shared_rules
from conduit_operate.access import Resource as Subject

API = "keda.sh/v1alpha1"
FULL_BATCHES = 2
"""So many batches may wait for each replica before there is another."""
BUSY_PERCENT = 70
"""Of the requested CPU: intake also answers HTTP, which leaves no lag behind."""


def scaling(environment: Environment) -> list[Resource]:
    """A ScaledObject per service, and the credentials with which its lag is read: the service's own."""
    return [made for service in SERVICES for made in (_login(service), _scaled(service, environment))]


def useful_replicas(service: str, environment: Environment) -> int:
    """The partitions of the widest of its topics: a replica more would have a part in none of its busiest traffic."""
    return max(topic.partitions * _number(topic, environment) for topic in consumed_by(service))


def _number(topic: Topic, environment: Environment) -> int:
    """How many topics the registry's line stands for."""
    known = {f"{PARTNER}_id": len(environment.partners), f"{FORCE}_id": len(forces()), None: 1}
    return known[topic.parameter]


def group_of(service: str) -> str:
    """The consumer group that the access rules let the service use."""
    who = service_principal(service)
    return next(
        rule.name
        for rule in shared_rules()
        if (rule.principal, rule.operation, rule.resource) == (who, Operation.READ, Subject.GROUP)
    )


def _login(service: str) -> Resource:
    user = service_principal(service)
    references = [
        {"parameter": "password", "name": user, "key": "password"},
        {"parameter": "ca", "name": KAFKA_AUTHORITY, "key": "ca.crt"},
    ]
    return resource(API, "TriggerAuthentication", service, {"secretTargetRef": references})


def _scaled(service: str, environment: Environment) -> Resource:
    size = environment.services[service]
    most = max(size.least, min(size.most, useful_replicas(service, environment)))
    triggers = [_lag(service)]
    if service == "intake":
        triggers.append({"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(BUSY_PERCENT)}})
    spec = {
        "scaleTargetRef": {"name": service},
        "minReplicaCount": size.least,
        "maxReplicaCount": most,
        "pollingInterval": 15,
        "triggers": triggers,
        "advanced": {
            # Every change of the group's members moves partitions, so it shrinks slowly.
            "horizontalPodAutoscalerConfig": {
                "behavior": {
                    "scaleDown": {
                        "stabilizationWindowSeconds": 300,
                        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}],
                    }
                }
            }
        },
    }
    if service != "intake":  # KEDA takes no fallback beside a CPU trigger
        spec["fallback"] = {"failureThreshold": 4, "replicas": most, "behavior": "currentReplicasIfHigher"}
    return resource(API, "ScaledObject", service, spec)


def _lag(service: str) -> dict[str, Any]:
    """Without a topic KEDA looks at all that the group reads, so a new partner's topic counts from its first record."""
    threshold = FULL_BATCHES * int(Settings.model_fields["batch_max_records"].default)
    metadata = {
        "bootstrapServers": f"{KAFKA_BOOTSTRAP}:{KAFKA_PORT}",
        "consumerGroup": group_of(service),
        "lagThreshold": str(threshold),
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
        "sasl": "scram_sha512",
        "tls": "enable",
        "username": service_principal(service),
    }
    return {"type": "kafka", "metadata": metadata, "authenticationRef": {"name": service}}
