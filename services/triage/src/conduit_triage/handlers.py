"""What triage does with each record. Thin: rules judge, acts change the case and say so.

Where danger was raised, everything added is forwarded at once, and therefore always before an acceptance.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from conduit_chassis.clock import Clock
from conduit_chassis.kafka import Delivery, Incoming, Refusal
from conduit_chassis.outbox import Outbox
from conduit_chassis.parts import in_parts
from conduit_contracts import intake
from conduit_contracts.problems import Origin, Problem, sender_problem
from conduit_contracts.topics import TRIAGE_REVIEWS
from conduit_contracts.triage import DecideReview, ReviewOutcome, ReviewReason
from conduit_triage import acts, metrics, rules, store
from conduit_triage.acts import Act
from conduit_triage.cases import Case, State, by_partner
from conduit_triage.policy import TriagePolicy
from conduit_triage.work import Work

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


def referral_received(work: Work, delivery: Delivery[intake.ReferralReceived], outbox: Outbox) -> None:
    """Raise immediate danger before anything else, then accept or put it before a person."""
    if delivery.message.referral_id in work.cases:
        return
    act = Act(work, delivery, outbox, work.begin(delivery))
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


def information_supplied(work: Work, delivery: Delivery[intake.InformationSupplied], outbox: Outbox) -> None:
    """Keep it whatever the state; forward it to forces that have the case; see whether it makes the case more urgent, and
    whether a counted ground holds now."""
    act = _about(work, delivery, outbox)
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


def referral_withdrawn(work: Work, delivery: Delivery[intake.ReferralWithdrawn], outbox: Outbox) -> None:
    """Close the review. Forces that have the case are told; what they do then is theirs to decide."""
    act = _about(work, delivery, outbox)
    if act is not None and act.case.state is not State.WITHDRAWN:
        acts.withdraw(act, delivery.message)


def reconsideration_requested(work: Work, delivery: Delivery[intake.ReconsiderationRequested], outbox: Outbox) -> None:
    """Open a second officer's look, once, after a decline."""
    act = _about(work, delivery, outbox)
    if act is None:
        return
    partner, said = by_partner(act.case.partner_id), delivery.message.comment
    code = rules.reconsideration_misfit(act.case)
    if code is not None:
        acts.refuse_second_look(act, code, said)
        return
    act.note(partner, "reconsideration_requested", said=said)
    acts.open_review(act, rules.second_look(act.case), delivery.attributes.time)


def decide_review(work: Work, delivery: Delivery[DecideReview], outbox: Outbox) -> None:
    """A named officer decides or asks. What does not fit the case's state changes nothing and is shown to the hub."""
    case, command = work.cases.get(delivery.message.referral_id), delivery.message
    if case is None:
        acts.refuse_command(work, delivery, (_COMMAND_UNKNOWN,), outbox)
        return
    act, news = Act(work, delivery, outbox, case), work.news(case, command)
    code = rules.command_misfit(work.policy, case, command, min(delivery.record.timestamp, work.now))
    if code is None and news and command.outcome is not ReviewOutcome.ACCEPT:
        code = CASE_CHANGED
    if code is not None:
        acts.ignore_command(act, command, code, news if code == CASE_CHANGED else ())
        return
    acts.OUTCOMES[command.outcome](act, command)
    if news:
        acts.tell_of_news(act, command, news)


def ignore(_work: Work, _delivery: Delivery[Any], _outbox: Outbox) -> None:
    """Nothing here is for triage."""


def refused(work: Work, refusal: Refusal, outbox: Outbox) -> None:
    """Tell an officer what was wrong with a command. A record of our own services' goes to the dead letters."""
    if refusal.topic is TRIAGE_REVIEWS:
        acts.refuse_command(work, refusal, refusal.problems, outbox)
    else:
        outbox.dead_letter(refusal, refusal.problems[0])


HANDLERS: dict[str, Callable[[Work, Delivery[Any], Outbox], None]] = {
    intake.ReferralReceived.type: referral_received,
    intake.InformationSupplied.type: information_supplied,
    intake.ReferralWithdrawn.type: referral_withdrawn,
    intake.ReconsiderationRequested.type: reconsideration_requested,
    intake.SubmissionRejected.type: ignore,
    intake.SubmissionRepeated.type: ignore,
    DecideReview.type: decide_review,
}


class Handler:
    """Handles a batch under one policy and one clock, which are known when the service starts."""

    def __init__(self) -> None:
        self._policy: TriagePolicy | None = None
        self._clock: Clock | None = None

    def start(self, policy: TriagePolicy, clock: Clock) -> "Handler":
        """From now on decide under this policy."""
        self._policy, self._clock = policy, clock
        return self

    async def __call__(self, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        """Take each record in turn, between one load and one save."""
        if self._policy is None or self._clock is None:
            raise RuntimeError("the handler was not started")
        work = await store.load(connection, concerned(batch), self._policy, self._clock.now(), additions(batch))
        await store.load_lines(connection, work, dated(batch))
        needed = in_need(work, batch)
        weights = await store.weigh(connection, needed) if len(needed) > 1 else {}
        for part in in_parts([(_about_whom(each), each) for each in batch], weights, MOST_TOLD):
            told = {key: needed[key] for key in concerned(part) if key in needed}
            await store.load_told(connection, told, acts.MOST_BYTES)
            for _ in dispatch(work, part, outbox):
                await forward_rest(connection, work, outbox)
            for case in told.values():
                case.forget()
        await store.save(connection, work)
        metrics.count(work.history, work.answers)


MOST_TOLD = 4_000_000
"""Bytes told of stored referrals that are read for one part of a batch, unless one referral alone is larger."""
MOST_WAITING = 4 * 1024 * 1024
"""Bytes of events that wait in memory before they are written."""
_NEED_TOLD = frozenset({intake.InformationSupplied.type, intake.ReconsiderationRequested.type, DecideReview.type})


def in_need(work: Work, batch: Sequence[Incoming]) -> dict[UUID, Case]:
    """The stored cases whose words rules may ask for. A decided one that forces have only passes on what is added."""
    deliveries = (each for each in batch if isinstance(each, Delivery) and each.attributes.type in _NEED_TOLD)
    cases = {each.message.referral_id: work.cases.get(each.message.referral_id) for each in deliveries}
    open_to_rules = {State.UNDER_REVIEW, State.DECLINED}
    return {key: case for key, case in cases.items() if case is not None and case.state in open_to_rules}


async def forward_rest(connection: Any, work: Work, outbox: Outbox) -> None:
    """Forward what did not fit beside a referral, read from the store bit by bit."""
    pending, work.rest = work.rest, []
    for act, fitting in pending:
        async for supplement in store.supplements_of(connection, act.case.referral_id, fitting):
            acts.forward_information(act, supplement)
            await _spill(connection, outbox)
        for added in act.case.added[act.case.leading :]:
            acts.forward_information(act, added.supplement)
    await _spill(connection, outbox)


async def _spill(connection: Any, outbox: Outbox) -> None:
    if outbox.waiting_bytes > MOST_WAITING:
        await outbox.flush(connection)


def dated(batch: Sequence[Incoming]) -> set[UUID]:
    """The referrals of which a command says which version its officer saw."""
    commands = (each.message for each in batch if isinstance(each, Delivery) and isinstance(each.message, DecideReview))
    return {command.referral_id for command in commands if command.seen_version is not None}


def additions(batch: Sequence[Incoming]) -> list[str]:
    """The event ids of what the batch adds to referrals."""
    deliveries = (each for each in batch if isinstance(each, Delivery))
    return [each.attributes.id for each in deliveries if each.attributes.type == intake.InformationSupplied.type]


def _about_whom(incoming: Incoming) -> UUID | None:
    return getattr(incoming.message, "referral_id", None) if isinstance(incoming, Delivery) else None


def concerned(batch: Sequence[Incoming]) -> set[UUID]:
    """The referrals that a batch is about."""
    deliveries = (incoming for incoming in batch if isinstance(incoming, Delivery))
    return {each.message.referral_id for each in deliveries if HANDLERS[each.attributes.type] is not ignore}


def dispatch(work: Work, batch: Sequence[Incoming], outbox: Outbox) -> Iterator[None]:
    """Take each record in turn, with a pause after each."""
    for incoming in batch:
        if isinstance(incoming, Refusal):
            refused(work, incoming, outbox)
        else:
            HANDLERS[incoming.attributes.type](work, incoming, outbox)
        yield


def _about(work: Work, delivery: Delivery[Any], outbox: Outbox) -> Act | None:
    """The act on a record's case. A case that triage never got is for a person to look into, not to be dropped."""
    case = work.cases.get(delivery.message.referral_id)
    if case is None:
        outbox.dead_letter(delivery, _UNKNOWN)
        return None
    return Act(work, delivery, outbox, case)
