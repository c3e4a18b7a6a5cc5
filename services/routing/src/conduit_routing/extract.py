"""Need to know: what each force sees of a case.

The home force sees all. Any other force sees the summary without the narrative, the places in the areas it answers for,
and the persons who are tied to those places or live there; of such a person it does not see places elsewhere. Supplements
reach it as persons and places only, because their text may name anybody.

Messages are built from parts that were validated when they came in, and share them: nothing is copied but a person whose
other places must not show.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from conduit_contracts.envelope import Event
from conduit_contracts.referral import OffencePlace, Person, Supplement
from conduit_contracts.routing import CaseDisseminated, CaseSummary, InformationDisseminated
from conduit_routing.case import Case, Handoff
from conduit_routing.content import Content

ROOMY = 800_000
"""Bytes of content up to which one record holds everything, even with persons and places given twice."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The persons and places a force may learn of. None means all."""

    places: frozenset[str] | None
    persons: frozenset[str] | None

    def of_places(self, places: tuple[OffencePlace, ...]) -> tuple[OffencePlace, ...]:
        """The places that the force may see."""
        if self.places is None:
            return places
        return tuple(place for place in places if place.place_id in self.places)

    def of_persons(self, persons: tuple[Person, ...]) -> tuple[Person, ...]:
        """The persons that the force may see, without the places it may not."""
        if self.persons is None:
            return persons
        return tuple(self._without_other_places(person) for person in persons if person.person_id in self.persons)

    def _without_other_places(self, person: Person) -> Person:
        places = self.places or frozenset()
        if places.issuperset(person.place_ids):
            return person
        kept = tuple(place_id for place_id in person.place_ids if place_id in places)
        return person.model_copy(update={"place_ids": kept})


WHOLE = Scope(None, None)


def scope_of(content: Content, areas: tuple[str, ...]) -> Scope:
    """What may be seen by a force that answers for these areas and is not the home force."""
    places = frozenset(place_id for place_id, told in content.forces_told.items() if not told.isdisjoint(areas))
    tied = {person_id for person_id, place_ids in content.ties.items() if not place_ids.isdisjoint(places)}
    living = {person_id for person_id, areas_told in content.homes.items() if not areas_told.isdisjoint(areas)}
    return Scope(places, frozenset(tied | living))


def scope_for(case: Case, handoff: Handoff) -> Scope:
    """What the force of this hand-off may see."""
    return WHOLE if handoff.force_id == case.home_force else scope_of(case.told, handoff.areas)


def case_for(case: Case, handoff: Handoff, because: str | None = None) -> Iterator[Event]:
    """The force's part of the case; where that is too much for one record, supplements follow one by one."""
    roomy = fits_one_record(case)
    scope = scope_for(case, handoff)
    yield _disseminated(case, handoff, scope, because, roomy=roomy)
    if not roomy:
        for supplement in case.told.supplements:
            yield _information(case, handoff.force_id, scope, supplement)


def fits_one_record(case: Case) -> bool:
    """Whether one record holds all that was told of the case."""
    return case.told.size <= ROOMY


def adds_to(case: Case, handoff: Handoff, supplement: Supplement) -> bool:
    """Whether persons or places of the supplement belong to the force's part."""
    scope = scope_for(case, handoff)
    return bool(scope.of_persons(supplement.persons) or scope.of_places(supplement.places))


def information_for(case: Case, handoff: Handoff, supplement: Supplement) -> InformationDisseminated:
    """Added information, as far as the force may see it. That something was added, every force learns."""
    return _information(case, handoff.force_id, scope_for(case, handoff), supplement)


def _disseminated(case: Case, handoff: Handoff, scope: Scope, because: str | None, *, roomy: bool) -> CaseDisseminated:
    content, is_home = case.told, scope is WHOLE
    referral = content.referral
    source = content if roomy else referral
    repeated = roomy or not is_home
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
        persons=scope.of_persons(source.persons) if repeated else (),
        places=scope.of_places(source.places) if repeated else (),
        referral=referral if is_home else None,
        supplements=content.supplements if is_home and roomy else (),
        handling=referral.handling,
        receipt_due_at=handoff.receipt_due_at,
        acknowledgement_due_at=handoff.acknowledgement_due_at,
        part=handoff.part,
        because=because,
    )


def _summary(content: Content, scope: Scope, *, narrative: bool) -> CaseSummary:
    referral = content.referral
    return CaseSummary(
        concerns=referral.concerns,
        setting=referral.setting,
        group_based=referral.group_based,
        offence_period=referral.offence_period,
        numbers=referral.numbers,
        narrative=referral.narrative if narrative else None,
        persons_elsewhere=0 if scope.persons is None else len(content.ties) - len(scope.persons),
    )


def _information(case: Case, force_id: str, scope: Scope, supplement: Supplement) -> InformationDisseminated:
    return InformationDisseminated(
        force_id=force_id,
        referral_id=case.referral_id,
        corrects=supplement.corrects,
        text=supplement.text if scope is WHOLE else None,
        persons=scope.of_persons(supplement.persons),
        places=scope.of_places(supplement.places),
        supplied_at=supplement.supplied_at,
        immediate_danger=supplement.immediate_danger,
        urgency=supplement.urgency,
    )
