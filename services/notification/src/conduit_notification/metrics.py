"""Every metric of notification, once, with how an operator reads it. No label holds an id or an identity."""

from collections import Counter as Tally

from prometheus_client import Counter, Gauge, Histogram

from conduit_contracts.notification import Channel
from conduit_notification.work import NotificationWork

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

UPDATES = Counter(
    "conduit_notification_updates_total",
    "Status updates written for partners, by fact. A batch that is tried again counts again.",
    ("fact",),
)
REJECTIONS = Counter(
    "conduit_notification_rejections_total",
    "Rejected submissions told to partners. A steady rise: one partner's software is at fault; its updates say how.",
)
NOTICES = Counter(
    "conduit_notification_notices_total",
    "Notices by channel and result: queued, sent, failed, dropped (the audience has no address for the channel), "
    "no_contact (not queued for that reason). Alert on failed.",
    ("channel", "result"),
)
ATTEMPTS = Counter(
    "conduit_notification_attempts_total",
    "Attempts to deliver a notice, by channel and outcome code. The code says which side is at fault.",
    ("channel", "outcome"),
)
ATTEMPT_SECONDS = Histogram(
    "conduit_notification_attempt_seconds", "How long one attempt took.", ("channel",), buckets=_SECONDS
)
QUEUE = Gauge(
    "conduit_notification_queue_notices",
    "Notices neither sent nor given up, the same from every process. It returns to zero.",
    ("channel",),
)
QUEUE_AGE = Gauge(
    "conduit_notification_queue_oldest_seconds",
    "Age of the oldest such notice. Above a few minutes: the mail server or one webhook's endpoint does not take them.",
    ("channel",),
)

DUTY_WAITING = Gauge(
    "conduit_notification_duty_tasks_waiting", "Duty tasks that nobody has taken, the same from every process."
)
DUTY_UNANSWERED = Gauge(
    "conduit_notification_duty_tasks_unanswered",
    "Duty tasks for which everybody on duty was called and that nobody has taken. Any at all: take them, "
    "`conduit duty list` shows them.",
)
DUTY_AGE = Gauge("conduit_notification_duty_task_oldest_seconds", "Age of the oldest task that nobody has taken.")
DUTY_CONTACTS = Gauge(
    "conduit_notification_duty_contacts",
    "Duty contacts that can be called. Below 2: one person's holiday leaves a child waiting; `conduit hub propose`.",
)

for _channel in Channel:
    for _result in ("queued", "sent", "failed", "dropped"):
        NOTICES.labels(_channel.value, _result)
NOTICES.labels("none", "no_contact")


def count(work: NotificationWork) -> None:
    """Add what a batch wrote, once for all its records."""
    for fact, number in work.updates.items():
        UPDATES.labels(fact).inc(number)
    for channel, number in Tally(notice.channel.value for notice in work.notices).items():
        NOTICES.labels(channel, "queued").inc(number)
    NOTICES.labels("none", "no_contact").inc(work.without_contact)
    REJECTIONS.inc(work.rejections)
