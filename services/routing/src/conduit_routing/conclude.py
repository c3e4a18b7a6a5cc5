"""The end of every turn: whoever the turn concerns is told, by comparing how the case stood with how it stands.

Handlers say what changed; that all who must know of it get to know is seen to here, in one place.
"""

from collections.abc import Container, Mapping

from conduit_contracts.concerned.proposal import able_to_lead
from conduit_contracts.geography import in_order
from conduit_contracts.routing import (
    AcceptanceDisseminated,
    CaseHandedOver,
    CaseRestricted,
    CaseRouted,
    DeclineDisseminated,
    ForceClock,
    ForcesChanged,
    HandoffClosed,
    HandoffState,
    HandoverCompleted,
    HomeForceBasis,
    HomeForceChanged,
    RoutingReviewClosed,
    RoutingReviewOpened,
    RoutingReviewReason,
)
from conduit_contracts.topics import ROUTING_HANDOVERS
from conduit_routing import extract, rules
from conduit_routing.attachments import open_to_home
from conduit_routing.case import CaseState, ForceMark
from conduit_routing.turn import INTERIM_DUTY, JOINED, LEADS, LOOKS_AFTER_ALL, LastTold, Turn, standing


def conclude(turn: Turn) -> None:
    """Tell forces and the hub what the turn changed, and see whether the case is handed over."""
    if turn.case.state is CaseState.WITHDRAWN:
        _inform(turn, ())
        return
    _see_who_must_read_again(turn)
    _pass_interim_duty_on(turn)
    _see_who_looks_after_all(turn)
    after = standing(turn.case)
    if after != turn.before or turn.widened or turn.again:
        sent = _share(turn, after)
        _tell_accepted(turn, after)
        _tell_holders(turn, after, sent)
        _inform(turn, _told_already(turn, sent))
        _close_parts(turn, after)
        _announce(turn, after)
    else:
        _inform(turn, ())
    _tell_restricted(turn)
    _ask_who_leads(turn)
    publish_reviews(turn)
    _tell_what_is_settled(turn)
    _hand_over(turn)
    open_to_home(turn)


def _see_who_must_read_again(turn: Turn) -> None:
    """Ask again each force that acknowledged its part before it changed, and one that takes back what it had declined."""
    case, before = turn.case, turn.before
    for supplement in turn.added:
        for force_id in case.told_forces:
            if force_id in before.active and extract.adds_to(case, case.handoffs[force_id], supplement):
                turn.widened.setdefault(force_id, "information_added")
    joined = {force_id: JOINED for force_id in case.told_forces if force_id not in before.active}
    for force_id, why in (turn.widened | joined).items():
        turn.ask_again(force_id, why)


def _tell_restricted(turn: Turn) -> None:
    """Tell the hub, whose named officer must act, that no rule sends the case to the force of a suspect. A force that an
    officer let in since is kept from it no more."""
    case, barred = turn.case, turn.case.barred
    if turn.restricted and (barred.forces or barred.everyone):
        kept_from = in_order(barred.forces)
        turn.tell(
            CaseRestricted(**turn.about, kept_from=kept_from, urgency=case.urgency, immediate_danger=case.immediate_danger)
        )


def _ask_who_leads(turn: Turn) -> None:
    """An open case without a home force is never with nobody asked, whatever closed the question."""
    case = turn.case
    if case.home_force is not None or case.state is CaseState.DECLINED or case.home_is_asked_for:
        return
    given_back = any(handoff.state is HandoffState.DECLINED for handoff in case.handoffs.values())
    reason = RoutingReviewReason.DECLINED_WITHOUT_SUGGESTION if given_back else RoutingReviewReason.TIE
    turn.open_review(reason, candidates=able_to_lead(case.active))


def _pass_interim_duty_on(turn: Turn) -> None:
    case = turn.case
    owner = rules.interim_owner(case.interim_owner, case.home_force, case.handoffs, turn.scene, case.named_interim)
    if owner != case.interim_owner:
        case.interim_owner = owner
        if owner != case.home_force:
            turn.note("interim_owner", "", owner)


def _see_who_looks_after_all(turn: Turn) -> None:
    """An interim owner that is to have the whole case, because no place leads to a force, gets it once."""
    case, owner = turn.case, turn.case.interim_owner
    if owner is None or case.home_force is not None or case.content is None or (owner, ForceMark.HAS_ALL) in case.marks:
        return
    if owner in case.told_forces and extract.looks_after_all(case, case.handoffs[owner]):
        case.mark(owner, ForceMark.HAS_ALL)
        turn.note(LOOKS_AFTER_ALL, "", owner)
        if owner in turn.before.active:
            turn.widened[owner] = LOOKS_AFTER_ALL
            turn.ask_again(owner, LOOKS_AFTER_ALL)


def _share(turn: Turn, after: LastTold) -> Mapping[str, bool]:
    """Send their parts to the forces that joined or need more than they have; returns which, and whether the whole part."""
    case, before = turn.case, turn.before
    due = {}
    if after.owner is not None and after.owner != before.owner and not _took_home_duty(turn, after.owner):
        due[after.owner] = INTERIM_DUTY
    due |= turn.widened
    if after.home is not None and after.home != before.home:
        due[after.home] = LEADS
    due |= {force_id: JOINED for force_id in after.active if force_id not in before.active}
    sent = {}
    for force_id in [each for each in case.told_forces if each in due]:
        sent[force_id] = turn.disseminate(force_id, due[force_id])
        if case.state is CaseState.DECLINED:
            turn.send(force_id, DeclineDisseminated(force_id=force_id, referral_id=case.referral_id))
    return sent


def _told_already(turn: Turn, sent: Mapping[str, bool]) -> Container[str]:
    """Those who are told what was added with the case. One that held it before is also shown what is new in it."""
    if not turn.added:
        return sent
    before = turn.before.active
    return {each for each, whole in sent.items() if each in turn.to_follow or (whole and each not in before)}


def _took_home_duty(turn: Turn, owner: str) -> bool:
    """The home force knows that the duty is its own from the moment it acknowledges."""
    case = turn.case
    return owner == case.home_force and case.handoffs[owner].state is HandoffState.ACKNOWLEDGED


def _tell_accepted(turn: Turn, after: LastTold) -> None:
    """Tell those who held the case while triage went on, or after it declined, that it is no longer provisional."""
    case, before = turn.case, turn.before
    if not before.provisional or after.provisional:
        return
    for force_id in case.holders:
        if force_id in {*before.active, before.owner}:
            sent_id = turn.send(force_id, AcceptanceDisseminated(force_id=force_id, referral_id=case.referral_id))
            turn.note("acceptance_disseminated", "", force_id, sent_id)


def _tell_holders(turn: Turn, after: LastTold, sent: Container[str]) -> None:
    """Tell those who went on holding the case, and were not sent it again, who else is in it and who leads."""
    referral_id, before = turn.case.referral_id, turn.before
    for force_id in turn.case.told_forces:
        if force_id in sent or force_id not in before.active:
            continue
        if after.home is not None and after.home != before.home:
            turn.send(force_id, HomeForceChanged(force_id=force_id, referral_id=referral_id, home_force=after.home))
        if after.active != before.active:
            turn.send(force_id, ForcesChanged(force_id=force_id, referral_id=referral_id, forces=after.active))


def _inform(turn: Turn, sent: Container[str]) -> None:
    """Send what was added to those who did not just get it with the case."""
    case = turn.case
    for supplement in turn.added:
        for force_id in case.holders:
            if force_id not in sent:
                message = extract.information_for(case, case.handoffs[force_id], supplement)
                turn.note("information_disseminated", "", force_id, turn.send(force_id, message))


def _close_parts(turn: Turn, after: LastTold) -> None:
    """Tell forces that left. One that declined is told when the interim duty is with another force.

    A force that the case is kept from is told of an officer's act alone.
    """
    case, before = turn.case, turn.before
    left = {force_id for force_id in before.active if force_id not in after.active}
    if before.owner is not None and before.owner != after.owner and before.owner not in after.active:
        left.add(before.owner)
    ended = {force_id for force_id, held in case.handoffs.items() if held.state is HandoffState.STOOD_DOWN}
    left -= case.barred.forces - ended
    for force_id in in_order(left - {after.owner or ""}):
        sent_id = turn.send(force_id, HandoffClosed(force_id=force_id, referral_id=case.referral_id))
        turn.note("part_closed", "", force_id, sent_id)


def _announce(turn: Turn, after: LastTold) -> None:
    case = turn.case
    # Whoever is named here is written to: never a force that the case is kept from, also where it takes the case back.
    new = tuple(force_id for force_id in case.told_forces if force_id not in turn.before.active)
    again = in_order(turn.again.difference(new))
    anew = [force_id for force_id in again if case.handoffs[force_id].begins_at(turn.now)]
    added = in_order([*new, *anew]) if anew else new
    if after.owner is None or not (added or again or _is_news(turn, after)):
        return
    turn.tell(
        CaseRouted(
            **turn.by_command,
            home_force=after.home,
            basis=case.basis,
            interim_safeguarding_owner=after.owner,
            forces=after.active or (after.owner,),
            added=added,
            again=again,
            urgency=case.urgency,
            immediate_danger=case.immediate_danger,
            provisional=after.provisional,
            policy_version=turn.policy.version,
            clocks=_clocks(turn, {*added, *again}),
        )
    )


def _clocks(turn: Turn, force_ids: Container[str]) -> tuple[ForceClock, ...]:
    """By when those of these forces that are waited for must answer."""
    return tuple(
        ForceClock(
            force_id=force_id,
            part=held.part,
            receipt_due_at=held.receipt_due_at,
            acknowledgement_due_at=held.acknowledgement_due_at,
        )
        for force_id, held in turn.case.handoffs.items()
        if force_id in force_ids and held.waiting and held.part
    )


def _is_news(turn: Turn, after: LastTold) -> bool:
    """Whether something changed that no other event says. A named home force has an event of its own."""
    before = turn.before
    home_by_itself = after.home != before.home and turn.case.basis is not HomeForceBasis.NAMED_BY_OFFICER
    owner_is_not_home = after.owner not in {before.owner, after.home}
    return home_by_itself or owner_is_not_home or after.provisional is not before.provisional


def publish_reviews(turn: Turn) -> None:
    """Publish the reviews that the turn opened, as one event."""
    if not turn.opened:
        return
    candidates = in_order(force_id for review in turn.opened for force_id in review.candidates)
    exhausted = RoutingReviewReason.ESCALATION_EXHAUSTED
    turn.tell(
        RoutingReviewOpened(
            **turn.about,
            reasons=tuple(dict.fromkeys(review.reason for review in turn.opened)),
            candidates=candidates,
            silent=in_order(review.about for review in turn.opened if review.reason is exhausted),
            urgency=turn.case.urgency,
            immediate_danger=turn.case.immediate_danger,
        )
    )


def _tell_what_is_settled(turn: Turn) -> None:
    """What is still asked of an officer, where something is asked no more."""
    if turn.closed:
        still = list(turn.case.open_reviews())
        exhausted = RoutingReviewReason.ESCALATION_EXHAUSTED
        reasons = tuple(dict.fromkeys(review.reason for review in still))
        silent = in_order(review.about for review in still if review.reason is exhausted)
        turn.tell(RoutingReviewClosed(**turn.by_command, open_reasons=reasons, silent=silent))


def _hand_over(turn: Turn) -> None:
    case = turn.case
    done = rules.is_handed_over(case)
    if done and case.state is CaseState.OPEN and case.home_force is not None:
        case.state = CaseState.HANDED_OVER
        turn.note("handed_over", "", case.home_force)
        turn.tell(CaseHandedOver(**turn.about, home_force=case.home_force))
        over = HandoverCompleted(referral_id=case.referral_id, partner_id=case.partner_id)
        turn.outbox.publish(ROUTING_HANDOVERS.name(), turn.key, over, subject=turn.key, cause=turn.cause)
    elif not done and case.state is CaseState.HANDED_OVER:
        case.state = CaseState.OPEN
        turn.note("handed_over_no_more")
