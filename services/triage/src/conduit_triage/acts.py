"""The acts of triage. Each one changes the case, publishes what follows and writes history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from conduit_chassis import commands
from conduit_chassis.commands import CommandAnswer
from conduit_chassis.records import Delivery, Incoming
from conduit_chassis.seen import Unseen
from conduit_contracts import topics
from conduit_contracts.envelope import Event
from conduit_contracts.intake import ReferralWithdrawn
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Ground, Supplement
from conduit_contracts.triage import (
    ByOfficer,
    ByRules,
    CallNoted,
    CommandIgnored,
    CommandOutdated,
    CommandRefused,
    DecideReview,
    DeclineReason,
    ImmediateDangerRaised,
    InformationForwarded,
    InformationRequested,
    NoteCall,
    ReconsiderationRefused,
    ReferralAccepted,
    ReferralDeclined,
    ReviewOpened,
    ReviewOutcome,
    ReviewRaised,
    ReviewReason,
    WithdrawalForwarded,
)
from conduit_triage import rules
from conduit_triage.cases import RULES, Assessment, State, by_officer, by_partner
from conduit_triage.policy import TriagePolicy
from conduit_triage.work import IGNORED, OfficersCommand, TriageWork

DECISIONS = topics.TRIAGE_DECISIONS.name()
MOST_BYTES = 1_500_000
"""How much of a referral with its supplements travels in one acceptance. Topics take 2 MiB; what is over follows it."""


@dataclass(frozen=True, slots=True)
class Act:
    """What every act is about: the batch's work, the record that caused it, and its case."""

    work: TriageWork
    delivery: Delivery[Any]
    case: Assessment

    @property
    def policy(self) -> TriagePolicy:
        """The policy in force."""
        return self.work.policy

    @property
    def command_id(self) -> str:
        """The officer's command, where it is one."""
        return commands.named(self.delivery).command_id

    def publish(self, kind: Callable[..., Event], **content: Any) -> None:
        """Publish an event about the case, keyed by its referral."""
        key = str(self.case.referral_id)
        event = kind(
            referral_id=self.case.referral_id,
            partner_id=self.case.partner_id,
            partner_reference=self.case.partner_reference,
            **content,
        )
        self.work.outbox.publish(DECISIONS, key, event, subject=key, cause=self.delivery.attributes)

    def note(self, actor: str, what: str, *why: str, said: str | None = None) -> None:
        """Write history, and keep what was said."""
        self.work.note(self.case, self.delivery.attributes.id, actor, what, why, said)


def raise_danger(act: Act) -> None:
    """The home force gets the case at once, while triage goes on."""
    case, fitting = act.case, _how_many_fit(act.case)
    case.danger_raised = True
    act.publish(
        ImmediateDangerRaised,
        referral=case.referral,
        supplements=_first_supplements(case, fitting),
        policy_version=act.policy.version,
    )
    act.note(RULES, "danger_raised", ReviewReason.IMMEDIATE_DANGER)
    _forward_rest(act, fitting)


def raise_priority(act: Act, supplement: Supplement) -> None:
    """What the partner added may make the case more urgent, and never less.

    Danger goes to the home force at once where no force has the case, and to the head of the queue. A declined referral
    is put before a person again, for it was not this that was declined.
    """
    case = act.case
    if supplement.immediate_danger and not case.held_by_routing:
        raise_danger(act)
    if case.review is not None:
        review = rules.raised(act.policy, case.review, supplement, act.work.now)
        if review is not case.review:
            case.review = review
            act.publish(
                ReviewRaised,
                reasons=review.reasons,
                urgency=review.urgency,
                immediate_danger=review.immediate_danger,
                due_at=review.due_at,
                policy_version=act.policy.version,
            )
            act.note(RULES, "review_raised", "immediate_danger" if review.immediate_danger else review.urgency)
    elif supplement.immediate_danger and case.state is State.DECLINED:
        open_review(act, (ReviewReason.IMMEDIATE_DANGER,), act.work.now)


def refuse_second_look(act: Act, code: str, said: str) -> None:
    """There is no second look to have: the partner hears why, and the case stays as it is."""
    act.publish(ReconsiderationRefused, code=code)
    act.note(by_partner(act.case.partner_id), "reconsideration_refused", code, said=said)


def open_review(act: Act, reasons: tuple[ReviewReason, ...], since: datetime) -> None:
    """Put the case before a named officer. It is due from `since`."""
    review = rules.new_review(act.policy, act.case, reasons, since, act.work.now)
    act.case.open_review(review, act.policy.version)
    act.publish(
        ReviewOpened,
        reasons=reasons,
        urgency=review.urgency,
        immediate_danger=review.immediate_danger,
        due_at=review.due_at,
        policy_version=act.policy.version,
        assessment=rules.assessed(act.policy, act.case.told),
    )
    act.note(RULES, "review_opened", *reasons)


def accept(act: Act, grounds: tuple[Ground, ...], command: DecideReview | None = None) -> None:
    """Accept by an officer's command, or by the rules where there is none."""
    case = act.case
    actor = by_officer(command.officer_id) if command else RULES
    fitting = _how_many_fit(case)
    case.accept(grounds, actor, act.work.now, act.policy.version, command.home_force if command else None)
    act.publish(
        ReferralAccepted,
        referral=case.referral,
        supplements=_first_supplements(case, fitting),
        grounds=grounds,
        home_force=case.home_force,
        decided_by=ByOfficer(officer_id=command.officer_id) if command else ByRules(),
        policy_version=act.policy.version,
        assessment=None if command else rules.assessed(act.policy, case.told),
        command_id=act.command_id if command else None,
    )
    act.note(actor, "accepted", *grounds, said=command.comment if command else None)
    if not case.danger_raised:
        _forward_rest(act, fitting)


def _how_many_fit(case: Assessment) -> int:
    """How many supplements travel in one record with the referral."""
    fitting = rules.how_many_fit((len(added.body) for added in case.added), MOST_BYTES - len(case.body))
    return min(fitting, case.leading) if case.left_out else fitting


def _first_supplements(case: Assessment, fitting: int) -> tuple[Supplement, ...]:
    return tuple(added.supplement for added in case.added[:fitting])


def _forward_rest(act: Act, fitting: int) -> None:
    """What does not fit follows: at once where it is in memory, after this record where it is read from the store."""
    if act.case.left_out:
        act.work.rest.append((act, fitting))
        return
    for added in act.case.added[fitting:]:
        forward_information(act, added.supplement)


def forward_information(act: Act, supplement: Supplement) -> None:
    """Send added information on to the forces that have the case."""
    act.publish(InformationForwarded, supplement=supplement)


def forward_withdrawal(act: Act, message: ReferralWithdrawn) -> None:
    """Tell the forces that have the case."""
    act.publish(WithdrawalForwarded, reason=message.reason, comment=message.comment)


def withdraw(act: Act, message: ReferralWithdrawn) -> None:
    """End triage of the case at its partner's word."""
    if act.case.held_by_routing:
        forward_withdrawal(act, message)
    act.case.withdraw()
    act.note(by_partner(act.case.partner_id), "withdrawn", message.reason, said=message.comment)


def accept_by_officer(act: Act, command: DecideReview) -> None:
    """The officer's grounds, each once."""
    accept(act, tuple(dict.fromkeys(command.grounds)), command)


def decline(act: Act, command: DecideReview) -> None:
    """A named officer declines, with a reason in effect and what the partner can do instead."""
    # The command's contract requires both, and rules.command_misfit found the reason in the policy.
    reason, comment = cast("DeclineReason", command.decline_reason), cast("str", command.comment)
    act.case.decline(command.officer_id, reason, act.work.now, act.policy.version)
    act.publish(
        ReferralDeclined,
        officer_id=command.officer_id,
        reason=reason,
        comment=comment,
        next_step=act.policy.decline_reasons[reason].next_step,
        reconsideration_open=rules.reconsideration_open(act.case),
        policy_version=act.policy.version,
        command_id=act.command_id,
    )
    act.note(by_officer(command.officer_id), "declined", reason, said=comment)


def request_information(act: Act, command: DecideReview) -> None:
    """Ask the partner. The review keeps its place and is marked as waiting."""
    question = cast("str", command.comment)  # the command's contract requires it
    act.case.wait_for_partner(waiting=True)
    act.publish(InformationRequested, officer_id=command.officer_id, question=question, command_id=act.command_id)
    act.note(by_officer(command.officer_id), "information_requested", said=question)


def note_call(act: Act, command: NoteCall) -> None:
    """A line in the history, with what was said. It decides nothing, and the partner is told nothing."""
    act.publish(
        CallNoted,
        officer_id=command.officer_id,
        force_id=command.force_id,
        spoken_at=command.spoken_at,
        spoke_to=command.spoke_to,
        outcome=command.outcome,
        comment=command.comment,
        command_id=act.command_id,
    )
    whom = () if command.force_id is None else (command.force_id,)
    act.note(by_officer(command.officer_id), "call_recorded", command.outcome, *whom, said=command.comment)


def ignore_command(act: Act, command: OfficersCommand, code: str, changes: tuple[str, ...] = ()) -> None:
    """Change nothing, and tell the officer why."""
    named = commands.named(act.delivery)
    act.publish(CommandIgnored, officer_id=command.officer_id, code=code, command_id=named.command_id, changes=changes)
    act.note(by_officer(command.officer_id), IGNORED, code)
    act.work.answers.append(CommandAnswer(named, commands.IGNORED, code, changes=changes))


def tell_of_news(act: Act, code: str, news: Unseen) -> None:
    """What the code names stands. Its officer is told what was new in the case that it was done on."""
    commands.tell_of_news(act.work, DECISIONS, act.delivery, code, news, CommandOutdated)


def refuse_command(work: TriageWork, incoming: Incoming, problems: tuple[Problem, ...]) -> None:
    """There is no case to note it on: the officer is told what was wrong."""
    commands.refuse(work, DECISIONS, incoming, problems, CommandRefused)


OUTCOMES: dict[ReviewOutcome, Callable[[Act, DecideReview], None]] = {
    ReviewOutcome.ACCEPT: accept_by_officer,
    ReviewOutcome.DECLINE: decline,
    ReviewOutcome.REQUEST_INFORMATION: request_information,
}
