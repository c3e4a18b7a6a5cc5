"""What forces answer, each on a topic of its own: `force.<id>.responses.v1`.

Transport receipt, a connector's receipt and a person's acknowledgement are three different facts. Kafka's commit is the
first and is never read as another.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from conduit_contracts.base import Term
from conduit_contracts.envelope import Event
from conduit_contracts.forms import formed
from conduit_contracts.ids import ForceId, ReferralId
from conduit_contracts.referral import Line, Text

ForceReference = Annotated[
    str,
    formed(
        r"^[A-Za-z0-9][A-Za-z0-9 ._/-]*$",
        "letters, digits, blanks and . _ / -, beginning with a letter or a digit, for example 20/12345/26",
        max_length=64,
    ),
]
"""The force's own reference, for example of its crime or intelligence record. Kept and given back, never interpreted."""


VictimContact = Text
"""Who at the force makes contact with each victim, how and when, as far as it was said. Officers by what they do, not by
name; victims by their `person_id`, as the partner calls them. The partner reads it."""


class _Response(Event):
    force_id: ForceId
    """Must be the topic's force."""
    referral_id: ReferralId


Part = Annotated[int, Field(ge=1)]
"""Counts the versions of one force's part of a case, from 1. A new one must be read and acknowledged again."""


class ReceiptConfirmed(_Response):
    """The force's connector has stored the case."""

    type: ClassVar[str] = "uk.conduit.force.receipt-confirmed.v1"
    part: Part | None = None
    """The version of the case, from CaseDisseminated. Absent: the latest one. One that was never sent is rejected."""


class CaseAcknowledged(_Response):
    """A person in the force's safeguarding team has read the case and takes it on."""

    type: ClassVar[str] = "uk.conduit.force.case-acknowledged.v1"
    team: Line
    """The team, not a person's name."""
    force_reference: ForceReference | None = None
    part: Part | None = None
    """The version of the case that the person has read. Absent: the latest one. An earlier one does not stop the clock. One
    that was never sent is rejected."""
    victim_contact: VictimContact | None = None
    """Who at the force makes contact with each victim, how and when. Officers by what they do, not by name; victims by their
    `person_id`. The partner reads it."""


class NotOursReason(Term):
    """Why a force gives a case back."""

    OUTSIDE_OUR_AREA = "outside_our_area"
    ANOTHER_FORCE_LEADS = "another_force_leads"
    DUPLICATE = "duplicate"
    OTHER = "other"


class CaseDeclined(_Response):
    """The force says that the case is not its own. It keeps the interim safeguarding duty until another force has it."""

    type: ClassVar[str] = "uk.conduit.force.case-declined.v1"
    reason: NotOursReason
    """Why the case is not this force's."""
    comment: Text
    """More about why, in words. The hub's officers read it."""
    suggested_force: ForceId | None = None
    """The force that it should go to instead, if this force knows."""
