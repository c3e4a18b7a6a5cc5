"""Every metric of intake, once, with how an operator reads it. No label holds an id or a person's data."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from math import inf

from prometheus_client import Counter, Gauge

from conduit_chassis.metrics import count_each
from conduit_chassis.postgres import Pool
from conduit_intake import rules, store
from conduit_intake.submissions import Outcome, Partner, SubmissionContext, SubmissionKind
from conduit_intake.work import ReferralEntry

SUBMISSIONS = Counter(
    "conduit_intake_submissions_total",
    "What partners sent, by kind and outcome (received, repeated, forwarded, rejected, dead_lettered). Rejections that rise "
    "for one kind: a partner's software changed, or ours. Counted with the batch, so a batch that is tried again may count "
    "twice; the history table is exact.",
    ("kind", "outcome"),
)
DANGERS = Counter(
    "conduit_intake_dangers_reported_total",
    "Submissions that say that a child is in danger and were not taken. Each was answered with 999 first, and is a task for "
    "the hub's duty officer.",
)
DANGERS_UNREPORTED = Counter(
    "conduit_intake_dangers_unreported_total",
    "Requests that say danger and were refused while nothing could be written: their senders were told to call 999, and "
    "nobody at the hub is told. Any at all: see what intake's log says of danger_not_reported.",
)
EARLY_WAITING = Gauge(
    "conduit_intake_early_updates_waiting",
    "Updates that came before their referral and wait for it, as the policy says. Many: a client sends out of order.",
)
PARTNERS = Gauge(
    "conduit_intake_partners", "Partners in the register. It falls to zero: intake reads another database than it should."
)
LAPSING = Gauge(
    "conduit_intake_mous_lapsing",
    "Memoranda of Understanding in force that end within 7 or 30 days. After their last day new referrals are refused: call "
    "the partners.",
    ("within",),
)
SOONEST_LAPSE = Gauge(
    "conduit_intake_mou_soonest_lapse_seconds", "Until the first of them has ended; +Inf where no Memorandum is in force."
)

TOKENS = Counter(
    "conduit_intake_tokens_total",
    "Token requests by outcome (issued, refused, throttled: wrong ones that come too fast). The latter two rise: a secret "
    "ended before its successor came into use, or somebody guesses.",
    ("outcome",),
)
SCANS = Counter(
    "conduit_intake_scans_total",
    "Attachments by outcome (available, threat_found, validation_failed), and scans with no_verdict: the scanner is down.",
    ("outcome",),
)
ATTACHMENTS_WAITING = Gauge(
    "conduit_intake_attachments_waiting", "Attachments that are pending. It only grows: there is no scanner, or it is down."
)
ATTACHMENTS_AGE = Gauge("conduit_intake_attachments_oldest_seconds", "How long the oldest pending attachment has waited.")

WITHIN_DAYS = {"7d": 7, "30d": 30}
MEASURE_SECONDS = 10.0

for _kind in SubmissionKind:
    for _outcome in Outcome:
        SUBMISSIONS.labels(_kind, _outcome)
for _told in ("issued", "refused", "throttled"):
    TOKENS.labels(_told)
for _found in ("available", "threat_found", "validation_failed", "no_verdict"):
    SCANS.labels(_found)


def count(history: Iterable[ReferralEntry]) -> None:
    """Count what a batch wrote into history."""
    count_each(SUBMISSIONS, ((entry.kind, entry.what) for entry in history if entry.kind is not None))


def measure(partners: Collection[Partner], scene: SubmissionContext) -> None:
    """Refresh the gauges of the register."""
    PARTNERS.set(len(partners))
    last_days = rules.last_days(partners, scene.today)
    for within, days in WITHIN_DAYS.items():
        LAPSING.labels(within).set(sum(day <= scene.today + timedelta(days=days) for day in last_days))
    SOONEST_LAPSE.set(_until_the_end(last_days[0], scene) if last_days else inf)


def _until_the_end(day: date, scene: SubmissionContext) -> float:
    end = datetime.combine(day + timedelta(days=1), time(), scene.zone)
    return (end - scene.now).total_seconds()


def measure_attachments(waiting: int, oldest_seconds: float) -> None:
    """Refresh the gauges of attachments."""
    ATTACHMENTS_WAITING.set(waiting)
    ATTACHMENTS_AGE.set(oldest_seconds)


async def keep_measuring(pool: Pool, scene: Callable[[], SubmissionContext]) -> None:
    """Refresh the gauges for ever, in every process: each is asked for its own."""
    while True:
        measure(await store.register(pool), scene())
        await asyncio.sleep(MEASURE_SECONDS)
