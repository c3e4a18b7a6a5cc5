"""What a batch of records changes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.outbox import Outbox
from conduit_contracts.programme import ForceRegistered, PartnerRegistered
from conduit_programme.feedback.store import KnownHandover
from conduit_programme.register.book import OrganisationsBook, PeopleRegister, RegisterBook


@dataclass
class ProgrammeWork:
    """The registers' entries that a batch is about, and what of it pages have copies of."""

    now: datetime
    outbox: Outbox
    zone: ZoneInfo
    """Whose date a hand-over has."""
    register: OrganisationsBook = field(default_factory=RegisterBook)
    people: PeopleRegister = field(default_factory=RegisterBook)
    partners: dict[str, PartnerRegistered] = field(default_factory=dict)
    """Those that changed, as they stand now."""
    forces: dict[str, ForceRegistered] = field(default_factory=dict)
    handovers: dict[UUID, KnownHandover] = field(default_factory=dict)
    """By case. The first time holds."""
