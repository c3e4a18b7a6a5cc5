"""Nothing may talk to anything but what it must: the policies, read back as a cluster would, against what pods are told."""

from __future__ import annotations

from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest

from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER
from conduit_generate.kubernetes.environment import read_environment
from conduit_generate.kubernetes.flows import flows_of, policies
from conduit_generate.kubernetes.tree import HOME, OVERLAYS
from tests.kubernetes.manifests import ENVIRONMENTS, Resource, named, of_kind, pods

Pod = dict[str, str]
KAFKA = {"strimzi.io/cluster": "conduit", "strimzi.io/kind": "Kafka", "strimzi.io/name": "conduit-kafka"}
POSTGRES = {"cnpg.io/cluster": "conduit-postgres", "cnpg.io/podRole": "instance"}
STRANGER = {"app.kubernetes.io/name": "stranger"}
PORTS = (53, 443, 587, 3310, 5432, 8000, 8080, 9090, 9091, 9092, 9093, 9094, 9187, 9404)


def everybody(environment: str) -> dict[str, Pod]:
    """The labels of every pod of the namespace, those that operators make included."""
    own = {name: template["metadata"]["labels"] for name, template in pods(environment)}
    return {
        **own,
        "kafka": KAFKA,
        "postgres": POSTGRES,
        "stranger": STRANGER,
    }


def selects(selector: dict[str, Any], pod: Pod) -> bool:
    assert selector.keys() <= {"matchLabels"}, "this reading knows labels alone"
    return bool(selector.get("matchLabels", {}).items() <= pod.items())


def lets(environment: str, way: str, pod: Pod, other: Pod, port: int) -> bool:
    """Whether a policy of the pod lets another of the namespace in, or it out to the other; `way` is ingress or egress."""
    own = [each["spec"] for each in of_kind(environment, "NetworkPolicy") if selects(each["spec"]["podSelector"], pod)]
    assert own, "a pod that no policy selects may do everything"
    assert all(way.capitalize() in policy["policyTypes"] for policy in own)
    return any(_matches(rule, way, other, port) for policy in own for rule in policy.get(way, ()))


def _matches(rule: Resource, way: str, other: Pod, port: int) -> bool:
    peers = rule["from" if way == "ingress" else "to"]
    assert peers, "a rule without peers lets everybody"
    inside = [each["podSelector"] for each in peers if "podSelector" in each and "namespaceSelector" not in each]
    on_port = any(each["port"] == port and each["protocol"] == "TCP" for each in rule["ports"])
    return on_port and any(selects(each, other) for each in inside)


def flows(environment: str) -> set[tuple[str, str, int]]:
    """Every connection within the namespace that both ends let through."""
    parties = everybody(environment)
    return {
        (source, target, port)
        for (source, here), (target, there), port in product(parties.items(), parties.items(), PORTS)
        if lets(environment, "egress", here, there, port) and lets(environment, "ingress", there, here, port)
    }


def wanted(environment: str) -> set[tuple[str, str, int]]:
    """Every connection that follows from what the pods are told, and those of the operators' own pods."""
    found = {
        ("kafka", "kafka", 9090),
        ("kafka", "kafka", 9091),
        ("postgres", "postgres", 5432),
        ("postgres", "postgres", 8000),
    }
    for name, template in pods(environment):
        for container in template["spec"]["containers"]:
            told = {each["name"]: each.get("value", "") for each in container.get("env", ())}
            if "KAFKA_BOOTSTRAP_SERVERS" in told:
                host, _, port = told["KAFKA_BOOTSTRAP_SERVERS"].partition(":")
                assert host == "conduit-kafka-bootstrap"
                found.add((name, "kafka", int(port)))
            if "POSTGRES_DSN" in told:
                dsn = urlsplit(told["POSTGRES_DSN"])
                assert (dsn.hostname, dsn.port) == ("conduit-postgres-rw", 5432)
                found.add((name, "postgres", 5432))
            if "DATA_SOURCE_URI" in told:
                assert told["DATA_SOURCE_URI"].startswith("conduit-postgres-rw.conduit.svc:5432/")
                found.add((name, "postgres", 5432))
            if "SIGNER_URL" in told:
                url = urlsplit(told["SIGNER_URL"])
                found.add((name, str(url.hostname), url.port or 80))
            if "CLAMD_HOST" in told:
                found.add((name, told["CLAMD_HOST"], int(told["CLAMD_PORT"])))
            if "INTAKE_URL" in told:
                asked = urlsplit(told["INTAKE_URL"])
                found.add((name, str(asked.hostname), asked.port or 0))
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_within_the_namespace_only_what_is_needed_gets_through(environment: str) -> None:
    assert flows(environment) == wanted(environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_is_denied_to_everybody_first(environment: str) -> None:
    spec = named(environment, "NetworkPolicy", "default-deny")["spec"]
    assert spec == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pod_has_a_policy_of_its_own(environment: str) -> None:
    policies = [each["spec"]["podSelector"] for each in of_kind(environment, "NetworkPolicy")]
    for name, pod in everybody(environment).items():
        own = [each for each in policies if each and selects(each, pod)]
        assert len(own) == (0 if name == "stranger" else 1), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_kafkas_outer_listener_takes_connections_from_everywhere(environment: str) -> None:
    open_to_all = [
        (each["metadata"]["name"], [port["port"] for port in rule["ports"]])
        for each in of_kind(environment, "NetworkPolicy")
        for rule in each["spec"].get("ingress", ())
        if any("ipBlock" in peer for peer in rule["from"])
    ]
    assert open_to_all == [("kafka", [9094])]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_may_leave_for_the_internet_may_not_reach_private_addresses(environment: str) -> None:
    leaving = {}
    for each in of_kind(environment, "NetworkPolicy"):
        for rule in each["spec"].get("egress", ()):
            for peer in rule["to"]:
                if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    leaving[each["metadata"]["name"]] = [port["port"] for port in rule["ports"]]
                    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(
                        peer["ipBlock"]["except"]
                    )
    assert leaving == {"notification": [443], "clamav": [443], "postgres": [443]}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_desks_alone_reach_the_identity_providers_and_nothing_else_out_there(environment: str) -> None:
    read = read_environment(HOME / OVERLAYS / environment)
    reached = {
        each["metadata"]["name"]: (peers, [port["port"] for port in rule["ports"]])
        for each in of_kind(environment, "NetworkPolicy")
        for rule in each["spec"].get("egress", ())
        if (peers := [peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer])
        and peers == list(read.network.identity_providers)
    }
    assert reached == {desk: (list(read.network.identity_providers), [443]) for desk in DESKS}
    for desk in DESKS:
        egress = named(environment, "NetworkPolicy", desk)["spec"]["egress"]
        assert len([rule for rule in egress if "ipBlock" in str(rule)]) == 1


@pytest.mark.parametrize("desk", DESKS)
def test_a_provider_whose_addresses_change_is_reached_without_opening_private_ones(desk: str) -> None:
    read = read_environment(HOME / OVERLAYS / "pilot")
    changing = read.network.model_copy(update={"identity_providers": ("0.0.0.0/0",)})
    made = policies(flows_of(read.model_copy(update={"network": changing})))
    (policy,) = (each for each in made if each["metadata"]["name"] == desk)
    (rule,) = (each for each in policy["spec"]["egress"] if "ipBlock" in str(each))
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(read.network.private)}}]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_other_namespaces_come_in_by_their_part_alone(environment: str) -> None:
    found: dict[str, set[tuple[str, int]]] = {}
    for each in of_kind(environment, "NetworkPolicy"):
        for rule in each["spec"].get("ingress", ()):
            for peer in rule["from"]:
                if "namespaceSelector" in peer:
                    (namespace,) = peer["namespaceSelector"]["matchLabels"].values()
                    assert peer["podSelector"]["matchLabels"], "never a whole namespace"
                    ports = {(each["metadata"]["name"], port["port"]) for port in rule["ports"]}
                    found.setdefault(namespace, set()).update(ports)
    assert found.pop("monitoring") == {
        *((name, 8000) for name in (*SERVICES, SIGNER)),
        ("kafka", 9404),
        ("postgres", 9187),
        ("postgres-exporter", 9187),
    }
    assert found.pop("gateway") == {(name, 8000) for name in ("intake", "notification", *DESKS)}
    assert found.pop("keda") == {("kafka", 9093)}
    assert found.pop("strimzi") == {("kafka", 9090), ("kafka", 9091), ("kafka", 8443)}
    assert found.pop("cnpg-system") == {("postgres", 5432), ("postgres", 8000)}
    assert found == {}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_kafkas_listeners_let_in_whom_the_policy_lets_in(environment: str) -> None:
    (kafka,) = of_kind(environment, "Kafka")
    rules = named(environment, "NetworkPolicy", "kafka")["spec"]["ingress"]
    for listener in kafka["spec"]["kafka"]["listeners"]:
        allowed = [
            peer for rule in rules if listener["port"] in [port["port"] for port in rule["ports"]] for peer in rule["from"]
        ]
        assert listener["networkPolicyPeers"] == allowed


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_console_alone_asks_the_signer_and_no_other_pod_has_its_key(environment: str) -> None:
    asking = {source for source, target, _ in flows(environment) if target == SIGNER}
    assert asking == {"console"}
    holders = {
        name for name, template in pods(environment) if "officers-signing-key" in str(template["spec"].get("volumes"))
    }
    assert holders == {SIGNER}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_service_but_the_console_asks_another_and_it_asks_intake_alone(environment: str) -> None:
    assert {(source, target) for source, target, _ in flows(environment) if {source, target} <= set(SERVICES)} == {
        ("console", "intake")
    }
    holders = {name for name, template in pods(environment) if "intake-token" in str(template["spec"].get("volumes"))}
    assert holders == {"console", "intake"}
