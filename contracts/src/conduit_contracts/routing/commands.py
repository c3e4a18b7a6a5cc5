"""The officers' commands to routing, on `routing.reviews.v1`."""

from typing import ClassVar

from conduit_contracts.commands import SeenUntil, SeenVersion
from conduit_contracts.envelope import Command
from conduit_contracts.ids import ForceId, OfficerId, ReferralId
from conduit_contracts.referral import (
    Text,
)


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
