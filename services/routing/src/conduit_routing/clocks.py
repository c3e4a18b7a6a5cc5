"""What follows when a force does not answer: chase, escalate, show the hub. Pure, and silence never closes anything.

One leg runs at a time: receipt, and from then on acknowledgement. Steps are spaced from when they are taken, so that a
hub that was down does not make up for it with a burst.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from conduit_contracts.routing import HandoffState, Leg
from conduit_routing.handoffs import Handoff
from conduit_routing.policy import Deadlines


class StepKind(Enum):
    """What a clock that ran out leads to."""

    CHASE = "chase"
    ESCALATE = "escalate"
    EXHAUST = "exhaust"
    """Nothing is left but the hub itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now. `handoff` is the hand-off after it."""

    kind: StepKind
    leg: Leg
    due_at: datetime
    handoff: Handoff


def started(force_id: str, areas: tuple[str, ...], clock: Deadlines, now: datetime) -> Handoff:
    """A hand-off whose clocks run from now."""
    receipt_due_at = now + timedelta(seconds=clock.receipt)
    return Handoff(
        force_id=force_id,
        areas=areas,
        disseminated_at=now,
        receipt_due_at=receipt_due_at,
        acknowledgement_due_at=now + timedelta(seconds=clock.acknowledgement),
        next_action_at=receipt_due_at,
    )


def restarted(handoff: Handoff, clock: Deadlines, now: datetime) -> Handoff:
    """A force that acknowledged is asked again, because its part changed. What it answered before stays on record."""
    return started(handoff.force_id, handoff.areas, clock, now)._replace(
        force_reference=handoff.force_reference,
        part=handoff.part,
        first_acknowledged_at=handoff.first_acknowledged_at,
    )


def hastened(handoff: Handoff, clock: Deadlines, now: datetime) -> Handoff:
    """The case became more urgent while the force is waited for: no deadline moves back, and none is asked for sooner
    than the new clock gives from now. Where every step was taken already, they begin again."""
    receipt_due_at = min(handoff.receipt_due_at, now + timedelta(seconds=clock.receipt))
    acknowledgement_due_at = min(handoff.acknowledgement_due_at, now + timedelta(seconds=clock.acknowledgement))
    on_receipt = leg_of(handoff) is Leg.RECEIPT
    step_at = now + timedelta(seconds=clock.receipt if on_receipt else clock.acknowledgement)
    begun = handoff.next_action_at is not None
    return handoff._replace(
        receipt_due_at=receipt_due_at,
        acknowledgement_due_at=acknowledgement_due_at,
        next_action_at=min(handoff.next_action_at, step_at) if handoff.next_action_at else step_at,
        chases=handoff.chases if begun else 0,
        level=handoff.level if begun else 0,
    )


def leg_of(handoff: Handoff) -> Leg:
    """What the hub waits for from this force. A call ends the wait for a person, and not that for the connector."""
    return Leg.RECEIPT if handoff.owes_receipt else Leg.ACKNOWLEDGEMENT


def due_at(handoff: Handoff) -> datetime:
    """The deadline of what the hub waits for."""
    return handoff.receipt_due_at if leg_of(handoff) is Leg.RECEIPT else handoff.acknowledgement_due_at


def next_step(handoff: Handoff, clock: Deadlines, now: datetime) -> Step | None:
    """The step that is due, or None. After the last one there is none until the force answers."""
    if handoff.next_action_at is None or handoff.next_action_at > now or not handoff.owes_answer:
        return None
    if handoff.chases < clock.chases:
        return _step(StepKind.CHASE, handoff, now + clock.pause)
    if handoff.level < clock.escalation_levels:
        return _step(StepKind.ESCALATE, handoff, now + clock.pause)
    return Step(StepKind.EXHAUST, leg_of(handoff), due_at(handoff), handoff._replace(next_action_at=None))


def step_now(kind: StepKind, handoff: Handoff, clock: Deadlines, now: datetime) -> Step:
    """The step that an officer does not wait for. The clock's next one comes no sooner than after this one; where no step
    was left, none begins."""
    return _step(kind, handoff, now + clock.pause if handoff.next_action_at else None)


def _step(kind: StepKind, handoff: Handoff, next_action_at: datetime | None) -> Step:
    """One more reminder, or the next level."""
    chased, escalated = int(kind is StepKind.CHASE), int(kind is StepKind.ESCALATE)
    after = handoff._replace(chases=handoff.chases + chased, level=handoff.level + escalated, next_action_at=next_action_at)
    return Step(kind, leg_of(handoff), due_at(handoff), after)


def received(handoff: Handoff, now: datetime) -> Handoff:
    """The connector has it. The other leg starts with chases of its own; its deadline is the one given at the start. Where
    a person took it by telephone before, nobody is waited for any more."""
    if handoff.lacks_receipt:
        return handoff._replace(received_at=now, chases=0, level=0, next_action_at=None)
    return handoff._replace(
        state=HandoffState.RECEIVED,
        received_at=now,
        chases=0,
        level=0,
        next_action_at=handoff.acknowledgement_due_at,
    )


def acknowledged(handoff: Handoff, force_reference: str | None, now: datetime) -> Handoff:
    """A person has it, which implies receipt. Clocks stop."""
    return handoff._replace(
        state=HandoffState.ACKNOWLEDGED,
        received_at=handoff.received_at or now,
        acknowledged_at=handoff.acknowledged_at if handoff.by_telephone else now,
        declined_at=None,
        next_action_at=None,
        force_reference=force_reference or handoff.force_reference,
        first_acknowledged_at=(handoff.first_acknowledged_at if handoff.active else None) or now,
        by_telephone=False,
    )


def acknowledged_by_telephone(handoff: Handoff, force_reference: str | None, spoken_at: datetime, now: datetime) -> Handoff:
    """A person took it on when they spoke. The clock of the receipt runs on, where the connector has not confirmed it."""
    at = min(max(spoken_at, handoff.part_sent_at or handoff.disseminated_at), now)
    has_it = handoff.received_at is not None
    return acknowledged(handoff, force_reference, at)._replace(
        received_at=handoff.received_at, next_action_at=None if has_it else handoff.next_action_at, by_telephone=True
    )


def acknowledged_earlier(handoff: Handoff, force_reference: str | None, now: datetime) -> Handoff:
    """A person has read an earlier version of the part: somebody there has the child in mind, and the clock runs on."""
    return handoff._replace(
        first_acknowledged_at=handoff.first_acknowledged_at or now,
        force_reference=force_reference or handoff.force_reference,
    )


def declined(handoff: Handoff, now: datetime) -> Handoff:
    """The force gives it back. Clocks stop; what happened before stays on record."""
    return handoff._replace(state=HandoffState.DECLINED, declined_at=now, next_action_at=None, by_telephone=False)


def stood_down(handoff: Handoff, now: datetime) -> Handoff:
    """An officer ended the force's part. Clocks stop."""
    return handoff._replace(state=HandoffState.STOOD_DOWN, stood_down_at=now, next_action_at=None)
