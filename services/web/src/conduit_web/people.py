"""Who a person is to the hub: what the register says, and never what a token claims."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from conduit_chassis.people import KnownPeople, RegisterBehindError, account_of
from conduit_contracts.programme import ForcePersonRegistered, PartnerPersonRegistered, PersonRegistered
from conduit_web.troubles import Trouble, TroubleError


class Organisation(StrEnum):
    """Whose people somebody belongs to. Nobody belongs to two."""

    HUB = "hub"
    PARTNER = "partner"
    FORCE = "force"


class Role(StrEnum):
    """What the register may say that somebody does."""

    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    LEAD = "lead"
    ENGAGEMENT_OFFICER = "engagement_officer"
    FINANCE = "finance"
    RECORDS_MANAGER = "records_manager"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    ADMINISTRATOR = "administrator"
    PARTNER_CASEWORKER = "partner_caseworker"
    PARTNER_MANAGER = "partner_manager"
    FORCE_TEAM = "force_team"
    FORCE_SINGLE_POINT_OF_CONTACT = "force_single_point_of_contact"

    @property
    def organisation(self) -> Organisation:
        """Whose role it is."""
        return _ELSEWHERE.get(self, Organisation.HUB)


_ELSEWHERE = {
    Role.PARTNER_CASEWORKER: Organisation.PARTNER,
    Role.PARTNER_MANAGER: Organisation.PARTNER,
    Role.FORCE_TEAM: Organisation.FORCE,
    Role.FORCE_SINGLE_POINT_OF_CONTACT: Organisation.FORCE,
}


class Identity(NamedTuple):
    """Who an identity provider says that somebody is. The same subject at another issuer is somebody else."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the register knows."""

    person_id: str
    """An opaque id that the hub gave, `officer_id` for an officer. Never a name or an address."""
    roles: frozenset[Role]
    partner_id: str | None = None
    force_id: str | None = None
    shown_as: str = ""
    """What pages call them: by what they do, never by name."""
    sessions_from: datetime | None = None
    """Sessions that began earlier have ended."""

    def __post_init__(self) -> None:
        organisations = {role.organisation for role in self.roles}
        if len(organisations) > 1:
            raise ValueError("a person has the roles of one organisation")
        if bool(self.partner_id) != (Organisation.PARTNER in organisations):
            raise ValueError("a partner's people, and nobody else, have a partner_id")
        if bool(self.force_id) != (Organisation.FORCE in organisations):
            raise ValueError("a force's people, and nobody else, have a force_id")


class PeopleRegister(Protocol):
    """Who belongs to what.

    It is asked at every request, so that a role that is taken away is gone as soon as the register knows.
    """

    async def find(self, identity: Identity) -> Person | None:
        """The person whom this issuer vouches for under this subject; None where it may not, or there is nobody."""
        ...


class RegisteredPeople:
    """A `PeopleRegister` of those whom the programme's topics have."""

    def __init__(self, people: KnownPeople) -> None:
        self._people = people

    async def find(self, identity: Identity) -> Person | None:
        """The person whom this issuer vouches for under this subject.

        Raises:
            TroubleError: it is not known how the register stands now, so nobody is let in.
        """
        try:
            found = self._people.find(*identity)
        except RegisterBehindError:
            raise TroubleError(Trouble.UNAVAILABLE) from None
        return None if found is None else person_of(found)


def person_of(registered: PersonRegistered) -> Person:
    """Who somebody in the register is at a desk."""
    return Person(
        account_of(registered),
        frozenset(Role(each) for each in registered.roles),
        partner_id=registered.partner_id if isinstance(registered, PartnerPersonRegistered) else None,
        force_id=registered.force_id if isinstance(registered, ForcePersonRegistered) else None,
        shown_as=registered.shown_as or "",
        sessions_from=registered.sessions_from,
    )
