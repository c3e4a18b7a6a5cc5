"""The programme's registers on compacted topics, and its national advice. The last record for each key counts. Its service
writes those of partners, forces and people (see `orders`), the hub's own command line what is taken from people.

Of people no name and no address is kept: what an identity provider calls them, and what they do here. Whoever leaves is
deleted.
"""

import json
from hashlib import sha256
from typing import Annotated, ClassVar, Self, TypeAlias
from uuid import UUID

from pydantic import Field, model_validator

from conduit_contracts.base import Inconsistent, Term, Value
from conduit_contracts.envelope import Event
from conduit_contracts.forms import formed
from conduit_contracts.ids import REFERENCE, REFERENCE_WORDS, ForceId, OfficerId, PartnerId, PersonId
from conduit_contracts.referral import Email, LegalGround, Line, Narrative, Text
from conduit_contracts.times import Day, Moment

SecretName = Annotated[str, formed(r"^[a-z0-9][a-z0-9.-]*$", "lower-case letters, digits, . and -", max_length=64)]
"""Names a file in the notification service's secrets directory. Secrets themselves never travel on a topic."""


Generation = Annotated[int, Field(ge=1)]

MouReference = Annotated[str, formed(REFERENCE, REFERENCE_WORDS, max_length=64)]
"""The reference of a Memorandum of Understanding."""

_ADDRESS = "an address without blanks, for example https://hooks.example.org/conduit"


class Mou(Value):
    """A Memorandum of Understanding. In force from `valid_from` to `valid_to`, both included, unless suspended."""

    reference: MouReference
    """The reference that referrals give."""
    scope: Line
    """What it covers, in words."""
    signed_on: Day
    """When it was signed."""
    valid_from: Day
    """The first day on which it is in force."""
    valid_to: Day
    """The last day on which it is in force."""
    review_on: Day
    """When it is to be reviewed."""
    legal_ground: LegalGround
    suspended: bool = False
    """True: it is not in force at present."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from > self.valid_to:
            raise Inconsistent("valid_from is after valid_to.")
        return self


Telephone = Annotated[
    str, formed(r"^\+[1-9][0-9]{6,14}$", "a number as + with the country code and digits only, for example +441632960147")
]
"""A number as E.164 has it: + and the country's code, then digits alone, for example +441632960147."""


class Contact(Value):
    """Where notices go. A team's address and telephone, never a person's."""

    email: Email | None = None
    """A team's mailbox."""
    telephone: Telephone | None = None
    """For a person to call. No machine calls it."""
    webhook_url: Annotated[str, formed(r"^https?://[^\s]+$", _ADDRESS, max_length=500)] | None = None
    """Where notices are posted. Goes with webhook_secret."""
    webhook_secret: SecretName | None = None

    @model_validator(mode="after")
    def _webhook_is_signed(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise Inconsistent("Give webhook_url and webhook_secret together.")
        return self


class PartnerRegistered(Event):
    """A partner organisation as it now is in the register."""

    type: ClassVar[str] = "uk.conduit.programme.partner-registered.v1"
    partner_id: PartnerId
    name: Line
    """The name of the organisation."""
    suspended: bool = False
    """True: nothing is accepted from it at present."""
    mous: Annotated[tuple[Mou, ...], Field(max_length=20)] = ()
    """Its Memoranda of Understanding."""
    contact: Contact = Contact()
    """Where notices to it are sent."""
    sandbox_contact: Contact | None = None
    """Where notices about its referrals in the sandbox are sent. Absent: nowhere. They never go to `contact`, where people
    would think them real."""
    generation: Generation | None = None
    """The number of its newest Kafka user. It stays after the user is gone: no number is ever used twice."""


class ForceRegistered(Event):
    """A force's safeguarding team as it now is in the register. `escalation` are the next levels' contacts, in order."""

    type: ClassVar[str] = "uk.conduit.programme.force-registered.v1"
    force_id: ForceId
    contact: Contact = Contact()
    escalation: Annotated[tuple[Contact, ...], Field(max_length=5)] = ()
    professional_standards: Contact | None = None
    """Its professional standards department, for cases in which one of its own people is suspected."""
    generation: Generation | None = None
    """The number of its newest Kafka user. It stays after the user is gone: no number is ever used twice."""
    control_room: Telephone | None = None
    """The number of the force's control room, which answers at any hour. Notices of danger give it."""


class HubContactsProposed(Event):
    """Someone proposes who the hub's alarms go to: the first contact at once, then the next ones in this order.

    It takes effect once someone else approves it, with a different credential, on a topic that the proposer cannot write to.
    """

    type: ClassVar[str] = "uk.conduit.programme.hub-contacts-proposed.v1"
    proposal_id: UUID
    """Names the proposal; its approval repeats it."""
    contacts: Annotated[tuple[Contact, ...], Field(min_length=2, max_length=10)]
    """The contacts to alert, in this order."""
    proposed_by: Line
    """Who proposes it."""

    @model_validator(mode="after")
    def _each_can_be_called(self) -> Self:
        if not all(contact.email or contact.webhook_url for contact in self.contacts):
            raise Inconsistent("Each duty contact needs an email or a webhook_url.")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what is proposed: an approval names it, so that it approves these contacts and no others."""
        shown = [contact.model_dump(mode="json", exclude_none=True) for contact in self.contacts]
        return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


class HubContactsApproved(Event):
    """Someone else approves a proposal. From then on alarms go to these contacts, and the old contacts are told."""

    type: ClassVar[str] = "uk.conduit.programme.hub-contacts-approved.v1"
    proposal_id: UUID
    """The proposal that is approved."""
    digest: Annotated[str, formed(r"^[0-9a-f]{64}$", "64 hexadecimal digits in lower case")]
    """SHA-256 of the contacts that are approved. If the proposal has different contacts, nothing changes."""
    approved_by: Line
    """The person who approves it, who must not be the person who proposed it."""


Issuer = Annotated[
    str,
    formed(r"^https?://[!-~]+$", "an address without blanks, for example https://login.hub.example", max_length=500),
]
"""An identity provider's name for itself, as its tokens have it in `iss`."""
Subject = Annotated[
    str, formed(r"^[!-~]+$", "what the provider has in sub, letters and digits without blanks", max_length=255)
]
"""An identity provider's name for a person, as its tokens have it in `sub`. The same at another issuer is somebody else."""


class HubRole(Term):
    """What one of the hub's people does."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    LEAD = "lead"
    ENGAGEMENT_OFFICER = "engagement_officer"
    FINANCE = "finance"
    RECORDS_MANAGER = "records_manager"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    ADMINISTRATOR = "administrator"


class PartnerRole(Term):
    """What one of a partner's people does."""

    CASEWORKER = "partner_caseworker"
    MANAGER = "partner_manager"


class ForceRole(Term):
    """What one of a force's people does."""

    TEAM = "force_team"
    SINGLE_POINT_OF_CONTACT = "force_single_point_of_contact"


class _Registered(Event):
    """What every register of people holds of each."""

    person_id: PersonId
    issuer: Issuer
    """Who vouches for them, and nobody else can."""
    subject: Subject
    """Who they are there."""
    shown_as: Line | None = None
    """What pages call them: by what they do, never by name. Absent: by their roles."""
    valid_from: Moment
    """From when on they may come in."""
    valid_to: Moment | None = None
    """Until when. Absent: until they are removed."""
    sessions_from: Moment | None = None
    """Sessions that began earlier have ended."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise Inconsistent("valid_to is not after valid_from.")
        return self


Base64 = Annotated[str, formed(r"^[A-Za-z0-9_-]+$", "base64url without padding", max_length=2_048)]


class Passkey(Value):
    """The public part of a passkey (WebAuthn), as its officer's browser made it known."""

    credential_id: Base64
    """How authenticators and browsers know it."""
    public_key: Base64
    """A COSE key (RFC 9052)."""
    origin: Annotated[str, formed(r"^https?://[!-.0-~]+$", "an origin, such as https://console.hub.example", max_length=300)]
    """The console on whose pages it answers, and on no other. Its host is WebAuthn's `rpId`."""
    sign_count: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """How often it had been used when it was made. An answer with no higher count is refused; 0: it does not count."""
    aaguid: UUID | None = None
    """The model of its authenticator, as far as that says so."""
    confirmed_at: Moment | None = None
    """When an administrator confirmed it: it is trusted from then on. Absent: it counts for nothing yet."""

    def fingerprint(self, person_id: str) -> str:
        """By what an officer and an administrator compare it: 96 bits over whose it is and all that makes it out."""
        about = "\n".join((person_id, self.origin, self.credential_id, self.public_key))
        digits = sha256(about.encode()).hexdigest()[:24].upper()
        return " ".join(digits[start : start + 4] for start in range(0, 24, 4))


class HubPersonRegistered(_Registered):
    """One of the hub's people as they now are in the register."""

    type: ClassVar[str] = "uk.conduit.programme.hub-person-registered.v1"
    roles: Annotated[tuple[HubRole, ...], Field(min_length=1, max_length=9)]
    officer_id: OfficerId | None = None
    """The account under which they decided before there was a register. Absent: their person_id is it."""
    passkeys: Annotated[tuple[Passkey, ...], Field(max_length=5)] = ()
    """With one of these, and not without, they decline and end a force's part. Absent: they have none, and need none."""


class PartnerPersonRegistered(_Registered):
    """One of a partner's people as they now are in the register."""

    type: ClassVar[str] = "uk.conduit.programme.partner-person-registered.v1"
    partner_id: PartnerId
    roles: Annotated[tuple[PartnerRole, ...], Field(min_length=1, max_length=2)]


class ForcePersonRegistered(_Registered):
    """One of a force's people as they now are in the register."""

    type: ClassVar[str] = "uk.conduit.programme.force-person-registered.v1"
    force_id: ForceId
    roles: Annotated[tuple[ForceRole, ...], Field(min_length=1, max_length=2)]


PersonRegistered: TypeAlias = HubPersonRegistered | PartnerPersonRegistered | ForcePersonRegistered


class RightsRevoked(Event):
    """What somebody in a register of people may do no more, whatever the register says. It gives nothing to anybody.

    Who follows the registers heeds it at once, also while their writer is down. It holds until the next about this person.
    """

    type: ClassVar[str] = "uk.conduit.programme.rights-revoked.v1"
    person_id: PersonId
    removed: bool = False
    """True: they may not come in."""
    roles_left: Annotated[tuple[HubRole | PartnerRole | ForceRole, ...], Field(min_length=1, max_length=9)] | None = None
    """The only roles that they can have. Absent: every role that the register gives them."""
    sessions_from: Moment | None = None
    """Sessions that began earlier have ended."""


class AdvicePublished(Event):
    """National advice to every force. Each confirms on the programme's pages that it read it, and says what it makes of it.

    It names no case and nobody, and holds nothing that a contributor said.
    """

    type: ClassVar[str] = "uk.conduit.programme.advice-published.v1"
    note_id: UUID
    """Names the note. A later record about it takes this one's place."""
    title: Line
    """What it is about."""
    words: Narrative
    """What forces are advised to do, and why."""
    published_at: Moment
    """When it was published."""
    confirm_by: Day
    """By when each force is asked to confirm that it has read it."""
    insight_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=100)]
    """What organisations told the hub on which it rests, by id alone."""
    quote_ids: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    """What contributors said on which it rests, by id alone. The programme's page shows the words while they agree."""
    replaces: UUID | None = None
    """The note whose place it takes."""


class AdviceWithdrawn(Event):
    """A note of national advice holds no longer: nobody is advised to follow it any more."""

    type: ClassVar[str] = "uk.conduit.programme.advice-withdrawn.v1"
    note_id: UUID
    """The note."""
    withdrawn_at: Moment
    """Since when it holds no longer."""
    replaced_by: UUID | None = None
    """The note that took its place."""
    explanation: Text | None = None
    """Why, where none took its place."""
