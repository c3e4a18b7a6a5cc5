"""Who is in a referral, and under which name: a victim stays anonymous where they want to."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from conduit_contracts.base import Finding, Inconsistent, Term, Value
from conduit_contracts.fields import Age, LanguageCode, Line, LocalId, Text
from conduit_contracts.forms import formed
from conduit_contracts.ids import DistrictCode, ForceId
from conduit_contracts.times import Day


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
