"""Strimzi's resources: brokers, topics and users, all three derived from the topic registry and the access rules.

Strimzi's User Operator owns every user of the cluster: it removes users and permissions that no KafkaUser names. So on a
cluster whoever takes part is declared, in `environment.toml`; `conduit partner onboard` then finds users, permissions and
topics there already, and adds the register's entry and the secrets of the HTTP API.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from conduit_contracts.geography import forces
from conduit_contracts.topics import FORCE, PARTNER, TopicSpec, specs
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.flows import peers
from conduit_generate.kubernetes.monitoring import METRICS, METRICS_FILE
from conduit_generate.kubernetes.resources import KAFKA_CLUSTER, KAFKA_OUTSIDE_PORT, KAFKA_PORT, Resource, resource
from conduit_local.kafka_jars import ENDPOINT
from conduit_operate.access import Rule, expected_rules, user_of
from conduit_operate.doors import HUB
from conduit_operate.quotas import EVERYBODY, PRODUCER, REQUESTS, Limits, standing_quotas
from conduit_operate.secured import ADMIN

API = "kafka.strimzi.io/v1"
REPLICAS, IN_SYNC = 3, 2
"""A record is acknowledged once two of three brokers have it: one may be down, and one more may then be lost."""
OF_CLUSTER = {"strimzi.io/cluster": KAFKA_CLUSTER}
SHARED_SETTINGS = ("auto.create.topics.enable", "num.partitions", "message.max.bytes", "replica.fetch.max.bytes")
"""What every broker of the conduit has, on one machine as on a cluster."""
LARGEST = 2**31 - 1
"""The operator reads quotas as 32-bit integers. 2 GB a second is as good as none."""
ZONE = "topology.kubernetes.io/zone"


def version() -> str:
    """Of Kafka: that of the embedded broker."""
    return ENDPOINT.rpartition(":")[2]


def topics(wanted: Iterable[TopicSpec]) -> list[Resource]:
    """One KafkaTopic each. Partitions are the registry's: more of them later would move keys, and with them their order."""
    return [
        resource(
            API,
            "KafkaTopic",
            spec.name,
            {
                "partitions": spec.partitions,
                "replicas": REPLICAS,
                "config": {**spec.config, "min.insync.replicas": str(IN_SYNC)},
            },
            metadata={"labels": OF_CLUSTER},
        )
        for spec in wanted
    ]


def standing_specs() -> list[TopicSpec]:
    """The topics that stand in every environment: the hub's, and every force's."""
    return specs((), tuple(forces()))


def partner_specs(environment: Environment) -> list[TopicSpec]:
    """The topics of this environment's partners."""
    everywhere = {spec.name for spec in standing_specs()}
    return [spec for spec in specs(tuple(environment.partners)) if spec.name not in everywhere]


def users(environment: Environment) -> list[str]:
    """Every Kafka user but the administrator: the hub's, and those of who takes part."""
    parts = ((PARTNER, environment.partners), (FORCE, environment.forces))
    taking_part = [
        user_of(kind, identity, number) for kind, known in parts for identity in sorted(known) for number in known[identity]
    ]
    return [*HUB, *taking_part]


def user_resources(environment: Environment) -> list[Resource]:
    """A KafkaUser each, with its permissions and, for the hub's own, its quota. The others have the quota for everybody."""
    known = users(environment)
    names = [spec.name for spec in (*standing_specs(), *partner_specs(environment))]
    rules: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in sorted(expected_rules(names, known)):
        rules[rule.principal].append(rule)
    return [_user(ADMIN, ()), *(_user(user, rules[user]) for user in known)]


def _user(name: str, rules: Iterable[Rule]) -> Resource:
    spec: dict[str, Any] = {"authentication": {"type": "scram-sha-512"}}
    if acls := _acls(rules):
        spec["authorization"] = {"type": "simple", "acls": acls}
    if limits := standing_quotas().get(name):
        spec["quotas"] = quotas(limits)
    return resource(API, "KafkaUser", name, spec, metadata={"labels": OF_CLUSTER})


def quotas(limits: Limits) -> dict[str, int]:
    """A quota in the operator's words and range."""
    return {
        "producerByteRate": min(int(limits[PRODUCER]), LARGEST),
        "requestPercentage": min(int(limits[REQUESTS]), LARGEST),
    }


def _acls(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    operations: defaultdict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for rule in rules:
        operations[rule.resource.value, rule.name, rule.prefix].append(rule.operation.value.capitalize())
    return [
        {
            "type": "allow",
            "resource": {"type": kind, "name": name, "patternType": "prefix" if prefix else "literal"},
            "operations": sorted(allowed),
        }
        for (kind, name, prefix), allowed in operations.items()
    ]


def cluster(environment: Environment) -> list[Resource]:
    """The brokers: TLS and SCRAM-SHA-512 on both listeners, deny by default, no topic made by accident."""
    kafka = environment.kafka
    separate = kafka.controllers > 0
    pools = [_pool("brokers", kafka.brokers, ["broker"] if separate else ["controller", "broker"], environment)]
    if separate:
        pools.append(_pool("controllers", kafka.controllers, ["controller"], environment))
    spec = {
        "kafka": {
            "version": version(),
            "listeners": [_inside(), _outside(environment)],
            "authorization": {"type": "simple", "superUsers": [ADMIN]},
            "quotas": {"type": "kafka", **quotas(standing_quotas()[EVERYBODY])},
            "config": _config(),
            "rack": {"type": "topology-label", "topologyKey": ZONE},
            "metricsConfig": {
                "type": "jmxPrometheusExporter",
                "valueFrom": {"configMapKeyRef": {"name": METRICS, "key": METRICS_FILE.name}},
            },
            "template": {"podDisruptionBudget": {"maxUnavailable": 1}},
        },
        "entityOperator": {
            "topicOperator": {"resources": _limits("100m", "512Mi")},
            "userOperator": {"resources": _limits("100m", "512Mi")},
        },
    }
    return [resource(API, "Kafka", KAFKA_CLUSTER, spec), *pools]


def _pool(name: str, replicas: int, roles: list[str], environment: Environment) -> Resource:
    kafka, store = environment.kafka, environment.store
    broker = "broker" in roles
    volume = {
        "id": 0,
        "type": "persistent-claim",
        "size": kafka.broker_disk if broker else kafka.controller_disk,
        "class": store.storage_class,
        "deleteClaim": False,
        "kraftMetadata": "shared",
    }
    spread = {
        "maxSkew": 1,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {**OF_CLUSTER, "strimzi.io/pool-name": name}},
    }
    spec = {
        "replicas": replicas,
        "roles": roles,
        "storage": {"type": "jbod", "volumes": [volume]},
        "resources": _limits(kafka.cpu, kafka.memory) if broker else _limits("500m", "2Gi"),
        "jvmOptions": {"-Xms": kafka.heap, "-Xmx": kafka.heap} if broker else {"-Xms": "1g", "-Xmx": "1g"},
        "template": {"pod": {"topologySpreadConstraints": [spread], "terminationGracePeriodSeconds": 120}},
    }
    return resource(API, "KafkaNodePool", name, spec, metadata={"labels": OF_CLUSTER})


def _inside() -> Mapping[str, Any]:
    return {
        "name": "tls",
        "port": KAFKA_PORT,
        "type": "internal",
        "tls": True,
        "authentication": {"type": "scram-sha-512"},
        # Without peers the operator's own network policy would let every pod of the cluster in.
        "networkPolicyPeers": peers("kafka", KAFKA_PORT),
    }


def _outside(environment: Environment) -> Mapping[str, Any]:
    host = environment.hosts.kafka
    return {
        "name": "external",
        "port": KAFKA_OUTSIDE_PORT,
        "type": "loadbalancer",
        "tls": True,
        "authentication": {"type": "scram-sha-512"},
        "networkPolicyPeers": peers("kafka", KAFKA_OUTSIDE_PORT),
        "configuration": {
            "brokerCertChainAndKey": {"secretName": "kafka-listener", "certificate": "tls.crt", "key": "tls.key"},
            "bootstrap": {"alternativeNames": [host]},
            "advertisedHostTemplate": f"broker-{{nodeId}}.{host}",
            "externalTrafficPolicy": "Local",
        },
    }


def _config() -> dict[str, str]:
    lines = files("conduit_operate").joinpath("server.properties").read_text().splitlines()
    embedded = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    shared = {name: embedded[name] for name in SHARED_SETTINGS}
    replicated = {
        "default.replication.factor": REPLICAS,
        "min.insync.replicas": IN_SYNC,
        "offsets.topic.replication.factor": REPLICAS,
        "transaction.state.log.replication.factor": REPLICAS,
        "transaction.state.log.min.isr": IN_SYNC,
        "share.coordinator.state.topic.replication.factor": REPLICAS,
        "share.coordinator.state.topic.min.isr": IN_SYNC,
    }
    return shared | {name: str(value) for name, value in replicated.items()}


def _limits(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
