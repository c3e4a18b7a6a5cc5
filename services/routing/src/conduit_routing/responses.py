"""What a force's answer does to its hand-off. A force speaks for itself only, and a repeat changes nothing."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from conduit_chassis.records import Delivery, Refusal
from conduit_contracts.concerned.proposal import able_to_lead, may_be_home
from conduit_contracts.force import CaseAcknowledged, CaseDeclined, ReceiptConfirmed
from conduit_contracts.names import names_of
from conduit_contracts.problems import Problem, sender_problem
from conduit_contracts.routing import (
    HandoffAcknowledged,
    HandoffDeclined,
    HandoffReceived,
    HandoffState,
    HomeForceBasis,
    ResponseRejected,
    RoutingReviewReason,
)
from conduit_contracts.topics import FORCE_CASES
from conduit_routing import clocks, rules
from conduit_routing.case import ASKS_FOR_HOME, Case, CaseState, Review
from conduit_routing.handoffs import Handoff
from conduit_routing.turn import Turn
from conduit_routing.work import RoutingWork

Response = ReceiptConfirmed | CaseAcknowledged | CaseDeclined

_IDENTITY_MISMATCH = sender_problem(
    "identity_mismatch", "force_id", "This is not the force whose topic the record came on. Send your own force_id only."
)
CASE_NOT_YOURS = sender_problem(
    "case_not_yours",
    "referral_id",
    "You hold no case with this referral_id. Send the one in the CaseDisseminated that you received.",
)
_PART_CLOSED = sender_problem(
    "part_closed",
    "referral_id",
    "An officer at the hub has ended your part in this case. If you still hold the case, speak to the hub.",
)
_PART_UNKNOWN = sender_problem(
    "part_unknown",
    "part",
    "You were never sent this version of the case, so nothing was noted. Send the part in the newest CaseDisseminated that "
    "you have read.",
)


def problem_with(case: Case | None, response: Response, principal: str) -> Problem | None:
    """Why the response cannot be taken, or None. A case of others and no case at all look the same."""
    if response.force_id != principal:
        return _IDENTITY_MISMATCH
    held = case.handoffs.get(principal) if case else None
    if held is None:
        return CASE_NOT_YOURS
    if held.state is HandoffState.STOOD_DOWN and not isinstance(response, ReceiptConfirmed):
        return _PART_CLOSED
    never_was = not isinstance(response, CaseDeclined) and response.part is not None and response.part > held.part
    return _PART_UNKNOWN if never_was else None


def reject(
    work: RoutingWork, incoming: Delivery[Any] | Refusal, referral_id: UUID | None, problems: tuple[Problem, ...]
) -> None:
    """Tell a force what was wrong with its record; the hand-off stays as it was."""
    record, force_id = incoming.record, incoming.principal
    names = names_of(record.headers, record.key, record.value, incoming.attributes)
    message = ResponseRejected(
        force_id=force_id,
        referral_id=referral_id or names.referral_id,
        response_id=f"{record.topic}/{record.partition}/{record.offset}",
        problems=problems,
        event_id=names.event_id,
    )
    subject = str(referral_id) if referral_id else None
    # Beside the case's other records where the answer names one, held or not, so that it comes after what it answers.
    key = str(message.referral_id or force_id)
    work.outbox.publish(FORCE_CASES.name(force_id), key, message, subject=subject, cause=incoming.attributes)
    work.observer.response_rejected(problems[0].code)


def receive(turn: Turn, response: ReceiptConfirmed) -> None:
    """The connector's receipt. It says nothing new once the force has said more; after a call it is all that is missing."""
    held = turn.case.handoffs[response.force_id]
    if held.owes_receipt and not _is_of_an_earlier_part(held, response):
        turn.set_handoff(clocks.received(held, turn.now), "received")
        if held.lacks_receipt:
            turn.close_reviews("received", answered_by(turn.case, held.force_id))
        turn.tell(HandoffReceived(**turn.about, force_id=held.force_id))


def acknowledge(turn: Turn, response: CaseAcknowledged) -> None:
    """A person has the case. Said after declining, it takes the case back: a force that takes a child is never refused."""
    held = turn.case.handoffs[response.force_id]
    if (held.waiting or held.by_telephone) and _is_of_an_earlier_part(held, response):
        earlier = clocks.acknowledged_earlier(held, response.force_reference, turn.now)
        if earlier != held:
            turn.set_handoff(earlier, "earlier_part_acknowledged")
        return
    contact_mark = mark_of(response.victim_contact) or held.contact_mark
    changed = clocks.acknowledged(held, response.force_reference, turn.now)._replace(contact_mark=contact_mark)
    what = _said_again(held, changed) if held.state is HandoffState.ACKNOWLEDGED else "acknowledged"
    if what is None:
        return
    turn.set_handoff(changed, what, "after_declining" if not held.active else "")
    turn.close_reviews("acknowledged", answered_by(turn.case, held.force_id))
    said: dict[str, Any] = {"force_reference": changed.force_reference, "victim_contact": response.victim_contact}
    turn.tell(HandoffAcknowledged(**turn.about, force_id=held.force_id, **said))


def _said_again(held: Handoff, changed: Handoff) -> str | None:
    """What an acknowledgement of what a person there has already adds to it, as history names it."""
    if held.by_telephone:
        return "acknowledged_after_call"
    if changed.force_reference != held.force_reference:
        return "force_reference_given"
    return "victim_contact_given" if changed.contact_mark != held.contact_mark else None


def mark_of(victim_contact: str | None) -> str | None:
    """Tells what was said of contact with victims from what else may be said."""
    return sha256(victim_contact.encode()).hexdigest() if victim_contact else None


def _is_of_an_earlier_part(held: Handoff, response: ReceiptConfirmed | CaseAcknowledged) -> bool:
    """Whether it was on its way while a new version of the part was. Without a number it is taken to be of the newest."""
    return response.part is not None and response.part < held.part


def answered_by(case: Case, force_id: str) -> list[Review]:
    """The reviews that an acknowledgement settles. Who leads is the officer's to say where nobody does."""
    about = case.open_reviews(force_id)
    return [review for review in about if case.home_force is not None or review.reason not in ASKS_FOR_HOME]


def decline(turn: Turn, response: CaseDeclined) -> None:
    """The force gives the case back: to the force it suggests where that is in order, to a named officer otherwise.

    Until another force has acknowledged, the decliner keeps the interim duty if it had it.
    """
    case, held = turn.case, turn.case.handoffs[response.force_id]
    if not held.active:
        return
    turn.set_handoff(clocks.declined(held, turn.now), "declined", response.reason)
    withdrawn = case.state is CaseState.WITHDRAWN
    suggestion = response.suggested_force
    leaves_nobody = held.force_id == case.home_force or _answers_its_own_question(case, held.force_id)
    usable = not withdrawn and suggestion is not None and rules.is_usable_suggestion(case, held.force_id, suggestion)
    if usable and leaves_nobody:
        usable = may_be_home(str(suggestion), case.told, turn.scene, case.active)
    target = suggestion if usable else None
    turn.tell(HandoffDeclined(**turn.about, force_id=held.force_id, reason=response.reason, rerouted_to=target))
    if withdrawn:
        return
    turn.close_reviews("declined", case.open_reviews(held.force_id))
    if target is not None:
        turn.hand_to(target, *held.areas)
    elif suggestion is not None:
        turn.open_review(RoutingReviewReason.SUGGESTION_NOT_USABLE, held.force_id, able_to_lead(case.active))
    else:
        turn.open_review(RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION, held.force_id, able_to_lead(case.active))
    if leaves_nobody:
        _replace_home(turn, held, target)


def _answers_its_own_question(case: Case, force_id: str) -> bool:
    """Whether nothing is asked of an officer but whom this force would suggest in its place, having once declined.

    Where its suggestion was not usable, or went against an officer's word, who leads stays the officer's to say.
    """
    without = RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION
    asking = [review for review in case.open_reviews(force_id) if review.reason in ASKS_FOR_HOME]
    return case.left_by == force_id and all(review.reason is without for review in asking)


def _replace_home(turn: Turn, decliner: Handoff, target: str | None) -> None:
    """A suggestion makes a home force, but not against the word of the officer who named the one that declined."""
    by_officer = turn.case.named_home == decliner.force_id
    if target is not None and by_officer:
        turn.open_review(RoutingReviewReason.SUGGESTION_NOT_USABLE, decliner.force_id, (target,))
    home = None if by_officer else target
    turn.name_home(home, HomeForceBasis.SUGGESTED_BY_FORCE if home else None)
