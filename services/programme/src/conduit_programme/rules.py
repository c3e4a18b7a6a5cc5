"""What every part of the programme goes by: days, and what may be written in a field. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from conduit_web.words import N_

LONGEST_LINE, LONGEST_WORDS = 200, 4_000
MISSING, TOO_LONG = N_("Write something here."), N_("This is too long. Shorten it.")
NO_DAY, NOT_THIS_CENTURY = N_("Write a day, for example 27/11/2026."), N_("Write a day from 01/01/2000 to 31/12/2099.")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y")


@dataclass(frozen=True, slots=True)
class HowMany:
    """So many are due, and so many of them are late."""

    number: int
    late: int


@dataclass(frozen=True, slots=True)
class LastChange:
    """Who did what to something last, and when."""

    account: str
    what: str
    at: datetime


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The date there and then."""
    return moment.astimezone(zone).date()


def read_day(text: str) -> date | None:
    """A day as people write it; None where it is none, or none of this century."""
    found = _any_day(text)
    return found if found and FIRST_DAY <= found <= LAST_DAY else None


def day_problem(text: str) -> str | None:
    """What is wrong with a day as somebody wrote it, if anything."""
    if read_day(text):
        return None
    return NOT_THIS_CENTURY if _any_day(text) else NO_DAY


def _any_day(text: str) -> date | None:
    for form in _DAYS:
        try:
            return datetime.strptime(" ".join(text.split()), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def line_problem(text: str, *, wanted: bool = True, longest: int = LONGEST_LINE) -> str | None:
    """What is wrong with what somebody wrote in a field, if anything."""
    if not text.strip():
        return MISSING if wanted else None
    return TOO_LONG if len(text) > longest else None
