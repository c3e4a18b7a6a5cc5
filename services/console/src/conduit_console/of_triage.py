"""What triage says: what waits for an officer, and what was decided."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_console import readers, rules
from conduit_console.cases import AskedBy, FollowedCase, HeldAssessment, OpenQuestion, TriageWord
from conduit_console.work import RULES, ConsoleWork, ask, by_officer, by_partner, settle, triage_says
from conduit_contracts import triage
from conduit_contracts.told import CountedGround
from conduit_contracts.triage import ByOfficer


def review_opened(work: ConsoleWork, delivery: Delivery[triage.ReviewOpened]) -> None:
    message = delivery.message
    case = work.case(message)
    reasons = tuple(reason.value for reason in message.reasons)
    if triage_says(case, delivery):
        case.triage = TriageWord.UNDER_REVIEW
        _hold_assessment(case, delivery)
        about: dict[str, Any] = {"urgency": message.urgency, "danger": message.immediate_danger, "due_at": message.due_at}
        ask(case, OpenQuestion(AskedBy.TRIAGE, reasons, (), opened_at=delivery.attributes.time, **about))
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    if case.withdrawn:
        settle(case, AskedBy.TRIAGE)
    work.note(delivery, RULES, reasons, policy_version=message.policy_version)


def _hold_assessment(case: FollowedCase, delivery: Delivery[Any]) -> None:
    """What triage counted, where it says so. What an officer decided on stays."""
    message = delivery.message
    if message.assessment is not None:
        grounds = tuple(CountedGround(each.ground, each.known, each.at_least) for each in message.assessment.grounds)
        case.assessment = HeldAssessment(grounds, message.policy_version, delivery.attributes.time)


def review_raised(work: ConsoleWork, delivery: Delivery[triage.ReviewRaised]) -> None:
    """The open question is due sooner. Whether it waits for the partner is as before."""
    message = delivery.message
    case = work.case(message)
    reasons = tuple(reason.value for reason in message.reasons)
    question = case.questions.get(AskedBy.TRIAGE)
    if triage_says(case, delivery) and question is not None:
        question.reasons, question.due_at = reasons, message.due_at
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    work.note(delivery, RULES, reasons, policy_version=message.policy_version)


def information_requested(work: ConsoleWork, delivery: Delivery[readers.AskedByOfficer]) -> None:
    """The question stays open and waits for the partner, unless the answer was read first."""
    case = work.case(delivery.message)
    if triage_says(case, delivery):
        case.triage, case.asked_at = TriageWord.INFORMATION_REQUESTED, delivery.record.timestamp
    rules.see_who_waits(case)
    work.note(delivery, by_officer(delivery.message.officer_id))


def immediate_danger_raised(work: ConsoleWork, delivery: Delivery[readers.DangerPassedOn]) -> None:
    case = work.case(delivery.message)
    case.for_forces = True
    rules.raise_priority(case, None, danger=True)
    work.note(delivery, RULES, ("immediate_danger",), policy_version=delivery.message.policy_version)


def referral_accepted(work: ConsoleWork, delivery: Delivery[readers.AcceptedOnGrounds]) -> None:
    message = delivery.message
    case = work.case(message)
    case.for_forces = True
    if triage_says(case, delivery):
        case.triage = TriageWord.ACCEPTED
        _hold_assessment(case, delivery)
        settle(case, AskedBy.TRIAGE)
    decided_by = message.decided_by
    actor = by_officer(decided_by.officer_id) if isinstance(decided_by, ByOfficer) else RULES
    named = (message.home_force,) if message.home_force else ()
    work.note(delivery, actor, tuple(ground.value for ground in message.grounds), named, message.policy_version)


def referral_declined(work: ConsoleWork, delivery: Delivery[readers.DeclinedByOfficer]) -> None:
    message = delivery.message
    case = work.case(message)
    if triage_says(case, delivery):
        case.triage = TriageWord.DECLINED
        settle(case, AskedBy.TRIAGE)
    work.note(delivery, by_officer(message.officer_id), (message.reason.value,), policy_version=message.policy_version)


def reconsideration_refused(work: ConsoleWork, delivery: Delivery[triage.ReconsiderationRefused]) -> None:
    work.case(delivery.message)
    work.note(delivery, RULES, (delivery.message.code,))


def information_forwarded(work: ConsoleWork, delivery: Delivery[readers.AboutCase]) -> None:
    """It goes on to the forces."""
    work.case(delivery.message)
    work.note(delivery, RULES)


def withdrawal_forwarded(work: ConsoleWork, delivery: Delivery[readers.WithdrawnWithReason]) -> None:
    message = delivery.message
    case = work.case(message)
    if triage_says(case, delivery):
        settle(case, AskedBy.TRIAGE)
    work.note(delivery, by_partner(message.partner_id), (message.reason.value,))


def call_recorded(work: ConsoleWork, delivery: Delivery[readers.CallOfOfficer]) -> None:
    """A line, which moves nothing. The same of triage and of routing."""
    message = delivery.message
    work.case(message)
    force_ids = (message.force_id,) if message.force_id else ()
    work.note(delivery, by_officer(message.officer_id), (message.outcome.value,), force_ids)


def command_ignored(work: ConsoleWork, delivery: Delivery[Any]) -> None:
    """An officer's command changed nothing. The same of triage and of routing."""
    message = delivery.message
    work.case(message)
    work.note(delivery, by_officer(message.officer_id), (message.code, *message.changes))


def command_answered(work: ConsoleWork, delivery: Delivery[Any]) -> None:
    """An officer's command could not be read, or took effect over something new. The same of triage and of routing."""
    message = delivery.message
    if message.referral_id not in work.cases:
        return
    actor = by_officer(message.officer_id) if message.officer_id else RULES
    changes = getattr(message, "changes", None)
    codes = (problem.code for problem in message.problems) if changes is None else (message.code, *changes)
    work.note(delivery, actor, tuple(dict.fromkeys(codes)))
