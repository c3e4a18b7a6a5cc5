"""What follows from triage's decisions: a case opens, grows, is declined or withdrawn."""

from collections.abc import Collection, Iterable
from datetime import datetime

from conduit_contracts.concerned.content import Content
from conduit_contracts.concerned.proposal import (
    Proposal,
    forces_of_suspects,
    is_territorial,
    may_be_home,
    named_in_vain,
    place_reasons,
    propose,
)
from conduit_contracts.geography import forces
from conduit_contracts.referral import Supplement, Urgency
from conduit_contracts.routing import (
    CaseWithdrawn,
    DeclineDisseminated,
    HomeForceBasis,
    RoutingReviewReason,
    TriageDeclineForwarded,
    WithdrawalDisseminated,
)
from conduit_contracts.triage import (
    ImmediateDangerRaised,
    InformationForwarded,
    ReferralAccepted,
    ReferralDeclined,
    WithdrawalForwarded,
)
from conduit_routing.case import SOME_FORCE, Case, CaseState, ForceMark, Review
from conduit_routing.turn import Turn

_URGENCIES = tuple(Urgency)
"""Most urgent first."""
_UNSETTLED = frozenset({RoutingReviewReason.TIE, RoutingReviewReason.NO_FORCE})


def opened(message: ImmediateDangerRaised | ReferralAccepted, now: datetime, policy_version: str) -> Case:
    """A case that nobody has yet."""
    return Case(
        referral_id=message.referral_id,
        partner_id=message.partner_id,
        partner_reference=message.partner_reference,
        urgency=_most_urgent(message.referral.urgency, message.supplements),
        immediate_danger=isinstance(message, ImmediateDangerRaised)
        or message.referral.immediate_danger
        or _in_danger(message.supplements),
        provisional=True,
        opened_at=now,
        policy_version=policy_version,
    )


def _most_urgent(urgency: Urgency, supplements: Iterable[Supplement]) -> Urgency:
    said = (supplement.urgency for supplement in supplements if supplement.urgency is not None)
    return min([urgency, *said], key=_URGENCIES.index)


def _in_danger(supplements: Iterable[Supplement]) -> bool:
    return any(supplement.immediate_danger for supplement in supplements)


def raise_danger(turn: Turn, message: ImmediateDangerRaised, body: bytes) -> None:
    """Give the case at once to the home force, or where there is none to the interim owner, and a part to the force where a
    child is said to be now. Others wait for triage."""
    case = turn.case
    case.content, case.new_body = Content(message.referral, message.supplements, size=len(body)), body
    _restrict(turn)
    proposal = propose(case.content, turn.scene)
    turn.name_home(proposal.home, proposal.basis, "danger_raised")
    _join(turn, proposal)
    _ask_officer(turn, proposal, case.content.latest_places)


def accept(turn: Turn, message: ReferralAccepted, body: bytes) -> None:
    """Give every force concerned its part. What went out before for immediate danger is not sent as new again."""
    case = turn.case
    earlier = case.content
    # An officer who was asked about a place while triage went on is not asked again, unless a decline ended the asking.
    looked = earlier is not None and case.state is CaseState.OPEN
    turn.added += [supplement for supplement in message.supplements if earlier is None or not earlier.has(supplement)]
    if turn.added:
        turn.shown.update(turn.before.active)
    case.content, case.new_body = _accepted_content(message, earlier, body), body
    case.provisional, case.state = False, CaseState.OPEN
    _restrict(turn)
    _raise_priority(turn)
    proposal = propose(case.content, turn.scene)
    _settle_home(turn, proposal, message.home_force)
    _join(turn, proposal)
    _ask_officer(turn, proposal, _new_places(turn) if looked else case.content.latest_places)


def _accepted_content(message: ReferralAccepted, earlier: Content | None, body: bytes) -> Content:
    """In the order that loading gives: the record's own, then what was stored beside it."""
    if earlier is not None and not earlier.whole:
        for supplement in message.supplements:
            earlier.add(supplement)
        return earlier
    known = earlier.supplements if earlier else ()
    content = Content(message.referral, message.supplements, size=len(body) + (earlier.size if earlier and known else 0))
    for supplement in known:
        content.add(supplement)
    return content


def _settle_home(turn: Turn, proposal: Proposal, named: str | None) -> None:
    """An officer's word, else what danger settled, else what the rules say."""
    case = turn.case
    if named is not None and _may_be_named(turn, named):
        turn.name_home(named, HomeForceBasis.NAMED_BY_OFFICER, "accepted")
        turn.hand_to(named)
    elif case.home_force is None and _may_lead(case, proposal.home):
        turn.name_home(proposal.home, proposal.basis, "accepted")
    else:
        turn.note("accepted", case.basis or "home_force_unsettled", case.home_force)
    if case.home_force is not None:
        turn.close_reviews("home_force_settled", _unsettled(case))


def _may_be_named(turn: Turn, force_id: str) -> bool:
    """Triage asks the same by what it knows; it does not know where children are, nor who has a part."""
    case = turn.case
    if force_id not in forces() or force_id in case.barred.forces:
        return False
    return may_be_home(force_id, case.told, turn.scene, case.active)


def _restrict(turn: Turn) -> None:
    """See whether a suspect belongs to a police force. No rule sends its own team anything from then on, and it does not
    lead; what it holds already, an officer sees to."""
    case = turn.case
    said = {each or SOME_FORCE for each in forces_of_suspects(case.told, turn.policy.safeguarding)}
    new = said - case.marked(ForceMark.KEPT_FROM)
    for force_id in sorted(new):
        case.mark(force_id, ForceMark.KEPT_FROM)
        turn.note("restricted", "police_suspect", force_id or None)
    turn.restricted |= bool(new)
    if new:
        keep_from_barred(turn)


def keep_from_barred(turn: Turn) -> None:
    """What a force from which the case is kept holds already, an officer sees to: it leads no more, and nobody chases it."""
    case = turn.case
    if case.home_force in case.barred.forces:
        turn.name_home(None, None)
    for force_id in case.barred.forces.intersection(case.active):
        case.put(case.handoffs[force_id]._replace(next_action_at=None))


def _may_lead(case: Case, force_id: str | None) -> bool:
    """The rules make no force home that gave the case back, and none at all once an officer has named one."""
    if force_id is None or case.named_home is not None:
        return False
    return force_id not in case.handoffs or case.handoffs[force_id].active


def _join(turn: Turn, proposal: Proposal) -> None:
    """Add the forces concerned that have had no hand-off yet: while triage goes on, only the one that must act."""
    case = turn.case
    if case.interim_owner is None and case.home_force is None:
        case.interim_owner = proposal.first_owner
        turn.note("interim_owner", "first", proposal.first_owner)
    lead = case.home_force or case.interim_owner
    at_once = dict.fromkeys((*((lead,) if lead else ()), *proposal.at_once))
    for force_id in at_once if case.provisional else proposal.forces:
        if force_id not in case.handoffs:
            turn.hand_to(force_id)


def _ask_officer(turn: Turn, proposal: Proposal, place_ids: Collection[str]) -> None:
    """Open the reviews that the rules ask for. After a decline, an officer is asked already."""
    case, unsettled = turn.case, proposal.unsettled
    outdated = [review for review in _unsettled(case) if review.reason is not unsettled]
    if case.home_force is None and unsettled is not None and (outdated or not case.home_is_asked_for):
        turn.close_reviews("reason_changed", outdated)
        turn.open_review(unsettled, candidates=proposal.candidates)
    for reason in place_reasons(case.told, place_ids):
        turn.open_review(reason, candidates=named_in_vain(case.told, place_ids, turn.scene))
    _ask_for_an_area(turn)


def _ask_for_an_area(turn: Turn) -> None:
    """Where only special forces have a part, no force has an area to safeguard the child in: a person must find
    one, in danger at once. An officer who named one of them to lead has been asked."""
    case, parts = turn.case, turn.case.told_forces
    if parts and not any(map(is_territorial, parts)) and case.named_home not in parts:
        turn.open_review(RoutingReviewReason.UNKNOWN_PLACE, candidates=parts)


def _new_places(turn: Turn) -> list[str]:
    return [place.place_id for supplement in turn.added for place in supplement.places]


def _unsettled(case: Case) -> list[Review]:
    return [review for review in case.open_reviews("") if review.reason in _UNSETTLED]


def inform(turn: Turn, message: InformationForwarded, body: bytes) -> None:
    """Pass on what was added. New places may concern more forces; a home force once settled stays."""
    case = turn.case
    if case.told.has(message.supplement):
        return
    turn.shown |= case.told.add(message.supplement, len(body))
    case.new_supplements.append(body)
    turn.added.append(message.supplement)
    turn.note("information_added", "correction" if message.supplement.corrects else "addition")
    _restrict(turn)
    if case.state is not CaseState.WITHDRAWN:
        _raise_priority(turn)
    if case.state in {CaseState.OPEN, CaseState.HANDED_OVER}:
        route_anew(turn)
    elif case.state is CaseState.DECLINED and message.supplement.immediate_danger:
        _act_after_decline(turn)


def _raise_priority(turn: Turn) -> None:
    """What was added may make the case more urgent, never less: only people slow down. Danger said again counts as new."""
    case = turn.case
    urgency, danger = _most_urgent(case.urgency, turn.added), _in_danger(turn.added)
    raised = urgency is not case.urgency or (danger and not case.immediate_danger)
    if not (raised or danger):
        return
    case.urgency, case.immediate_danger = urgency, case.immediate_danger or danger
    turn.restricted |= danger and case.restricted
    turn.hasten("immediate_danger" if danger else "urgency")
    # Officers are told again of what waits for them, with its new place in the queue.
    turn.opened += case.open_reviews()


def route_anew(turn: Turn) -> None:
    """Apply the rules to what is known now. A home force once settled stays."""
    case = turn.case
    proposal = propose(case.told, turn.scene)
    if _unsettled(case) and _may_lead(case, proposal.home):
        turn.name_home(proposal.home, proposal.basis)
        turn.close_reviews("home_force_settled", _unsettled(case))
    _join(turn, proposal)
    _ask_officer(turn, proposal, _new_places(turn))


def _act_after_decline(turn: Turn) -> None:
    """Danger does not wait for triage's new decision: whoever must act gets the case at once, where nobody has it yet."""
    case = turn.case
    proposal = propose(case.told, turn.scene)
    if case.home_force is None and not case.active and _may_lead(case, proposal.home):
        turn.name_home(proposal.home, proposal.basis, "danger_raised")
    _join(turn, proposal)


def decline(turn: Turn, message: ReferralDeclined) -> None:
    """Tell the forces that have the case because of immediate danger. Their duty and their clocks go on."""
    case, told = turn.case, turn.case.holders
    case.state = CaseState.DECLINED
    turn.note("triage_declined", message.reason)
    turn.close_reviews("triage_declined", case.open_reviews(""))
    for force_id in told:
        sent_id = turn.send(force_id, DeclineDisseminated(force_id=force_id, referral_id=case.referral_id))
        turn.note("decline_disseminated", "", force_id, sent_id)
    if told:
        turn.tell(TriageDeclineForwarded(**turn.about, told=told))


def withdraw(turn: Turn, message: WithdrawalForwarded) -> None:
    """Tell every force that holds the case, and stop the clocks. Records stay."""
    case, told = turn.case, turn.case.holders
    case.state = CaseState.WITHDRAWN
    turn.note("withdrawn", message.reason)
    turn.close_reviews("withdrawn", case.open_reviews())
    for handoff in case.handoffs.values():
        if handoff.next_action_at is not None:
            case.put(handoff._replace(next_action_at=None))
    for force_id in told:
        notice = WithdrawalDisseminated(force_id=force_id, referral_id=case.referral_id, reason=message.reason)
        turn.note("withdrawal_disseminated", message.reason, force_id, turn.send(force_id, notice))
    turn.tell(CaseWithdrawn(**turn.about, reason=message.reason, told=told))
