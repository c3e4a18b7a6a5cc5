"""Synthetic facts, and a bench that takes them without a database."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from conduit_chassis.headers import unpack_headers
from conduit_chassis.outbox import Outbox
from conduit_chassis.records import Delivery, Reader, Record
from conduit_chassis.testing import VERIFIER, raw_record, record, signed
from conduit_contracts import intake, notification, programme, routing, topics, triage
from conduit_contracts.danger import call_999
from conduit_contracts.envelope import Message, decode
from conduit_contracts.force import NotOursReason
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import sender_problem
from conduit_contracts.programme import Contact
from conduit_contracts.referral import Ground, Supplement, Urgency
from conduit_notification.handlers import HANDLERS
from conduit_notification.hours import HubHours
from conduit_notification.notices import HUB, Ladder, Notice
from conduit_notification.policy import NotificationPolicy
from conduit_notification.readers import READERS
from conduit_notification.rendering import Ways
from conduit_notification.work import KnownReferral as Standing
from conduit_notification.work import NotificationWork

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
REFERRAL = UUID("01a207bd-b190-7457-8c4b-a2ea74ad4bf1")
PARTNER, REFERENCE = "example-haven", "EH-2026-0147"
HOME, OTHER = "west-midlands", "btp"
OFFICER = "a.okafor"
CALL_999 = "Synthetic: call 999 at once."
HOURS = HubHours(zone="Europe/London", days=("mon", "tue", "wed", "thu", "fri"), opens=time(8), closes=time(18))
"""Open at NOW, which is a Monday."""
POLICY = NotificationPolicy(
    version="test-1",
    keep_trying_seconds=3_600,
    first_retry_seconds=5,
    longest_retry_seconds=60,
    longest_danger_retry_seconds=20,
    danger_notice_seconds=300,
    duty_call_seconds=600,
    callback_days=30,
    hub_hours=HOURS,
    danger_next_step=CALL_999,
)
WAYS = Ways(CALL_999, HOURS)
EXAMPLES = Path(__file__).parents[3] / "contracts" / "examples"

_CONSUMED = topics.consumed_by("notification")
_TOPICS = {message.type: topic.name() for topic in _CONSUMED for message in topic.messages}
_PUBLISHED = {message.type: message for topic in topics.produced_by("notification") for message in topic.messages}
_READER = Reader("notification", _CONSUMED, READERS, VERIFIER)


@cache
def example(event_type: str) -> dict[str, Any]:
    """The canonical record of a message."""
    text = (EXAMPLES / f"{event_type}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def example_record(event_type: str) -> Record:
    """The canonical record, as Kafka would deliver it."""
    found = example(event_type)
    headers = [(name, text.encode()) for name, text in found["headers"].items()]
    return signed(raw_record(_TOPICS[event_type], found["key"], headers, json.dumps(found["value"]).encode()))


def record_of(message: Message, at: datetime = NOW, event_id: str | None = None) -> Record:
    """A record of this fact."""
    names = ("referral_id", "partner_id", "force_id", "proposal_id")
    key = next(found for name in names if (found := getattr(message, name, None)))
    made = record(_TOPICS[message.type], str(key), message, event_id=event_id, time=at)
    return made._replace(timestamp_ms=int(at.timestamp() * 1000))


def delivery_of(message: Message, at: datetime = NOW) -> Delivery[Any]:
    """The fact as a handler sees it."""
    return read(record_of(message, at))


def read(made: Record) -> Delivery[Any]:
    """The record as a handler sees it."""
    content = _READER.read(made).content
    assert isinstance(content, Delivery), content.problems
    return content


@dataclass
class Bench:
    """Notification without a database. `ladders` are the contacts that are known."""

    ladders: Mapping[str, Ladder] = field(default_factory=dict)
    now: datetime = NOW
    policy: NotificationPolicy = POLICY

    def __post_init__(self) -> None:
        self.outbox = Outbox("notification", self.now)
        self.work = NotificationWork(self.policy, self.now, self.outbox, ladders={HUB: (Contact(),), **self.ladders})

    def take(self, *facts: Message | Delivery[Any]) -> "Bench":
        """Handle facts in this order, a second apart."""
        for number, fact in enumerate(facts):
            delivery = fact if isinstance(fact, Delivery) else delivery_of(fact, self.now + timedelta(seconds=number))
            HANDLERS[delivery.attributes.type](self.work, delivery)
        return self

    @property
    def published(self) -> list[Any]:
        """Every message published, as its contract is closed."""
        rows = self.outbox.rows
        return [decode(unpack_headers(row.headers), row.value, _PUBLISHED, closed=True)[1] for row in rows]

    @property
    def updates(self) -> list[notification.ReferralStatusUpdated]:
        """The status updates, in order."""
        return [message for message in self.published if isinstance(message, notification.ReferralStatusUpdated)]

    @property
    def last(self) -> notification.ReferralStatusUpdated:
        """The last status update."""
        return self.updates[-1]

    @property
    def standing(self) -> Standing:
        """The referral of these facts."""
        return self.work.records[REFERRAL]

    @property
    def notices(self) -> list[Notice]:
        """The notices queued, in order."""
        return self.work.notices

    def templates(self, audience: str) -> list[str]:
        """What was queued for one audience."""
        return [notice.template.value for notice in self.notices if notice.audience == audience]


_ABOUT: dict[str, Any] = {"referral_id": REFERRAL, "partner_id": PARTNER, "partner_reference": REFERENCE}


def about(referral_id: UUID | None = None) -> dict[str, Any]:
    """Which referral a fact is about."""
    return _ABOUT if referral_id is None else {**_ABOUT, "referral_id": referral_id}


def received(*, danger: bool = False, referral_id: UUID | None = None) -> intake.ReferralReceived:
    value = example(intake.ReferralReceived.type)["value"]
    whole = intake.ReferralReceived.model_validate_json(json.dumps(value))
    return whole.model_copy(update={**about(referral_id), "immediate_danger": danger})


def supplied(*, danger: bool | None = None) -> intake.InformationSupplied:
    supplement = Supplement(
        partner_id=PARTNER,
        partner_reference=REFERENCE,
        text="Synthetic words.",
        supplied_at=NOW,
        immediate_danger=danger,
    )
    return intake.InformationSupplied(referral_id=REFERRAL, supplement=supplement)


def withdrawn() -> intake.ReferralWithdrawn:
    return intake.ReferralWithdrawn(**_ABOUT, reason=WithdrawalReason.SENT_IN_ERROR, comment="Synthetic words.")


def reconsideration() -> intake.ReconsiderationRequested:
    return intake.ReconsiderationRequested(**_ABOUT, comment="Synthetic words.")


def repeated() -> intake.SubmissionRepeated:
    return intake.SubmissionRepeated(**_ABOUT)


def rejected(
    reference: str | None = REFERENCE, referral_id: UUID | None = None, number: int = 7, *, in_danger: bool = False
) -> intake.SubmissionRejected:
    problems = (sender_problem("field_missing", "referral.immediate_danger"), sender_problem("json_invalid", "value"))
    return intake.SubmissionRejected(
        partner_id=PARTNER,
        partner_reference=reference,
        referral_id=referral_id,
        submission_id=f"partner.{PARTNER}.referrals.v1/2/{number}",
        problems=(call_999(), *problems) if in_danger else problems,
    )


def danger_reported(
    reference: str | None = REFERENCE,
    partner_id: str = PARTNER,
    *,
    referral_id: UUID | None = None,
    number: int = 7,
    waits_until: datetime | None = None,
) -> intake.DangerReported:
    return intake.DangerReported(
        partner_id=partner_id,
        partner_reference=reference,
        referral_id=referral_id,
        submission_id=f"partner.{partner_id}.referrals.v1/2/{number}",
        codes=("referral_unknown",) if waits_until else ("body_invalid",),
        waits_until=waits_until,
        event_id="event-7" if waits_until else None,
        callback=intake.Callback(name="Example Caseworker", telephone="0100 496 0147"),
    )


DUTY_CONTACTS = (
    Contact(email="first@hub.example", telephone="+441004960011"),
    Contact(email="second@hub.example", telephone="+441004960012"),
)


def proposed(contacts: tuple[Contact, ...] = DUTY_CONTACTS, number: int = 1) -> programme.HubContactsProposed:
    return programme.HubContactsProposed(proposal_id=UUID(int=number), contacts=contacts, proposed_by="Example Operator")


def approved(proposal: programme.HubContactsProposed, digest: str | None = None) -> programme.HubContactsApproved:
    return programme.HubContactsApproved(
        proposal_id=proposal.proposal_id, digest=digest or proposal.digest, approved_by="Example Officer"
    )


def review_opened(
    reason: triage.ReviewReason = triage.ReviewReason.BELOW_EVERY_THRESHOLD, *, danger: bool = False
) -> triage.ReviewOpened:
    return triage.ReviewOpened(
        **_ABOUT, reasons=(reason,), urgency=Urgency.ROUTINE, immediate_danger=danger, due_at=NOW, policy_version="p"
    )


def asked() -> triage.InformationRequested:
    return triage.InformationRequested(**_ABOUT, officer_id=OFFICER, question="Synthetic: how many more?")


def danger_raised() -> triage.ImmediateDangerRaised:
    return triage.ImmediateDangerRaised(**_ABOUT, referral=received().referral, policy_version="p")


def accepted(referral_id: UUID | None = None, officer: str | None = None) -> triage.ReferralAccepted:
    return triage.ReferralAccepted(
        **about(referral_id),
        referral=received().referral,
        grounds=(Ground.NUMBER_OF_VICTIMS,),
        decided_by=triage.ByOfficer(officer_id=officer) if officer else triage.ByRules(),
        policy_version="p",
    )


def declined(*, reconsideration_open: bool = True) -> triage.ReferralDeclined:
    return triage.ReferralDeclined(
        **_ABOUT,
        officer_id=OFFICER,
        reason=triage.DeclineReason.NOT_COMPLEX,
        comment="Synthetic: one family.",
        next_step="Synthetic: call 101.",
        reconsideration_open=reconsideration_open,
        policy_version="p",
    )


def routed(
    *forces: str,
    added: Sequence[str] | None = None,
    again: Sequence[str] = (),
    provisional: bool = False,
    danger: bool = False,
    referral_id: UUID | None = None,
) -> routing.CaseRouted:
    forces = forces or (HOME,)
    return routing.CaseRouted(
        **about(referral_id),
        home_force=forces[0],
        basis=routing.HomeForceBasis.MOST_OFFENCE_PLACES,
        interim_safeguarding_owner=forces[0],
        forces=forces,
        added=forces if added is None else tuple(added),
        again=tuple(again),
        urgency=Urgency.ROUTINE,
        immediate_danger=danger,
        provisional=provisional,
        policy_version="p",
    )


def routing_review(
    *,
    danger: bool = False,
    reason: routing.RoutingReviewReason = routing.RoutingReviewReason.NO_FORCE,
    silent: tuple[str, ...] = (),
) -> routing.RoutingReviewOpened:
    return routing.RoutingReviewOpened(
        **_ABOUT, reasons=(reason,), silent=silent, urgency=Urgency.ROUTINE, immediate_danger=danger
    )


def restricted(*kept_from: str, danger: bool = False) -> routing.CaseRestricted:
    return routing.CaseRestricted(**_ABOUT, kept_from=kept_from, urgency=Urgency.ROUTINE, immediate_danger=danger)


def standards_informed(force_id: str = HOME) -> routing.ProfessionalStandardsInformed:
    return routing.ProfessionalStandardsInformed(**_ABOUT, force_id=force_id, officer_id=OFFICER, reason="Synthetic words.")


def home_force_named(home_force: str = OTHER) -> routing.HomeForceNamed:
    return routing.HomeForceNamed(**_ABOUT, home_force=home_force, officer_id=OFFICER, reason="Synthetic words.")


def force_received(force_id: str = HOME) -> routing.HandoffReceived:
    return routing.HandoffReceived(**_ABOUT, force_id=force_id)


def force_acknowledged(force_id: str = HOME) -> routing.HandoffAcknowledged:
    return routing.HandoffAcknowledged(**_ABOUT, force_id=force_id, force_reference="WMP/1")


def by_telephone(force_id: str = HOME, victim_contact: str | None = None) -> routing.HandoffAcknowledgedByTelephone:
    said = {
        "spoke_for_hub": "Duty officer",
        "spoke_for_force": "Sergeant",
        "called_back": "+441632960147",
        "comment": "canary",
    }
    return routing.HandoffAcknowledgedByTelephone(
        **_ABOUT,
        force_id=force_id,
        officer_id=OFFICER,
        spoken_at=NOW,
        part=1,
        victim_contact=victim_contact,
        **said,  # type: ignore[arg-type]
    )


def interim_owner_named(force_id: str = HOME) -> routing.InterimOwnerNamed:
    return routing.InterimOwnerNamed(**_ABOUT, force_id=force_id, officer_id=OFFICER, reason="Synthetic words.")


def force_declined(force_id: str = HOME) -> routing.HandoffDeclined:
    return routing.HandoffDeclined(**_ABOUT, force_id=force_id, reason=NotOursReason.OUTSIDE_OUR_AREA)


def stood_down(force_id: str = OTHER) -> routing.HandoffStoodDown:
    return routing.HandoffStoodDown(**_ABOUT, force_id=force_id, officer_id=OFFICER, reason="Synthetic words.")


def overdue(force_id: str = HOME, chase: int = 1) -> routing.HandoffOverdue:
    leg = routing.Leg.RECEIPT
    return routing.HandoffOverdue(**_ABOUT, force_id=force_id, leg=leg, chase=chase, due_at=NOW, policy_version="p")


def escalated(force_id: str = HOME, level: int = 1) -> routing.HandoffEscalated:
    leg = routing.Leg.ACKNOWLEDGEMENT
    return routing.HandoffEscalated(**_ABOUT, force_id=force_id, leg=leg, level=level, due_at=NOW, policy_version="p")


def handed_over(home_force: str = HOME, referral_id: UUID | None = None) -> routing.CaseHandedOver:
    return routing.CaseHandedOver(**about(referral_id), home_force=home_force)


def case_withdrawn() -> routing.CaseWithdrawn:
    return routing.CaseWithdrawn(**_ABOUT, reason=WithdrawalReason.SENT_IN_ERROR, told=(HOME,))


def partner_registered(contact: Contact) -> programme.PartnerRegistered:
    return programme.PartnerRegistered(partner_id=PARTNER, name="Example Haven (synthetic)", contact=contact)


def force_registered(contact: Contact, *escalation: Contact, force_id: str = HOME) -> programme.ForceRegistered:
    return programme.ForceRegistered(force_id=force_id, contact=contact, escalation=escalation)


def interleave(order: Sequence[int], *sequences: Sequence[Any]) -> list[Any]:
    """The sequences merged: `order` says whose next element comes, and what it leaves over follows at the end."""
    queues = [deque(sequence) for sequence in sequences]
    merged = [queues[number].popleft() for number in order if queues[number]]
    return merged + [element for left in queues for element in left]
