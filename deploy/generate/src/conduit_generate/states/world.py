"""The way of one referral through triage, routing and notification, in memory: what one publishes, the next reads at once.

What happens to it, and which state that takes each thing from and to, is written down as it happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import count
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel

from conduit_chassis.records import Record
from conduit_chassis.testing import signed
from conduit_contracts.envelope import Attributes, Message, encode
from conduit_contracts.ids import uuid7_text
from conduit_contracts.topics import REGISTRY, Topic
from conduit_generate.states.services import Notification, Routing, Service, Triage
from conduit_routing.case import Case
from conduit_routing.clocks import StepKind
from conduit_triage.cases import Assessment

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WAITING = "waiting_for_partner"
OPEN, CLOSED = "open", "closed"
_offsets = count()
T = TypeVar("T")
_FIXED = (type(None), str, bytes, int, float, datetime, UUID, Enum, BaseModel, tuple, frozenset)


class Move(NamedTuple):
    """Something went from one state to another, or came to be where `before` is "", because of this."""

    of: str
    before: str
    after: str
    cause: str


class Heard(NamedTuple):
    """A fact that notification read."""

    producer: str
    record: Record
    at: datetime
    cause: str


@dataclass(slots=True)
class World:
    """All that three services know of one referral, and how it came to that state."""

    triage: Triage = field(default_factory=Triage)
    routing: Routing = field(default_factory=Routing)
    notification: Notification = field(default_factory=Notification)
    now: datetime = NOW
    moves: list[Move] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def apart(self) -> World:
        """The same once more, to go on from in another way."""
        alike = apart(self.triage), apart(self.routing), apart(self.notification), self.now
        return World(*alike, heard=self.heard.copy())

    def say(self, message: Message, outcome: str = "") -> None:
        """Let a message have its effect, and all that is published because of it, in order. `outcome` tells it apart."""
        waiting = [(message, outcome)]
        self.now += timedelta(seconds=1)  # an answer is later than its question
        while waiting:
            each, told = waiting.pop(0)
            topic = topic_of(each)
            for service in self._readers(topic):
                record, before = record_of(topic, each, self.now), self.states()
                cause = f"{type(each).__name__} ({told})" if told else type(each).__name__
                waiting += [(published, "") for published in service.handle(record, self.now)]
                self._note(before, cause)
                if service is self.notification:
                    self.heard.append(Heard(topic.owner, record, self.now, cause))

    def let_time_pass(self) -> None:
        """Until no clock runs any more: each step that silence leads to is taken, one after another."""
        while due := [held.next_action_at for case in self.routing.cases.values() for held in case.handoffs.values()
                      if held.next_action_at is not None]:  # fmt: skip
            self.now = max(self.now, min(due))
            before = self.states()
            steps, published = self.routing.run_clock(self.now)
            for force_id, step in steps:
                state = before["handoff"][force_id]
                self.moves.append(Move("handoff", state, self.states()["handoff"][force_id], f"clock ({step})"))
            # Of steps that are due together, the last one of a ladder alone changes anything else.
            self._note(before, f"clock ({max((step for _, step in steps), key=_ends_a_ladder)})")
            for message in published:
                self.say(message)

    @property
    def assessment(self) -> Assessment | None:
        """What triage has."""
        return next(iter(self.triage.cases.values()), None)

    @property
    def case(self) -> Case | None:
        """What routing has."""
        return next(iter(self.routing.cases.values()), None)

    def states(self) -> dict[str, dict[object, str]]:
        """The states of everything that has some, by kind and then by what it is."""
        assessment, case = self.assessment, self.case
        waits = assessment is not None and assessment.review is not None and assessment.review.waiting_for_partner
        return {
            "review": {"": WAITING if waits else assessment.state.value} if assessment else {},
            "case": {"": case.state.value} if case else {},
            "handoff": {each: held.state.value for each, held in case.handoffs.items()} if case else {},
            "routing_review": {
                number: CLOSED if review.closed_at else OPEN for number, review in case.reviews.items()
            } if case else {},
            "referral": {"": self.notification.state} if self.notification.state else {},
        }  # fmt: skip

    def _note(self, before: dict[str, dict[object, str]], cause: str) -> None:
        for of, now in self.states().items():
            for which, state in now.items():
                was = before[of].get(which, "")
                if was != state:
                    self.moves.append(Move(of, was, state, cause))

    def _readers(self, topic: Topic) -> Iterator[Service]:
        services: tuple[Service, ...] = (self.triage, self.routing, self.notification)
        return (service for service in services if service.name in topic.consumers)


def _ends_a_ladder(step: str) -> bool:
    return step == StepKind.EXHAUST.value


def topic_of(message: Message) -> Topic:
    """Where it stands."""
    return next(topic for topic in REGISTRY if type(message) in topic.messages)


def record_of(topic: Topic, message: Message, at: datetime) -> Record:
    """The record as Kafka would give it."""
    attributes = Attributes(uuid7_text(), "/conduit/states", message.type, at)
    headers, value = encode(message, attributes)
    name = topic.name(getattr(message, topic.parameter) if topic.parameter else None)
    return signed(Record(name, 0, next(_offsets), None, headers, value, int(at.timestamp() * 1000)))


def apart(thing: T) -> T:
    """A copy that shares nothing that can change."""
    if _is_fixed(thing):
        return thing
    made: Any = copy(thing)
    if isinstance(thing, dict):
        made.update({key: apart(value) for key, value in thing.items()})
    elif isinstance(thing, list):
        made[:] = map(apart, thing)
    else:
        for name in _fields(thing):
            setattr(made, name, apart(getattr(thing, name)))
    return made  # type: ignore[no-any-return]


def _is_fixed(thing: object) -> bool:
    frozen = getattr(getattr(thing, "__dataclass_params__", None), "frozen", False)
    return frozen or isinstance(thing, _FIXED)


def _fields(thing: object) -> Iterator[str]:
    for kind in type(thing).__mro__:
        yield from (name for name in getattr(kind, "__slots__", ()) if hasattr(thing, name))
    yield from getattr(thing, "__dict__", ())
