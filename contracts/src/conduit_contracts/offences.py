"""What happened, where, when and to how many, in the words of police and safeguarding teams."""

from typing import Self

from pydantic import model_validator

from conduit_contracts.base import Inconsistent, Term, Value
from conduit_contracts.fields import Count, CountryCode, Line, LocalId, Text
from conduit_contracts.ids import DistrictCode, ForceId
from conduit_contracts.times import Day


class OffencePeriod(Value):
    """When it happened. An unknown start or end is left out."""

    first_on: Day | None = None
    """The first day, as far as it is known."""
    last_on: Day | None = None
    """The last day, as far as it is known. An ongoing offence has none."""
    ongoing: bool = False
    """True: it is still happening."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_on and self.last_on and self.first_on > self.last_on:
            raise Inconsistent("first_on is after last_on.")
        if self.ongoing and self.last_on:
            raise Inconsistent("An ongoing offence has no last_on.")
        return self


class PlaceKind(Term):
    """What the place is. Railway, defence estate and civil nuclear site also concern a special police force."""

    HOME = "home"
    INSTITUTION = "institution"
    PUBLIC_PLACE = "public_place"
    COMMERCIAL_PREMISES = "commercial_premises"
    VEHICLE = "vehicle"
    RAILWAY = "railway"
    DEFENCE_ESTATE = "defence_estate"
    CIVIL_NUCLEAR_SITE = "civil_nuclear_site"
    ONLINE = "online"
    OTHER = "other"
    UNKNOWN = "unknown"


_NOWHERE_BUT_ONLINE = "Online. No place is known."


class OffencePlace(Value):
    """Where an offence happened, as exactly as the partner knows it: a force, a district, or words. `online` is enough."""

    place_id: LocalId
    """The place's id in this referral, for example L1."""
    kind: PlaceKind = PlaceKind.UNKNOWN
    """What the place is. A railway, defence or civil nuclear place also concerns a special police force."""
    country: CountryCode | None = None
    """Absent means the United Kingdom or not known."""
    district_code: DistrictCode | None = None
    """The ONS code of the place's local authority district, current or former, for example E08000025. It
    decides which police force gets the case, so give it whenever you know it."""
    force_id: ForceId | None = None
    """The police force for the place, if the partner knows the force but not the district, for example west-midlands."""
    description: Line | None = None
    """What the place is, in words on one line."""
    address: Line | None = None
    """In free text, on one line. It does not decide where the case goes: give the district_code as well if you know it."""
    period: OffencePeriod | None = None
    """When it happened at this place, if that is known separately."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.district_code or self.force_id or self.description or self.country or self.address:
            return self
        if self.kind is not PlaceKind.ONLINE:
            raise Inconsistent("Give a district_code, a force_id, a country, an address or a description.")
        # Earlier readers want words of every place, and forces read with the kit that they have.
        object.__setattr__(self, "description", _NOWHERE_BUT_ONLINE)
        self.model_fields_set.add("description")
        return self


class Concern(Term):
    """What is feared or known to have happened. All except `other_harm` are forms of child sexual abuse."""

    CONTACT_SEXUAL_ABUSE = "contact_sexual_abuse"
    NON_CONTACT_SEXUAL_ABUSE = "non_contact_sexual_abuse"
    CHILD_SEXUAL_EXPLOITATION = "child_sexual_exploitation"
    ONLINE_SEXUAL_ABUSE = "online_sexual_abuse"
    INDECENT_IMAGES_OF_CHILDREN = "indecent_images_of_children"
    GROOMING = "grooming"
    TRAFFICKING_FOR_SEXUAL_EXPLOITATION = "trafficking_for_sexual_exploitation"
    OTHER_HARM = "other_harm"


class Setting(Term):
    """The typology of the Complex and Organised Child Abuse Dataset, plus `online`."""

    FAMILIAL = "familial"
    CSE = "cse"
    INSTITUTIONAL = "institutional"
    RITUALISTIC = "ritualistic"
    ONLINE = "online"
    OTHER = "other"
    UNKNOWN = "unknown"


class Ground(Term):
    """The four ways in which a case is complex. The fourth is always a person's judgement."""

    NUMBER_OF_VICTIMS = "number_of_victims"
    NUMBER_OF_SUSPECTS = "number_of_suspects"
    NUMBER_OF_FORCE_AREAS = "number_of_force_areas"
    NATURE_OF_INVESTIGATION = "nature_of_investigation"


class NatureFactor(Term):
    """What makes the nature of the investigation complex."""

    INSTITUTION = "institution"
    POSITION_OF_TRUST = "position_of_trust"
    ORGANISED_GROUP = "organised_group"
    ONLINE_GROUP = "online_group"
    PUBLIC_PROMINENCE = "public_prominence"
    MANY_LOCATIONS_OVER_TIME = "many_locations_over_time"
    OTHER = "other"


class ComplexityClaim(Value):
    """A ground on which the partner thinks the case complex."""

    ground: Ground
    """Which of the four grounds is claimed."""
    nature_factor: NatureFactor | None = None
    """What makes the nature of the investigation complex. Give it with the ground nature_of_investigation, and only with
    that."""
    reason: Text
    """Why the partner thinks so."""

    @model_validator(mode="after")
    def _factor_belongs_to_nature(self) -> Self:
        if (self.ground is Ground.NATURE_OF_INVESTIGATION) != (self.nature_factor is not None):
            raise Inconsistent("Give nature_factor with the ground nature_of_investigation, and only with it.")
        return self


class Numbers(Value):
    """Known and estimated numbers of people. A known number may exceed the persons described."""

    victims_known: Count
    """How many victims are known, described or not."""
    victims_estimated: Count | None = None
    """How many victims there may be in all."""
    suspects_known: Count = 0
    """How many suspects are known, described or not."""
    suspects_estimated: Count | None = None
    """How many suspects there may be in all."""

    def after(self, said: "Numbers | None", *, corrects: bool) -> "Numbers":
        """These numbers after later ones: a correction replaces them, otherwise the larger of each number counts."""
        if said is None:
            return self
        if corrects:
            return said
        return Numbers(
            victims_known=max(self.victims_known, said.victims_known),
            victims_estimated=_larger(self.victims_estimated, said.victims_estimated),
            suspects_known=max(self.suspects_known, said.suspects_known),
            suspects_estimated=_larger(self.suspects_estimated, said.suspects_estimated),
        )


def _larger(before: int | None, said: int | None) -> int | None:
    return max((number for number in (before, said) if number is not None), default=None)
