"""What a service waits for, for an operator who has to call somebody: ids, codes and times, never content.

Alerts count it and carry no ids. Each service says it of its own store, in its module `outstanding.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Something that waits, and for whom."""

    priority: str
    """`immediate_danger`, an urgency, or empty where the service knows neither."""
    what: str
    who: str
    """A force, an audience, or empty where it waits for the hub's officers."""
    referral_id: UUID | None
    since: datetime
    due: datetime | None = None
    about: str = ""
    """Codes, and how often somebody was reminded."""
