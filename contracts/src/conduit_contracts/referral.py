"""The value types of a referral: what a partner knows, in the words that police and safeguarding teams use.

Definitions: a child is under 18. Child sexual exploitation is a form of child sexual abuse (Department for Education,
February 2017), so the two are never alternatives. Group-based means two or more (IICSA, "organised network").
The setting follows the Complex and Organised Child Abuse Dataset's typology.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from conduit_contracts.base import Finding, Inconsistent, Term, Value
from conduit_contracts.countries import is_country, nearest
from conduit_contracts.entry import AtEntry
from conduit_contracts.forms import formed
from conduit_contracts.ids import REFERENCE, REFERENCE_WORDS, DistrictCode, ForceId, PartnerId, PartnerReference
from conduit_contracts.texts import blank_text, shows_something
from conduit_contracts.times import Day, Moment

_NO_NUL = r"^[^\x00]*$"  # PostgreSQL's text cannot hold it
_NO_NUL_WORDS = "text without the character NUL (U+0000)"
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_ONE_LINE_WORDS = "one line, without control characters such as line breaks and tabs"
_IN_WORDS = AtEntry(blank_text)
Line = Annotated[str, formed(_ONE_LINE, _ONE_LINE_WORDS, min_length=1, max_length=200), _IN_WORDS]
"""Without control characters, so that it cannot break out of a header or a list."""
Text = Annotated[str, formed(_NO_NUL, _NO_NUL_WORDS, min_length=1, max_length=4_000), _IN_WORDS]
Narrative = Annotated[str, formed(_NO_NUL, _NO_NUL_WORDS, min_length=1, max_length=40_000), _IN_WORDS]
LocalId = Annotated[
    str,
    formed(r"^[A-Za-z][A-Za-z0-9_-]*$", "letters, digits, _ and -, beginning with a letter, for example V1", max_length=32),
]
"""Names a person or a place inside one referral, for example V1 or L2. Unique in the referral."""


def _nobodys_address(address: str) -> Finding | None:
    return None if all(map(shows_something, address.split("@"))) else Finding("format_invalid", f"Send {_EMAIL}.")


def _nobodys_number(telephone: str) -> Finding | None:
    return None if sum(map(str.isdigit, telephone)) >= _FEWEST_DIGITS else Finding("format_invalid", _TOO_FEW_DIGITS)


_EMAIL = "an e-mail address, for example team@partner.example"
Email = Annotated[
    str,
    formed(r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$", _EMAIL, max_length=254),
    AtEntry(_nobodys_address),
]
_FEWEST_DIGITS = 5
_TELEPHONE = "5 to 25 digits, spaces, brackets and hyphens, with + only at the beginning, for example +44 20 7946 0000"
_TOO_FEW_DIGITS = "This has fewer than 5 digits, so nobody can call it. Send a number such as +44 20 7946 0000."
TelephoneText = Annotated[str, formed(r"^\+?[0-9 ()-]{5,25}$", _TELEPHONE), AtEntry(_nobodys_number)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Age = Annotated[int, Field(ge=0, le=120)]


def _no_country(code: str) -> Finding | None:
    if is_country(code):
        return None
    near = nearest(code)
    meant = f" Did you mean {near}?" if near else ""
    return Finding("value_not_allowed", f"ISO 3166-1 has no country with this code.{meant}")


CountryCode = Annotated[
    str, formed(r"^[A-Z]{2}$", "two capital letters of ISO 3166-1, for example GB"), AtEntry(_no_country)
]
"""ISO 3166-1 alpha-2."""
LanguageCode = Annotated[
    str, formed(r"^[a-z]{2,3}(-[A-Z]{2})?$", "two or three lower-case letters of ISO 639, for example pl or pt-BR")
]
"""ISO 639 language, for example `bsl` is not one: British Sign Language is `bfi`."""


class Urgency(Term):
    """How soon a person must act. Immediate danger is a separate flag."""

    URGENT = "urgent"
    PRIORITY = "priority"
    ROUTINE = "routine"


class Role(Term):
    """Section 38 of the Data Protection Act 2018 asks for categories of person to be told apart."""

    VICTIM = "victim"
    SUSPECT = "suspect"
    WITNESS = "witness"


class LegalGround(Term):
    """Why a person may be named without consent."""

    VITAL_INTERESTS = "vital_interests"
    SAFEGUARDING_OF_CHILDREN = "safeguarding_of_children"
    LEGAL_OBLIGATION = "legal_obligation"
    PUBLIC_TASK = "public_task"
    PREVENTION_OF_CRIME = "prevention_of_crime"


class NamedWithConsent(Value):
    """The person is named and agreed to it."""

    kind: Literal["named_with_consent"] = "named_with_consent"
    """Says which form of identity this is."""
    name: Line
    """The person's name, as the partner knows it."""
    date_of_birth: Day | None = None
    """Given if it is known."""
    consented_on: Day
    """The day on which the person agreed to be named to the police."""


class NamedWithoutConsent(Value):
    """The person is named on a legal ground."""

    kind: Literal["named_without_consent"] = "named_without_consent"
    """Says which form of identity this is."""
    name: Line
    """The person's name, as the partner knows it."""
    date_of_birth: Day | None = None
    """Given if it is known."""
    legal_ground: LegalGround
    """The ground on which the person is named without consent."""
    reason: Text
    """Why the person is named without consent, in words."""


class Pseudonymous(Value):
    """The person chose not to be named, or is not known by name. The partner can link the pseudonym; the hub cannot."""

    kind: Literal["pseudonymous"] = "pseudonymous"
    """Says which form of identity this is."""
    pseudonym: Line
    """A name that only the partner can link to the person. The same in everything that the partner sends about this
    person."""


Identity = Annotated[NamedWithConsent | NamedWithoutConsent | Pseudonymous, Field(discriminator="kind")]


class NotRecorded(Term):
    """Why a characteristic was not recorded. A missing field is different: it means that nobody said anything."""

    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    NOT_KNOWN = "not_known"


class CharacteristicSource(Term):
    """Who said so. A characteristic is never inferred from a name."""

    SELF_DEFINED = "self_defined"
    OBSERVED = "observed"
    RECORDED_BY_AGENCY = "recorded_by_agency"


class Characteristic(Value):
    """An ethnicity or a nationality: a code with its source, or the reason why there is none."""

    code: Annotated[str, formed(r"^[A-Z][A-Z0-9]{0,3}$", "capital letters and digits, for example W1 or GB")] | None = None
    """Ethnicity: a code of the 18+1 self-defined classification, such as W1 or A1. Nationality: ISO 3166-1 alpha-2."""
    source: CharacteristicSource | None = None
    """Who said so. Give it with a code, and only with a code."""
    not_recorded: NotRecorded | None = None
    """Why there is no code."""

    @model_validator(mode="after")
    def _code_or_reason(self) -> Self:
        if (self.code is None) == (self.not_recorded is None):
            raise Inconsistent("Give either a code and its source, or the reason in not_recorded.")
        if (self.code is None) != (self.source is None):
            raise Inconsistent("Give a code and its source together.")
        return self


class SupportNeed(Term):
    """What the force must arrange before it makes contact."""

    INTERPRETER = "interpreter"
    INTERMEDIARY = "intermediary"
    INDEPENDENT_ADVISER = "independent_sexual_violence_adviser"
    MENTAL_HEALTH = "mental_health"
    PHYSICAL_DISABILITY = "physical_disability"
    LEARNING_DISABILITY = "learning_disability"
    SENSORY_IMPAIRMENT = "sensory_impairment"
    SAFE_CONTACT_ONLY = "safe_contact_only"
    OTHER = "other"


class Sex(Term):
    """As recorded by the partner."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class Person(Value):
    """A victim, suspect or witness. Ages are whole years."""

    person_id: LocalId
    """The person's id in this referral, for example V1."""
    role: Role
    """The person's role in the case: victim, suspect or witness."""
    identity: Identity
    """Who it is: named with consent, named without consent on a legal ground, or under a pseudonym. `kind` says which."""
    sex: Sex | None = None
    """As the partner recorded it. Absent: nobody said anything."""
    age_at_offence: Age | None = None
    """In whole years when the offence began."""
    age_at_report: Age | None = None
    """In whole years when the partner learned of it."""
    ethnicity: Characteristic | None = None
    """A code of the 18+1 self-defined classification with its source, or why there is none."""
    nationality: Characteristic | None = None
    """A code of ISO 3166-1 with its source, or why there is none."""
    support_needs: Annotated[tuple[SupportNeed, ...], Field(max_length=20)] = ()
    """What the force must arrange before it makes contact, in any order."""
    interpreter_language: LanguageCode | None = None
    """The language to interpret, by its ISO 639 code. British Sign Language is `bfi`."""
    home_district_code: DistrictCode | None = None
    """Where the person lives now."""
    present_district_code: DistrictCode | None = None
    """Where the person is now, if not at home. The case also concerns the police force for a child's present district."""
    home_area_consented_on: Day | None = None
    """When this adult agreed that the police force where they live is told. Without it no rule tells that force. A child's
    home force is told in any case."""
    suspect_is_police: bool | None = None
    """True for a suspect who is a police officer or works for a police force. No rule sends the case to that force: a named
    officer at the hub takes it to the force's professional standards department. Absent means not known."""
    suspect_force_id: ForceId | None = None
    """The police force that such a suspect belongs to. If it is not known, leave it out: then no rule sends the case to
    any force, and a named officer decides."""
    place_ids: Annotated[tuple[LocalId, ...], Field(max_length=200)] = ()
    """The offence places this person is tied to. They decide which forces are told about the person."""
    safe_contact: Text | None = None
    """When, how and through whom it is safe to make contact. At any other time contact may put the person in danger."""

    def at_entry(self) -> Iterable[Finding]:
        """Only a suspect can be said to belong to the police."""
        if self.suspect_is_police and self.role is not Role.SUSPECT:
            text = "Give suspect_is_police with the role suspect, and only with it."
            yield Finding("value_inconsistent", text, ("suspect_is_police",))
        if self.suspect_force_id is not None and not self.suspect_is_police:
            text = "Give suspect_force_id with suspect_is_police set to true, and only with it."
            yield Finding("value_inconsistent", text, ("suspect_force_id",))


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
