"""Who talks to whom: the one list from which the network policies are made. What is not listed is refused, both ways.

A party is pods of this namespace, pods of another, or addresses. Kubelets' probes come from the node and need no line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER
from conduit_generate.kubernetes.environment import Environment
from conduit_generate.kubernetes.resources import (
    CLAMAV,
    CLAMAV_PORT,
    EXPORTER,
    EXPORTER_PORT,
    HTTP_PORT,
    KAFKA_CLUSTER,
    KAFKA_OUTSIDE_PORT,
    KAFKA_PORT,
    MIGRATES,
    NAME_LABEL,
    POSTGRES_CLUSTER,
    POSTGRES_PORT,
    Resource,
    resource,
)
from conduit_local.services import NOTIFIES, SCAN_FILES, SHOWS, TAKES_IN

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a flow. Either `pods`, perhaps in another `namespace`, or addresses."""

    name: str
    pods: tuple[tuple[str, str], ...] = ()
    namespace: str | None = None
    addresses: tuple[str, ...] = ()
    not_addresses: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether its pods are in the conduit's namespace, where its policy is."""
        return self.namespace is None and not self.addresses


@dataclass(frozen=True, slots=True)
class Flow:
    """`source` opens connections to `target` on these ports."""

    source: Party
    target: Party
    ports: tuple[int, ...]
    protocols: tuple[str, ...] = ("TCP",)


def _named(name: str) -> Party:
    return Party(name, ((NAME_LABEL, name),))


SERVICE = {name: _named(name) for name in SERVICES}
MIGRATION = {name: _named(f"{name}-{MIGRATES}") for name in SERVICES}
SIGNING = _named(SIGNER)
SCANNER = _named(CLAMAV)
WATCHER = _named(EXPORTER)
KAFKA = Party("kafka", (("strimzi.io/name", f"{KAFKA_CLUSTER}-kafka"),))
ENTITY_OPERATOR = Party("entity-operator", (("strimzi.io/name", f"{KAFKA_CLUSTER}-entity-operator"),))
POSTGRES = Party("postgres", (("cnpg.io/cluster", POSTGRES_CLUSTER),))
STRIMZI = Party("strimzi", (("name", "strimzi-cluster-operator"),), "strimzi")
CNPG = Party("cloudnative-pg", ((NAME_LABEL, "cloudnative-pg"),), "cnpg-system")
KEDA = Party("keda", ((NAME_LABEL, "keda-operator"),), "keda")
PROMETHEUS = Party("prometheus", ((NAME_LABEL, "prometheus"),), "monitoring")
DNS = Party("dns", (("k8s-app", "kube-dns"),), "kube-system")
CLIENTS = Party("partners and forces", addresses=(ANYWHERE,))
"""They come by the external listener, each with a password over TLS."""

_REPLICATION, _CONTROL, _AGENT = 9091, 9090, 8443
_KAFKA_METRICS, _POSTGRES_METRICS, _POSTGRES_STATUS = 9404, 9187, 8000
_HTTPS, _API = 443, 6443


def standing_flows() -> list[Flow]:
    """The flows that are the same in every environment."""
    flows = [
        *(Flow(SERVICE[name], KAFKA, (KAFKA_PORT,)) for name in SERVICES),
        *(Flow(each[name], POSTGRES, (POSTGRES_PORT,)) for name in SERVICES for each in (SERVICE, MIGRATION)),
        *(Flow(PROMETHEUS, SERVICE[name], (HTTP_PORT,)) for name in SERVICES),
        Flow(SIGNING, KAFKA, (KAFKA_PORT,)),
        Flow(SERVICE[SHOWS], SIGNING, (HTTP_PORT,)),  # what signs has no other caller
        Flow(SERVICE[SHOWS], SERVICE["intake"], (HTTP_PORT,)),  # files, for officers
        Flow(PROMETHEUS, SIGNING, (HTTP_PORT,)),
        *(Flow(SERVICE[name], SCANNER, (CLAMAV_PORT,)) for name in SCAN_FILES),
        Flow(KEDA, KAFKA, (KAFKA_PORT,)),
        Flow(CLIENTS, KAFKA, (KAFKA_OUTSIDE_PORT,)),
        Flow(PROMETHEUS, KAFKA, (_KAFKA_METRICS,)),
        Flow(WATCHER, POSTGRES, (POSTGRES_PORT,)),
        Flow(PROMETHEUS, WATCHER, (EXPORTER_PORT,)),
        Flow(PROMETHEUS, POSTGRES, (_POSTGRES_METRICS,)),
        Flow(KAFKA, KAFKA, (_CONTROL, _REPLICATION)),
        Flow(ENTITY_OPERATOR, KAFKA, (_REPLICATION,)),
        Flow(STRIMZI, KAFKA, (_CONTROL, _REPLICATION, _AGENT)),
        Flow(POSTGRES, POSTGRES, (POSTGRES_PORT, _POSTGRES_STATUS)),
        Flow(CNPG, POSTGRES, (POSTGRES_PORT, _POSTGRES_STATUS)),
    ]
    ours = [*SERVICE.values(), *MIGRATION.values(), SIGNING, SCANNER, WATCHER, KAFKA, ENTITY_OPERATOR, POSTGRES]
    return flows + [Flow(each, DNS, (53,), ("UDP", "TCP")) for each in ours]


def flows_of(environment: Environment) -> list[Flow]:
    """The flows that need the environment's addresses, besides those that stand."""
    network, gateway = environment.network, environment.gateway
    outside = Party("internet", addresses=(ANYWHERE,), not_addresses=network.private)
    api_server = Party("kubernetes api", addresses=network.api_server)
    front = Party("gateway", (("gateway.networking.k8s.io/gateway-name", gateway.name),), gateway.namespace)
    return [
        *standing_flows(),
        *(Flow(front, SERVICE[name], (HTTP_PORT,)) for name in (TAKES_IN, NOTIFIES, *DESKS)),
        *(Flow(SERVICE[desk], _identity_providers(environment), _ports_of_providers(environment, desk)) for desk in DESKS),
        Flow(SERVICE[NOTIFIES], Party("smtp", addresses=network.smtp), (environment.mail.port,)),
        Flow(SERVICE[NOTIFIES], outside, (_HTTPS,)),  # webhooks
        Flow(SCANNER, outside, (_HTTPS,)),  # its signatures
        Flow(POSTGRES, outside, (_HTTPS,)),  # backups
        # Brokers ask for their zone, the operators' halves and PostgreSQL's manager for their resources.
        *(Flow(each, api_server, (_HTTPS, _API)) for each in (KAFKA, ENTITY_OPERATOR, POSTGRES)),
    ]


def _identity_providers(environment: Environment) -> Party:
    network = environment.network
    anywhere = ANYWHERE in network.identity_providers
    without = network.private if anywhere else ()
    return Party("identity providers", addresses=network.identity_providers, not_addresses=without)


def _ports_of_providers(environment: Environment, desk: str) -> tuple[int, ...]:
    return tuple(sorted({each.port for each in environment.providers_of(desk)}))


def policies(flows: Iterable[Flow]) -> list[Resource]:
    """Nothing for anybody, and then for each party of ours exactly its flows."""
    flows = list(flows)
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    parties = {end.name: end for flow in flows for end in (flow.source, flow.target) if end.ours}
    return [_policy("default-deny", deny), *(_policy(name, _rules(party, flows)) for name, party in parties.items())]


def peers(target: str, port: int) -> list[dict[str, Any]]:
    """Who may come to this port of the party, as the peers of a policy."""
    into = (flow for flow in standing_flows() if flow.target.name == target and port in flow.ports)
    return [peer for flow in into for peer in _peers(flow.source)]


def _rules(party: Party, flows: list[Flow]) -> dict[str, Any]:
    return {
        "podSelector": {"matchLabels": dict(party.pods)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": _peers(flow.source), "ports": _ports(flow)} for flow in flows if flow.target == party],
        "egress": [{"to": _peers(flow.target), "ports": _ports(flow)} for flow in flows if flow.source == party],
    }


def _peers(party: Party) -> list[dict[str, Any]]:
    if party.addresses:
        without = {"except": list(party.not_addresses)} if party.not_addresses else {}
        return [{"ipBlock": {"cidr": cidr, **without}} for cidr in party.addresses]
    peer: dict[str, Any] = {"podSelector": {"matchLabels": dict(party.pods)}}
    if party.namespace is not None:
        peer["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": party.namespace}}
    return [peer]


def _ports(flow: Flow) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": port} for port in flow.ports for protocol in flow.protocols]


def _policy(name: str, spec: dict[str, Any]) -> Resource:
    return resource("networking.k8s.io/v1", "NetworkPolicy", name, spec)
