"""Topics, users and permissions on a cluster are the registry's, and the brokers let nobody in without a password."""

from __future__ import annotations

from typing import Any

import pytest

from conduit_contracts.geography import forces
from conduit_contracts.topics import specs
from conduit_generate.kubernetes.environment import Environment, read_environment
from conduit_generate.kubernetes.tree import HOME, OVERLAYS
from conduit_local.kafka_jars import ENDPOINT
from conduit_operate.access import Operation, Rule, expected_rules, user_of
from conduit_operate.access import Resource as Subject
from conduit_operate.doors import HUB
from conduit_operate.quotas import EVERYBODY, PRODUCER, REQUESTS, standing_quotas
from conduit_operate.secured import ADMIN
from tests.kubernetes.manifests import ENVIRONMENTS, manifests, of_kind

pytestmark = pytest.mark.parametrize("name", ENVIRONMENTS)


def environment_of(name: str) -> Environment:
    return read_environment(HOME / OVERLAYS / name)


def rules_of_users(name: str) -> set[Rule]:
    """Every permission that the KafkaUsers give, read back."""
    return {
        Rule(
            user["metadata"]["name"],
            Operation(operation.lower()),
            Subject(acl["resource"]["type"]),
            acl["resource"]["name"],
            acl["resource"]["patternType"] == "prefix",
        )
        for user in of_kind(name, "KafkaUser")
        for acl in user["spec"].get("authorization", {}).get("acls", ())
        for operation in acl["operations"]
    }


def test_the_topics_are_those_of_the_registry(name: str) -> None:
    expected = {spec.name: spec for spec in specs(tuple(environment_of(name).partners), tuple(forces()))}
    topics = {each["metadata"]["name"]: each["spec"] for each in of_kind(name, "KafkaTopic")}
    assert topics.keys() == expected.keys()
    for topic, spec in expected.items():
        assert topics[topic]["partitions"] == spec.partitions
        assert topics[topic]["config"] == {**spec.config, "min.insync.replicas": "2"}
        assert topics[topic]["replicas"] == 3


def test_the_permissions_are_exactly_those_of_the_registry(name: str) -> None:
    topics = [each["metadata"]["name"] for each in of_kind(name, "KafkaTopic")]
    users = [each["metadata"]["name"] for each in of_kind(name, "KafkaUser")]
    assert rules_of_users(name) == expected_rules(topics, users)


def test_the_users_are_the_hubs_and_those_of_who_takes_part(name: str) -> None:
    environment = environment_of(name)
    users = [each["metadata"]["name"] for each in of_kind(name, "KafkaUser")]
    own = {user_of("partner", who, number) for who, known in environment.partners.items() for number in known}
    own |= {user_of("force", who, number) for who, known in environment.forces.items() for number in known}
    assert len(own) >= 4
    assert set(users) == {ADMIN, *HUB, *own}


def test_a_force_that_changes_its_credentials_has_the_same_rights_with_both(name: str) -> None:
    found: dict[str, set[tuple[Any, ...]]] = {}
    for rule in rules_of_users(name):
        found.setdefault(rule.principal, set()).add((rule.operation, rule.resource, rule.name, rule.prefix))
    for who, known in environment_of(name).forces.items():
        rights = [found[user_of("force", who, number)] for number in known]
        assert all(each == rights[0] for each in rights)
        assert {topic for _, subject, topic, _ in rights[0] if subject == Subject.TOPIC} == {
            f"force.{who}.cases.v1",
            f"force.{who}.responses.v1",
            "programme.advice.v1",
        }


def test_everybody_has_a_quota_and_the_hub_as_good_as_none(name: str) -> None:
    (kafka,) = of_kind(name, "Kafka")
    limits = standing_quotas()[EVERYBODY]
    assert kafka["spec"]["kafka"]["quotas"] == {
        "type": "kafka",
        "producerByteRate": limits[PRODUCER],
        "requestPercentage": limits[REQUESTS],
    }
    exempt = {each["metadata"]["name"] for each in of_kind(name, "KafkaUser") if "quotas" in each["spec"]}
    assert exempt == standing_quotas().keys() - {EVERYBODY}


def test_every_listener_wants_tls_and_a_password_and_says_who_may_come(name: str) -> None:
    (kafka,) = of_kind(name, "Kafka")
    for listener in kafka["spec"]["kafka"]["listeners"]:
        assert listener["tls"] is True
        assert listener["authentication"] == {"type": "scram-sha-512"}
        assert listener["networkPolicyPeers"]
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple", "superUsers": [ADMIN]}
    users = {str(each["spec"]["authentication"]["type"]) for each in of_kind(name, "KafkaUser")}
    assert users == {"scram-sha-512"}


def test_brokers_make_no_topic_by_accident_and_keep_three_copies(name: str) -> None:
    (kafka,) = of_kind(name, "Kafka")
    config = kafka["spec"]["kafka"]["config"]
    assert config["auto.create.topics.enable"] == "false"
    assert config["default.replication.factor"] == "3"
    assert config["min.insync.replicas"] == "2"
    assert kafka["spec"]["kafka"]["version"] == ENDPOINT.rpartition(":")[2]


def test_three_brokers_or_more_and_a_majority_of_controllers(name: str) -> None:
    pools = [each["spec"] for each in of_kind(name, "KafkaNodePool")]
    assert sum(pool["replicas"] for pool in pools if "broker" in pool["roles"]) >= 3
    assert sum(pool["replicas"] for pool in pools if "controller" in pool["roles"]) in (3, 5)
    for pool in pools:
        assert all(volume["type"] == "persistent-claim" for volume in pool["storage"]["volumes"])


def test_what_strimzi_is_to_find_carries_the_clusters_name(name: str) -> None:
    (kafka,) = of_kind(name, "Kafka")
    for each in manifests(name):
        if each["kind"] in {"KafkaTopic", "KafkaUser", "KafkaNodePool"}:
            assert each["metadata"]["labels"]["strimzi.io/cluster"] == kafka["metadata"]["name"]
