"""What routing says: who has which part, who has answered, and what an officer must say."""

from typing import Any

from conduit_chassis.records import Delivery
from conduit_console import readers, rules
from conduit_console.cases import SOME_FORCE, AskedBy, FollowedHandoff, OpenQuestion, RoutingWord, merged
from conduit_console.work import CLOCK, RULES, ConsoleWork, ask, by_force, by_officer, part_of, routing_says, settle
from conduit_contracts import routing
from conduit_contracts.routing import HandoffState


def case_routed(work: ConsoleWork, delivery: Delivery[routing.CaseRouted]) -> None:
    message = delivery.message
    case = work.case(message)
    case.for_forces = True
    if routing_says(case, delivery):
        case.home_force, case.interim_owner = message.home_force, message.interim_safeguarding_owner
        if message.added or message.again or case.routing is not RoutingWord.HANDED_OVER:
            case.routing = RoutingWord.PROVISIONAL if message.provisional else RoutingWord.WITH_FORCES
        for force_id in message.added:
            rules.begin(case, force_id, delivery.attributes.time)
        for clock in message.clocks:
            rules.run_clock(case, clock)
        rules.let_in(case, message.added)
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    why = ("asked_again",) if message.again else ()
    work.note(delivery, RULES, why, merged(message.added, message.again), message.policy_version)


def routing_review_opened(work: ConsoleWork, delivery: Delivery[routing.RoutingReviewOpened]) -> None:
    """What is asked comes on top of what is asked already."""
    message = delivery.message
    case, at = work.case(message), delivery.attributes.time
    reasons, about = tuple(reason.value for reason in message.reasons), merged(message.candidates, message.silent)
    if routing_says(case, delivery) and not case.withdrawn:
        asked = case.questions.get(AskedBy.ROUTING)
        case.for_forces = True
        ask(
            case,
            OpenQuestion(
                AskedBy.ROUTING,
                merged(asked.reasons, reasons) if asked else reasons,
                merged(asked.about, about) if asked else about,
                message.urgency,
                message.immediate_danger,
                opened_at=asked.opened_at if asked else at,
                due_at=asked.due_at if asked else at,
            ),
        )
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    work.note(delivery, RULES, reasons, about)


def routing_review_closed(work: ConsoleWork, delivery: Delivery[routing.RoutingReviewClosed]) -> None:
    """What is left of the question is as routing says."""
    message = delivery.message
    case = work.case(message)
    reasons = tuple(reason.value for reason in message.open_reasons)
    if routing_says(case, delivery):
        question = case.questions.get(AskedBy.ROUTING)
        if not reasons:
            settle(case, AskedBy.ROUTING)
        elif question is not None:
            question.reasons = reasons
    work.note(delivery, RULES, reasons, message.silent)


def home_force_named(work: ConsoleWork, delivery: Delivery[readers.HomeNamedByOfficer]) -> None:
    message = delivery.message
    case = work.case(message)
    if routing_says(case, delivery):
        case.home_force = message.home_force
        rules.let_in(case, (message.home_force,))
        rules.no_longer_asked(case, rules.WHO_LEADS)
    work.note(delivery, by_officer(message.officer_id), force_ids=(message.home_force,))


def interim_owner_named(work: ConsoleWork, delivery: Delivery[readers.PartEndedByOfficer]) -> None:
    """Who has the duty now, routing says when it passes on."""
    work.case(delivery.message)
    work.note(delivery, by_officer(delivery.message.officer_id), force_ids=(delivery.message.force_id,))


def handoff_received(work: ConsoleWork, delivery: Delivery[routing.HandoffReceived]) -> None:
    """A machine has it. The clock of the person's answer runs on, unless a person took it on in a call before."""
    part, at = _part(work, delivery), delivery.attributes.time
    if part is not None and part.lacks_receipt:
        part.received_at, part.due_at, part.chases, part.level, part.reminded_at = at, None, 0, 0, None
    elif part is not None and part.state is HandoffState.DISSEMINATED:
        part.state, part.received_at = HandoffState.RECEIVED, at
        part.due_at, part.chases, part.level, part.reminded_at = part.acknowledgement_due_at, 0, 0, None
    work.note(delivery, by_force(delivery.message.force_id), force_ids=(delivery.message.force_id,))


def handoff_acknowledged(work: ConsoleWork, delivery: Delivery[readers.PartAcknowledged]) -> None:
    message, part, at = delivery.message, _part(work, delivery), delivery.attributes.time
    if part is not None:
        part.first_acknowledged_at = (part.first_acknowledged_at if part.active else None) or at
        part.acknowledged_at = part.acknowledged_at or at
        part.state, part.received_at, part.ended_at, part.due_at = (
            HandoffState.ACKNOWLEDGED,
            part.received_at or at,
            None,
            None,
        )
        part.by_telephone = False
        part.force_reference = message.force_reference or part.force_reference
        rules.answered(work.cases[message.referral_id], message.force_id)
    work.note(delivery, by_force(message.force_id), force_ids=(message.force_id,))


def handoff_acknowledged_by_telephone(work: ConsoleWork, delivery: Delivery[readers.TakenByTelephone]) -> None:
    """A person has it. Whether the connector has it is as it was, and its deadline stands until it says so."""
    message, part, at = delivery.message, _part(work, delivery), delivery.attributes.time
    if part is not None:
        part.first_acknowledged_at = (part.first_acknowledged_at if part.active else None) or at
        part.acknowledged_at = max(message.spoken_at, part.disseminated_at or message.spoken_at)
        part.state, part.ended_at, part.by_telephone = HandoffState.ACKNOWLEDGED, None, True
        part.due_at = part.receipt_due_at if part.lacks_receipt else None
        part.force_reference = message.force_reference or part.force_reference
        rules.answered(work.cases[message.referral_id], message.force_id)
    work.note(delivery, by_officer(message.officer_id), force_ids=(message.force_id,))


def handoff_declined(work: ConsoleWork, delivery: Delivery[routing.HandoffDeclined]) -> None:
    message, part = delivery.message, _part(work, delivery)
    if part is not None:
        _end(part, HandoffState.DECLINED, delivery)
        rules.answered(work.cases[message.referral_id], message.force_id)
    to = (message.rerouted_to,) if message.rerouted_to else ()
    work.note(delivery, by_force(message.force_id), (message.reason.value,), (message.force_id, *to))


def handoff_stood_down(work: ConsoleWork, delivery: Delivery[readers.PartEndedByOfficer]) -> None:
    message, part = delivery.message, _part(work, delivery)
    if part is not None:
        _end(part, HandoffState.STOOD_DOWN, delivery)
        rules.answered(work.cases[message.referral_id], message.force_id)
    work.note(delivery, by_officer(message.officer_id), force_ids=(message.force_id,))


def handoff_overdue(work: ConsoleWork, delivery: Delivery[readers.ForceChased]) -> None:
    part = _late(work, delivery)
    if part is not None:
        part.chases = delivery.message.chase


def handoff_escalated(work: ConsoleWork, delivery: Delivery[readers.ForceEscalated]) -> None:
    part = _late(work, delivery)
    if part is not None:
        part.level = delivery.message.level


def _late(work: ConsoleWork, delivery: Delivery[Any]) -> FollowedHandoff | None:
    """Note that a force was asked again, by the clock or an officer; its part where it is waited for, to be changed."""
    message, part = delivery.message, _part(work, delivery)
    actor = by_officer(message.officer_id) if message.officer_id else CLOCK
    work.note(delivery, actor, (message.leg.value,), (message.force_id,), message.policy_version)
    if part is None or not (part.waiting or part.lacks_receipt):
        return None
    part.due_at, part.reminded_at = message.due_at, delivery.attributes.time
    return part


def case_handed_over(work: ConsoleWork, delivery: Delivery[routing.CaseHandedOver]) -> None:
    message = delivery.message
    case = work.case(message)
    if routing_says(case, delivery):
        case.routing, case.home_force = RoutingWord.HANDED_OVER, message.home_force
        settle(case, AskedBy.ROUTING)
    work.note(delivery, RULES, force_ids=(message.home_force,))


def case_withdrawn(work: ConsoleWork, delivery: Delivery[routing.CaseWithdrawn]) -> None:
    """The forces that hold it were told, and nobody is waited for any more."""
    message = delivery.message
    case = work.case(message)
    case.withdrawn = True
    if routing_says(case, delivery):
        case.stop_clocks()
        settle(case, AskedBy.ROUTING)
    work.note(delivery, RULES, (message.reason.value,), message.told)


def triage_decline_forwarded(work: ConsoleWork, delivery: Delivery[routing.TriageDeclineForwarded]) -> None:
    work.case(delivery.message)
    work.note(delivery, RULES, force_ids=delivery.message.told)


def case_restricted(work: ConsoleWork, delivery: Delivery[routing.CaseRestricted]) -> None:
    """A suspect belongs to a police force: the case is open to named officers."""
    message = delivery.message
    case = work.case(message)
    case.for_forces = True
    if routing_says(case, delivery):
        case.kept_from = merged(case.kept_from, message.kept_from or (SOME_FORCE,))
        rules.stop_clocks_of(case, message.kept_from)
    rules.raise_priority(case, message.urgency, danger=message.immediate_danger)
    work.note(delivery, RULES, force_ids=message.kept_from)


def professional_standards_informed(work: ConsoleWork, delivery: Delivery[readers.PartEndedByOfficer]) -> None:
    message = delivery.message
    case = work.case(message)
    if routing_says(case, delivery):
        known = tuple(each for each in case.kept_from if each != SOME_FORCE)
        case.kept_from = merged(known, (message.force_id,))
    work.note(delivery, by_officer(message.officer_id), force_ids=(message.force_id,))


def _part(work: ConsoleWork, delivery: Delivery[Any]) -> FollowedHandoff | None:
    """The force's part, to be changed; None where routing has said something newer of the case."""
    message = delivery.message
    case = work.case(message)
    if not routing_says(case, delivery):
        return None
    return part_of(case, message.force_id, FollowedHandoff(message.force_id, HandoffState.DISSEMINATED))


def _end(part: FollowedHandoff, state: HandoffState, delivery: Delivery[Any]) -> None:
    part.state, part.ended_at, part.due_at, part.by_telephone = state, delivery.attributes.time, None, False
