"""What triage does with each record. Thin: rules judge, acts change the case and say so.

Where danger was raised, everything added is forwarded at once, and therefore always before an acceptance.
"""

from typing import Any

from conduit_chassis.calls import call_misfit
from conduit_chassis.dispatch import Handlers, ignore, put_aside
from conduit_chassis.records import Delivery, Refusal
from conduit_contracts import intake
from conduit_contracts.envelope import short_name
from conduit_contracts.problems import Origin, Problem, sender_problem
from conduit_contracts.topics import TRIAGE_REVIEWS
from conduit_contracts.triage import DecideReview, NoteCall, ReviewOutcome, ReviewReason
from conduit_triage import acts, rules
from conduit_triage.acts import Act
from conduit_triage.cases import State, by_partner
from conduit_triage.work import TriageWork

_UNKNOWN = Problem(
    code="referral_unknown",
    field="referral_id",
    message="Triage has no referral with this id. Check the id, or first replay the dead letter that holds the referral.",
    origin=Origin.HUB,
    retryable=True,
)
_COMMAND_UNKNOWN = sender_problem(
    "referral_unknown",
    "referral_id",
    "Triage has no referral with this id. Check the id. If it is right, ask an operator whether the referral is waiting in "
    "the dead letters. Send the command again once the referral has arrived.",
)
CASE_CHANGED = "case_changed"


def referral_received(work: TriageWork, delivery: Delivery[intake.ReferralReceived]) -> None:
    """Raise immediate danger before anything else, then accept or put it before a person."""
    if delivery.message.referral_id in work.cases:
        return
    act = Act(work, delivery, work.begin(delivery))
    if act.case.referral.immediate_danger:
        acts.raise_danger(act)
    if not rules.may_accept(act.case):  # it was taken for the danger alone
        acts.open_review(act, (ReviewReason.IMMEDIATE_DANGER,), act.case.received_at)
        return
    verdict = rules.judge(work.policy, act.case.referral, act.case.told)
    if isinstance(verdict, rules.Accept):
        acts.accept(act, verdict.grounds)
    else:
        acts.open_review(act, verdict.reasons, act.case.received_at)


def information_supplied(work: TriageWork, delivery: Delivery[intake.InformationSupplied]) -> None:
    """Keep it whatever the state; forward it to forces that have the case; see whether it makes the case more urgent, and
    whether a counted ground holds now."""
    act = _about(work, delivery)
    if act is None or (act.case.referral_id, delivery.attributes.id) in work.known:
        return
    case, supplement = act.case, delivery.message.supplement
    goes_on = case.held_by_routing and case.state is not State.WITHDRAWN
    work.add(case, delivery)
    case.wait_for_partner(waiting=False)
    act.note(by_partner(case.partner_id), "information_supplied", "forwarded" if goes_on else case.state)
    if goes_on:
        acts.forward_information(act, supplement)
    if case.state is not State.WITHDRAWN:
        acts.raise_priority(act, supplement)
    counts = supplement.persons or supplement.places or supplement.numbers
    if case.review is not None and rules.may_accept(case) and counts:
        verdict = rules.judge(work.policy, case.referral, case.told)
        if isinstance(verdict, rules.Accept):
            acts.accept(act, verdict.grounds)


def referral_withdrawn(work: TriageWork, delivery: Delivery[intake.ReferralWithdrawn]) -> None:
    """Close the review. Forces that have the case are told; what they do then is theirs to decide."""
    act = _about(work, delivery)
    if act is not None and act.case.state is not State.WITHDRAWN:
        acts.withdraw(act, delivery.message)


def reconsideration_requested(work: TriageWork, delivery: Delivery[intake.ReconsiderationRequested]) -> None:
    """Open a second officer's look, once, after a decline."""
    act = _about(work, delivery)
    if act is None:
        return
    partner, said = by_partner(act.case.partner_id), delivery.message.comment
    code = rules.reconsideration_misfit(act.case)
    if code is not None:
        acts.refuse_second_look(act, code, said)
        return
    act.note(partner, "reconsideration_requested", said=said)
    acts.open_review(act, rules.second_look(act.case), delivery.attributes.time)


def decide_review(work: TriageWork, delivery: Delivery[DecideReview]) -> None:
    """A named officer decides or asks. What does not fit the case's state changes nothing and is shown to the hub."""
    case, command = work.cases.get(delivery.message.referral_id), delivery.message
    if case is None:
        acts.refuse_command(work, delivery, (_COMMAND_UNKNOWN,))
        return
    act, news = Act(work, delivery, case), work.news(case, delivery)
    code = rules.command_misfit(work.policy, case, command, min(delivery.record.timestamp, work.now))
    if code is None and news.changes and command.outcome is not ReviewOutcome.ACCEPT:
        code = CASE_CHANGED
    if code is not None:
        acts.ignore_command(act, command, code, news.changes if code == CASE_CHANGED else ())
        return
    acts.OUTCOMES[command.outcome](act, command)
    if news.changes:
        acts.tell_of_news(act, command.outcome, news)


def call_recorded(work: TriageWork, delivery: Delivery[NoteCall]) -> None:
    """A named officer spoke to somebody about the case. It is written down in any state, and moves nothing."""
    case, command = work.cases.get(delivery.message.referral_id), delivery.message
    if case is None:
        acts.refuse_command(work, delivery, (_COMMAND_UNKNOWN,))
        return
    act, news = Act(work, delivery, case), work.news(case, delivery)
    code = call_misfit(command, work.now)
    if code is not None:
        acts.ignore_command(act, command, code)
        return
    acts.note_call(act, command)
    if news.changes:
        acts.tell_of_news(act, short_name(command.type), news)


def refused(work: TriageWork, refusal: Refusal) -> None:
    """Tell an officer what was wrong with a command. A record of our own services' goes to the dead letters."""
    if refusal.topic is TRIAGE_REVIEWS:
        acts.refuse_command(work, refusal, refusal.problems)
    else:
        put_aside(work, refusal)


def _about(work: TriageWork, delivery: Delivery[Any]) -> Act | None:
    """The act on a record's case. A case that triage never got is for a person to look into, not to be dropped."""
    case = work.cases.get(delivery.message.referral_id)
    if case is None:
        work.outbox.dead_letter(delivery, _UNKNOWN)
        return None
    return Act(work, delivery, case)


HANDLERS: Handlers[TriageWork] = {
    intake.ReferralReceived.type: referral_received,
    intake.InformationSupplied.type: information_supplied,
    intake.ReferralWithdrawn.type: referral_withdrawn,
    intake.ReconsiderationRequested.type: reconsideration_requested,
    intake.SubmissionRejected.type: ignore,
    intake.SubmissionRepeated.type: ignore,
    DecideReview.type: decide_review,
    NoteCall.type: call_recorded,
}
