"""Synthetic partners, referrals and records for intake's tests, and an outbox that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.dispatch import dispatch
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Incoming, Record, Refusal
from conduit_chassis.testing import record
from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Message, dump
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import (
    InformationSupplied,
    ReconsiderationRequested,
    ReferralSubmitted,
    ReferralWithdrawn,
    WithdrawalReason,
)
from conduit_contracts.problems import Problem
from conduit_contracts.programme import Contact, PartnerRegistered
from conduit_contracts.programme import Mou as FullMou
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    LegalGround,
    Numbers,
    OffencePlace,
    Person,
    Pseudonymous,
    Referral,
    Role,
    Supplement,
    Urgency,
)
from conduit_intake.batch import in_turn
from conduit_intake.handlers import HANDLERS, refused
from conduit_intake.submissions import Mou, Partner, PartnerMessage, Submission, SubmissionContext
from conduit_intake.work import IntakeWork

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CANARY = "canary"
"""Stands in every free text of these samples, and must turn up nowhere else."""
NORTH, SOUTH = "northlight", "southlight"
REFERENCE = "NL-1"
MOU = "MOU-1"
PARTNER = Partner(partner_id=NORTH, mous=(Mou(reference=MOU, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31)),))


def scene(now: datetime = NOW, max_bytes: int = 262_144, new_id: Any = uuid7) -> SubmissionContext:
    return SubmissionContext(now=now, max_bytes=max_bytes, zone=ZoneInfo("Europe/London"), new_id=new_id)


def person(person_id: str = "V1", *place_ids: str) -> Person:
    identity = Pseudonymous(pseudonym=f"{CANARY} victim")
    return Person(person_id=person_id, role=Role.VICTIM, identity=identity, age_at_offence=13, place_ids=place_ids)


def place(place_id: str = "L1") -> OffencePlace:
    return OffencePlace(place_id=place_id, district_code="E08000025", description=f"{CANARY} place")


def referral(**changes: Any) -> Referral:
    values: dict[str, Any] = {
        "partner_id": NORTH,
        "partner_reference": REFERENCE,
        "mou_reference": MOU,
        "caseworker": Caseworker(name=f"{CANARY} caseworker", email="team@partner.example"),
        "reported_at": NOW - timedelta(days=1),
        "urgency": Urgency.PRIORITY,
        "immediate_danger": False,
        "narrative": f"{CANARY} narrative",
        "persons": (person("V1", "L1"),),
        "places": (place("L1"),),
        "numbers": Numbers(victims_known=6),
        "concerns": (Concern.GROOMING,),
        "legal_ground": LegalGround.SAFEGUARDING_OF_CHILDREN,
    }
    return Referral(**(values | changes))


def submitted(**changes: Any) -> ReferralSubmitted:
    return ReferralSubmitted(referral=referral(**changes))


def supplied(**changes: Any) -> InformationSupplied:
    values: dict[str, Any] = {
        "partner_id": NORTH,
        "partner_reference": REFERENCE,
        "text": f"{CANARY} text",
        "supplied_at": NOW - timedelta(hours=1),
    }
    return InformationSupplied(supplement=Supplement(**(values | changes)))


def withdrawn(partner_id: str = NORTH, reference: str = REFERENCE) -> ReferralWithdrawn:
    return ReferralWithdrawn(
        partner_id=partner_id,
        partner_reference=reference,
        reason=WithdrawalReason.SENT_IN_ERROR,
        comment=f"{CANARY} comment",
    )


def reconsideration(partner_id: str = NORTH, reference: str = REFERENCE) -> ReconsiderationRequested:
    return ReconsiderationRequested(partner_id=partner_id, partner_reference=reference, comment=f"{CANARY} comment")


def of_each_kind(partner_id: str = NORTH, reference: str = REFERENCE) -> list[PartnerMessage]:
    who = {"partner_id": partner_id, "partner_reference": reference}
    return [submitted(**who), supplied(**who), withdrawn(partner_id, reference), reconsideration(partner_id, reference)]


def registered(
    partner_id: str = NORTH, *, suspended: bool = False, valid_to: date = date(2026, 12, 31)
) -> PartnerRegistered:
    mou = FullMou(
        reference=MOU,
        scope="Synthetic",
        signed_on=date(2025, 12, 1),
        valid_from=date(2026, 1, 1),
        valid_to=valid_to,
        review_on=date(2026, 11, 30),
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
    )
    contact = Contact(email="team@partner.example")
    return PartnerRegistered(partner_id=partner_id, name="Synthetic", suspended=suspended, mous=(mou,), contact=contact)


def submission(message: PartnerMessage, sender: str = NORTH, number: int = 0) -> Submission[Any]:
    return Submission(f"{topic_of(sender)}/0/{number}", sender, message, dump(message))


def topic_of(sender: str) -> str:
    return topics.PARTNER_REFERRALS.name(sender)


def sent(message: Message, sender: str = NORTH, **more: Any) -> Record:
    """A partner's record, or the programme's where the message is one."""
    if isinstance(message, PartnerRegistered):
        return record(topics.PARTNERS.name(), message.partner_id, message, **more)
    return record(topic_of(sender), REFERENCE, message, **more)


def delivery(message: Message, sender: str = NORTH) -> Delivery[Any]:
    made = sent(message, sender)
    edge = not isinstance(message, PartnerRegistered | Partner)
    attributes = Attributes(str(uuid7()), "/test", message.type, NOW)
    if isinstance(message, PartnerRegistered):
        message = Partner.model_validate_json(dump(message), extra="ignore")  # type: ignore[assignment]  # as the reader reads it
    topic = topics.PARTNER_REFERRALS if edge else topics.PARTNERS
    return Delivery(message, attributes, made, sender if edge else "", topic)


def refusal(*problems: Problem, sender: str = NORTH, attributes: Attributes | None = None) -> Refusal:
    return Refusal(problems, sent(submitted(), sender), sender, topics.PARTNER_REFERRALS, attributes)


@dataclass
class Event:
    """What was given to the outbox."""

    topic: str
    key: str
    message: Any
    subject: str | None
    cause: Attributes | None
    event_id: str = field(default_factory=lambda: str(uuid7()))


class MemoryOutbox(Outbox):
    """An outbox whose events can be looked at."""

    def __init__(self) -> None:
        super().__init__("intake", NOW)
        self.events: list[Event] = []

    def publish(
        self, topic: str, key: str, message: Message, *, subject: str | None = None, cause: Attributes | None = None
    ) -> str:
        self.events.append(Event(topic, key, message, subject, cause))
        return self.events[-1].event_id


def take(work: IntakeWork, *batch: Incoming) -> MemoryOutbox:
    """Let these have their effect on the work; returns what is published of it."""
    outbox = work.outbox = MemoryOutbox()
    for _ in dispatch(HANDLERS, refused, work, in_turn(batch)):
        pass
    return outbox


FIRST_ID = UUID("019ab000-0000-7000-8000-000000000001")
