"""Who looks after the child in the meantime, and when a case is handed over. Pure: no clock, no I/O.

Which forces are concerned and who leads by rule: `conduit_contracts.concerned.proposal`.
"""

from collections.abc import Iterable, Mapping

from conduit_contracts.concerned.proposal import CaseContext, is_territorial
from conduit_contracts.geography import forces, in_order
from conduit_contracts.routing import HandoffState
from conduit_routing.case import Case, CaseState
from conduit_routing.handoffs import Handoff


def interim_owner(
    owner: str | None,
    home: str | None,
    handoffs: Mapping[str, Handoff],
    scene: CaseContext | None = None,
    named: str | None = None,
) -> str | None:
    """Who looks after the child, among those that may have the duty: see `_may_have_duty`. While no force is home, the one
    that an officer named."""
    able = _may_have_duty(owner, handoffs, scene) if scene is not None else handoffs
    wanted = able.get(named) if named is not None and home is None else None
    if wanted is not None and _takes_over(owner, wanted, able):
        return named
    return _interim_owner(owner if owner in able else None, home if home in able else None, able)


def _may_have_duty(owner: str | None, handoffs: Mapping[str, Handoff], scene: CaseContext) -> Mapping[str, Handoff]:
    """Not a force that a suspect belongs to, and no special force while a territorial one has a part, or keeps the duty
    after declining; unless there is nobody else."""
    able = handoffs
    if scene.barred.forces:
        others = {force_id: held for force_id, held in able.items() if force_id not in scene.barred.forces}
        able = others if _somebody(owner, others) else able
    if scene.safeguarding.special_forces_have_no_interim_duty:
        territorial = {force_id: held for force_id, held in able.items() if is_territorial(force_id)}
        able = territorial if _somebody(owner, territorial) else able
    return able


def _takes_over(owner: str | None, named: Handoff, handoffs: Mapping[str, Handoff]) -> bool:
    """Whether the force that an officer named has the duty already. From one that took the case, or gave it back, it passes
    on only once the named one has taken it."""
    if not named.active or named.answered:
        return named.active
    held_by = handoffs.get(owner) if owner is not None else None
    gave_back = held_by is not None and held_by.state is HandoffState.DECLINED
    return not gave_back and not any(held.answered for held in handoffs.values())


def _somebody(owner: str | None, handoffs: Mapping[str, Handoff]) -> bool:
    return any(
        held.active or (force_id == owner and held.state is HandoffState.DECLINED) for force_id, held in handoffs.items()
    )


def _interim_owner(owner: str | None, home: str | None, handoffs: Mapping[str, Handoff]) -> str | None:
    """Who looks after the child until the home force has acknowledged. Once there is one, there always is one.

    A home force that has acknowledged has the duty. Otherwise whoever once took the case keeps it, also while asked again
    because its part changed; a force that declined keeps it until another one has taken the case; one that has not
    answered passes it on when a home force is named; one that was stood down passes it on at once. It is never passed on
    to a force that has not answered while there is one that has.
    """
    if home is not None and _is(handoffs, home, HandoffState.ACKNOWLEDGED):
        return home
    if owner is None or owner not in handoffs or handoffs[owner].state is HandoffState.STOOD_DOWN:
        return _answered(home, handoffs) or _waiting(home, handoffs)
    if handoffs[owner].answered:
        return owner
    if handoffs[owner].state is HandoffState.DECLINED:
        return _answered(home, handoffs) or owner
    if home is None or home == owner or not handoffs[home].active:
        return owner
    return _answered(home, handoffs) or home


def _answered(home: str | None, handoffs: Mapping[str, Handoff]) -> str | None:
    return _home_or_first(home, (force for force, handoff in handoffs.items() if handoff.answered))


def _waiting(home: str | None, handoffs: Mapping[str, Handoff]) -> str | None:
    return _home_or_first(home, (force for force, handoff in handoffs.items() if handoff.active))


def _home_or_first(home: str | None, wanted: Iterable[str]) -> str | None:
    found = in_order(wanted)
    return home if home in found else next(iter(found), None)


def _is(handoffs: Mapping[str, Handoff], force_id: str, state: HandoffState) -> bool:
    return force_id in handoffs and handoffs[force_id].state is state


def is_handed_over(case: Case) -> bool:
    """Whether triage accepted, the home force is settled and every force with a part has acknowledged.

    Places that no force is known for do not hold it up: the home force has them, and their review stays open. A force from
    which the case is kept does: an officer ends its part, or gives it the case.
    """
    if case.provisional or case.home_force is None or case.state not in {CaseState.OPEN, CaseState.HANDED_OVER}:
        return False
    active = [case.handoffs[force_id] for force_id in case.active]
    if case.told_forces != case.active:
        return False
    return bool(active) and all(handoff.state is HandoffState.ACKNOWLEDGED for handoff in active)


def is_usable_suggestion(case: Case, decliner: str, suggestion: str) -> bool:
    """Whether the hub may follow a force's suggestion: not to nobody, not in a circle, not against an officer's word, and
    neither to where a police suspect belongs nor by that force's own word."""
    if suggestion not in forces() or suggestion == decliner or suggestion in case.barred:
        return False
    if decliner in case.barred.forces:
        return False
    held = case.handoffs.get(suggestion)
    return held is None or held.active
