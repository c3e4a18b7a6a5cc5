"""Need to know: what each force sees of a case.

The home force sees all. So does the interim owner where no place gives a territorial force and children are in its area,
as long as nobody is home. Any other force sees the summary without the narrative, the places in the areas it answers for,
and the persons who are tied to those places, live there or are there; of such a person it does not see places elsewhere.
An adult victim who only lives there is not shown without consent. Supplements reach it as persons and places only, because
their text may name anybody.

Messages are built from parts that were validated when they came in, and share them: nothing is copied but a person whose
other places must not show.

What a force is sent in answer to a little is little: once a case is large, a force that holds its part is sent what is new,
and not again what it holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from conduit_contracts.concerned.content import Content
from conduit_contracts.concerned.proposal import ALL_ON, Safeguarding, is_territorial
from conduit_contracts.geography import in_order
from conduit_contracts.referral import OffencePlace, Person, Supplement
from conduit_contracts.routing import CaseDisseminated, CaseSummary, InformationDisseminated
from conduit_routing.case import Case
from conduit_routing.handoffs import Handoff

SMALL = 64_000
"""Bytes of content up to which a force is sent its whole part again with each new version of it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The persons and places that a force may learn of: those of these areas, or all where there is no content to ask."""

    content: Content | None = None
    areas: frozenset[str] = frozenset()
    joined_on: date = date.max
    """The day on which the force joined, on which it counts who is an adult."""
    safeguarding: Safeguarding = ALL_ON

    @property
    def _told(self) -> list[set[str]]:
        """By area, the ids of the places that any record puts there."""
        return [] if self.content is None else [self.content.places_told.get(area, _NOWHERE) for area in self.areas]

    def sees_place(self, place_id: str) -> bool:
        """Whether any record puts the place in one of the areas."""
        return self.content is None or any(place_id in told for told in self._told)

    def sees_person(self, person_id: str) -> bool:
        """Whether any record ties the person to such a place, or says that the person lives or is in one of the areas.

        Where an adult victim lives or is counts only with consent.
        """
        return self.content is None or self._sees(self.content, person_id, self._told)

    def _sees(self, content: Content, person_id: str, told: Iterable[set[str]]) -> bool:
        ties = content.ties.get(person_id, _NOWHERE)
        if not all(map(ties.isdisjoint, told)):
            return True
        if self.areas.isdisjoint(content.homes.get(person_id, ())):
            return False
        kept = self.safeguarding.adults_home_areas_by_consent
        return not (kept and content.people.keeps_home_to_itself(person_id, self.joined_on))

    def of_places(self, places: tuple[OffencePlace, ...]) -> tuple[OffencePlace, ...]:
        """The places that the force may see."""
        if self.content is None:
            return places
        told = self._told
        return tuple(place for place in places if any(place.place_id in each for each in told))

    def of_persons(self, persons: tuple[Person, ...]) -> tuple[Person, ...]:
        """The persons that the force may see, without the places it may not."""
        content, told = self.content, self._told
        if content is None:
            return persons
        return tuple(_within(person, told) for person in persons if self._sees(content, person.person_id, told))

    def persons_elsewhere(self) -> int:
        """How many persons the force may not see."""
        content, told = self.content, self._told
        return 0 if content is None else sum(not self._sees(content, person_id, told) for person_id in content.ties)


_NOWHERE: set[str] = set()


def _within(person: Person, told: Sequence[set[str]]) -> Person:
    """The person without places elsewhere. Of the areas there is one, for nearly every force."""
    if len(told) == 1:
        kept = tuple(filter(told[0].__contains__, person.place_ids))
    else:
        kept = tuple(place_id for place_id in person.place_ids if any(place_id in each for each in told))
    return person if len(kept) == len(person.place_ids) else person.model_copy(update={"place_ids": kept})


WHOLE = Scope()


def scope_of(content: Content, areas: tuple[str, ...], joined_on: date, safeguarding: Safeguarding = ALL_ON) -> Scope:
    """What may be seen by a force that answers for these areas and is not the home force."""
    return Scope(content, frozenset(areas), joined_on, safeguarding)


def scope_for(case: Case, handoff: Handoff) -> Scope:
    """What the force of this hand-off may see."""
    if handoff.force_id == case.home_force or looks_after_all(case, handoff):
        return WHOLE
    return scope_of(case.told, handoff.areas, handoff.disseminated_at.date(), case.safeguarding)


def looks_after_all(case: Case, handoff: Handoff) -> bool:
    """Whether the force has the interim duty where no place gives a territorial force, because children are in its area or
    an officer named it.

    Nobody else is there to be told the whole, as long as no home force is named.
    """
    if case.home_force is not None or handoff.force_id != case.interim_owner:
        return False
    given = {force_id for told in case.told.forces_told.values() for force_id in told}
    if any(map(is_territorial, given)):
        return False
    if handoff.force_id == case.named_interim:
        return True
    by_children = case.safeguarding.forces_where_children_are_concerned
    return by_children and handoff.force_id in case.told.people.children(handoff.disseminated_at.date())


def case_for(case: Case, handoff: Handoff, because: str | None = None) -> CaseDisseminated:
    """The force's part of the case. Where all of it is too much for one record, what was added follows bit by bit."""
    return _disseminated(case, handoff, scope_for(case, handoff), because)


def news_for(case: Case, handoff: Handoff, because: str, adds_to: int) -> CaseDisseminated:
    """How the case stands, for a force that keeps what it was sent with this version of its part."""
    return _disseminated(case, handoff, scope_for(case, handoff), because, adds_to)


def is_small(case: Case) -> bool:
    """Whether a force is sent its whole part again with each new version of it."""
    return case.told.size <= SMALL


def adds_to(case: Case, handoff: Handoff, supplement: Supplement) -> bool:
    """Whether persons or places of the supplement belong to the force's part."""
    scope = scope_for(case, handoff)
    return bool(scope.of_persons(supplement.persons) or scope.of_places(supplement.places))


def information_for(
    case: Case, handoff: Handoff, supplement: Supplement, scope: Scope | None = None
) -> InformationDisseminated:
    """Added information, as far as the force may see it. That something was added, every force learns."""
    return _information(case, handoff.force_id, scope or scope_for(case, handoff), supplement)


def _disseminated(
    case: Case, handoff: Handoff, scope: Scope, because: str | None, adds_to: int | None = None
) -> CaseDisseminated:
    """All of it in one record where it fits, then with persons and places twice in the home force's copy."""
    content, is_home, anew = case.told, scope is WHOLE, adds_to is None
    referral, roomy = content.referral, anew and content.whole
    if roomy:
        persons, places = scope.of_persons(content.persons), scope.of_places(content.places)
    elif anew and not is_home:
        persons, places = scope.of_persons(referral.persons), scope.of_places(referral.places)
    else:
        persons, places = (), ()
    return CaseDisseminated(
        force_id=handoff.force_id,
        referral_id=case.referral_id,
        partner_id=case.partner_id,
        partner_reference=case.partner_reference,
        caseworker=referral.caseworker,
        urgency=case.urgency,
        immediate_danger=case.immediate_danger,
        provisional=case.provisional,
        home_force=case.home_force,
        interim_safeguarding_owner=case.interim_owner or handoff.force_id,
        forces=case.active,
        summary=_summary(content, scope, narrative=is_home and roomy),
        persons=persons,
        places=places,
        referral=referral if is_home and anew else None,
        supplements=content.supplements if is_home and roomy else (),
        handling=referral.handling,
        receipt_due_at=handoff.receipt_due_at,
        acknowledgement_due_at=handoff.acknowledgement_due_at,
        part=handoff.part,
        adds_to=adds_to,
        because=because,
        not_to_be_told=in_order(case.barred.forces - {handoff.force_id}),
    )


def _summary(content: Content, scope: Scope, *, narrative: bool) -> CaseSummary:
    referral = content.referral
    return CaseSummary(
        concerns=referral.concerns,
        setting=referral.setting,
        group_based=referral.group_based,
        offence_period=referral.offence_period,
        numbers=content.numbers,
        narrative=referral.narrative if narrative else None,
        persons_elsewhere=scope.persons_elsewhere(),
    )


def _information(case: Case, force_id: str, scope: Scope, supplement: Supplement) -> InformationDisseminated:
    return InformationDisseminated(
        force_id=force_id,
        referral_id=case.referral_id,
        corrects=supplement.corrects,
        text=supplement.text if scope is WHOLE else None,
        persons=scope.of_persons(supplement.persons),
        places=scope.of_places(supplement.places),
        numbers=case.told.numbers if supplement.numbers else None,
        supplied_at=supplement.supplied_at,
        immediate_danger=supplement.immediate_danger,
        urgency=supplement.urgency,
    )
