"""Where a referral stands for its partner: pure, and the same whichever producer's facts are read first.

Facts of one producer arrive in its order; those of different producers race. So a standing keeps what each producer said
last, and the state follows from these alone: routing's word outranks triage's, and triage's outranks intake's. A late fact
of an earlier stage therefore cannot take the state back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from conduit_contracts import danger
from conduit_contracts.advice import Advice, as_text
from conduit_contracts.notification import ReferralState
from conduit_contracts.routing import CaseRouted, HandoffState, RoutingReviewOpened, RoutingReviewReason
from conduit_notification.duty import Kind

RECONSIDER = " If you think this is wrong, you can ask once for a second officer to look at it."
ASKED_AGAIN = (
    "The case has changed or become more urgent. We have asked the police forces that already had it to read it again and "
    "to acknowledge it as it is now. They keep the case in the meantime."
)
NOTHING_TO_DO = "You do not need to do anything unless an update asks you to."
_BY_TELEPHONE = (
    "A person in the safeguarding team took the case on in a call with the hub. The force's computer system has not "
    "acknowledged it yet."
)
TAKEN_BY_TELEPHONE = f"{_BY_TELEPHONE} {NOTHING_TO_DO}"
NO_FORCE_YET = (
    "No police force has this case yet, because what was sent does not settle which force can have it. A named officer at "
    "the hub will decide, and we will tell you when a force has the case. If you know where it happened, or where a child "
    "is, add that to the referral with the district code. Call 999 if a child is in danger."
)
WAITS_IN_DANGER = (
    f"{danger.CALL_999} What you sent has not taken effect. It is waiting for the referral it belongs to, or for something "
    "you sent before it. Until then, no police force will hear about it from the hub. Send the referral if you have not "
    "sent it yet. We will tell you what happens to what you sent."
)
ANSWER = "Please answer the officer's question: add the information to this referral. The review stays open in the meantime."
_MOST_FIELDS = 5
_LONGEST_TEXT = 4_000


class Triage(StrEnum):
    """What triage said last."""

    UNDER_REVIEW = "under_review"
    INFORMATION_REQUESTED = "information_requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Routing(StrEnum):
    """What routing said last."""

    PROVISIONAL = "provisional"
    """A force has the case because of immediate danger, while triage goes on."""
    WITH_FORCES = "with_forces"
    HANDED_OVER = "handed_over"


@dataclass(frozen=True, slots=True)
class Standing:
    """What each producer said last of one referral."""

    triage: Triage | None = None
    asked_at: datetime | None = None
    """When triage asked, by the broker's clock, where that is the last it said."""
    supplied_at: datetime | None = None
    """When intake last passed on information from the partner, by the broker's clock."""
    routing: Routing | None = None
    withdrawn: bool = False
    immediate_danger: bool = False
    without_force: bool = False
    """No force may have it yet, until an officer finds one."""
    home_force: str | None = None
    handoffs: Mapping[str, HandoffState] = field(default_factory=dict)
    by_telephone: frozenset[str] = frozenset()
    """Forces that acknowledged by telephone, and have not done so by their connector since."""


NOTHING = Standing()

_OF_ROUTING: dict[Routing | None, ReferralState] = {
    Routing.WITH_FORCES: ReferralState.WITH_FORCES,
    Routing.HANDED_OVER: ReferralState.HANDED_OVER,
}
_OF_TRIAGE = {
    None: ReferralState.RECEIVED,
    Triage.UNDER_REVIEW: ReferralState.UNDER_REVIEW,
    Triage.INFORMATION_REQUESTED: ReferralState.INFORMATION_REQUESTED,
    Triage.ACCEPTED: ReferralState.ACCEPTED,
    Triage.DECLINED: ReferralState.DECLINED,
}


def state_of(standing: Standing) -> ReferralState:
    """The state for the partner."""
    if standing.withdrawn:
        return ReferralState.WITHDRAWN
    if standing.routing in _OF_ROUTING:
        return _OF_ROUTING[standing.routing]
    if standing.triage is Triage.ACCEPTED and standing.routing is Routing.PROVISIONAL:
        return ReferralState.WITH_FORCES
    if _is_answered(standing):
        return ReferralState.UNDER_REVIEW
    return _OF_TRIAGE[standing.triage]


def _is_answered(standing: Standing) -> bool:
    # The two facts come from two producers: the broker's times say which was first, whatever is read first.
    asked, supplied = standing.asked_at, standing.supplied_at
    return asked is not None and supplied is not None and supplied > asked


def received(standing: Standing, *, immediate_danger: bool) -> Standing:
    """Intake holds the referral."""
    return in_danger(standing) if immediate_danger else standing


def in_danger(standing: Standing) -> Standing:
    """A child is in danger now. Nothing takes that back."""
    return replace(standing, immediate_danger=True)


def supplied(standing: Standing, at: datetime) -> Standing:
    """The partner gave information."""
    return replace(standing, supplied_at=max(at, standing.supplied_at or at))


def withdrawn(standing: Standing) -> Standing:
    """The partner took the referral back, whatever else is still on its way."""
    return replace(standing, withdrawn=True)


def review_opened(standing: Standing, *, immediate_danger: bool) -> Standing:
    """An officer must look, for the first time or again."""
    opened = replace(standing, triage=Triage.UNDER_REVIEW, asked_at=None)
    return in_danger(opened) if immediate_danger else opened


def asked(standing: Standing, at: datetime) -> Standing:
    """An officer asked the partner something."""
    return replace(standing, triage=Triage.INFORMATION_REQUESTED, asked_at=at)


def accepted(standing: Standing) -> Standing:
    """Triage accepted."""
    return replace(standing, triage=Triage.ACCEPTED, asked_at=None)


def declined(standing: Standing) -> Standing:
    """An officer declined. A review opened again takes it back."""
    return replace(standing, triage=Triage.DECLINED, asked_at=None)


def is_under_review(standing: Standing) -> bool:
    """Whether the case waits for an officer's decision."""
    return standing.triage in {Triage.UNDER_REVIEW, Triage.INFORMATION_REQUESTED}


_LEFT = {HandoffState.DECLINED, HandoffState.STOOD_DOWN}
_HELD = {HandoffState.DISSEMINATED, HandoffState.RECEIVED, HandoffState.ACKNOWLEDGED}


def held_by_a_force(standing: Standing) -> bool:
    """Whether any force has the case."""
    return any(state in _HELD for state in standing.handoffs.values())


def duty_of(review: RoutingReviewOpened, standing: Standing) -> Kind | None:
    """Which task a routing review is for the one on duty; None where a force has the case and nobody is in danger."""
    if RoutingReviewReason.ESCALATION_EXHAUSTED in review.reasons:
        return Kind.FORCE_SILENT
    if RoutingReviewReason.NO_FORCE in review.reasons or not held_by_a_force(standing):
        return Kind.NO_FORCE
    return Kind.DANGER_ROUTING if review.immediate_danger else None


def routed(standing: Standing, message: CaseRouted) -> Standing:
    """The case went to forces; those added start again, even if they acknowledged before; the others stay."""
    handoffs = dict(standing.handoffs)
    for force_id in message.forces:
        handoffs.setdefault(force_id, HandoffState.DISSEMINATED)
    handoffs.update(dict.fromkeys(message.added, HandoffState.DISSEMINATED))
    return replace(
        standing,
        routing=Routing.PROVISIONAL if message.provisional else Routing.WITH_FORCES,
        immediate_danger=standing.immediate_danger or message.immediate_danger,
        without_force=False,
        home_force=message.home_force,
        handoffs=handoffs,
        by_telephone=standing.by_telephone - set(message.added),
    )


def home_force_named(standing: Standing, home_force: str) -> Standing:
    """An officer named the home force."""
    return replace(standing, home_force=home_force)


def handoff_moved(standing: Standing, force_id: str, state: HandoffState) -> Standing:
    """One force's part moved. Where a person took it by telephone, the connector's receipt says nothing more."""
    if state is HandoffState.RECEIVED and force_id in standing.by_telephone:
        return standing
    return replace(
        standing, handoffs={**standing.handoffs, force_id: state}, by_telephone=standing.by_telephone - {force_id}
    )


def taken_by_telephone(standing: Standing, force_id: str) -> Standing:
    """A person at the force took its part on by telephone."""
    taken = handoff_moved(standing, force_id, HandoffState.ACKNOWLEDGED)
    return replace(taken, by_telephone=taken.by_telephone | {force_id})


def handed_over(standing: Standing, home_force: str) -> Standing:
    """Every force has acknowledged. A force that joins later opens the case again, by routing's own word."""
    return replace(standing, routing=Routing.HANDED_OVER, home_force=home_force)


def is_with_a_force(standing: Standing) -> bool:
    """Whether some force has a part in the case."""
    return any(state not in _LEFT for state in standing.handoffs.values())


def no_force_yet(standing: Standing) -> Standing:
    """Nothing that was sent leads to a force that may have it."""
    return replace(standing, without_force=True)


def by_telephone_at(standing: Standing) -> str:
    """At how many of the forces it was by telephone alone; empty where at none."""
    number, forces = len(standing.by_telephone), sum(state not in _LEFT for state in standing.handoffs.values())
    return f"{number} of {forces} {'force' if forces == 1 else 'forces'}" if number else ""


def how_it_was_handed_over(standing: Standing) -> str | None:
    """What the partner reads where some force took its part by telephone alone."""
    where = by_telephone_at(standing)
    return f"Handed over, by telephone at {where}. {_BY_TELEPHONE} {NOTHING_TO_DO}" if where else None


def with_what_is_missing(standing: Standing, next_step: str | None) -> str | None:
    """What the partner should do. That no force has it yet is said in every update until one has, whichever is read."""
    over = state_of(standing) in {ReferralState.DECLINED, ReferralState.WITHDRAWN}
    if not standing.without_force or over or NO_FORCE_YET in (next_step or ""):
        return next_step
    longer = f"{next_step} {NO_FORCE_YET}" if next_step else NO_FORCE_YET
    return longer if len(longer) <= _LONGEST_TEXT else next_step


def look_at(first: str | None, warnings: tuple[Advice, ...]) -> str | None:
    """What the partner should do: what comes first, then what to look at in what was sent, as far as a text holds it."""
    texts = [first] if first else []
    for each in warnings:
        texts += [as_text((each,))] if len(" ".join([*texts, as_text((each,))])) <= _LONGEST_TEXT else []
    return " ".join(texts) or None


def fields_to_look_at(warnings: tuple[Advice, ...]) -> str:
    """The same for an e-mail, which holds no more than the fields; a few, since the updates have them all."""
    fields = [each.field for each in warnings]
    more = f" and {len(fields) - _MOST_FIELDS} more" if len(fields) > _MOST_FIELDS else ""
    return ", ".join(fields[:_MOST_FIELDS]) + more


def asked_again(danger_next_step: str | None) -> str:
    """What the partner of a case that forces are to read again is told; where a child is in danger, 999 first."""
    return f"{danger_next_step} {ASKED_AGAIN}" if danger_next_step else f"{ASKED_AGAIN} {NOTHING_TO_DO}"


def decline_next_step(next_step: str, *, reconsideration_open: bool) -> str:
    """What a partner can do after a decline."""
    longer = next_step + RECONSIDER
    return longer if reconsideration_open and len(longer) <= _LONGEST_TEXT else next_step
