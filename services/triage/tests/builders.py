"""Synthetic referrals and records, and a desk that takes records without a database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from conduit_chassis.dispatch import dispatch
from conduit_chassis.headers import unpack_headers
from conduit_chassis.outbox import DeadLetterRequest, Outbox
from conduit_chassis.records import Incoming, Reader, Record
from conduit_chassis.testing import VERIFIER, record, signed
from conduit_contracts import intake, topics
from conduit_contracts.envelope import Message, decode
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.referral import (
    Caseworker,
    ComplexityClaim,
    Concern,
    Ground,
    LegalGround,
    NatureFactor,
    Numbers,
    OffencePlace,
    Person,
    Pseudonymous,
    Referral,
    Role,
    Supplement,
    Urgency,
)
from conduit_contracts.triage import CommandOutdated, CommandRefused, DecideReview, DeclineReason, ReviewOutcome
from conduit_triage.cases import Assessment
from conduit_triage.handlers import HANDLERS, refused
from conduit_triage.policy import TriagePolicy
from conduit_triage.work import TriageWork

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
PARTNER = "example-haven"
REFERENCE = "EH-2026-0001"
BIRMINGHAM, LEEDS, GLASGOW = "E08000025", "E08000035", "S12000049"
"""Districts in the areas of three different forces."""
NATURE = ComplexityClaim(
    ground=Ground.NATURE_OF_INVESTIGATION, nature_factor=NatureFactor.INSTITUTION, reason="A school, synthetic."
)

READER = Reader("triage", topics.consumed_by("triage"), {}, VERIFIER)
_PUBLISHED = {message.type: message for message in topics.TRIAGE_DECISIONS.messages}
_TOPICS = {message.type: topic.name() for topic in topics.consumed_by("triage") for message in topic.messages}


def persons(role: Role, *numbers: int) -> tuple[Person, ...]:
    """Persons of one role, named V1, S2 and so on."""
    letter = role.value[0].upper()
    return tuple(
        Person(person_id=f"{letter}{number}", role=role, identity=Pseudonymous(pseudonym=f"Example {letter}{number}"))
        for number in numbers
    )


def places(*districts: str) -> tuple[OffencePlace, ...]:
    """One place per district, named after it."""
    return tuple(OffencePlace(place_id=f"L{district}", district_code=district) for district in districts)


def referral(**changes: Any) -> Referral:
    """A referral below every threshold, unless changed."""
    content: dict[str, Any] = {
        "partner_id": PARTNER,
        "partner_reference": REFERENCE,
        "mou_reference": "MOU-EH-2026",
        "caseworker": Caseworker(name="Example Caseworker", email="casework@example-haven.example"),
        "reported_at": NOW - timedelta(days=1),
        "urgency": Urgency.PRIORITY,
        "immediate_danger": False,
        "narrative": "Synthetic example.",
        "numbers": Numbers(victims_known=1, suspects_known=1),
        "concerns": (Concern.GROOMING,),
        "legal_ground": LegalGround.SAFEGUARDING_OF_CHILDREN,
    }
    return Referral(**(content | changes))


def complex_referral(**changes: Any) -> Referral:
    """A referral that the rules accept, by the number of victims alone."""
    return referral(**({"numbers": Numbers(victims_known=5)} | changes))


def supplement(**changes: Any) -> Supplement:
    """Added information that counts for nothing, unless changed."""
    content: dict[str, Any] = {
        "partner_id": PARTNER,
        "partner_reference": REFERENCE,
        "text": "Synthetic addition.",
        "supplied_at": NOW,
    }
    return Supplement(**(content | changes))


def received(sent: Referral | None = None, referral_id: UUID | None = None, **changes: Any) -> intake.ReferralReceived:
    """A referral as intake publishes it."""
    made = sent or referral(**changes)
    return intake.ReferralReceived(
        referral_id=referral_id or uuid7(),
        received_at=NOW - timedelta(seconds=2),
        partner_id=made.partner_id,
        partner_reference=made.partner_reference,
        urgency=made.urgency,
        immediate_danger=made.immediate_danger,
        referral=made,
    )


def supplied(referral_id: UUID, **changes: Any) -> intake.InformationSupplied:
    return intake.InformationSupplied(referral_id=referral_id, supplement=supplement(**changes))


def withdrawn(referral_id: UUID) -> intake.ReferralWithdrawn:
    return intake.ReferralWithdrawn(
        referral_id=referral_id,
        partner_id=PARTNER,
        partner_reference=REFERENCE,
        reason=WithdrawalReason.REPORTED_DIRECTLY_TO_POLICE,
        comment="Synthetic withdrawal.",
    )


def reconsideration(referral_id: UUID) -> intake.ReconsiderationRequested:
    return intake.ReconsiderationRequested(
        referral_id=referral_id, partner_id=PARTNER, partner_reference=REFERENCE, comment="Synthetic: please look again."
    )


def accepting(referral_id: UUID, officer: str = "a.officer", **changes: Any) -> DecideReview:
    content = {"grounds": (Ground.NATURE_OF_INVESTIGATION,), "comment": "Synthetic: an institution."} | changes
    return DecideReview(referral_id=referral_id, officer_id=officer, outcome=ReviewOutcome.ACCEPT, **content)


def declining(
    referral_id: UUID, officer: str = "a.officer", reason: DeclineReason = DeclineReason.NOT_COMPLEX
) -> DecideReview:
    return DecideReview(
        referral_id=referral_id,
        officer_id=officer,
        outcome=ReviewOutcome.DECLINE,
        decline_reason=reason,
        comment="Synthetic reason.",
    )


def asking(referral_id: UUID, officer: str = "a.officer") -> DecideReview:
    return DecideReview(
        referral_id=referral_id,
        officer_id=officer,
        outcome=ReviewOutcome.REQUEST_INFORMATION,
        comment="Synthetic question?",
    )


def as_record(message: Any, **attributes: Any) -> Record:
    """The record that carries a message to triage."""
    made = record(_TOPICS[message.type], str(message.referral_id), message, **attributes)
    at = attributes.get("time")
    return signed(made._replace(timestamp_ms=int(at.timestamp() * 1000))) if at else made


def names(published: Iterable[Any]) -> list[str]:
    """The classes of messages or of published events, in order."""
    return [type(getattr(each, "message", each)).__name__ for each in published]


def _key_of(message: Any) -> str:
    return str(message.command_id if isinstance(message, CommandRefused | CommandOutdated) else message.referral_id)


class Desk:
    """Triage in memory: takes one record at a time, and returns what it would publish."""

    def __init__(self, policy: TriagePolicy, now: datetime = NOW) -> None:
        self.work = TriageWork(policy, now, Outbox("triage", now))
        self.put_aside: list[DeadLetterRequest] = []

    def take(self, message: Message, **attributes: Any) -> list[Any]:
        """Handle a message."""
        given = {"time": self.work.now} | attributes
        return self.handle([READER.read(as_record(message, **given)).content])

    def handle(self, batch: Sequence[Incoming]) -> list[Any]:
        """Handle records in one batch."""
        outbox = self.work.outbox = Outbox("triage", self.work.now)
        for _ in dispatch(HANDLERS, refused, self.work, batch):
            assert self.work.rest == []
        self.put_aside += outbox.put_aside
        for row in outbox.rows:
            assert row.topic == "triage.decisions.v1"
        decoded = [decode(unpack_headers(row.headers), row.value, _PUBLISHED, closed=True)[1] for row in outbox.rows]
        assert [row.key for row in outbox.rows] == [_key_of(message).encode() for message in decoded]
        return decoded

    def open(self, **changes: Any) -> UUID:
        """A referral under review; returns its id."""
        message = received(**changes)
        self.take(message)
        assert self.case(message.referral_id).review is not None
        return message.referral_id

    def case(self, referral_id: UUID) -> Assessment:
        """What triage now knows."""
        return self.work.cases[referral_id]

    def story(self, referral_id: UUID) -> list[tuple[str, str, str]]:
        """The referral's history as (actor, what, why)."""
        return [(entry.actor, entry.what, entry.why) for entry in self.work.history if entry.referral_id == referral_id]
