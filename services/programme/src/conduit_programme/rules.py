"""What every part of the programme goes by: days, and what may be written in a field. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from conduit_web.words import N_

LONGEST_LINE, LONGEST_WORDS = 200, 4_000
MISSING, TOO_LONG = N_("Write something here."), N_("This is too long. Shorten it.")
NO_DAY = N_("Write a day, for example 27/11/2026.")
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y")


@dataclass(frozen=True, slots=True)
class HowMany:
    """So many are due, and so many of them are late."""

    number: int
    late: int


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The date there and then."""
    return moment.astimezone(zone).date()


def read_day(text: str) -> date | None:
    """A day as people write it; None where it is none, or none of this century."""
    for form in _DAYS:
        try:
            found = datetime.strptime(" ".join(text.split()), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return found if 2000 <= found.year < 2100 else None
    return None


def line_problem(text: str, *, wanted: bool = True, longest: int = LONGEST_LINE) -> str | None:
    """What is wrong with what somebody wrote in a field, if anything."""
    if not text.strip():
        return MISSING if wanted else None
    return TOO_LONG if len(text) > longest else None
