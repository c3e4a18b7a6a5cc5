"""Clocks in words, as a tired person reads them: "due in 2 hours", "overdue by 20 minutes". Pure.

Words are looked up in the catalogues by `gettext`, which numbers do not go through: each unit has two texts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from conduit_web.words import N_

_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))
_LONG: Mapping[str, tuple[str, str]] = {
    "days": (N_("%(number)d day"), N_("%(number)d days")),
    "hours": (N_("%(number)d hour"), N_("%(number)d hours")),
    "minutes": (N_("%(number)d minute"), N_("%(number)d minutes")),
}
_TWO_OF = 2
"""Below so many of a unit the next smaller one says more: 90 minutes, not 1 hour."""
UNDER_A_MINUTE = N_("less than a minute")
DUE_IN, OVERDUE_BY = N_("due in %(time)s"), N_("overdue by %(time)s")


class LookUp(Protocol):
    """Words in a language: `gettext`."""

    def __call__(self, words: str, /) -> str: ...


def as_written(words: str, /) -> str:
    """The source's own language."""
    return words


def length(span: timedelta, look_up: LookUp = as_written) -> str:
    """How long, rounded down, in the unit that says enough."""
    seconds = int(abs(span.total_seconds()))
    for size, name in _UNITS:
        least = _TWO_OF * size if name != "minutes" else size
        if seconds >= least:
            one, many = _LONG[name]
            number = seconds // size
            return look_up(one if number == 1 else many) % {"number": number}
    return look_up(UNDER_A_MINUTE)


def due(due_at: datetime, now: datetime, look_up: LookUp = as_written) -> str:
    """How much time is left, or how late it is."""
    words = DUE_IN if due_at > now else OVERDUE_BY
    return look_up(words) % {"time": length(due_at - now, look_up)}
