"""What stands for a partner or force, and what is to be done about it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from conduit_contracts.registering import RegisterEntry
from conduit_contracts.topics import TopicSpec
from conduit_operate.access import Rule, users_of
from conduit_operate.http_clients import Secrets
from conduit_operate.quotas import Limits


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands now for one partner or force. `topics`, `users`, `rules` and `quotas` are all that the broker holds."""

    kind: str
    identity: str
    topics: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    rules: frozenset[Rule] = frozenset()
    quotas: Mapping[str, Limits] = field(default_factory=dict)
    entry: RegisterEntry | None = None
    unreadable: bool = False
    """Whether the last record of its entry cannot be read. `entry` is then the last one before it, if there is one."""
    numbered: int = 0
    """The highest number of a user that was ever ordered to be written down, as far as orders are still there."""
    http: Secrets = field(default_factory=dict)
    """The live secrets of its clients of the HTTP API."""
    http_away: bool = False
    """Whether they could not be asked for, so that `http` is empty and says nothing."""
    secured: bool = True
    """Whether the broker knows users at all."""

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.identity}"

    @property
    def own_users(self) -> list[str]:
        """Oldest first."""
        return users_of(self.kind, self.identity, self.users)


class Step(NamedTuple):
    """One line of a plan: `do` is make, grant, set, publish, end, revoke or remove."""

    do: str
    what: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order."""

    subject: str
    users: tuple[str, ...] = ()
    grants: tuple[Rule, ...] = ()
    quotas: Mapping[str, Limits | None] = field(default_factory=dict)
    topics: tuple[TopicSpec, ...] = ()
    entry: RegisterEntry | None = None
    stood: RegisterEntry | None = None
    """The register's entry whose place this one takes."""
    revokes: tuple[Rule, ...] = ()
    removed_users: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    """How the register's entry differs from what stands."""
    http_made: tuple[str, ...] = ()
    """Clients of the HTTP API that get a new secret."""
    http_ended: tuple[tuple[str, str], ...] = ()
    """Clients with the id of a secret that ends."""
    http_unknown: bool = False
    """Whether clients of the HTTP API may be left that should end: they could not be asked for."""
    shut_out: bool = False
    """Whether nobody can come in as this partner afterwards, although its suspensions are lifted."""
    overlaps: bool = False
    """Whether old credentials work beside the new until they are ended."""

    @property
    def steps(self) -> list[Step]:
        return [
            *(Step("make", "user", name) for name in self.users),
            *(Step("grant", "permission", _spell(rule)) for rule in self.grants),
            *(Step("set", "quota", _spell_quota(user, limits)) for user, limits in self.quotas.items()),
            *(Step("make", "topic", topic.name) for topic in self.topics),
            *(Step("publish", "entry", change) for change in self.changes),
            *(Step("make", "HTTP secret", f"of {client_id}") for client_id in self.http_made),
            *(Step("end", "HTTP secret", f"{secret_id} of {client_id}") for client_id, secret_id in self.http_ended),
            *(Step("revoke", "permission", _spell(rule)) for rule in self.revokes),
            *(Step("remove", "user", name) for name in self.removed_users),
        ]


def differences(before: RegisterEntry | None, after: RegisterEntry) -> list[str]:
    """Every value that is other than before, by its path."""
    old = _flat(before.model_dump(mode="json", exclude_none=True)) if before else {}
    new = _flat(after.model_dump(mode="json", exclude_none=True))
    return [
        f"{name}: {old.get(name, '(none)')} → {new.get(name, '(none)')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _flat(value: object, path: str = "") -> dict[str, object]:
    """Leaves by their path; an MoU is named by its reference, other items of a list by their number."""
    if isinstance(value, dict):
        return {k: v for name, each in value.items() for k, v in _flat(each, f"{path}.{name}" if path else name).items()}
    if isinstance(value, list):
        items = [(each.get("reference", n) if isinstance(each, dict) else n, each) for n, each in enumerate(value)]
        return {k: v for label, each in items for k, v in _flat(each, f"{path}[{label}]").items()}
    return {path: value}


def _spell(rule: Rule) -> str:
    return f"{rule.principal} may {rule.operation} {rule.resource} {rule.name}{'*' if rule.prefix else ''}"


def _spell_quota(user: str, limits: Limits | None) -> str:
    return f"{user}: {', '.join(f'{name}={value:g}' for name, value in (limits or {}).items()) or 'as for everybody'}"
