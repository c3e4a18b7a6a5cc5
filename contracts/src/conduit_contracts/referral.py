"""The value types of a referral: what a partner knows, in the words that police and safeguarding teams use.

Definitions: a child is under 18. Child sexual exploitation is a form of child sexual abuse (Department for Education,
February 2017), so the two are never alternatives. Group-based means two or more (IICSA, "organised network").
The setting follows the Complex and Organised Child Abuse Dataset's typology.
"""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from conduit_contracts.base import Inconsistent, Term, Value
from conduit_contracts.fields import (
    Age,
    Count,
    CountryCode,
    Email,
    LanguageCode,
    Line,
    LocalId,
    Narrative,
    TelephoneText,
    Text,
)
from conduit_contracts.forms import formed
from conduit_contracts.ids import REFERENCE, REFERENCE_WORDS, PartnerId, PartnerReference
from conduit_contracts.offences import (
    ComplexityClaim,
    Concern,
    Ground,
    NatureFactor,
    Numbers,
    OffencePeriod,
    OffencePlace,
    PlaceKind,
    Setting,
)
from conduit_contracts.persons import (
    Characteristic,
    CharacteristicSource,
    Identity,
    LegalGround,
    NamedWithConsent,
    NamedWithoutConsent,
    NotRecorded,
    Person,
    Pseudonymous,
    Role,
    Sex,
    SupportNeed,
)
from conduit_contracts.times import Day, Moment

__all__ = [
    "Age",
    "AgencyKind",
    "Caseworker",
    "Characteristic",
    "CharacteristicSource",
    "ComplexityClaim",
    "Concern",
    "Count",
    "CountryCode",
    "Email",
    "Ground",
    "HandlingCaveat",
    "HandlingCode",
    "Identity",
    "InformedAgency",
    "LanguageCode",
    "LegalGround",
    "Line",
    "LocalId",
    "Marking",
    "NamedWithConsent",
    "NamedWithoutConsent",
    "Narrative",
    "NatureFactor",
    "NotRecorded",
    "Numbers",
    "OffencePeriod",
    "OffencePlace",
    "Person",
    "PlaceKind",
    "Pseudonymous",
    "Referral",
    "Role",
    "Setting",
    "Sex",
    "Supplement",
    "SupportNeed",
    "TelephoneText",
    "Text",
    "Urgency",
    "check_local_ids",
]


class Urgency(Term):
    """How soon a person must act. Immediate danger is a separate flag."""

    URGENT = "urgent"
    PRIORITY = "priority"
    ROUTINE = "routine"


class AgencyKind(Term):
    """Who else may know."""

    CHILDRENS_SERVICES = "childrens_services"
    MASH = "mash"
    POLICE_FORCE = "police_force"
    HEALTH = "health"
    EDUCATION = "education"
    LADO = "local_authority_designated_officer"
    CHARITY = "charity"
    OTHER = "other"


class InformedAgency(Value):
    """An agency that already knows of the concern."""

    kind: AgencyKind
    """The kind of agency."""
    name: Line
    """The name of the agency."""
    informed_on: Day | None = None
    """The day on which it learned of the concern."""
    reference: Line | None = None
    """Its own reference, if it gave one."""


class Marking(Term):
    """OFFICIAL-SENSITIVE is OFFICIAL with a handling marking, not a classification of its own."""

    OFFICIAL = "official"
    OFFICIAL_SENSITIVE = "official_sensitive"


class HandlingCode(Term):
    """The handling code of the 3x5x2 intelligence report."""

    P = "P"
    """Lawful sharing permitted."""
    C = "C"
    """Lawful sharing permitted with conditions."""


class HandlingCaveat(Value):
    """Travels with every copy."""

    marking: Marking = Marking.OFFICIAL_SENSITIVE
    """How the information is marked."""
    code: HandlingCode = HandlingCode.P
    """P: lawful sharing is permitted. C: it is permitted with conditions."""
    conditions: Text | None = None
    """The conditions of code C. Code P has none."""

    @model_validator(mode="after")
    def _conditions_with_code_c(self) -> Self:
        if (self.code is HandlingCode.C) != (self.conditions is not None):
            raise Inconsistent("Give conditions with code C, and none with code P.")
        return self


class Caseworker(Value):
    """The person at the partner for a force or an officer to speak to."""

    name: Line
    """The person to ask for."""
    role: Line | None = None
    """That person's role at the partner."""
    email: Email | None = None
    """The e-mail address to write to. Give an e-mail address or a telephone number."""
    telephone: TelephoneText | None = None
    """The telephone number to call. Give an e-mail address or a telephone number."""
    safe_contact: Text | None = None
    """When and how to make contact, for example not at a shared desk or not while the family is there."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not (self.email or self.telephone):
            raise Inconsistent("Give an email or a telephone.")
        return self


class Referral(Value):
    """A complex referral as the partner sends it."""

    partner_id: PartnerId
    """The partner that sends this. Must be the topic's or the client's own."""
    partner_reference: PartnerReference
    """The partner's own reference for the case, a different one for each case. It is shown in notices, so it must not be a
    person's name."""
    mou_reference: Annotated[str, formed(REFERENCE, REFERENCE_WORDS, max_length=64)]
    """The reference of the Memorandum of Understanding under which the partner shares this. It must be in force."""
    caseworker: Caseworker
    """The person at the partner for a force or an officer to speak to."""
    reported_at: Moment
    """When the partner learned of it."""
    urgency: Urgency
    """How soon a person must act. Immediate danger is a separate flag."""
    immediate_danger: bool
    """A child is in danger now. The partner calls 999 as well: the conduit is not an emergency channel."""
    narrative: Narrative
    """What happened, in the partner's own words. The home force gets it whole."""
    persons: Annotated[tuple[Person, ...], Field(max_length=500)] = ()
    """The victims, suspects and witnesses that are described."""
    numbers: Numbers
    """How many victims and suspects there are, described or not. Decides whether the case is complex."""
    places: Annotated[tuple[OffencePlace, ...], Field(max_length=500)] = ()
    """Where it happened. Decides which police forces get the case."""
    offence_period: OffencePeriod = OffencePeriod()
    """When it happened, over all places."""
    concerns: Annotated[tuple[Concern, ...], Field(min_length=1, max_length=20)]
    """What is feared or known to have happened, in any order."""
    setting: Setting = Setting.UNKNOWN
    """In what setting it happened: for example within a family, in an institution, or online. Absent or `unknown`: not
    known."""
    group_based: bool | None = None
    """Two or more offenders, whether identified or not. Absent means not known."""
    claims: Annotated[tuple[ComplexityClaim, ...], Field(max_length=20)] = ()
    """The grounds on which the partner thinks the case complex, each with a reason. An officer reads them. Numbers of people
    count without being claimed."""
    legal_ground: LegalGround
    """The partner's legal ground for sharing the referral."""
    informed_agencies: Annotated[tuple[InformedAgency, ...], Field(max_length=50)] = ()
    """The agencies that already know about it."""
    handling: HandlingCaveat = HandlingCaveat()
    """How the information may be handled. Travels with every copy."""

    @model_validator(mode="after")
    def _local_ids_agree(self) -> Self:
        check_local_ids(self.persons, self.places, {place.place_id for place in self.places})
        return self


class Supplement(Value):
    """What a partner adds to a referral or corrects later. What was said before is kept too."""

    partner_id: PartnerId
    """The partner that sends this. Must be the topic's or the client's own."""
    partner_reference: PartnerReference
    """The reference under which the referral was sent."""
    corrects: bool = False
    """True if this replaces something that was said before; the text says what."""
    immediate_danger: bool | None = None
    """True: a child is in danger now, and the partner calls 999 as well. The whole case is treated so at once, whatever
    its state. False: the partner thinks that the danger has passed; forces are told, and no machine slows anything down.
    Absent: nothing is said about danger."""
    urgency: Urgency | None = None
    """How soon a person must act, as the partner sees it now. A more urgent level raises the case; a less urgent one is only
    passed on to the forces."""
    text: Text
    """What is new, or what is corrected, in words. The home force gets it whole."""
    persons: Annotated[tuple[Person, ...], Field(max_length=500)] = ()
    """New persons. With `corrects`, a person with an id that the referral already has replaces that person."""
    places: Annotated[tuple[OffencePlace, ...], Field(max_length=500)] = ()
    """New places. They may bring in further police forces."""
    numbers: Numbers | None = None
    """How many victims and suspects there are by now, all of them and not only the new ones. The larger of each number
    counts; with `corrects`, these replace everything that was said before. Absent: nothing is said about numbers."""
    supplied_at: Moment
    """When the partner learned of it."""


def check_local_ids(persons: tuple[Person, ...], places: tuple[OffencePlace, ...], known_places: set[str]) -> None:
    """Raise Inconsistent, at the first entry that is wrong, unless local ids are unique and every place a person is tied to
    is known."""
    if repeated := _first_repeated([person.person_id for person in persons]):
        raise Inconsistent("Two persons have the same person_id.", ("persons", repeated, "person_id"))
    if repeated := _first_repeated([place.place_id for place in places]):
        raise Inconsistent("Two places have the same place_id.", ("places", repeated, "place_id"))
    for number, person in enumerate(persons):
        for position, place_id in enumerate(person.place_ids):
            if place_id not in known_places:
                text = "A person's place_ids names a place that is not in places."
                raise Inconsistent(text, ("persons", number, "place_ids", position))


def _first_repeated(ids: Sequence[str]) -> int:
    """The position of the first repeated id; zero if there is none, since the first id repeats nothing."""
    seen: set[str] = set()
    for number, local_id in enumerate(ids):
        if local_id in seen:
            return number
        seen.add(local_id)
    return 0
