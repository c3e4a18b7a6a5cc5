"""What a batch of the registers' records changes."""

from dataclasses import dataclass, field
from datetime import datetime

from conduit_chassis.outbox import Outbox
from conduit_programme.readers import ForceAsRegistered, PartnerAsRegistered


@dataclass
class ProgrammeWork:
    """The last record of each partner and force of the batch."""

    now: datetime
    outbox: Outbox
    partners: dict[str, PartnerAsRegistered] = field(default_factory=dict)
    forces: dict[str, ForceAsRegistered] = field(default_factory=dict)
