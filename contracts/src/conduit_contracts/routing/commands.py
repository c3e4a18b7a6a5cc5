"""The officers' commands to routing, on `routing.reviews.v1`."""

from typing import ClassVar

from conduit_contracts.commands import SeenUntil, SeenVersion, _OfCall
from conduit_contracts.envelope import Command
from conduit_contracts.force import ForceReference, VictimContact
from conduit_contracts.ids import ForceId, OfficerId, ReferralId
from conduit_contracts.programme import Telephone
from conduit_contracts.referral import Line, Text
from conduit_contracts.times import Moment


class NameHomeForce(Command):
    """A named officer names the home force. If that force does not have the case yet, it gets it."""

    type: ClassVar[str] = "uk.conduit.routing.name-home-force.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    home_force: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history."""


class RerouteHandoff(Command):
    """A named officer sends a declined or open hand-off to another force instead."""

    type: ClassVar[str] = "uk.conduit.routing.reroute-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    from_force: ForceId
    to_force: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history."""


class StandDownHandoff(Command):
    """A named officer ends one force's part. Refused for the last force: a child is never with nobody."""

    type: ClassVar[str] = "uk.conduit.routing.stand-down-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, nothing happens: `case_changed`."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history."""


class SendToProfessionalStandards(Command):
    """A named officer takes a restricted case to a force's professional standards department, which gets a notice without
    content. From then on an officer may also name that force or reroute to it."""

    type: ClassVar[str] = "uk.conduit.routing.send-to-professional-standards.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history."""


class NameInterimOwner(Command):
    """A named officer says which force looks after the child while the home force is not settled.

    If that force does not have the case yet, it gets it. It has the duty at once where no force has taken the case, and
    otherwise once it has acknowledged.
    """

    type: ClassVar[str] = "uk.conduit.routing.name-interim-owner.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history."""


class ChaseHandoff(Command):
    """A named officer reminds a force now that has let a deadline pass, without waiting for the clock's next reminder."""

    type: ClassVar[str] = "uk.conduit.routing.chase-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history. The force does not read it."""


class EscalateHandoff(Command):
    """A named officer goes to the force's next level now, without waiting for the clock."""

    type: ClassVar[str] = "uk.conduit.routing.escalate-handoff.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    reason: Text
    """The reason, for the case's history. The force does not read it."""


class RecordAcknowledgement(Command):
    """A named officer records that a force's team took its part of the case on by telephone.

    It ends the clock of the acknowledgement, and not that of the receipt: only the force's connector can confirm that.
    """

    type: ClassVar[str] = "uk.conduit.routing.record-acknowledgement.v1"
    referral_id: ReferralId
    officer_id: OfficerId
    force_id: ForceId
    """Whose part it is."""
    spoken_at: Moment
    """When they spoke. If the force's part has changed since, nothing happens: `part_changed`."""
    spoke_for_hub: Line
    """Who spoke for the hub: what they do, not their name."""
    spoke_for_force: Line
    """Who spoke for the force: what they do, not their name."""
    called_back: Telephone
    """The force's number in the register, at which the hub called back."""
    force_reference: ForceReference | None = None
    victim_contact: VictimContact | None = None
    seen_version: SeenVersion | None = None
    """The `version` of the case that the officer saw. If the case has changed since, the officer is told what is new."""
    seen_until: SeenUntil | None = None
    """Up to when the officer's page knew the case, in the broker's time; what the service learned later is news. It stands
    for `seen_version` where the page does not know that; where a command has both, what is news by either is news."""
    comment: Text | None = None
    """More about the call, for the case's history."""


class RecordCall(_OfCall):
    """A named officer records a call with a force or with the partner, and what came of it. It moves no clock."""

    type: ClassVar[str] = "uk.conduit.routing.record-call.v1"
