"""Clocks of the console in words: "due in 2 hours", "overdue by 20 minutes: force not yet chased". Pure.

Of a force that took its part on in a call nothing is counted down: a person has it, and what is missing is its system's
receipt, which the hub goes on asking for.
"""

from datetime import datetime

from conduit_chassis.days import LONDON, day_of
from conduit_console.cases import FollowedHandoff
from conduit_console.queries.lists import SilentForce
from conduit_contracts.routing import HandoffState
from conduit_web.clocks import LookUp, as_written, due, length
from conduit_web.html import date_and_time
from conduit_web.words import N_

__all__ = ["LookUp", "as_written", "due", "handoff_clock", "length", "question_clock"]

NOT_YET_CHASED = N_("%(clock)s: force not yet chased")
CHASED, ESCALATED = N_("%(clock)s: chased %(times)s"), N_("%(clock)s: escalated to level %(level)d")
ONCE, TIMES = N_("once"), N_("%(number)d times")
NO_CLOCK = N_("no clock is running")
BY_TELEPHONE = N_("handed over by telephone at %(at)s; the system's receipt is still missing")
WAITS_FOR_PARTNER = N_("%(clock)s: waiting for the partner's answer")


def question_clock(due_at: datetime, now: datetime, look_up: LookUp = as_written, *, waits_for_partner: bool = False) -> str:
    """The clock of a question to an officer."""
    clock = due(due_at, now, look_up)
    return look_up(WAITS_FOR_PARTNER) % {"clock": clock} if waits_for_partner else clock


def handoff_clock(part: FollowedHandoff | SilentForce, now: datetime, look_up: LookUp = as_written) -> str:
    """The clock of a force's part, and what the hub has done about it."""
    if part.acknowledged_at is not None and part.state is HandoffState.ACKNOWLEDGED and part.received_at is None:
        return _asked_again(part, look_up(BY_TELEPHONE) % {"at": _time_said(part.acknowledged_at, now)}, look_up)
    if part.due_at is None or part.state not in (HandoffState.DISSEMINATED, HandoffState.RECEIVED):
        return look_up(NO_CLOCK)
    clock = due(part.due_at, now, look_up)
    if part.level or part.chases or part.due_at > now:
        return _asked_again(part, clock, look_up)
    return look_up(NOT_YET_CHASED) % {"clock": clock}


def _asked_again(part: FollowedHandoff | SilentForce, words: str, look_up: LookUp) -> str:
    """With how often the hub has asked the force again, if it has."""
    if part.level:
        return look_up(ESCALATED) % {"clock": words, "level": part.level}
    if part.chases:
        times = look_up(ONCE) if part.chases == 1 else look_up(TIMES) % {"number": part.chases}
        return look_up(CHASED) % {"clock": words, "times": times}
    return words


def _time_said(at: datetime, now: datetime) -> str:
    """The time of day; with its day where that is another."""
    local = at.astimezone(LONDON)
    return f"{local:%H:%M}" if day_of(at) == day_of(now) else date_and_time(at)
