"""Clocks of the console in words: "due in 2 hours", "overdue by 20 minutes: force not yet chased". Pure."""

from datetime import datetime

from conduit_console.cases import FollowedHandoff
from conduit_console.queries.lists import SilentForce
from conduit_contracts.routing import HandoffState
from conduit_web.clocks import LookUp, as_written, due, length
from conduit_web.words import N_

__all__ = ["LookUp", "as_written", "due", "handoff_clock", "length", "question_clock"]

NOT_YET_CHASED = N_("%(clock)s: force not yet chased")
CHASED, ESCALATED = N_("%(clock)s: chased %(times)s"), N_("%(clock)s: escalated to level %(level)d")
ONCE, TIMES = N_("once"), N_("%(number)d times")
NO_CLOCK = N_("no clock is running")
WAITS_FOR_PARTNER = N_("%(clock)s: waiting for the partner's answer")


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
