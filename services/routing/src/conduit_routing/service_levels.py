"""What the two promises count: how soon a case is with its forces, and whether forces answer before their clocks run out.

Pure. Counted with the batch, so a batch that is tried again may count twice; history is exact.
"""

from collections.abc import Iterator
from datetime import datetime

from conduit_contracts.ids import moment_of
from conduit_contracts.routing import HandoffState, Leg
from conduit_contracts.triage import ByRules, ImmediateDangerRaised, ReferralAccepted
from conduit_routing.case import Case, CaseState
from conduit_routing.clocks import leg_of
from conduit_routing.handoffs import Handoff

KEPT, BREACHED = "kept", "breached"
_ANSWERS = frozenset({HandoffState.RECEIVED, HandoffState.ACKNOWLEDGED, HandoffState.DECLINED})


def acted_at(message: ReferralAccepted | ImmediateDangerRaised) -> datetime | None:
    """When the partner referred; None where an officer decided, or what was added later did: then it is no measure."""
    by_rules = isinstance(message, ImmediateDangerRaised) or isinstance(message.decided_by, ByRules)
    told_later = getattr(message, "supplements", ())
    return moment_of(message.referral_id) if by_rules and not told_later else None


def new_states(case: Case) -> Iterator[HandoffState]:
    """The states that hand-offs of a case have come into since it was stored."""
    for force_id, after in case.handoffs.items():
        before = _before(case, force_id)
        if before is None or (before.state, before.disseminated_at) != (after.state, after.disseminated_at):
            yield after.state


def clock_outcomes(case: Case, now: datetime) -> Iterator[tuple[Leg, str]]:
    """The clocks of a case that were kept or breached since it was stored: each clock once.

    Breached is counted when the deadline has passed and the force is chased, or at a late answer. A force that never
    confirms receipt breaches the acknowledgement clock when nobody is left to escalate to. A withdrawal or an officer stops
    clocks: they count as neither.
    """
    if case.state is CaseState.WITHDRAWN:
        return
    for force_id, after in case.handoffs.items():
        before = _before(case, force_id)
        if before is not None and before.owes_answer and before.disseminated_at == after.disseminated_at:
            yield from _of_handoff(before, after, now)


def _of_handoff(before: Handoff, after: Handoff, now: datetime) -> Iterator[tuple[Leg, str]]:
    """Where a person took it by telephone, the clock of the acknowledgement was counted then, by when they spoke."""
    leg, both = leg_of(before), before.owes_receipt and not before.lacks_receipt
    counted = (before.chases, before.level) != (0, 0) or before.next_action_at is None
    exhausted = before.next_action_at is not None and after.next_action_at is None
    if after.state is before.state and after.lacks_receipt is before.lacks_receipt:
        if not counted and (exhausted or (after.chases, after.level) != (0, 0)):
            yield leg, BREACHED
        if exhausted and both:
            yield Leg.ACKNOWLEDGEMENT, BREACHED
    elif after.state in _ANSWERS:
        spoken_at = (after.acknowledged_at if after.by_telephone else None) or now
        if not counted and not after.lacks_receipt:
            yield leg, _in_time(before, leg, now if leg is Leg.RECEIPT else spoken_at)
        if both and after.state is not HandoffState.RECEIVED and before.next_action_at is not None:
            yield Leg.ACKNOWLEDGEMENT, _in_time(before, Leg.ACKNOWLEDGEMENT, spoken_at)


def _in_time(handoff: Handoff, leg: Leg, now: datetime) -> str:
    due_at = handoff.receipt_due_at if leg is Leg.RECEIPT else handoff.acknowledgement_due_at
    return KEPT if now <= due_at else BREACHED


def _before(case: Case, force_id: str) -> Handoff | None:
    return case.stored.handoffs.get(force_id) if case.stored else None
