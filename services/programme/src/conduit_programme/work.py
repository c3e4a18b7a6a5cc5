"""What a batch of records changes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.outbox import Outbox
from conduit_programme.feedback.store import KnownHandover
from conduit_programme.readers import ForceAsRegistered, PartnerAsRegistered


@dataclass
class ProgrammeWork:
    """The last record of each partner and force of the batch."""

    now: datetime
    outbox: Outbox
    zone: ZoneInfo
    """Whose date a hand-over has."""
    partners: dict[str, PartnerAsRegistered] = field(default_factory=dict)
    forces: dict[str, ForceAsRegistered] = field(default_factory=dict)
    handovers: dict[UUID, KnownHandover] = field(default_factory=dict)
    """By case. The first time holds."""
