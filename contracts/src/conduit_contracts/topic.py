"""What a topic is: who writes it, who reads it, what it is called, and how the broker is to keep it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache

from conduit_contracts.envelope import Message

PROGRAMME = "programme"
"""The service on whose pages partnership is kept. It owns the registers, and writes those of partners, forces and people."""
REGISTRAR = "registrar"
"""Whoever keeps the registers with the `conduit` command: they order changes of partners, forces and people, and write
themselves what is taken from people. Their Kafka user is `programme`; the service has its own."""
PARTNER = "partner"
FORCE = "force"
CONSOLE = "console"
"""The service on whose pages officers decide. What it writes is taken for the officers' signatures alone."""
DESKS = (CONSOLE, PROGRAMME)
"""The services with pages, at which people sign in. Each has a host of its own, since a browser's cookies go by host, and a
client of its own at each identity provider."""
SIGNER = "signer"
"""Signs officers' commands, and reads who the officers are. It is no service: it writes no records and has no database."""
OPERATOR = "operator"
"""The operators, who order replays and write nothing else."""
DUTY = "duty"
"""The hub's duty officers, who approve who is alerted and write nothing else."""
HUB = "hub"

_PARAMETER = re.compile(r"\{(partner_id|force_id)\}")
_SLUG = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
BROKERS_TIME = {"message.timestamp.type": "LogAppendTime"}
MAX_RECORD_BYTES = 2 * 1024 * 1024

REFERRAL = "referral_id"
"""The key of what is about one referral, on whatever topic: it keeps its order across them."""


@dataclass(frozen=True)
class Topic:
    """One topic, or one per partner or force where the template has a parameter.

    `key` says what orders the records. `edge` is true where partners, forces or officers write: their records are read
    closed, and what cannot be read is answered, not dead-lettered.
    """

    template: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    messages: tuple[type[Message], ...]
    key: str = REFERRAL
    partitions: int = 1
    made_with: tuple[int, ...] = ()
    """Numbers of partitions that earlier releases gave it. Such a topic works as it is until it is created again."""
    retention: timedelta = timedelta(days=30)
    compacted: bool = False
    ordered: bool = True
    """Whether a record waits behind an earlier one of its key that could not be handled."""
    edge: bool = False
    signed: bool = False
    """Whether a record is taken only with the signature of somebody in the register. See `signature`."""
    max_record_bytes: int = MAX_RECORD_BYTES
    followers: tuple[str, ...] = ()
    """Who reads the whole of it at each start, each process for itself."""
    audience: str = HUB
    """Who uses it besides the services. They read what they do not write; the hub reads what no service reads."""

    @cached_property
    def parameter(self) -> str | None:
        """`partner_id`, `force_id`, or None for a topic that exists once."""
        found = _PARAMETER.search(self.template)
        return found[1] if found else None

    @property
    def readers(self) -> tuple[str, ...]:
        """Everyone who reads it: the consuming services, its followers, then its audience if that adds anyone."""
        known = tuple(dict.fromkeys((*self.consumers, *self.followers)))
        if known and self.audience in {HUB, *self.producers}:
            return known
        return (*known, self.audience)

    def name(self, principal: str | None = None) -> str:
        """The topic's name, for one partner or force if each has one.

        Raises:
            ValueError: a principal is missing, is not wanted, or is not a slug.
        """
        if (self.parameter is None) != (principal is None):
            raise ValueError(f"{self.template} takes {self.parameter or 'no principal'}")
        return self.template if principal is None else _named(self.template, str(self.parameter), principal)

    @cached_property
    def pattern(self) -> str:
        """An anchored regular expression of the names, whose only group is the principal."""
        parts = _PARAMETER.split(self.template)
        return "^" + f"({_SLUG})".join(re.escape(part) for part in parts[::2]) + "$"

    def match(self, name: str) -> str | None:
        """The partner or force whose topic this is, "" for a topic that exists once, None if the name is another topic's."""
        found = re.fullmatch(self.pattern, name)
        if found is None:
            return None
        return found[1] if self.parameter else ""

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for the topic.

        Records bear the broker's time: a writer's clock may be wrong, and would then decide when a record is deleted, or
        have it refused.
        """
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(int(self.retention.total_seconds() * 1000)),
            "max.message.bytes": str(self.max_record_bytes),
            **BROKERS_TIME,
        }


@lru_cache(maxsize=16_384)
def _named(template: str, parameter: str, principal: str) -> str:
    if not re.fullmatch(_SLUG, principal):
        raise ValueError(f"a {parameter} is made of lower-case letters, digits and single hyphens")
    return _PARAMETER.sub(principal, template)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as the broker is asked to create it."""

    name: str
    partitions: int
    config: dict[str, str]
    made_with: tuple[int, ...] = ()
    """Other numbers of partitions that an existing topic may have."""
