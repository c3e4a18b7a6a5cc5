"""What follows for a case from a fact: pure, and the same whichever service's facts are read first."""

from collections.abc import Collection, Iterable
from datetime import datetime

from conduit_console.cases import AskedBy, FollowedCase, FollowedHandoff, merged
from conduit_contracts.referral import Urgency
from conduit_contracts.routing import ForceClock, HandoffState, RoutingReviewReason

WHO_LEADS = frozenset(
    {
        RoutingReviewReason.NO_FORCE,
        RoutingReviewReason.TIE,
        RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION,
        RoutingReviewReason.SUGGESTION_NOT_USABLE,
    }
)
"""Questions that are settled once an officer has named the home force."""
_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}
"""Most urgent first."""


def raise_priority(case: FollowedCase, urgency: Urgency | None, *, danger: bool) -> None:
    """A case becomes more urgent, and never less; danger stays said. What is asked of officers becomes so too."""
    case.danger = case.danger or danger
    case.urgency = more_urgent(case.urgency, urgency)
    for question in case.questions.values():
        question.danger = question.danger or case.danger
        question.urgency = more_urgent(question.urgency, case.urgency) or question.urgency


def more_urgent(known: Urgency | None, said: Urgency | None) -> Urgency | None:
    """The more urgent of what holds and what was said, if anything."""
    given = [each for each in (known, said) if each is not None]
    return min(given, key=_RANK.__getitem__) if given else None


def see_who_waits(case: FollowedCase) -> None:
    """Whether triage's question waits for the partner, as what was said last has it."""
    question = case.questions.get(AskedBy.TRIAGE)
    if question is not None:
        question.waits_for_partner = case.asked_at is not None and not (
            case.supplied_at is not None and case.supplied_at > case.asked_at
        )


def nobody_has(case: FollowedCase) -> None:
    """It is in nobody's hands any more, and what is asked waits for whoever takes it."""
    case.claimed_by = None
    for question in case.questions.values():
        question.claimed_by = None


def begin(case: FollowedCase, force_id: str, at: datetime) -> None:
    """The force's part starts, for the first time or again. What it answered before stays on record."""
    before = case.handoffs.get(force_id)
    case.handoffs[force_id] = FollowedHandoff(
        force_id,
        HandoffState.DISSEMINATED,
        disseminated_at=at,
        first_acknowledged_at=before.first_acknowledged_at if before and before.active else None,
        force_reference=before.force_reference if before else None,
        part=before.part if before else None,
    )


def run_clock(case: FollowedCase, clock: ForceClock) -> None:
    """By when a force must answer, as routing says. The leg that runs is receipt, until the connector has confirmed it."""
    part = case.handoffs.get(clock.force_id)
    if part is None or not part.waiting:
        return
    part.part = clock.part
    part.receipt_due_at, part.acknowledgement_due_at = clock.receipt_due_at, clock.acknowledgement_due_at
    part.due_at = clock.receipt_due_at if part.state is HandoffState.DISSEMINATED else clock.acknowledgement_due_at


def let_in(case: FollowedCase, force_ids: Collection[str]) -> None:
    """Routing sends to no force that it keeps a case from, so whoever has a part is kept from it no more."""
    case.kept_from = tuple(each for each in case.kept_from if each not in force_ids)


def stop_clocks_of(case: FollowedCase, force_ids: Iterable[str]) -> None:
    """No clock runs for a force that the case is kept from."""
    for force_id in force_ids:
        if force_id in case.handoffs:
            case.handoffs[force_id].due_at = None


def answered(case: FollowedCase, force_id: str) -> None:
    """The force is silent no more. Where it was the only one, that is not asked any more."""
    question = case.questions.get(AskedBy.ROUTING)
    exhausted = RoutingReviewReason.ESCALATION_EXHAUSTED.value
    if question is None or exhausted not in question.reasons:
        return
    still = [each for each in question.about if each != force_id and _is_silent(case, each)]
    if not still:
        no_longer_asked(case, {exhausted})


def _is_silent(case: FollowedCase, force_id: str) -> bool:
    part = case.handoffs.get(force_id)
    return part is not None and part.waiting


def no_longer_asked(case: FollowedCase, reasons: Collection[str]) -> None:
    """These reasons are settled; a question without a reason ends."""
    question = case.questions.get(AskedBy.ROUTING)
    if question is None:
        return
    question.reasons = tuple(each for each in merged(question.reasons, ()) if each not in reasons)
    if not question.reasons:
        del case.questions[AskedBy.ROUTING]
