"""The four Ps of the Taskforce's partnership work, and the quarters by which they are looked at. Pure.

The hub records no investigation. Under Pursue stands what the conduit itself did and heard: hand-offs, acknowledgements and
what referrers say of them; never what became of a suspect.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from conduit_web.words import N_

_WRITTEN = re.compile(r"(20[0-9]{2})-Q([1-4])")
_MONTHS_OF_ONE = 3


class FourPs(StrEnum):
    """The themes of the partnership work."""

    PREPARE = "prepare"
    PROTECT = "protect"
    PREVENT = "prevent"
    PURSUE = "pursue"


PS: Mapping[str, str] = {
    FourPs.PREPARE: N_("Prepare"),
    FourPs.PROTECT: N_("Protect"),
    FourPs.PREVENT: N_("Prevent"),
    FourPs.PURSUE: N_("Pursue"),
}
ABOUT_THE_PS: Mapping[str, str] = {
    FourPs.PREPARE: N_("People and services are ready: they know the signs, each other, and what to do."),
    FourPs.PROTECT: N_("Children and adults who were harmed are safer, and have the support that they ask for."),
    FourPs.PREVENT: N_("Abuse is less likely to begin, or to go on."),
    FourPs.PURSUE: N_(
        "What partners know reaches the forces that must act, and is taken up. Hand-offs, acknowledgements and what"
        " referrers say of them stand here, and nothing about any suspect."
    ),
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "p": PS,
    "about_p": ABOUT_THE_PS,
    "quarter": {
        "1": N_("January to March"),
        "2": N_("April to June"),
        "3": N_("July to September"),
        "4": N_("October to December"),
    },
}


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """Three months of a calendar year."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> Self:
        """The one in which a day is."""
        return cls(day.year, (day.month - 1) // _MONTHS_OF_ONE + 1)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """As an address has it; None for what is none."""
        found = _WRITTEN.fullmatch(text)
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        """2026-Q4"""
        return f"{self.year}-Q{self.number}"

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, (self.number - 1) * _MONTHS_OF_ONE + 1, 1)

    def begins(self, zone: ZoneInfo) -> datetime:
        """Its first moment there."""
        return datetime.combine(self.first, time(), zone)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> Self:
        """The one after it."""
        return type(self)(self.year + 1, 1) if self.number == 4 else type(self)(self.year, self.number + 1)

    @property
    def before(self) -> Self:
        """The one before it."""
        return type(self)(self.year - 1, 4) if self.number == 1 else type(self)(self.year, self.number - 1)
