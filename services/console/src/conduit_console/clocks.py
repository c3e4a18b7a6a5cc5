"""Clocks in words, as a tired person reads them: "due in 2 hours", "overdue by 20 minutes: force not yet chased". Pure.

Words are looked up in the catalogues by `gettext`, which numbers do not go through: each unit has two texts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from conduit_console.cases import FollowedHandoff
from conduit_console.queries.lists import SilentForce
from conduit_contracts.routing import HandoffState
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
NOT_YET_CHASED = N_("%(clock)s: force not yet chased")
CHASED, ESCALATED = N_("%(clock)s: chased %(times)s"), N_("%(clock)s: escalated to level %(level)d")
ONCE, TIMES = N_("once"), N_("%(number)d times")
NO_CLOCK = N_("no clock is running")
WAITS_FOR_PARTNER = N_("%(clock)s: waiting for the partner's answer")


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


def question_clock(due_at: datetime, now: datetime, look_up: LookUp = as_written, *, waits_for_partner: bool = False) -> str:
    """The clock of a question to an officer."""
    clock = due(due_at, now, look_up)
    return look_up(WAITS_FOR_PARTNER) % {"clock": clock} if waits_for_partner else clock


def handoff_clock(part: FollowedHandoff | SilentForce, now: datetime, look_up: LookUp = as_written) -> str:
    """The clock of a force's part, and what the hub has done about it."""
    waits = part.state in (HandoffState.DISSEMINATED, HandoffState.RECEIVED)
    after_a_call = part.state is HandoffState.ACKNOWLEDGED and part.received_at is None
    if part.due_at is None or not (waits or after_a_call):
        return look_up(NO_CLOCK)
    clock = due(part.due_at, now, look_up)
    if part.level:
        return look_up(ESCALATED) % {"clock": clock, "level": part.level}
    if part.chases:
        times = look_up(ONCE) if part.chases == 1 else look_up(TIMES) % {"number": part.chases}
        return look_up(CHASED) % {"clock": clock, "times": times}
    return clock if part.due_at > now else look_up(NOT_YET_CHASED) % {"clock": clock}
