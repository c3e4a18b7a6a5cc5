"""Synthetic referrals, and routing without a database: records in, events out, cases in memory."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest

from conduit_chassis.dispatch import dispatch
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming, Reader, Refusal
from conduit_chassis.testing import VERIFIER, raw_record, record
from conduit_contracts import force, intake, routing, triage
from conduit_contracts.concerned.content import Content
from conduit_contracts.envelope import Attributes, Command, Message, dump
from conduit_contracts.geography import force_of_district, forces
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import WithdrawalReason
from conduit_contracts.problems import Problem
from conduit_contracts.referral import (
    Caseworker,
    Concern,
    Ground,
    LegalGround,
    NamedWithConsent,
    Numbers,
    OffencePlace,
    Person,
    Referral,
    Role,
    Supplement,
    Urgency,
)
from conduit_contracts.topics import (
    FORCE_RESPONSES,
    INTAKE_ATTACHMENTS,
    ROUTING_CASES,
    ROUTING_REVIEWS,
    TRIAGE_DECISIONS,
    consumed_by,
)
from conduit_routing import metrics
from conduit_routing.batch import wanted
from conduit_routing.case import Case
from conduit_routing.follow import follow
from conduit_routing.handlers import HANDLERS, refused
from conduit_routing.policy import RoutingPolicy
from conduit_routing.store import may_pass_on
from conduit_routing.sweep import take_steps
from conduit_routing.work import RoutingWork

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PARTNER = "lantern-trust"
OFFICER = "officer.north"
READER = Reader("routing", consumed_by("routing"), {}, VERIFIER)
M = TypeVar("M", bound=Message)


def district(force_id: str) -> str:
    """Some district in this force's area."""
    return next(code for code, force in force_of_district().items() if force == force_id)


def place(place_id: str, force_id: str | None = None, **given: Any) -> OffencePlace:
    """A place in a force's area, or what else is given."""
    if force_id is not None and forces()[force_id].territorial:
        given["district_code"] = district(force_id)
    elif force_id is not None:
        given["force_id"] = force_id
    return OffencePlace(place_id=place_id, description=f"canary-place-{place_id}-end", **given)


def person(
    person_id: str,
    *place_ids: str,
    role: Role = Role.VICTIM,
    lives: str | None = None,
    now_in: str | None = None,
    **given: Any,
) -> Person:
    """A person tied to these places, who lives, and is, in a force's area. Without an age it may be a child."""
    identity = NamedWithConsent(name=f"canary-name-{person_id}-end", consented_on=date(2026, 10, 1))
    return Person(
        person_id=person_id,
        role=role,
        identity=identity,
        home_district_code=district(lives) if lives else None,
        present_district_code=district(now_in) if now_in else None,
        place_ids=place_ids,
        **given,
    )


def referral(places: Iterable[OffencePlace] = (), persons: Iterable[Person] = (), **given: Any) -> Referral:
    """A referral of these places and persons."""
    values: dict[str, Any] = {
        "partner_id": PARTNER,
        "partner_reference": "LT-1",
        "mou_reference": "MOU-1",
        "caseworker": Caseworker(name="Synthetic caseworker", telephone="0100 000 000"),
        "reported_at": NOW - timedelta(days=1),
        "urgency": Urgency.PRIORITY,
        "immediate_danger": False,
        "narrative": "canary-narrative",
        "persons": tuple(persons),
        "numbers": Numbers(victims_known=6),
        "places": tuple(places),
        "concerns": (Concern.CONTACT_SEXUAL_ABUSE,),
        "legal_ground": LegalGround.SAFEGUARDING_OF_CHILDREN,
    }
    return Referral(**(values | given))


def supplement(*places: OffencePlace, persons: Iterable[Person] = (), days: int = 0, **given: Any) -> Supplement:
    """Added information."""
    values: dict[str, Any] = {
        "partner_id": PARTNER,
        "partner_reference": "LT-1",
        "text": "canary-text",
        "persons": tuple(persons),
        "places": places,
        "supplied_at": NOW + timedelta(days=days),
    }
    return Supplement(**(values | given))


def about(referral_id: UUID) -> dict[str, Any]:
    """The fields of every fact of triage."""
    return {"referral_id": referral_id, "partner_id": PARTNER, "partner_reference": "LT-1"}


def accepted(told: Referral, referral_id: UUID | None = None, **given: Any) -> triage.ReferralAccepted:
    values = about(referral_id or uuid7()) | {
        "referral": told,
        "grounds": (Ground.NUMBER_OF_VICTIMS,),
        "decided_by": triage.ByRules(),
        "policy_version": "test",
    }
    return triage.ReferralAccepted(**(values | given))


def danger(told: Referral, referral_id: UUID, *added: Supplement) -> triage.ImmediateDangerRaised:
    return triage.ImmediateDangerRaised(**about(referral_id), referral=told, supplements=added, policy_version="test")


def triage_declined(referral_id: UUID) -> triage.ReferralDeclined:
    return triage.ReferralDeclined(
        **about(referral_id),
        officer_id=OFFICER,
        reason=triage.DeclineReason.NOT_COMPLEX,
        comment="Synthetic comment",
        next_step="Synthetic next step",
        reconsideration_open=True,
        policy_version="test",
    )


def informed(referral_id: UUID, added: Supplement) -> triage.InformationForwarded:
    return triage.InformationForwarded(**about(referral_id), supplement=added)


def withdrawn(referral_id: UUID) -> triage.WithdrawalForwarded:
    return triage.WithdrawalForwarded(**about(referral_id), reason=WithdrawalReason.DUPLICATE, comment="canary-comment")


def attached(referral_id: UUID, attachment_id: UUID | None = None) -> intake.AttachmentCleared:
    return intake.AttachmentCleared(
        referral_id=referral_id,
        partner_id=PARTNER,
        attachment_id=attachment_id or uuid7(),
        media_type="application/pdf",
        size=5,
        sha256="ab" * 32,
    )


def received(referral_id: UUID, force_id: str, part: int | None = None) -> force.ReceiptConfirmed:
    return force.ReceiptConfirmed(force_id=force_id, referral_id=referral_id, part=part)


def acknowledged(
    referral_id: UUID, force_id: str, force_reference: str | None = None, part: int | None = None
) -> force.CaseAcknowledged:
    return force.CaseAcknowledged(
        force_id=force_id, referral_id=referral_id, team="Synthetic team", force_reference=force_reference, part=part
    )


def declined(referral_id: UUID, force_id: str, suggested_force: str | None = None) -> force.CaseDeclined:
    return force.CaseDeclined(
        force_id=force_id,
        referral_id=referral_id,
        reason=force.NotOursReason.OUTSIDE_OUR_AREA,
        comment="canary-comment",
        suggested_force=suggested_force,
    )


def name_home(referral_id: UUID, home_force: str) -> routing.NameHomeForce:
    return routing.NameHomeForce(referral_id=referral_id, officer_id=OFFICER, home_force=home_force, reason="canary-reason")


def reroute(referral_id: UUID, from_force: str, to_force: str) -> routing.RerouteHandoff:
    return routing.RerouteHandoff(
        referral_id=referral_id, officer_id=OFFICER, from_force=from_force, to_force=to_force, reason="canary-reason"
    )


def to_standards(referral_id: UUID, force_id: str) -> routing.SendToProfessionalStandards:
    return routing.SendToProfessionalStandards(
        referral_id=referral_id, officer_id=OFFICER, force_id=force_id, reason="canary-reason"
    )


def stand_down(referral_id: UUID, force_id: str) -> routing.StandDownHandoff:
    return routing.StandDownHandoff(referral_id=referral_id, officer_id=OFFICER, force_id=force_id, reason="canary-reason")


def name_interim(referral_id: UUID, force_id: str) -> routing.NameInterimOwner:
    return routing.NameInterimOwner(referral_id=referral_id, officer_id=OFFICER, force_id=force_id, reason="canary-reason")


def chase(referral_id: UUID, force_id: str) -> routing.ChaseHandoff:
    return routing.ChaseHandoff(referral_id=referral_id, officer_id=OFFICER, force_id=force_id, reason="canary-reason")


def escalate(referral_id: UUID, force_id: str) -> routing.EscalateHandoff:
    return routing.EscalateHandoff(referral_id=referral_id, officer_id=OFFICER, force_id=force_id, reason="canary-reason")


def by_telephone(referral_id: UUID, force_id: str, spoken_at: datetime = NOW, **more: Any) -> routing.RecordAcknowledgement:
    said: dict[str, Any] = {
        "spoke_for_hub": "Duty officer",
        "spoke_for_force": "Sergeant on duty",
        "called_back": "+441632960147",
    } | more
    return routing.RecordAcknowledgement(
        referral_id=referral_id, officer_id=OFFICER, force_id=force_id, spoken_at=spoken_at, **said
    )


def called(
    referral_id: UUID, force_id: str | None = None, spoken_at: datetime = NOW, outcome: str = "will_call_back"
) -> routing.RecordCall:
    said: dict[str, Any] = {"spoke_to": "Caseworker", "outcome": routing.CallOutcome(outcome), "comment": "canary-comment"}
    return routing.RecordCall(referral_id=referral_id, officer_id=OFFICER, force_id=force_id, spoken_at=spoken_at, **said)


def topic_of(message: Message, principal: str | None = None) -> str:
    """The topic on which the message would come."""
    if isinstance(message, force.ReceiptConfirmed | force.CaseAcknowledged | force.CaseDeclined):
        return FORCE_RESPONSES.name(principal or message.force_id)
    if isinstance(message, Command):
        return ROUTING_REVIEWS.name()
    if isinstance(message, intake.AttachmentCleared):
        return INTAKE_ATTACHMENTS.name()
    return TRIAGE_DECISIONS.name()


class Recorder:
    """The outbox of a test: what was published, by topic, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Message]] = []
        self.causes: list[Attributes | None] = []
        self.promised: list[tuple[str, datetime]] = []
        self.put_aside: list[tuple[Any, Problem]] = []

    def publish(
        self,
        topic: str,
        key: str,
        message: Message,
        *,
        subject: str | None = None,
        cause: Attributes | None = None,
        acted_at: datetime | None = None,
    ) -> str:
        dump(message)
        assert subject in {None, key} or isinstance(message, routing.CommandRefused | routing.CommandOutdated)
        if acted_at is not None:
            self.promised.append((topic, acted_at))
        self.causes.append(cause)
        self.sent.append((topic, key, message))
        return str(uuid7())

    def dead_letter(self, incoming: Any, problem: Problem) -> None:
        self.put_aside.append((incoming, problem))

    async def spill(self, _connection: Any) -> None:
        """It keeps everything."""

    def facts(self) -> list[Message]:
        """What the hub was told."""
        return [message for topic, _, message in self.sent if topic == ROUTING_CASES.name()]

    def to(self, force_id: str) -> list[Message]:
        """What a force was told."""
        return [message for topic, _, message in self.sent if topic == f"force.{force_id}.cases.v1"]

    def one(self, kind: type[M]) -> M:
        """The only message of this kind."""
        found = [message for _, _, message in self.sent if isinstance(message, kind)]
        assert len(found) == 1, f"{len(found)} of {kind.__name__}"
        return found[0]

    def kinds(self, force_id: str | None = None) -> list[str]:
        """Names of what the hub, or a force, was told, in order."""
        return [type(message).__name__ for message in (self.to(force_id) if force_id else self.facts())]


def outbox_of(recorder: Recorder) -> Outbox:
    """The recorder where an outbox is asked for: handlers publish, put aside and spill, and nothing else."""
    return cast("Outbox", recorder)


class Desk:
    """Routing in memory. As from the database, what was told of a case is there only where it is loaded."""

    def __init__(self, policy: RoutingPolicy) -> None:
        self.work = RoutingWork(policy, NOW, outbox_of(Recorder()), metrics.COUNTED)
        self.told: dict[UUID, Content] = {}

    def deliver(self, *messages: Message, principal: str | None = None) -> Recorder:
        """Let these have their effect as one batch."""
        batch = [READER.read(record(topic_of(message, principal), "key", message)).content for message in messages]
        assert all(isinstance(incoming, Delivery) for incoming in batch)
        self._load(wanted(batch))
        sent = self.take(batch)
        self._save()
        return sent

    def take(self, batch: Sequence[Incoming]) -> Recorder:
        """Let these have their effect, with what is loaded."""
        sent = self._begin()
        for _ in dispatch(HANDLERS, refused, self.work, batch):
            at_once(follow(cast("Connection", None), self.work))
        return sent

    def _begin(self) -> Recorder:
        sent = Recorder()
        self.work.outbox = outbox_of(sent)
        return sent

    def _load(self, needed: Mapping[UUID, bool]) -> None:
        for referral_id, case in self.work.cases.items():
            loaded = needed.get(referral_id, False) or (referral_id in needed and may_pass_on(case))
            case.content = self.told[referral_id] if loaded else None

    def _save(self) -> None:
        for referral_id, case in self.work.cases.items():
            if case.content is not None:
                self.told[referral_id] = case.content

    def refuse(self, topic: str, value: bytes) -> Recorder:
        """Deliver a record that cannot be read."""
        content = READER.read(raw_record(topic, "key", [], value)).content
        assert isinstance(content, Refusal)
        return self.take([content])

    def wait(self, seconds: float) -> Recorder:
        """Let time pass, and the clock sweep once."""
        self.work.now += timedelta(seconds=seconds)
        self._load({})
        sent = self._begin()
        for case in self.work.cases.values():
            take_steps(self.work.turn(case, "clock"))
        return sent

    def case(self, referral_id: UUID) -> Case:
        """The case with all that was told of it."""
        case = self.work.cases[referral_id]
        case.content = self.told[referral_id]
        return case


def at_once(work: Coroutine[Any, Any, None]) -> None:
    """Run what has nothing to wait for."""
    with pytest.raises(StopIteration):
        work.send(None)


def standing_of(case: Case) -> dict[str, str]:
    """Where each force stands."""
    return {force_id: handoff.state.value for force_id, handoff in case.handoffs.items()}
