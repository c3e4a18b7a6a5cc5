"""Who may do what on the broker: derived from the topic registry, and nothing is allowed that is not listed here.

Principals are `service.<name>`, `partner.<id>`, `force.<id>`, `officer`, `programme` and `operator`. A partner or a force
reads and writes its own topics under its own consumer-group prefix. Names of groups end the prefix with a dot, so that
`abc` has no part in what belongs to `abc-d`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from conduit_contracts import topics
from conduit_contracts.topics import Topic


class Resource(StrEnum):
    """What a rule is about."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What a rule allows. Kafka lets whoever may read or write a topic describe it."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """One permission. `prefix` makes the name a prefix, which is used for groups only."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    prefix: bool = False


def service_principal(name: str) -> str:
    """The Kafka user of one of the services."""
    return f"service.{name}"


def principal_of(kind: str, identity: str) -> str:
    """The Kafka user of one partner or force; `kind` is `partner` or `force`."""
    return f"{kind}.{identity}"


def shared_rules() -> list[Rule]:
    """The permissions that stand whoever the partners and forces are."""
    single = [topic for topic in topics.REGISTRY if topic.parameter is None]
    rules = [rule for topic in single for rule in _on(topic, topic.name(), None)]
    for service in topics.SERVICES:
        letters = topics.dead_letter_topic(service).name()
        rules.append(_write(service_principal(service), letters))
        rules.append(_read("operator", letters))
        rules.append(Rule(service_principal(service), Operation.READ, Resource.GROUP, f"conduit.{service}"))
    rules += [
        Rule(who, Operation.READ, Resource.GROUP, f"{who}.", prefix=True) for who in ("officer", "programme", "operator")
    ]
    return sorted({*rules, *_officers(), *_operators(single)})


def rules_of(kind: str, identity: str) -> list[Rule]:
    """The permissions that one partner or force brings with it: its own, and the services' on its topics."""
    parameter = f"{kind}_id"
    own = principal_of(kind, identity)
    rules = [Rule(own, Operation.READ, Resource.GROUP, f"{own}.", prefix=True)]
    for topic in topics.REGISTRY:
        if topic.parameter == parameter:
            rules += _on(topic, topic.name(identity), own)
            if topic.edge:
                rules.append(_write("operator", topic.name(identity)))
    return sorted(set(rules))


def _on(topic: Topic, name: str, owner: str | None) -> Iterator[Rule]:
    for producer in topic.producers:
        yield _write(_as_principal(producer, owner), name)
    for consumer in topic.consumers:
        yield _read(service_principal(consumer), name)
    if not topic.consumers:
        yield _read("operator" if topic.audience == topics.HUB else _as_principal(topic.audience, owner), name)


def _as_principal(role: str, owner: str | None) -> str:
    if role in topics.SERVICES:
        return service_principal(role)
    if role in (topics.PARTNER, topics.FORCE):
        if owner is None:
            raise ValueError(f"a topic that stands once cannot be written by every {role}")
        return owner
    return role


def _officers() -> Iterable[Rule]:
    """Officers watch what waits for them."""
    return (_read("officer", topics.TRIAGE_DECISIONS.name()), _read("officer", topics.ROUTING_CASES.name()))


def _operators(single: Iterable[Topic]) -> Iterable[Rule]:
    """An operator replays dead letters: into the topics they came from."""
    return (_write("operator", topic.name()) for topic in single if topic.consumers)


def _read(principal: str, topic: str) -> Rule:
    return Rule(principal, Operation.READ, Resource.TOPIC, topic)


def _write(principal: str, topic: str) -> Rule:
    return Rule(principal, Operation.WRITE, Resource.TOPIC, topic)
