"""A calendar as other programs read it (iCalendar, RFC 5545). Pure.

Whoever has its address reads it without signing in, so it holds days, kinds and names of organisations: nobody's words, and
nobody's name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from icalendar import Calendar, Event

PRODUCT = "-//referral conduit//programme//EN"
DAY = timedelta(days=1)
BACK, AHEAD = timedelta(days=90), timedelta(days=365)
"""What it holds, from today."""


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One line of a calendar: the day on which something is or is due."""

    entry_id: UUID
    on: date
    summary: str
    address: str
    """Of the page, which asks who is there."""


def written(entries: Iterable[CalendarEntry], name: str, now: datetime, host: str) -> bytes:
    """The calendar as a file. `host` makes the ids of its entries unique in the world."""
    calendar = Calendar()
    for field, value in (("prodid", PRODUCT), ("version", "2.0"), ("method", "PUBLISH"), ("x-wr-calname", name)):
        calendar.add(field, value)
    for each in entries:
        event = Event()
        event.add("uid", f"{each.entry_id}@{host}")
        event.add("dtstamp", now)
        event.add("dtstart", each.on)
        event.add("dtend", each.on + DAY)
        event.add("summary", each.summary)
        event.add("url", each.address)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def summary(kind: str, with_whom: Iterable[str], look_up: Callable[[str], str]) -> str:
    """What a day shows: the kind, and with whom."""
    names = ", ".join(with_whom)
    return f"{look_up(kind)}: {names}" if names else look_up(kind)
