"""Who sends and receives on each topic, as the broker's access rules have it, in names and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conduit_contracts import topics
from conduit_contracts.topics import REGISTRY, SERVICES, Topic, standing_apart
from conduit_operate.access import (
    KINDS,
    Operation,
    Resource,
    Rule,
    rules_of,
    service_principal,
    shared_rules,
    staff_user,
    user_of,
)

ACTORS = {
    topics.PARTNER: "A partner organisation, on its own topics alone.",
    "intake": "Checks what partners send, answers it, and stores what is in order.",
    "triage": "Accepts by rules, or opens a review for a named officer. No machine declines.",
    "routing": "Finds the forces, gives each its part of a case, and keeps the clocks.",
    topics.FORCE: "A police force's connector, on its own topics alone.",
    "notification": "Tells each partner where its referrals stand, and sends notices.",
    "console": "Shows the hub's officers where every case stands, and what is asked of them.",
    topics.PROGRAMME: "Writes the registers of partners, forces and people. Shows who works with whom, and what is due.",
    topics.REGISTRAR: "Keeps the registers: orders changes of partners, forces and people, and revokes what people may do.",
    topics.SIGNER: "Signs officers' commands, and reads who the officers are. Writes nothing.",
    topics.DUTY: "The hub's duty officers, who approve who is called in an alarm.",
    topics.OPERATOR: "Watches notices and dead letters, and orders services to bring these back. Writes nothing else.",
}
"""In flow order."""

_WORDS = {
    topics.PARTNER: "the partner whose topic it is",
    topics.FORCE: "the force whose topic it is",
    topics.REGISTRAR: "the hub's command line",
    topics.DUTY: "the hub's duty officers",
    topics.OPERATOR: "the operator",
}
_SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may write and read one topic, as actors in flow order. Nobody else may even describe it."""

    write: tuple[str, ...]
    read: tuple[str, ...]

    @property
    def words(self) -> str:
        """The same, for people."""
        return f"Written by {_enumerated(self.write)}; read by {_enumerated(self.read)}. Nobody else may see it."


def all_topics() -> tuple[Topic, ...]:
    """Those of the registry in flow order, then what each service has beside them."""
    return (*REGISTRY, *standing_apart())


def access_to(topic: Topic) -> Access:
    """Who may write and read it."""
    name = topic.name(_SAMPLE if topic.parameter else None)
    theirs = [rule for kind in KINDS for rule in rules_of(kind, _SAMPLE, [user_of(kind, _SAMPLE)])]
    rules = [*shared_rules(), *theirs]
    concerned = [rule for rule in rules if rule.resource is Resource.TOPIC and rule.name == name]
    return Access(_actors(concerned, Operation.WRITE), _actors(concerned, Operation.READ))


def group_of(actor: str) -> tuple[str, bool]:
    """The consumer group an actor reads in, and whether that is only how its groups' names begin."""
    if actor in SERVICES:
        return f"conduit.{actor}", False
    parameter = f".{{{actor}_id}}" if actor in (topics.PARTNER, topics.FORCE) else ""
    return f"{staff_user(actor)}{parameter}.", True


def user_words(actor: str) -> str:
    """The Kafka user of an actor, as a template."""
    if actor in (*SERVICES, topics.SIGNER):
        return service_principal(actor)
    return user_of(actor, f"{{{actor}_id}}") if actor in (topics.PARTNER, topics.FORCE) else staff_user(actor)


def _actors(rules: Iterable[Rule], operation: Operation) -> tuple[str, ...]:
    found = {_actor(rule.principal) for rule in rules if rule.operation is operation}
    return tuple(actor for actor in ACTORS if actor in found)


def _actor(principal: str) -> str:
    if principal == staff_user(topics.REGISTRAR):
        return topics.REGISTRAR
    return principal.removeprefix("service.").partition(".")[0]


def _enumerated(actors: Iterable[str]) -> str:
    *others, last = [_WORDS.get(actor, actor) for actor in actors]
    return f"{', '.join(others)} and {last}" if others else last
