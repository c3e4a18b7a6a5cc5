"""Synthetic facts: the contracts' examples, about one case or another, with what a test changes."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Reader, Record
from conduit_chassis.testing import record
from conduit_console.cases import FollowedCase
from conduit_console.handlers import HANDLERS
from conduit_console.readers import READERS
from conduit_console.work import ConsoleWork
from conduit_contracts import intake, notification, programme, routing, topics, triage
from conduit_contracts.envelope import Message
from conduit_contracts.ids import uuid7

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
REFERRAL = uuid7(NOW)
PARTNER, REFERENCE = "example-haven", "EH-2026-0147"
HOME, OTHER = "west-midlands", "btp"
OFFICER, SECOND = "a.okafor", "b.lindqvist"
EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"
TEAM_NUMBER = "+441632960147"
CANARY = "Synthetic canary: nobody may find these words."

M = TypeVar("M", bound=Message)
_CONSUMED = topics.consumed_by("console")
_TOPICS = {message.type: topic.name() for topic in _CONSUMED for message in topic.messages}
_READER = Reader("console", _CONSUMED, READERS)
_numbers = count(1)


@cache
def _example(event_type: str) -> str:
    found = json.loads((EXAMPLES / f"{event_type}.json").read_text(encoding="utf-8"))
    return json.dumps(found["value"])


def fact(kind: type[M], referral_id: UUID | None = REFERRAL, **changes: Any) -> M:
    """The example of a message about this case. A change of None takes the field away."""
    value = json.loads(_example(kind.type))
    about = {"referral_id": referral_id and str(referral_id), "partner_id": PARTNER, "partner_reference": REFERENCE}
    value |= {name: said for name, said in about.items() if name in kind.model_fields}
    value |= changes
    return kind.model_validate_json(
        json.dumps({name: said for name, said in value.items() if said is not None}, default=str)
    )


def received(referral_id: UUID = REFERRAL, *, danger: bool = False, reference: str = REFERENCE) -> intake.ReferralReceived:
    whole = json.loads(_example(intake.ReferralReceived.type))
    referral = whole["referral"] | {"narrative": CANARY, "immediate_danger": danger}
    more: dict[str, Any] = {
        "referral": referral,
        "immediate_danger": danger,
        "urgency": "routine",
        "received_at": NOW.isoformat(),
    }
    return fact(intake.ReferralReceived, referral_id, partner_reference=reference, **more)


def supplied(referral_id: UUID = REFERRAL, *, danger: bool | None = None) -> intake.InformationSupplied:
    whole = json.loads(_example(intake.InformationSupplied.type))
    said = {name: value for name, value in whole["supplement"].items() if name not in {"immediate_danger", "urgency"}}
    said |= {"partner_id": PARTNER, "partner_reference": REFERENCE, "text": CANARY}
    said |= {} if danger is None else {"immediate_danger": danger}
    return fact(intake.InformationSupplied, referral_id, supplement=said)


def review_opened(
    referral_id: UUID = REFERRAL, *, danger: bool = False, due_at: datetime = NOW + timedelta(hours=2)
) -> triage.ReviewOpened:
    more: dict[str, Any] = {"urgency": "routine", "reasons": ["below_every_threshold"]}
    return fact(triage.ReviewOpened, referral_id, immediate_danger=danger, due_at=due_at.isoformat(), **more)


def asked(referral_id: UUID = REFERRAL) -> triage.InformationRequested:
    return fact(triage.InformationRequested, referral_id, officer_id=OFFICER, question=CANARY)


def accepted(referral_id: UUID = REFERRAL) -> triage.ReferralAccepted:
    return fact(triage.ReferralAccepted, referral_id)


def declined(referral_id: UUID = REFERRAL) -> triage.ReferralDeclined:
    return fact(triage.ReferralDeclined, referral_id, officer_id=OFFICER, comment=CANARY)


def routed(*forces: str, referral_id: UUID = REFERRAL, **changes: Any) -> routing.CaseRouted:
    forces = forces or (HOME,)
    more: dict[str, Any] = {
        "home_force": forces[0],
        "interim_safeguarding_owner": forces[0],
        "forces": forces,
        "added": forces,
        "again": (),
        "urgency": "routine",
        "immediate_danger": False,
        "provisional": False,
    }
    return fact(routing.CaseRouted, referral_id, **more | changes)


def about_force(kind: type[M], force_id: str = HOME, referral_id: UUID = REFERRAL, **changes: Any) -> M:
    return fact(kind, referral_id, force_id=force_id, **changes)


def registered(force_id: str = HOME, telephone: str | None = TEAM_NUMBER, **more: Any) -> programme.ForceRegistered:
    contact = {"email": "team@force.example", "telephone": telephone}
    return fact(programme.ForceRegistered, None, force_id=force_id, contact=contact, **more)


def partner(name: str, partner_id: str = PARTNER, **more: Any) -> programme.PartnerRegistered:
    return fact(programme.PartnerRegistered, None, **{"partner_id": partner_id, "name": name} | more)


def by_telephone(force_id: str = HOME, **more: Any) -> routing.HandoffAcknowledgedByTelephone:
    said = {"officer_id": OFFICER, "spoken_at": NOW.isoformat(), "called_back": TEAM_NUMBER} | more
    return about_force(routing.HandoffAcknowledgedByTelephone, force_id, **said)


def overdue(force_id: str = HOME, *, due_at: datetime = NOW, chase: int = 1, referral_id: UUID = REFERRAL) -> Any:
    return about_force(routing.HandoffOverdue, force_id, referral_id, due_at=due_at.isoformat(), chase=chase)


def notice_failed(number: int, referral_id: UUID | None = REFERRAL) -> notification.NoticeFailed:
    return fact(notification.NoticeFailed, referral_id, notice_id=str(UUID(int=number)), audience=f"force:{HOME}")


def duty(number: int, *, danger: bool = False, taken_by: str | None = None) -> notification.DutyTaskUpdated:
    taken_at = NOW.isoformat() if taken_by else None
    said = {"task_id": str(UUID(int=number)), "danger": danger, "taken_at": taken_at, "taken_by": taken_by}
    return fact(notification.DutyTaskUpdated, REFERRAL, opened_at=NOW.isoformat(), **said)


def record_of(message: Message, at: datetime = NOW, event_id: str | None = None) -> Record:
    """A record of this fact, taken by the broker at this moment."""
    key = str(getattr(message, "referral_id", None) or getattr(message, "notice_id", "key"))
    made = record(_TOPICS[message.type], key, message, event_id=event_id, time=at)
    return made._replace(timestamp_ms=int(at.timestamp() * 1000), offset=next(_numbers))


def records(*messages: Message, start: datetime = NOW, apart: float = 1.0) -> list[Record]:
    """These facts, so many seconds apart."""
    return [record_of(each, start + timedelta(seconds=number * apart)) for number, each in enumerate(messages)]


def read(made: Record) -> Delivery[Any]:
    """The record as a handler sees it."""
    content = _READER.read(made).content
    assert isinstance(content, Delivery), content.problems
    return content


def follow(*made: Record) -> ConsoleWork:
    """Take records in this order, without a database."""
    work = ConsoleWork(NOW, Outbox("console", NOW))
    for each in made:
        delivery = read(each)
        HANDLERS[delivery.attributes.type](work, delivery)
    return work


def case_of(*messages: Message) -> FollowedCase:
    """Where the case stands after these facts, a second apart."""
    return follow(*records(*messages)).cases[REFERRAL]
