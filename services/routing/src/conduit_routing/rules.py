"""Who is concerned, who leads, and who looks after the child in the meantime. Pure: no clock, no I/O.

Every place gives a force area, and where a child is gives one too. Places alone make a home force by rule; where they leave
a tie, or give none, a named officer decides. No rule hands a case to a force that a suspect belongs to. The hub never says
which force records the crime.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from conduit_contracts.geography import forces, is_overseas
from conduit_contracts.referral import OffencePlace
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_routing.case import NOBODY_BARRED, Barred, Case, CaseState
from conduit_routing.content import Content
from conduit_routing.handoffs import Handoff, in_order
from conduit_routing.policy import ALL_ON, Safeguarding

_CROWN_DEPENDENCIES = frozenset({"GG", "IM", "JE"})
_NO_FORCE_AREA = frozenset({"L99999999", "M99999999"})
"""The Office for National Statistics' pseudo codes of the Channel Islands and the Isle of Man."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules make of a case. `forces` are all that get a part by rule, in the order of the register."""

    forces: tuple[str, ...]
    home: str | None
    basis: HomeForceBasis | None
    candidates: tuple[str, ...]
    """Whom the officer may consider, where there is no home force."""
    first_owner: str | None
    """Who looks after the child first; None only where no force gets a part by rule."""
    unsettled: RoutingReviewReason | None
    """Why there is no home force: a person must say who leads, or no force gets a part, an error that pages someone."""
    at_once: tuple[str, ...] = ()
    """Who gets a part at once in danger, beside the one that leads."""


@dataclass(frozen=True, slots=True)
class CaseContext:
    """What else rules may know of a case: the policy's switches, the day, and to whom no rule sends it."""

    today: date
    safeguarding: Safeguarding = ALL_ON
    barred: Barred = NOBODY_BARRED


@dataclass(frozen=True, slots=True)
class _Concerned:
    """Why forces are concerned: offence places, children, and adults who agreed that the force where they live is told."""

    places_of: Mapping[str, set[str]]
    children: Mapping[str, int]
    adults: Mapping[str, int]
    first_victims_area: str | None

    @property
    def by_place(self) -> tuple[str, ...]:
        return in_order(self.places_of)

    @property
    def everyone(self) -> tuple[str, ...]:
        return in_order({*self.places_of, *self.children, *self.adults})


def propose(content: Content, scene: CaseContext) -> Proposal:
    """Apply the rules to all that was told."""
    concerned, barred = _concerned(content, scene), scene.barred
    home, basis, tied = home_force(content, concerned.by_place, concerned.places_of)
    if home is not None and (home in barred or _is_not_for_a_special_force_to_lead(home, concerned, scene)):
        tied, home, basis = (home,), None, None
    parts = tuple(barred.without(concerned.everyone))
    return Proposal(
        forces=parts,
        home=home,
        basis=basis,
        candidates=() if home else _candidates(tied, content, concerned, scene),
        first_owner=home or _first_owner(concerned, scene),
        unsettled=None if home else RoutingReviewReason.TIE if parts else RoutingReviewReason.NO_FORCE,
        at_once=_at_once(content, parts, scene),
    )


def _concerned(content: Content, scene: CaseContext) -> _Concerned:
    on, people = scene.safeguarding, content.people
    return _Concerned(
        places_of={force_id: places for force_id, places in content.places_of.items() if places},
        children=people.children(scene.today) if on.forces_where_children_are_concerned else {},
        adults=people.adults_who_agreed(scene.today) if on.adults_home_areas_by_consent else {},
        first_victims_area=content.first_victims_area,
    )


def _is_not_for_a_special_force_to_lead(home: str, concerned: _Concerned, scene: CaseContext) -> bool:
    """Beside a force where a child is, a special force does not lead by rule, since it would have the interim duty."""
    on = scene.safeguarding.special_forces_have_no_interim_duty
    return on and not is_territorial(home) and any(map(is_territorial, concerned.everyone))


def may_be_home(force_id: str, content: Content, scene: CaseContext, holders: Iterable[str]) -> bool:
    """Whether a person may make this force home: as by rule, a special force leads only where no territorial force has a
    part or is concerned. A force that the case is kept from does not count."""
    others = {*_concerned(content, scene).everyone, *holders} - scene.barred.forces
    return is_territorial(force_id) or not any(map(is_territorial, others))


def able_to_lead(force_ids: Iterable[str]) -> tuple[str, ...]:
    """Those of these forces that an officer may consider: no special one beside one that has an area."""
    given = tuple(force_ids)
    return tuple(filter(is_territorial, given)) or given


def _at_once(content: Content, parts: Sequence[str], scene: CaseContext) -> tuple[str, ...]:
    """In danger, the force where a child is said to be now; and all concerned, where a suspect belongs to one of them."""
    if scene.barred != NOBODY_BARRED:
        return tuple(parts)
    if not scene.safeguarding.forces_where_children_are_concerned:
        return ()
    away = content.people.children_away_from_home(scene.today)
    return tuple(force_id for force_id in parts if force_id in away)


def _candidates(tied: Sequence[str], content: Content, concerned: _Concerned, scene: CaseContext) -> tuple[str, ...]:
    """Those that are tied, the forces where children are, and where nobody is concerned the first victim's. In a restricted
    case all that are concerned."""
    special_only = not any(map(is_territorial, concerned.everyone))
    found = [*tied, *concerned.children, *concerned.adults, *named_in_vain(content, content.latest_places, scene)]
    if scene.barred != NOBODY_BARRED:
        found += concerned.everyone
    if not concerned.everyone and concerned.first_victims_area is not None:
        found.append(concerned.first_victims_area)
    able = [force_id for force_id in found if special_only or is_territorial(force_id)]
    return in_order(force_id for force_id in able if force_id not in scene.barred.forces)


def home_force(
    content: Content, concerned: Sequence[str], places_of: Mapping[str, set[str]]
) -> tuple[str | None, HomeForceBasis | None, tuple[str, ...]]:
    """The home force with the rule that gave it, or None with the forces that are tied. Offence places alone count.

    The area with most offence places; among equals the one that most victims are tied to; then where the first victim
    lives. A special force leads only where no territorial force is concerned: it has no area to safeguard a child in.
    """
    tied = [force_id for force_id in concerned if is_territorial(force_id)] or list(concerned)
    if not tied:
        return None, None, ()
    tied = _most(tied, {force_id: len(places_of[force_id]) for force_id in tied})
    if len(tied) == 1:
        return tied[0], HomeForceBasis.MOST_OFFENCE_PLACES, ()
    tied = _most(tied, {force_id: _victims_tied_to(content, places_of[force_id]) for force_id in tied})
    if len(tied) == 1:
        return tied[0], HomeForceBasis.MOST_VICTIMS, ()
    lives = content.first_victims_area
    if lives in tied:
        return lives, HomeForceBasis.FIRST_VICTIMS_HOME, ()
    return None, None, tuple(tied)


def is_territorial(force_id: str) -> bool:
    """Whether the force has an area. One that left the register is taken to have had one."""
    force = forces().get(force_id)
    return force is None or force.territorial


def _most(tied: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    most = max(counts[force_id] for force_id in tied)
    return [force_id for force_id in tied if counts[force_id] == most]


def _victims_tied_to(content: Content, place_ids: set[str]) -> int:
    return sum(not place_ids.isdisjoint(content.ties[victim]) for victim in content.victims)


def _first_owner(concerned: _Concerned, scene: CaseContext) -> str | None:
    """Who looks after the child where no force is home.

    Of the territorial forces that places give: where the first victim lives if it is among them, else most places. Where
    places give none: the force with most children. An adult's own force, and last a special force, where there is no other.
    """
    by_place = {force_id: len(places) for force_id, places in concerned.places_of.items()}
    territorial = {force_id: number for force_id, number in by_place.items() if is_territorial(force_id)}
    if not scene.safeguarding.special_forces_have_no_interim_duty:
        territorial = by_place
    lives = concerned.first_victims_area
    if lives in territorial and lives not in scene.barred:
        return lives
    for counts in (territorial, concerned.children, concerned.adults, by_place):
        able = scene.barred.without(in_order(counts))
        if able:
            return max(able, key=lambda force_id: counts[force_id])
    return None


def place_reasons(content: Content, place_ids: Iterable[str]) -> tuple[RoutingReviewReason, ...]:
    """Why a person must look at these places, each reason once. A place that concerns some force needs nobody."""
    unknown = [place_id for place_id in place_ids if not content.latest_forces[place_id]]
    return tuple(dict.fromkeys([_place_reason(content.latest_places[place_id]) for place_id in unknown]))


def named_in_vain(content: Content, place_ids: Iterable[str], scene: CaseContext) -> tuple[str, ...]:
    """The forces that a partner names for places abroad. No rule sends them the case, but an officer is told of them."""
    abroad = (place for place_id in place_ids if is_overseas(place := content.latest_places[place_id]))
    named = in_order({place.force_id for place in abroad if place.force_id in forces()})
    return tuple(force_id for force_id in named if force_id not in scene.barred.forces)


def _place_reason(place: OffencePlace) -> RoutingReviewReason:
    if place.country in _CROWN_DEPENDENCIES or place.district_code in _NO_FORCE_AREA:
        return RoutingReviewReason.OUTSIDE_FORCE_AREAS
    return RoutingReviewReason.OVERSEAS_PLACE if is_overseas(place) else RoutingReviewReason.UNKNOWN_PLACE


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
