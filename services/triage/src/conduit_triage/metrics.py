"""Every metric of triage, once, with how an operator reads it. No label holds an id or a person's data."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge

from conduit_chassis.commands import CommandAnswer
from conduit_chassis.metrics import count_each
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_triage import store
from conduit_triage.work import AssessmentEntry

LEVELS = ("immediate_danger", "urgent", "priority", "routine")
"""Immediate danger counts as a level of its own, whatever the urgency beside it."""

DECISIONS = Counter(
    "conduit_triage_decisions_total",
    "What triage did, by outcome and by whom (rules, officer). The rules never decline: a series of both is an incident. "
    "Counted with the batch, so a batch that is tried again may count twice; the history table is exact.",
    ("outcome", "by"),
)
REFUSED = Counter(
    "conduit_triage_refused_requests_total",
    "Officers' commands and partners' reconsiderations that could not be read or did not fit the referral's state, by code. "
    "A rise: the officers' tool shows a stale queue, or partners are not told what is open to them.",
    ("request", "code"),
)
OPEN_REVIEWS = Gauge(
    "conduit_triage_open_reviews", "Reviews that wait for a named officer or for a partner's answer, by level.", ("level",)
)
OVERDUE = Gauge(
    "conduit_triage_oldest_overdue_review_seconds",
    "How long the review that was due first has been overdue, by level; 0 where none is. Above 0 for immediate_danger: "
    "a child may be waiting, call an officer.",
    ("level",),
)
OLDEST = Gauge(
    "conduit_triage_oldest_review_seconds",
    "How long the oldest open review has been open, by level; 0 where none is.",
    ("level",),
)
for _level in LEVELS:
    OPEN_REVIEWS.labels(_level).set(0)
    OVERDUE.labels(_level).set(0)
    OLDEST.labels(_level).set(0)

_REFUSALS = {"command_ignored": "command", "reconsideration_refused": "reconsideration"}
_OUTCOMES = frozenset({"accepted", "declined", "danger_raised", "review_opened", "information_requested"})

for _outcome in _OUTCOMES:
    for _by in ("rules", "officer"):
        DECISIONS.labels(_outcome, _by)


def count(history: Iterable[AssessmentEntry], answers: Iterable[CommandAnswer] = ()) -> None:
    """Count what a batch wrote into history, and the commands that it refused."""
    entries = list(history)
    count_each(REFUSED, (("command", each.problems[0].code) for each in answers if each.problems))
    count_each(DECISIONS, ((each.what, each.actor.partition(":")[0]) for each in entries if each.what in _OUTCOMES))
    count_each(REFUSED, ((_REFUSALS[each.what], each.why) for each in entries if each.what in _REFUSALS))


async def measure_queue(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Refresh the gauges of the review queue."""
    now = runtime.clock.now()
    open_reviews = await store.levels(connection)
    for level in LEVELS:
        found = open_reviews.get(level, store.Level(0, now, now))
        OPEN_REVIEWS.labels(level).set(found.reviews)
        OVERDUE.labels(level).set(max(0.0, (now - found.first_due).total_seconds()))
        OLDEST.labels(level).set(max(0.0, (now - found.first_opened).total_seconds()))
    return 0
