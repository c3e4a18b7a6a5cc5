"""One service in memory: a record goes through its own handler, and what that publishes comes out.

All that this package knows of how a service is built stands here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_chassis.policy import load_policy
from conduit_chassis.records import Delivery, Reader, Record
from conduit_chassis.testing import VERIFIER
from conduit_contracts.envelope import Message
from conduit_contracts.problems import Problem
from conduit_contracts.topics import consumed_by
from conduit_local.services import POLICY_FILE
from conduit_notification import handlers as notification_handlers
from conduit_notification.policy import from_file
from conduit_notification.readers import READERS
from conduit_notification.work import KnownReferral as Told
from conduit_notification.work import NotificationWork
from conduit_routing import handlers as routing_handlers
from conduit_routing.case import Case
from conduit_routing.policy import RoutingPolicy
from conduit_routing.sweep import take_steps
from conduit_routing.work import RoutingWork
from conduit_triage import handlers as triage_handlers
from conduit_triage.cases import Assessment
from conduit_triage.policy import TriagePolicy
from conduit_triage.work import TriageWork


class Published(Outbox):
    """An outbox that nobody empties: what a handler publishes, in order."""

    def __init__(self, service: str, now: datetime) -> None:
        super().__init__(service, now)
        self.messages: list[Message] = []

    def publish(self, topic: str, key: str, message: Message, **more: Any) -> str:
        """Keep the message as well."""
        self.messages.append(message)
        return super().publish(topic, key, message, **more)

    def dead_letter(self, incoming: Any, problem: Problem) -> None:
        """Nothing that is tried here may end so.

        Raises:
            AssertionError: it did.
        """
        raise AssertionError(f"{incoming.attributes.type} became a dead letter: {problem.code}")


class Service(Protocol):
    """A service that holds one referral, or nothing yet."""

    name: str

    def handle(self, record: Record, now: datetime) -> list[Message]:
        """Take a record; returns what is published."""
        ...


@cache
def reader(service: str) -> Reader:
    """How the service reads records."""
    readers: Mapping[str, Any] = READERS if service == "notification" else {}
    return Reader(service, consumed_by(service), readers, VERIFIER)


def read(service: str, record: Record) -> Delivery[Any]:
    """The record as the service's handler gets it.

    Raises:
        TypeError: it would be refused.
    """
    content = reader(service).read(record).content
    if not isinstance(content, Delivery):
        raise TypeError(f"{service} refuses the record: {content.problems}")
    return content


@dataclass(slots=True)
class Triage:
    """Triage's part: the assessment of the referral."""

    name = "triage"
    cases: dict[UUID, Assessment] = field(default_factory=dict)

    def handle(self, record: Record, now: datetime) -> list[Message]:
        """Let triage's handler have its effect."""
        delivery, outbox = read(self.name, record), Published(self.name, now)
        work = TriageWork(_triage_policy(), now, outbox, cases=self.cases)
        triage_handlers.HANDLERS[delivery.attributes.type](work, delivery)
        return outbox.messages


@dataclass(slots=True)
class Routing:
    """Routing's part: the case, with its hand-offs and reviews."""

    name = "routing"
    cases: dict[UUID, Case] = field(default_factory=dict)

    def handle(self, record: Record, now: datetime) -> list[Message]:
        """Let routing's handler have its effect."""
        delivery, outbox = read(self.name, record), Published(self.name, now)
        work = RoutingWork(_routing_policy(), now, outbox, cases=self.cases)
        routing_handlers.HANDLERS[delivery.attributes.type](work, delivery)
        self._forget()
        return outbox.messages

    def run_clock(self, now: datetime) -> tuple[list[tuple[str, str]], list[Message]]:
        """Take the steps that are due; returns for which force they are and what they are called, and what is published."""
        outbox, steps = Published(self.name, now), []
        work = RoutingWork(_routing_policy(), now, outbox, cases=self.cases)
        for case in self.cases.values():
            taken = take_steps(work.turn(case, "clock"))
            steps += [(step.handoff.force_id, step.kind.value) for step in taken]
        self._forget()
        return steps, outbox.messages

    def _forget(self) -> None:
        """What a transaction would have written is not needed here."""
        for case in self.cases.values():
            case.new_history.clear()
            case.new_supplements.clear()


@dataclass(slots=True)
class Notification:
    """Notification's part: where the referral stands for its partner."""

    name = "notification"
    records: dict[UUID, Told] = field(default_factory=dict)

    def handle(self, record: Record, now: datetime) -> list[Message]:
        """Let notification's handler have its effect. What it publishes is for the partner, and read by none of these."""
        delivery = read(self.name, record)
        work = NotificationWork(_notification_policy(), now, Published(self.name, now), records=self.records)
        notification_handlers.HANDLERS[delivery.attributes.type](work, delivery)
        return []

    @property
    def state(self) -> str:
        """Where the referral stands; "" where nothing was said of it."""
        return next((record.state.value for record in self.records.values()), "")

    @property
    def said(self) -> tuple[object, ...]:
        """All that the state follows from."""
        found = next((record.standing for record in self.records.values()), None)
        return (found.triage, found.asked_at, found.supplied_at, found.routing, found.withdrawn) if found else ()


@cache
def _triage_policy() -> TriagePolicy:
    return load_policy(POLICY_FILE, "triage", TriagePolicy)


@cache
def _routing_policy() -> RoutingPolicy:
    return load_policy(POLICY_FILE, "routing", RoutingPolicy)


@cache
def _notification_policy() -> Any:
    return from_file(POLICY_FILE)
