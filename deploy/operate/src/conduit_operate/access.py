"""Who may do what on the broker: derived from the topic registry, and nothing is allowed that is not listed here.

Kafka users are `service.<name>`, with the signer among them, the staff's `programme`, `operator` and `duty`, and
of each partner and force one, or two while its credentials change: `partner.<id>`, then `partner.<id>.2`, and so on. A
partner or a force reads and writes its own topics under its own consumer-group prefix. The prefix ends with a dot, so that
`abc` has no part in what belongs to `abc-d`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from conduit_contracts import topics
from conduit_contracts.topics import Topic

KINDS = (topics.PARTNER, topics.FORCE)
REGISTRAR = "programme"
"""The Kafka user of whoever keeps the registers. That of the service `programme` is `service.programme`."""
STAFF = (topics.OPERATOR, REGISTRAR, topics.DUTY)
"""People at the hub, each by what they do. No one of them may write where another's word is taken."""
_STAFF_OF = {topics.HUB: topics.OPERATOR, topics.REGISTRAR: REGISTRAR}
"""Users of what the registry names otherwise."""


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


def staff_user(role: str) -> str:
    """The Kafka user of the staff of this role, as the registry names roles."""
    return _STAFF_OF.get(role, role)


def user_of(kind: str, identity: str, generation: int = 1) -> str:
    """A Kafka user of one partner or force; `kind` is `partner` or `force`. Slugs hold no dot, so none is another's."""
    return f"{kind}.{identity}" if generation == 1 else f"{kind}.{identity}.{generation}"


def generation_of(kind: str, identity: str, user: str) -> int | None:
    """Which of this partner's or force's users it is; None where it is somebody else's."""
    found = re.fullmatch(rf"{re.escape(user_of(kind, identity))}(?:\.([2-9]|[1-9][0-9]+))?", user)
    return int(found[1] or 1) if found else None


def users_of(kind: str, identity: str, users: Iterable[str]) -> list[str]:
    """Those of the users that are this partner's or force's, oldest first."""
    found = {user: generation_of(kind, identity, user) for user in users}
    return sorted((user for user in found if found[user]), key=lambda user: found[user] or 0)


def users_by_owner(users: Iterable[str]) -> Mapping[tuple[str, str], list[str]]:
    """Each partner's and force's users by kind and identity, each user looked at once."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for user in users:
        kind, _, rest = user.partition(".")
        identity = rest.partition(".")[0]
        if kind in KINDS and identity and generation_of(kind, identity, user):
            found[kind, identity].append(user)
    return found


def shared_rules() -> list[Rule]:
    """The permissions that stand whoever the partners and forces are."""
    single = [topic for topic in (*topics.REGISTRY, *topics.standing_apart()) if topic.parameter is None]
    rules = [rule for topic in single for rule in _on(topic, topic.name())]
    rules += [Rule(service_principal(each), Operation.READ, Resource.GROUP, f"conduit.{each}") for each in topics.SERVICES]
    rules += [Rule(who, Operation.READ, Resource.GROUP, f"{who}.", prefix=True) for who in STAFF]
    return sorted({*rules, *_operator(), *_registrar()})


def rules_of(kind: str, identity: str, users: Iterable[str]) -> list[Rule]:
    """The permissions that one partner or force brings with it: those of its users, and the services' on its topics.

    Without users the services' remain: they still read what it sent, and write what it may fetch one day.
    """
    users = list(users)
    rules = [Rule(user, Operation.READ, Resource.GROUP, f"{user_of(kind, identity)}.", prefix=True) for user in users]
    for topic in topics.REGISTRY:
        if topic.parameter == f"{kind}_id":
            rules += _on(topic, topic.name(identity), users)
        elif topic.parameter is None and kind in topic.readers:  # one for all of them
            rules += [_read(user, topic.name()) for user in users]
    return sorted(set(rules))


def identities(kind: str, topic_names: Iterable[str]) -> set[str]:
    """The partners or forces that have topics."""
    templates = [topic for topic in topics.REGISTRY if topic.parameter == f"{kind}_id"]
    return {found for name in topic_names for topic in templates if (found := topic.match(name))}


def expected_rules(topic_names: Collection[str], users: Collection[str]) -> set[Rule]:
    """Every permission that a broker with these topics and users must hold, and it must hold no other."""
    rules, known = set(shared_rules()), users_by_owner(users)
    for kind in KINDS:
        for identity in identities(kind, topic_names):
            rules.update(rules_of(kind, identity, known.get((kind, identity), ())))
    return rules


def _on(topic: Topic, name: str, owners: Collection[str] = ()) -> Iterator[Rule]:
    for producer in topic.producers:
        yield from (_write(user, name) for user in _users(producer, owners))
    for reader in topic.readers:
        yield from (_read(user, name) for user in _users(reader, owners))


def _users(role: str, owners: Collection[str]) -> Collection[str]:
    if role in (*topics.SERVICES, topics.SIGNER):
        return (service_principal(role),)
    if role in KINDS:
        return owners
    return (staff_user(role),)


def _operator() -> Iterable[Rule]:
    """Operators watch what becomes of notices."""
    return (_read(topics.OPERATOR, topics.NOTICES.name()),)


def _registrar() -> Iterable[Rule]:
    """Whoever changes the registers first reads their entries."""
    return (_read(REGISTRAR, topic.name()) for topic in topics.REGISTRY if topics.REGISTRAR in topic.producers)


def _read(principal: str, topic: str) -> Rule:
    return Rule(principal, Operation.READ, Resource.TOPIC, topic)


def _write(principal: str, topic: str) -> Rule:
    return Rule(principal, Operation.WRITE, Resource.TOPIC, topic)
