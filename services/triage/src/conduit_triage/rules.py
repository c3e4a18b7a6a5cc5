"""The acceptance rules and what an officer's command must fit: pure, and without a way to decline.

What `assess` returns is an acceptance or a review by a person; there is no third. The first three grounds are counted.
The nature of the investigation is always a person's judgement: a claim of it opens a review, and neither adds to nor
takes from the counted grounds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from conduit_chassis.days import day_of
from conduit_contracts.geography import forces
from conduit_contracts.referral import Concern, Ground, Numbers, Referral, Supplement
from conduit_contracts.told import URGENCY_RANK, Told, count_grounds, more_urgent
from conduit_contracts.triage import AssessedGround, DecideReview, ReviewAssessment, ReviewReason
from conduit_triage.cases import Assessment, OpenReview, State
from conduit_triage.policy import TriagePolicy

MOST_ROUNDS = 2
"""A first review, and one second look."""


@dataclass(frozen=True, slots=True)
class Accept:
    """The case qualifies on these counted grounds. Never empty."""

    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class NeedsReview:
    """A named officer must look, for these reasons. Never empty."""

    reasons: tuple[ReviewReason, ...]


Verdict: TypeAlias = Accept | NeedsReview


def assess(policy: TriagePolicy, referral: Referral, supplements: Sequence[Supplement] = ()) -> Verdict:
    """What the rules make of a referral with what was added to it, oldest first."""
    return judge(policy, referral, Told(referral, supplements))


def judge(policy: TriagePolicy, referral: Referral, told: Told) -> Verdict:
    """What the rules make of a referral and of what was told of it in all."""
    grounds = counted_grounds(policy, told)
    if grounds and is_child_sexual_abuse(referral):
        return Accept(grounds)
    return NeedsReview(_reasons(policy, referral, told.numbers, counted=bool(grounds)))


def may_accept(case: Assessment) -> bool:
    """Whether the rules may accept. Once a person has declined, and without an agreement in force, only a person does."""
    return case.declined_by is None and not case.mou_lapsed


def is_child_sexual_abuse(referral: Referral) -> bool:
    """Every concern but `other_harm` is a form of child sexual abuse."""
    return any(concern is not Concern.OTHER_HARM for concern in referral.concerns)


def counted_grounds(policy: TriagePolicy, told: Told) -> tuple[Ground, ...]:
    """The counted grounds that hold."""
    return tuple(each.ground for each in count_grounds(policy, told) if each.is_met)


def assessed(policy: TriagePolicy, told: Told) -> ReviewAssessment:
    """What was counted, for the officer who decides, or who looks at what rules accepted."""
    counted = count_grounds(policy, told)
    return ReviewAssessment(grounds=tuple(AssessedGround(**each._asdict()) for each in counted))


def _reasons(policy: TriagePolicy, referral: Referral, numbers: Numbers, *, counted: bool) -> tuple[ReviewReason, ...]:
    estimated = _estimates_reach(policy, numbers)
    held = (
        (ReviewReason.IMMEDIATE_DANGER, referral.immediate_danger),
        (ReviewReason.NOT_PLAINLY_CSA, not is_child_sexual_abuse(referral)),
        (ReviewReason.NATURE_CLAIMED, any(claim.ground is Ground.NATURE_OF_INVESTIGATION for claim in referral.claims)),
        (ReviewReason.ESTIMATES_ONLY, not counted and estimated),
        (ReviewReason.BELOW_EVERY_THRESHOLD, not counted and not estimated),
    )
    return tuple(reason for reason, holds in held if holds)


def _estimates_reach(policy: TriagePolicy, numbers: Numbers) -> bool:
    victims, suspects = numbers.victims_estimated or 0, numbers.suspects_estimated or 0
    return victims >= policy.victims_at_least or suspects >= policy.suspects_at_least


def new_review(
    policy: TriagePolicy, case: Assessment, reasons: tuple[ReviewReason, ...], since: datetime, now: datetime
) -> OpenReview:
    """A review's place in the queue. It is due from `since`, the partner's own moment, so that our delays do not hide."""
    urgency, danger = case.told.urgency, case.told.danger
    return OpenReview(
        reasons=reasons,
        urgency=urgency,
        immediate_danger=danger,
        opened_at=now,
        due_at=min(since, now) + policy.review_due(urgency, immediate_danger=danger),
    )


def raised(policy: TriagePolicy, review: OpenReview, supplement: Supplement, now: datetime) -> OpenReview:
    """The review's place after what was added: sooner where it is more urgent, and never later."""
    urgency = more_urgent(review.urgency, supplement.urgency)
    danger = review.immediate_danger or bool(supplement.immediate_danger)
    if (urgency, danger) == (review.urgency, review.immediate_danger):
        return review
    said = () if review.immediate_danger == danger else (ReviewReason.IMMEDIATE_DANGER,)
    due_at = min(review.due_at, now + policy.review_due(urgency, immediate_danger=danger))
    reasons = tuple(dict.fromkeys((*said, *review.reasons)))
    return replace(review, reasons=reasons, urgency=urgency, immediate_danger=danger, due_at=due_at)


def second_look(case: Assessment) -> tuple[ReviewReason, ...]:
    """The reasons of a review that the partner asked for after a decline."""
    danger = (ReviewReason.IMMEDIATE_DANGER,) if case.told.danger else ()
    return (*danger, ReviewReason.RECONSIDERATION)


def queue_key(review: OpenReview, referral_id: UUID) -> tuple[bool, int, datetime, datetime, UUID]:
    """The order in which officers see open reviews. The index `reviews_queue` has the same order."""
    return (not review.immediate_danger, URGENCY_RANK[review.urgency], review.due_at, review.opened_at, referral_id)


def reconsideration_open(case: Assessment) -> bool:
    """A partner may ask once for a second officer's look, after a decline."""
    return case.state is State.DECLINED and case.rounds < MOST_ROUNDS


def reconsideration_misfit(case: Assessment) -> str | None:
    """Why a second look cannot open, or None where it can."""
    if reconsideration_open(case):
        return None
    return "second_look_already_taken" if case.state is State.DECLINED else f"not_declined_but_{case.state}"


def command_misfit(policy: TriagePolicy, case: Assessment, command: DecideReview, said_at: datetime) -> str | None:
    """Why an officer's decision cannot take effect, or None where it can. `said_at` is when the broker took it."""
    if case.state is State.WITHDRAWN:
        return "withdrawn"
    if case.review is None:
        return "already_decided" if case.rounds else "no_open_review"
    if case.declined_by == command.officer_id:
        return "same_officer"
    if command.home_force is not None:
        return _home_force_misfit(command.home_force, case.told)
    if command.decline_reason is not None:
        terms = policy.decline_reasons.get(command.decline_reason)
        if terms is None or not terms.in_effect(day_of(said_at)):
            return "reason_not_in_effect"
    return None


def _home_force_misfit(force_id: str, told: Told) -> str | None:
    """Why an officer may not name this force: one without an area leads only where no place lies in another's."""
    force = forces().get(force_id)
    if force is None:
        return "home_force_unknown"
    return None if force.territorial or not told.areas else "cannot_be_home"


def how_many_fit(sizes: Iterable[int], room: int) -> int:
    """How many of the first items fit into `room` bytes together."""
    count = 0
    for size in sizes:
        room -= size
        if room < 0:
            break
        count += 1
    return count
