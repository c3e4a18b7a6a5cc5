"""Who is concerned, who leads, and who looks after the child meanwhile. Pure: no clock, no I/O.

Every place gives a force area. The hub proposes a home force; where the rules leave a tie, or nobody is concerned, a
named officer decides. The hub never says which force records the crime.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conduit_contracts.geography import forces, is_overseas
from conduit_contracts.referral import OffencePlace
from conduit_contracts.routing import HandoffState, HomeForceBasis, RoutingReviewReason
from conduit_routing.case import Case, CaseState, Handoff, in_order
from conduit_routing.content import Content

_CROWN_DEPENDENCIES = frozenset({"GG", "IM", "JE"})
_NO_FORCE_AREA = frozenset({"L99999999", "M99999999"})
"""The Office for National Statistics' pseudo codes of the Channel Islands and the Isle of Man."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules make of a case. `forces` are all that are concerned, in the order of the register."""

    forces: tuple[str, ...]
    home: str | None
    basis: HomeForceBasis | None
    candidates: tuple[str, ...]
    """Whom the officer may consider, where there is no home force."""
    first_owner: str | None
    """Who looks after the child first; None only where no force is concerned."""
    unsettled: RoutingReviewReason | None
    """Why there is no home force: a tie, or nobody is concerned, which is an error that pages someone."""


def propose(content: Content) -> Proposal:
    """Apply the rules to all that was told."""
    places_of = _places_of_forces(content)
    concerned = in_order(places_of)
    home, basis, tied = home_force(content, concerned, places_of)
    lives = content.first_victims_area
    candidates = tied if concerned else tuple(area for area in (lives,) if area is not None)
    return Proposal(
        forces=concerned,
        home=home,
        basis=basis,
        candidates=() if home else candidates,
        first_owner=home or _first_owner(concerned, lives, places_of),
        unsettled=None if home else RoutingReviewReason.TIE if concerned else RoutingReviewReason.NO_FORCE,
    )


def _places_of_forces(content: Content) -> dict[str, set[str]]:
    places_of: dict[str, set[str]] = {}
    for place_id, force_ids in content.latest_forces.items():
        for force_id in force_ids:
            places_of.setdefault(force_id, set()).add(place_id)
    return places_of


def home_force(
    content: Content, concerned: Sequence[str], places_of: Mapping[str, set[str]]
) -> tuple[str | None, HomeForceBasis | None, tuple[str, ...]]:
    """The home force with the rule that gave it, or None with the forces that are tied.

    The area with most offence places; among equals the one that most victims are tied to; then where the first victim
    lives. A special force leads only where no territorial force is concerned: it has no area to safeguard a child in.
    """
    tied = [force_id for force_id in concerned if forces()[force_id].territorial] or list(concerned)
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


def _most(tied: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    most = max(counts[force_id] for force_id in tied)
    return [force_id for force_id in tied if counts[force_id] == most]


def _victims_tied_to(content: Content, place_ids: set[str]) -> int:
    return sum(not place_ids.isdisjoint(content.ties[victim]) for victim in content.victims)


def _first_owner(concerned: Sequence[str], lives: str | None, places_of: Mapping[str, set[str]]) -> str | None:
    """Where the first victim lives if that force is concerned, else most places, else the order of the register."""
    if lives in concerned:
        return lives
    return max(concerned, key=lambda force_id: len(places_of[force_id]), default=None)


def place_reasons(content: Content, place_ids: Iterable[str]) -> tuple[RoutingReviewReason, ...]:
    """Why a person must look at these places, each reason once. A place that concerns some force needs nobody."""
    unknown = [place_id for place_id in place_ids if not content.latest_forces[place_id]]
    return tuple(dict.fromkeys([_place_reason(content.latest_places[place_id]) for place_id in unknown]))


def _place_reason(place: OffencePlace) -> RoutingReviewReason:
    if place.country in _CROWN_DEPENDENCIES or place.district_code in _NO_FORCE_AREA:
        return RoutingReviewReason.OUTSIDE_FORCE_AREAS
    return RoutingReviewReason.OVERSEAS_PLACE if is_overseas(place) else RoutingReviewReason.UNKNOWN_PLACE


def interim_owner(owner: str | None, home: str | None, handoffs: Mapping[str, Handoff]) -> str | None:
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

    Places that no force is known for do not hold it up: the home force has them, and their review stays open.
    """
    if case.provisional or case.home_force is None or case.state not in {CaseState.OPEN, CaseState.HANDED_OVER}:
        return False
    active = [case.handoffs[force_id] for force_id in case.active]
    return bool(active) and all(handoff.state is HandoffState.ACKNOWLEDGED for handoff in active)


def is_usable_suggestion(case: Case, decliner: str, suggestion: str) -> bool:
    """Whether the hub may follow a force's suggestion: not to nobody, not in a circle, not against an officer's word."""
    if suggestion not in forces() or suggestion == decliner:
        return False
    held = case.handoffs.get(suggestion)
    return held is None or held.active
