"""Every metric of the chassis, once, with how an operator reads it.

No label holds an id or a person's data. `topic` is the template from the registry, so a partner's name is none either.
Gauges that the database knows are the same from every process: take their maximum over processes, never the sum.
"""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_AGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
_PROMISE = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_SIZES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)

CONSUMED = Counter(
    "conduit_consumed_records_total",
    "Records accounted for, by outcome: handled, refused, duplicate, parked, dead_letter, replayed, out_of_turn. "
    "Their sum follows the topic; a rise of anything but handled is a question.",
    ("topic", "outcome"),
)
SIGNATURES = Counter(
    "conduit_command_signatures_total",
    "Officers' commands by what their signature is found to be: good, or the code with which it is refused. A batch that is "
    "tried again counts again. Any but good, expired or register_behind: somebody writes commands whom nobody signed in.",
    ("outcome",),
)
BATCH_RECORDS = Histogram(
    "conduit_batch_records", "Records in a batch. Full batches all the time: the service is behind.", buckets=_SIZES
)
BATCH_SECONDS = Histogram(
    "conduit_batch_seconds", "From a batch's arrival to its commit. It grows before lag does.", buckets=_FAST
)
RECORD_AGE = Histogram(
    "conduit_record_age_seconds",
    "Age of a batch's oldest record when it was committed: what a partner waits for at this stage.",
    ("topic",),
    buckets=_AGES,
)
LAG_RECORDS = Gauge(
    "conduit_lag_records", "Records not yet handled in the partitions assigned here. A level, not a fault.", ("topic",)
)
LAG_SECONDS = Gauge(
    "conduit_lag_seconds",
    "How long the oldest record not yet handled has been seen waiting. Alert on this one, not on the count.",
    ("topic",),
)
ASSIGNED = Gauge("conduit_assigned_partitions", "Partitions assigned here. Zero everywhere: nobody reads.")
FETCH_SILENT = Gauge(
    "conduit_fetch_silent_seconds",
    "Seconds since a broker last answered a fetch, be it with nothing. One or two when idle. It rises while partitions "
    "move, while a batch takes long, and while no broker answers: then see conduit_ready.",
)
RETRIES = Counter(
    "conduit_retries_total",
    "Batches tried again after a transient failure, by class. The class says which neighbour.",
    ("error",),
)
COMMIT_FAILURES = Counter(
    "conduit_offset_commit_failures_total",
    "Offset commits that failed. Records come again and the inbox drops them.",
    ("error",),
)
FETCH_ERRORS = Counter(
    "conduit_fetch_errors_total", "Polls that failed. Steady: a broker is down, or a partition cannot be read.", ("error",)
)
RESCUED = Counter(
    "conduit_rescued_fetches_total",
    "Batches read by the tolerant decoder, as somebody sent a header name that is not UTF-8.",
    ("topic",),
)
JUMPS = Counter(
    "conduit_reading_jumps_total",
    "Partitions where reading did not go on where it had ended. back: the broker lost records that it had confirmed, and "
    "gives their offsets again. ahead: it deleted records that nobody had read. Above zero: see the runbook.",
    ("topic", "direction"),
)
HELD = Gauge(
    "conduit_held_partitions",
    "Partitions assigned here that wait, as what stands next in them cannot be read. The others go on. Above zero: see the "
    "runbook.",
    ("topic",),
)
DEAD_LETTERS = Counter(
    "conduit_dead_letters_total", "Records put aside, by reason. Each one waits for a person: see the runbook.", ("reason",)
)
DEAD_LETTERS_WAITING = Gauge(
    "conduit_dead_letters_waiting", "Dead letters neither replayed nor discarded. Above zero: somebody's referral waits."
)
DEAD_LETTERS_AGE = Gauge("conduit_dead_letters_oldest_seconds", "How long the oldest of them has waited. Zero: none waits.")
INBOX_ROWS = Gauge(
    "conduit_inbox_rows",
    "Records kept so that they take effect once, as PostgreSQL estimates. It follows the rate and retention.",
)
INBOX_AGE = Gauge(
    "conduit_inbox_oldest_seconds",
    "At least so old is the oldest of them, in steps. A day above the retention: the tick forget_inbox does not run.",
)
INBOX_RETENTION = Gauge(
    "conduit_inbox_retention_seconds",
    "For how long they are kept: longer than the longest that a topic which is read here keeps its records.",
)
OUTBOX_ROWS = Gauge("conduit_outbox_rows", "Events committed but not yet on Kafka. It returns to zero within seconds.")
OUTBOX_AGE = Gauge(
    "conduit_outbox_oldest_seconds",
    "Age of the oldest event not yet on Kafka. Above a minute: the relay or the broker is stuck.",
)
OUTBOX_REJECTED = Gauge(
    "conduit_outbox_rejected_rows",
    "Events that Kafka will not take, kept in outbox_rejected. Above zero: a contract or topic limit is wrong.",
)
SNAPSHOT_FACTS_LEFT = Gauge(
    "conduit_snapshot_facts_left",
    "Facts that an operator had published once more and that are not published yet. It falls while nothing else waits.",
)
RELAYED = Counter("conduit_relayed_events_total", "Events confirmed by Kafka.", ("topic",))
RELAY_ERRORS = Counter(
    "conduit_relay_errors_total", "Failed relay rounds, by class. The rows stay and are sent again.", ("error",)
)
RELAY_SECONDS = Histogram("conduit_relay_delay_seconds", "From an event's commit to Kafka's confirmation.", buckets=_AGES)
DISSEMINATION_SECONDS = Histogram(
    "conduit_dissemination_seconds",
    "From a partner's act (its 202, or the broker's time of its record) to Kafka's confirmation on the force's topic, of "
    "cases that no person had to see first. The promise: 5 seconds for 99.9 %. The hosts' clocks must agree.",
    buckets=_PROMISE,
)
RELAY_LEADS = Gauge(
    "conduit_relay_leads", "1 where this process publishes the shard. The sum over processes is 1.", ("shard",)
)
MISSING_TOPICS = Gauge(
    "conduit_relay_missing_topics",
    "Topics that events wait for and the broker does not have, does not let us write to or does not answer for. Each is "
    "tried by itself, and the log says why (topic_held).",
)
CLOCK_AHEAD = Gauge(
    "conduit_clock_ahead_seconds",
    "How far this machine's clock is ahead of the database's, and of the broker's as the last confirmed event told. "
    "Negative: it is behind. Absent or NaN: not measured. Deadlines follow the database's clock.",
    ("against",),
)
TICKS = Counter("conduit_ticks_total", "Runs of periodic work, by outcome: done, skipped, failed.", ("tick", "outcome"))
TICK_ITEMS = Counter("conduit_tick_items_total", "Items that periodic work dealt with.", ("tick",))
WORKER_FAILURES = Counter(
    "conduit_worker_failures_total", "Crashes of long-running work, which starts again.", ("worker", "error")
)
HTTP_REQUESTS = Counter(
    "conduit_http_requests_total",
    "Requests by route template and status. 5xx: ours, look at the logs. 401 that rise: a secret ended. 429: somebody sends "
    "faster than it may.",
    ("method", "route", "status"),
)
HTTP_SECONDS = Histogram(
    "conduit_http_seconds",
    "From a request's arrival to its last byte, by route template. A partner waits so long for a receipt.",
    ("method", "route"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0),
)
POOL_CONNECTIONS = Gauge(
    "conduit_postgres_pool_connections",
    "Connections of this process's pool. No idle one for long: raise POOL_SIZE.",
    ("state",),
)
RECONCILED = Gauge(
    "conduit_reconciliation_referrals",
    "Referrals of the last seven days in this service's own store, by stage: received, assessed, for_forces, routed. "
    "Received equals assessed, and for_forces equals routed, once nothing is on its way. Where not, one is lost.",
    ("stage",),
)
READY = Gauge("conduit_ready", "1 while the readiness check passes.")

DEAD_LETTERS.labels("handler_failed")
DEAD_LETTERS.labels("behind_dead_letter")
DEAD_LETTERS.labels("batch_unreadable")
DEAD_LETTERS.labels("kills_its_process")
POOL_CONNECTIONS.labels("used")
POOL_CONNECTIONS.labels("idle")


def count_each(counter: Counter, labels: Iterable[tuple[str, ...]]) -> None:
    """Count what a batch brought, given the labels of each: finding a series costs more than adding to it."""
    for values, number in Tally(labels).items():
        counter.labels(*values).inc(number)
