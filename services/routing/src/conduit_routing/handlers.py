"""Each record that routing consumes, in flow order, and what it sets off. Whatever the record says, it gets an answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from conduit_chassis.clock import Clock
from conduit_chassis.commands import keep
from conduit_chassis.kafka import Delivery, Incoming, Refusal
from conduit_chassis.outbox import Outbox
from conduit_chassis.parts import in_parts
from conduit_contracts import force, intake, routing, triage
from conduit_contracts.problems import sender_problem
from conduit_contracts.topics import FORCE_RESPONSES, ROUTING_REVIEWS
from conduit_routing import answers, attachments, commands, decisions, metrics, promise, responses, store
from conduit_routing.case import CaseState
from conduit_routing.conclude import conclude
from conduit_routing.follow import follow
from conduit_routing.policy import RoutingPolicy
from conduit_routing.turn import Turn
from conduit_routing.work import Work

Handler = Callable[[Work, Delivery[Any], Outbox], None]

_COMMAND_UNKNOWN = sender_problem(
    "referral_unknown",
    "referral_id",
    "Routing has no case with this referral_id. Check the id. If it is right, ask an operator whether the case is waiting "
    "in the dead letters. Send the command again once the case has arrived.",
)
_REFERRAL_UNKNOWN = sender_problem("referral_unknown", "referral_id", "Routing has no case with this referral_id.")


def danger_raised(work: Work, delivery: Delivery[triage.ImmediateDangerRaised], outbox: Outbox) -> None:
    """Said again, it has its effect already."""
    message = delivery.message
    if message.referral_id not in work.cases:
        turn = _open(work, delivery, outbox, "rules")
        turn.acted_at = promise.acted_at(message)
        decisions.raise_danger(turn, message, delivery.record.value or b"")
        conclude(turn)


def accepted(work: Work, delivery: Delivery[triage.ReferralAccepted], outbox: Outbox) -> None:
    """A case that is accepted or withdrawn already stays as it is."""
    message = delivery.message
    by = message.decided_by
    actor = f"officer:{by.officer_id}" if isinstance(by, triage.ByOfficer) else "rules"
    case = work.cases.get(message.referral_id)
    if case is None:
        turn = _open(work, delivery, outbox, actor)
    elif case.provisional and case.state is not CaseState.WITHDRAWN:
        turn = work.turn(case, outbox, actor, delivery)
    else:
        return
    turn.acted_at = promise.acted_at(message)
    decisions.accept(turn, message, delivery.record.value or b"")
    conclude(turn)


def declined(work: Work, delivery: Delivery[triage.ReferralDeclined], outbox: Outbox) -> None:
    """Only of concern where forces have the case because of immediate danger."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is not None and case.provisional and case.state is CaseState.OPEN:
        turn = work.turn(case, outbox, f"officer:{message.officer_id}", delivery)
        decisions.decline(turn, message)
        conclude(turn)


def informed(work: Work, delivery: Delivery[triage.InformationForwarded], outbox: Outbox) -> None:
    """Triage forwards what belongs to a case here; without one it would be lost, so a person must look."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is None:
        outbox.dead_letter(delivery, _REFERRAL_UNKNOWN)
        return
    turn = work.turn(case, outbox, f"partner:{message.partner_id}", delivery)
    decisions.inform(turn, message, delivery.record.value or b"")
    conclude(turn)


def withdrawn(work: Work, delivery: Delivery[triage.WithdrawalForwarded], outbox: Outbox) -> None:
    """Without a case no force has anything to be told of."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is not None and case.state is not CaseState.WITHDRAWN:
        turn = work.turn(case, outbox, f"partner:{message.partner_id}", delivery)
        decisions.withdraw(turn, message)
        conclude(turn)


def attachment_cleared(work: Work, delivery: Delivery[intake.AttachmentCleared], outbox: Outbox) -> None:
    """Without a case it waits for one. Said again, it has its effect already."""
    message = delivery.message
    if message.attachment_id in work.attachments.get(message.referral_id, {}):
        return
    work.hold(attachments.cleared(message))
    case = work.cases.get(message.referral_id)
    if case is not None:
        conclude(work.turn(case, outbox, f"partner:{message.partner_id}", delivery))


def receipt_confirmed(work: Work, delivery: Delivery[force.ReceiptConfirmed], outbox: Outbox) -> None:
    """A connector has the case."""
    _answer(work, delivery, outbox, responses.receive)


def case_acknowledged(work: Work, delivery: Delivery[force.CaseAcknowledged], outbox: Outbox) -> None:
    """A person has the case."""
    _answer(work, delivery, outbox, responses.acknowledge)


def case_declined(work: Work, delivery: Delivery[force.CaseDeclined], outbox: Outbox) -> None:
    """A force says "not ours"."""
    _answer(work, delivery, outbox, responses.decline)


def home_force_named(work: Work, delivery: Delivery[routing.NameHomeForce], outbox: Outbox) -> None:
    """A named officer says who leads."""
    _command(work, delivery, outbox, commands.name_home_force)


def handoff_rerouted(work: Work, delivery: Delivery[routing.RerouteHandoff], outbox: Outbox) -> None:
    """A named officer sends a part to another force."""
    _command(work, delivery, outbox, commands.reroute)


def handoff_stood_down(work: Work, delivery: Delivery[routing.StandDownHandoff], outbox: Outbox) -> None:
    """A named officer ends a force's part."""
    _command(work, delivery, outbox, commands.stand_down)


def sent_to_standards(work: Work, delivery: Delivery[routing.SendToProfessionalStandards], outbox: Outbox) -> None:
    """A named officer takes a restricted case to a force's professional standards department."""
    _command(work, delivery, outbox, commands.send_to_standards)


def ignore(_work: Work, _delivery: Delivery[Any], _outbox: Outbox) -> None:
    """Of no concern to routing."""


HANDLERS: Mapping[str, Handler] = {
    intake.AttachmentCleared.type: attachment_cleared,
    triage.ReviewOpened.type: ignore,
    triage.InformationRequested.type: ignore,
    triage.ImmediateDangerRaised.type: danger_raised,
    triage.ReferralAccepted.type: accepted,
    triage.ReferralDeclined.type: declined,
    triage.ReconsiderationRefused.type: ignore,
    triage.InformationForwarded.type: informed,
    triage.WithdrawalForwarded.type: withdrawn,
    triage.CommandIgnored.type: ignore,
    triage.CommandRefused.type: ignore,
    triage.CommandOutdated.type: ignore,
    routing.NameHomeForce.type: home_force_named,
    routing.RerouteHandoff.type: handoff_rerouted,
    routing.StandDownHandoff.type: handoff_stood_down,
    routing.SendToProfessionalStandards.type: sent_to_standards,
    force.ReceiptConfirmed.type: receipt_confirmed,
    force.CaseAcknowledged.type: case_acknowledged,
    force.CaseDeclined.type: case_declined,
}

_NEED_CONTENT = frozenset(
    {
        triage.ReferralAccepted.type,
        triage.InformationForwarded.type,
        routing.NameHomeForce.type,
        routing.RerouteHandoff.type,
        routing.StandDownHandoff.type,
        routing.SendToProfessionalStandards.type,
        force.CaseDeclined.type,
    }
)
"""The records whose effect may send a case that is stored already."""


def wanted(batch: Sequence[Incoming]) -> dict[UUID, bool]:
    """The cases that a batch is about, and whether what was told of them is needed."""
    ids: dict[UUID, bool] = {}
    for incoming in batch:
        if isinstance(incoming, Delivery) and HANDLERS[incoming.attributes.type] is not ignore:
            referral_id = incoming.message.referral_id
            ids[referral_id] = ids.get(referral_id, False) or incoming.attributes.type in _NEED_CONTENT
    return ids


class BatchHandler:
    """Handles a batch under one policy and one clock, which are known when the service starts."""

    def __init__(self) -> None:
        self._rules: tuple[RoutingPolicy, Clock] | None = None

    def start(self, policy: RoutingPolicy, clock: Clock) -> None:
        """From now on route under this policy."""
        self._rules = policy, clock

    def work(self) -> Work:
        """Work to do now, under the policy in force.

        Raises:
            RuntimeError: the service was not started.
        """
        if self._rules is None:
            raise RuntimeError("the handler was not started")
        policy, clock = self._rules
        return Work(policy, clock.now())

    async def __call__(self, connection: Any, batch: Sequence[Incoming], outbox: Outbox) -> None:
        """Take each record in turn, between one load and one save. What was told of cases is loaded a few at a time."""
        work = self.work()
        ids = wanted(batch)
        work.cases = await store.load(connection, ids)
        await attachments.load(connection, work, ids)
        await store.load_lines(connection, work.cases, dated(batch))
        needed = {each: case for each, case in work.cases.items() if ids[each] or store.may_pass_on(case)}
        weights = await store.weigh(connection, needed) if len(needed) > 1 else {}
        for part in in_parts([(_about_whom(each), each) for each in batch], weights, MOST_TOLD):
            told = {each: needed[each] for each in wanted(part) if each in needed}
            await store.load_content(connection, told)
            for _ in dispatch(work, part, outbox):
                await follow(connection, work, outbox)
            for case in told.values():
                case.content = None
        changed = work.changed()
        await store.save(connection, changed)
        await attachments.save(connection, work.changed_attachments())
        await keep(connection, work.answers, work.now)
        metrics.count(changed, work.now)


MOST_TOLD = 4_000_000
"""Bytes told of stored cases that are in memory at a time, unless one case alone is larger."""


def dated(batch: Sequence[Incoming]) -> set[UUID]:
    """The cases of which a command says which version its officer saw."""
    deliveries = (each for each in batch if isinstance(each, Delivery) and each.topic is ROUTING_REVIEWS)
    return {each.message.referral_id for each in deliveries if each.message.seen_version is not None}


def _about_whom(incoming: Incoming) -> UUID | None:
    return incoming.message.referral_id if isinstance(incoming, Delivery) else None


def dispatch(work: Work, batch: Sequence[Incoming], outbox: Outbox) -> Iterator[None]:
    """Let every record have its effect, in order, with a pause after each."""
    for incoming in batch:
        if isinstance(incoming, Refusal):
            refused(work, incoming, outbox)
        else:
            HANDLERS[incoming.attributes.type](work, incoming, outbox)
        yield


def refused(work: Work, refusal: Refusal, outbox: Outbox) -> None:
    """Tell a force or an officer what was wrong. A record of our own services' goes to the dead letters."""
    if refusal.topic is FORCE_RESPONSES:
        responses.reject(refusal, None, refusal.problems, outbox)
    elif refusal.topic is ROUTING_REVIEWS:
        answers.refuse(work, refusal, refusal.problems, outbox)
    else:
        outbox.dead_letter(refusal, refusal.problems[0])


def _open(work: Work, delivery: Delivery[Any], outbox: Outbox, actor: str) -> Turn:
    message = delivery.message
    case = work.cases[message.referral_id] = decisions.opened(message, work.now, work.policy.version)
    return work.turn(case, outbox, actor, delivery)


def _answer(work: Work, delivery: Delivery[Any], outbox: Outbox, effect: Callable[[Turn, Any], None]) -> None:
    message = delivery.message
    case = work.cases.get(message.referral_id)
    problem = responses.problem_with(case, message, delivery.principal)
    if case is None or problem is not None:
        responses.reject(delivery, message.referral_id, (problem or responses.CASE_NOT_YOURS,), outbox)
        return
    turn = work.turn(case, outbox, f"force:{delivery.principal}", delivery)
    effect(turn, message)
    conclude(turn)


def _command(work: Work, delivery: Delivery[Any], outbox: Outbox, effect: Callable[[Turn, Any], None]) -> None:
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is None:
        answers.refuse(work, delivery, (_COMMAND_UNKNOWN,), outbox)
        return
    turn = work.turn(case, outbox, f"officer:{message.officer_id}", delivery)
    news = commands.news(case, message)
    code = commands.misfit(case, message) or commands.overlooked(message, news)
    if code is not None:
        answers.ignore(work, turn, delivery, code, news if code == commands.CASE_CHANGED else ())
    else:
        effect(turn, message)
        if news:
            answers.tell_of_news(work, delivery, news, outbox)
    conclude(turn)
