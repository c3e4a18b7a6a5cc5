"""Each record that routing consumes, in flow order, and what it sets off. Whatever the record says, it gets an answer."""

from collections.abc import Callable
from typing import Any

from conduit_chassis.commands import named
from conduit_chassis.dispatch import Handlers, ignore, put_aside
from conduit_chassis.records import Delivery, Refusal
from conduit_contracts import force, intake, routing, triage
from conduit_contracts.problems import sender_problem
from conduit_contracts.topics import FORCE_RESPONSES, ROUTING_REVIEWS
from conduit_routing import answers, asking, attachments, calls, commands, decisions, responses, service_levels
from conduit_routing.case import CaseState
from conduit_routing.conclude import conclude
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

_COMMAND_UNKNOWN = sender_problem(
    "referral_unknown",
    "referral_id",
    "Routing has no case with this referral_id. Check the id. If it is right, ask an operator whether the case is waiting "
    "in the dead letters. Send the command again once the case has arrived.",
)
_REFERRAL_UNKNOWN = sender_problem("referral_unknown", "referral_id", "Routing has no case with this referral_id.")


def danger_raised(work: RoutingWork, delivery: Delivery[triage.ImmediateDangerRaised]) -> None:
    """Open a case for danger. If there already is one, this is a repeat and changes nothing."""
    message = delivery.message
    if message.referral_id not in work.cases:
        turn = _open(work, delivery, "rules")
        turn.acted_at = service_levels.acted_at(message)
        decisions.raise_danger(turn, message, delivery.record.value or b"")
        conclude(turn)


def accepted(work: RoutingWork, delivery: Delivery[triage.ReferralAccepted]) -> None:
    """A case that is accepted or withdrawn already stays as it is."""
    message = delivery.message
    by = message.decided_by
    actor = f"officer:{by.officer_id}" if isinstance(by, triage.ByOfficer) else "rules"
    case = work.cases.get(message.referral_id)
    if case is None:
        turn = _open(work, delivery, actor)
    elif case.provisional and case.state is not CaseState.WITHDRAWN:
        turn = work.turn(case, actor, delivery)
    else:
        return
    turn.acted_at = service_levels.acted_at(message)
    decisions.accept(turn, message, delivery.record.value or b"")
    conclude(turn)


def declined(work: RoutingWork, delivery: Delivery[triage.ReferralDeclined]) -> None:
    """Only of concern where forces have the case because of immediate danger."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is not None and case.provisional and case.state is CaseState.OPEN:
        turn = work.turn(case, f"officer:{message.officer_id}", delivery)
        decisions.decline(turn, message)
        conclude(turn)


def informed(work: RoutingWork, delivery: Delivery[triage.InformationForwarded]) -> None:
    """Triage forwards what belongs to a case here; without one it would be lost, so a person must look."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is None:
        work.outbox.dead_letter(delivery, _REFERRAL_UNKNOWN)
        return
    turn = work.turn(case, f"partner:{message.partner_id}", delivery)
    decisions.inform(turn, message, delivery.record.value or b"")
    conclude(turn)


def withdrawn(work: RoutingWork, delivery: Delivery[triage.WithdrawalForwarded]) -> None:
    """Without a case no force has anything to be told of."""
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is not None and case.state is not CaseState.WITHDRAWN:
        turn = work.turn(case, f"partner:{message.partner_id}", delivery)
        decisions.withdraw(turn, message)
        conclude(turn)


def attachment_cleared(work: RoutingWork, delivery: Delivery[intake.AttachmentCleared]) -> None:
    """Note an attachment; it is kept until its case exists. A repeat changes nothing."""
    message = delivery.message
    if message.attachment_id in work.attachments.get(message.referral_id, {}):
        return
    work.hold(attachments.cleared(message))
    case = work.cases.get(message.referral_id)
    if case is not None:
        conclude(work.turn(case, f"partner:{message.partner_id}", delivery))


def receipt_confirmed(work: RoutingWork, delivery: Delivery[force.ReceiptConfirmed]) -> None:
    """A connector has the case."""
    _answer(work, delivery, responses.receive)


def case_acknowledged(work: RoutingWork, delivery: Delivery[force.CaseAcknowledged]) -> None:
    """A person has the case."""
    _answer(work, delivery, responses.acknowledge)


def case_declined(work: RoutingWork, delivery: Delivery[force.CaseDeclined]) -> None:
    """A force says "not ours"."""
    _answer(work, delivery, responses.decline)


def home_force_named(work: RoutingWork, delivery: Delivery[routing.NameHomeForce]) -> None:
    """A named officer says who leads."""
    _command(work, delivery, commands.name_home_force)


def handoff_rerouted(work: RoutingWork, delivery: Delivery[routing.RerouteHandoff]) -> None:
    """A named officer sends a part to another force."""
    _command(work, delivery, commands.reroute)


def handoff_stood_down(work: RoutingWork, delivery: Delivery[routing.StandDownHandoff]) -> None:
    """A named officer ends a force's part."""
    _command(work, delivery, commands.stand_down)


def sent_to_standards(work: RoutingWork, delivery: Delivery[routing.SendToProfessionalStandards]) -> None:
    """A named officer takes a restricted case to a force's professional standards department."""
    _command(work, delivery, commands.send_to_standards)


def interim_owner_named(work: RoutingWork, delivery: Delivery[routing.NameInterimOwner]) -> None:
    """A named officer says who looks after the child while nobody leads."""
    _command(work, delivery, commands.name_interim_owner)


def handoff_asked_for(work: RoutingWork, delivery: Delivery[asking.AskNow]) -> None:
    """A named officer has a force chased or escalated now."""
    _command(work, delivery, asking.ask_now)


def acknowledgement_recorded(work: RoutingWork, delivery: Delivery[routing.RecordAcknowledgement]) -> None:
    """A named officer records that a force's team took its part on by telephone."""
    _command(work, delivery, calls.record_acknowledgement)


def call_recorded(work: RoutingWork, delivery: Delivery[routing.RecordCall]) -> None:
    """A named officer records a call."""
    _command(work, delivery, calls.record_call)


def refused(work: RoutingWork, refusal: Refusal) -> None:
    """Tell a force or an officer what was wrong. A record of our own services' goes to the dead letters."""
    if refusal.topic is FORCE_RESPONSES:
        responses.reject(work, refusal, None, refusal.problems)
    elif refusal.topic is ROUTING_REVIEWS:
        answers.refuse(work, refusal, refusal.problems)
    else:
        put_aside(work, refusal)


def _open(work: RoutingWork, delivery: Delivery[Any], actor: str) -> Turn:
    message = delivery.message
    case = work.cases[message.referral_id] = decisions.opened(message, work.now, work.policy.version)
    return work.turn(case, actor, delivery)


def _answer(work: RoutingWork, delivery: Delivery[Any], effect: Callable[[Turn, Any], None]) -> None:
    message = delivery.message
    case = work.cases.get(message.referral_id)
    problem = responses.problem_with(case, message, delivery.principal)
    if case is None or problem is not None:
        responses.reject(work, delivery, message.referral_id, (problem or responses.CASE_NOT_YOURS,))
        return
    turn = work.turn(case, f"force:{delivery.principal}", delivery)
    effect(turn, message)
    conclude(turn)


def _command(work: RoutingWork, delivery: Delivery[Any], effect: Callable[[Turn, Any], None]) -> None:
    message = delivery.message
    case = work.cases.get(message.referral_id)
    if case is None:
        answers.refuse(work, delivery, (_COMMAND_UNKNOWN,))
        return
    turn = work.turn(case, f"officer:{message.officer_id}", delivery)
    news = commands.news(case, message, delivery.record.timestamp)
    code = commands.misfit(turn, message) or commands.overlooked(message, news.changes)
    if code is not None:
        answers.ignore(work, turn, delivery, code, news.changes if code == commands.CASE_CHANGED else ())
    else:
        turn.command_id = named(delivery).command_id
        effect(turn, message)
        if news.changes:
            answers.tell_of_news(work, delivery, news)
    conclude(turn)


HANDLERS: Handlers[RoutingWork] = {
    intake.AttachmentCleared.type: attachment_cleared,
    triage.ReviewOpened.type: ignore,
    triage.ReviewRaised.type: ignore,
    triage.InformationRequested.type: ignore,
    triage.ImmediateDangerRaised.type: danger_raised,
    triage.ReferralAccepted.type: accepted,
    triage.ReferralDeclined.type: declined,
    triage.ReconsiderationRefused.type: ignore,
    triage.InformationForwarded.type: informed,
    triage.WithdrawalForwarded.type: withdrawn,
    triage.CallNoted.type: ignore,
    triage.CommandIgnored.type: ignore,
    triage.CommandRefused.type: ignore,
    triage.CommandOutdated.type: ignore,
    routing.NameHomeForce.type: home_force_named,
    routing.RerouteHandoff.type: handoff_rerouted,
    routing.StandDownHandoff.type: handoff_stood_down,
    routing.SendToProfessionalStandards.type: sent_to_standards,
    routing.NameInterimOwner.type: interim_owner_named,
    routing.ChaseHandoff.type: handoff_asked_for,
    routing.EscalateHandoff.type: handoff_asked_for,
    routing.RecordAcknowledgement.type: acknowledgement_recorded,
    routing.RecordCall.type: call_recorded,
    force.ReceiptConfirmed.type: receipt_confirmed,
    force.CaseAcknowledged.type: case_acknowledged,
    force.CaseDeclined.type: case_declined,
}
