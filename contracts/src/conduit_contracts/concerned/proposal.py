"""Which forces a case concerns, who would lead, and who would look after the child first. Pure: no clock, no I/O.

Routing decides by this. Pages that show an officer where a case would go call the same functions.

Every place gives a force area, and where a child is gives one too. Places alone make a home force by rule; where they leave
a tie, or give none, a named officer decides. No rule hands a case to a force that a suspect belongs to. The hub never says
which force records the crime.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict

from conduit_contracts.concerned.content import Content
from conduit_contracts.geography import forces, in_order, is_overseas
from conduit_contracts.referral import OffencePlace
from conduit_contracts.routing import HomeForceBasis, RoutingReviewReason

_CROWN_DEPENDENCIES = frozenset({"GG", "IM", "JE"})
_NO_FORCE_AREA = frozenset({"L99999999", "M99999999"})
"""The Office for National Statistics' pseudo codes of the Channel Islands and the Isle of Man."""


class Safeguarding(BaseModel):
    """Rules of who looks after a child, each with a switch. Decision 27 has the reasons."""

    # A misspelt switch must stop whoever reads it rather than leave the rule on.
    model_config = ConfigDict(frozen=True, extra="forbid")

    special_forces_have_no_interim_duty: bool = True
    """While a territorial force is concerned."""
    forces_where_children_are_concerned: bool = True
    """Where a child is makes that force concerned with its part."""
    adults_home_areas_by_consent: bool = True
    """The force where an adult victim lives learns of them with their consent, or by an officer's decision."""
    police_suspects_restrict: bool = True
    """No rule sends a case to the force of a suspect who belongs to it."""


ALL_ON = Safeguarding()


@dataclass(frozen=True, slots=True)
class Barred:
    """To whom no rule sends the case."""

    forces: frozenset[str] = frozenset()
    everyone: bool = False
    """A police suspect's force is not known: no rule sends the case to a force that does not hold it already."""

    def __contains__(self, force_id: object) -> bool:
        """Whether no rule may hand the case to this force."""
        return self.everyone or force_id in self.forces

    def without(self, force_ids: Iterable[str]) -> list[str]:
        """Those of these forces to which a rule may send the case."""
        return [force_id for force_id in force_ids if force_id not in self]


NOBODY_BARRED = Barred()


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


def forecast(content: Content, today: date, safeguarding: Safeguarding = ALL_ON) -> Proposal:
    """What the rules would make of a case that routing does not have yet, if it came there now."""
    suspects = forces_of_suspects(content, safeguarding)
    barred = Barred(frozenset(each for each in suspects if each is not None), None in suspects)
    return propose(content, CaseContext(today, safeguarding, barred))


def forces_of_suspects(content: Content, safeguarding: Safeguarding) -> set[str | None]:
    """The forces that suspects are said to belong to, as far as the policy asks. None stands for one that is not known."""
    return set(content.people.police) if safeguarding.police_suspects_restrict else set()


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
