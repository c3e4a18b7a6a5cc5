"""The programme's registers, published by the hub's own command line on compacted topics. Last record per key holds."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from conduit_contracts.base import Inconsistent, Value
from conduit_contracts.envelope import Event
from conduit_contracts.forms import formed
from conduit_contracts.ids import REFERENCE, REFERENCE_WORDS, ForceId, PartnerId
from conduit_contracts.referral import Email, LegalGround, Line
from conduit_contracts.times import Day

SecretName = Annotated[str, formed(r"^[a-z0-9][a-z0-9.-]*$", "lower-case letters, digits, . and -", max_length=64)]
"""Names a file in the notification service's secrets directory. Secrets themselves never travel on a topic."""


Generation = Annotated[int, Field(ge=1)]

_ADDRESS = "an address without blanks, for example https://hooks.example.org/conduit"


class Mou(Value):
    """A Memorandum of Understanding. In force from `valid_from` to `valid_to`, both included, unless suspended."""

    reference: Annotated[str, formed(REFERENCE, REFERENCE_WORDS, max_length=64)]
    """As referrals name it."""
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
    """True: it is not in force for now."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from > self.valid_to:
            raise Inconsistent("valid_from is after valid_to.")
        return self


class Contact(Value):
    """Where notices go. A team's address, never a person's."""

    email: Email | None = None
    """A team's mailbox."""
    webhook_url: Annotated[str, formed(r"^https?://[^\s]+$", _ADDRESS, max_length=500)] | None = None
    """Where notices are posted. Goes with webhook_secret."""
    webhook_secret: SecretName | None = None

    @model_validator(mode="after")
    def _webhook_is_signed(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise Inconsistent("webhook_url and webhook_secret go together.")
        return self


class PartnerRegistered(Event):
    """A partner organisation as it now stands in the register."""

    type: ClassVar[str] = "uk.conduit.programme.partner-registered.v1"
    partner_id: PartnerId
    name: Line
    """What the organisation is called."""
    suspended: bool = False
    """True: nothing is taken from it for now."""
    mous: Annotated[tuple[Mou, ...], Field(max_length=20)] = ()
    """Its Memoranda of Understanding."""
    contact: Contact = Contact()
    """Where notices to it go."""
    generation: Generation | None = None
    """The number of the newest Kafka user that it has had. It outlives the user: no number is ever given twice."""


class ForceRegistered(Event):
    """A force's safeguarding team as it now stands in the register. `escalation` are the next levels' contacts, in order."""

    type: ClassVar[str] = "uk.conduit.programme.force-registered.v1"
    force_id: ForceId
    contact: Contact = Contact()
    escalation: Annotated[tuple[Contact, ...], Field(max_length=5)] = ()
    professional_standards: Contact | None = None
    """Its professional standards department, for cases in which one of its own people is suspected."""
    generation: Generation | None = None
    """The number of the newest Kafka user that it has had. It outlives the user: no number is ever given twice."""
