"""One service: how many records, how many fail, how long they take, and what stands before and behind it."""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, Variable, number, within

_S = 'service="$service"'
_OUTSIDE = f'{_S},route!~"/livez|/readyz|/metrics"'

HEALTH = (
    number(
        "Processes ready",
        "None ready: nobody reads the service's topics. `/readyz` of each process says why not.",
        f"sum(conduit_ready{{{_S}}})",
        limits=Limits(act=1, below=True),
    ),
    number(
        "Oldest record that waits",
        "How long it has been seen waiting. Above a minute with records flowing: too few processes. Without: a batch is"
        " stuck, "
        "see retries.",
        f"max(conduit_lag_seconds{{{_S}}})",
        "s",
        limits=Limits(look=5, act=60),
    ),
    number(
        "Oldest event not on Kafka",
        "Above a minute the relay or the broker is stuck; see the relay's errors below.",
        f"max(conduit_outbox_oldest_seconds{{{_S}}})",
        "s",
        limits=Limits(look=5, act=60),
    ),
    number(
        "Dead letters waiting",
        "Look at each with `conduit dead-letters`, then send it back or give it up with a reason.",
        f"max(conduit_dead_letters_waiting{{{_S}}})",
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Oldest dead letter",
        "A referral waits so long for a person. Above an hour somebody has overlooked it.",
        f"max(conduit_dead_letters_oldest_seconds{{{_S}}})",
        "s",
        limits=Limits(look=600, act=3600),
        none="none",
    ),
    number(
        "Events refused by Kafka",
        "Events too large or otherwise unfit for their topic, kept in `outbox_rejected`. A contract or a limit is wrong.",
        f"max(conduit_outbox_rejected_rows{{{_S}}})",
        limits=Limits(act=1),
        none="none",
    ),
)
CONSUMER = (
    Panel(
        "Records per second, by outcome",
        "Anything but handled is a question: duplicates after a restart are usual, dead letters and parked records are not.",
        {"{{outcome}}": f"sum by (outcome) (rate(conduit_consumed_records_total{{{_S}}}[$__rate_interval]))"},
        "cps",
    ),
    Panel(
        "What fails, per second",
        "Retries: a server does not answer; the class says which. Steady failures of one class: look at its logs.",
        {
            "retries": f"sum(rate(conduit_retries_total{{{_S}}}[$__rate_interval])) or vector(0)",
            "dead letters": f"sum(rate(conduit_dead_letters_total{{{_S}}}[$__rate_interval])) or vector(0)",
            "polls": f"sum(rate(conduit_fetch_errors_total{{{_S}}}[$__rate_interval])) or vector(0)",
            "offset commits": f"sum(rate(conduit_offset_commit_failures_total{{{_S}}}[$__rate_interval])) or vector(0)",
            "workers": f"sum(rate(conduit_worker_failures_total{{{_S}}}[$__rate_interval])) or vector(0)",
            "ticks": f'sum(rate(conduit_ticks_total{{{_S},outcome="failed"}}[$__rate_interval])) or vector(0)',
        },
        "cps",
        Limits(look=0.1, act=1),
    ),
    Panel(
        "Time per batch",
        "From a batch's arrival to its commit. It grows before lag does: see the database's dashboard.",
        {
            "half within": within(0.5, "conduit_batch_seconds", _S),
            "99 % within": within(0.99, "conduit_batch_seconds", _S),
        },
        "s",
        Limits(look=0.5, act=2.5),
    ),
    Panel(
        "Records that wait, by topic",
        "A level, not a fault, as long as the oldest of them is young. If it only grows, start more processes.",
        {"{{topic}}": f"sum by (topic) (conduit_lag_records{{{_S}}})"},
    ),
    Panel(
        "Age of the oldest record that waits, by topic",
        "Alerts stand on this. One topic alone: a partition or its sender; all: the service.",
        {"{{topic}}": f"max by (topic) (conduit_lag_seconds{{{_S}}})"},
        "s",
        Limits(look=5, act=60),
    ),
    Panel(
        "Since a broker last answered a fetch, by process",
        "One or two seconds when nothing comes. It rises while partitions move, while a batch takes long, and where Kafka"
        " cannot be reached; a process without partitions hears nothing.",
        {
            "{{instance}}": f"max by (instance) (conduit_fetch_silent_seconds{{{_S}}}"
            f" and on (service, instance) conduit_assigned_partitions{{{_S}}} > 0)"
        },
        "s",
        Limits(look=10, act=60),
    ),
    Panel(
        "Age of records when done, by topic",
        "99 % of batches had no record older than this when committed: what a referral waits for at this stage.",
        {"{{topic}}": within(0.99, "conduit_record_age_seconds", _S, "topic")},
        "s",
        Limits(look=2.5, act=15),
    ),
)
CLOCKS = Panel(
    "Clocks: this machine against the others",
    "How far the machine is ahead of the database's and the broker's clock. It stays near zero; see the runbook.",
    {"{{instance}}, {{against}}": f"conduit_clock_ahead_seconds{{{_S}}}"},
    "s",
    Limits(look=1, act=5),
)
RELAY = (
    Panel(
        "Events on their way to Kafka",
        "They return to zero within seconds. If not, the broker is down, a topic is missing, or nobody leads the relay.",
        {"waiting": f"max(conduit_outbox_rows{{{_S}}})", "missing topics": f"sum(conduit_relay_missing_topics{{{_S}}})"},
        limits=Limits(look=10_000, act=100_000),
    ),
    Panel(
        "From an event's commit to Kafka",
        "99 % within this. If it rises alone, the broker is slow: see Kafka's dashboard.",
        {"99 % within": within(0.99, "conduit_relay_delay_seconds", _S)},
        "s",
        Limits(look=0.5, act=5),
    ),
    Panel(
        "Events published per second, by topic",
        "It follows what is consumed. Zero while the outbox grows: the relay is stuck, and its errors say why.",
        {
            "{{topic}}": f"sum by (topic) (rate(conduit_relayed_events_total{{{_S}}}[$__rate_interval]))",
            "errors": f"sum(rate(conduit_relay_errors_total{{{_S}}}[$__rate_interval])) or vector(0)",
        },
        "cps",
    ),
)
HTTP = (
    Panel(
        "Requests per second, by route",
        "Who asks for what. A burst of one route: a client is in a loop.",
        {"{{method}} {{route}}": f"sum by (method, route) (rate(conduit_http_requests_total{{{_S}}}[$__rate_interval]))"},
        "reqps",
    ),
    Panel(
        "Requests that failed on our side",
        "The share of answers with 5xx, without health checks. Above zero for long: read the logs by correlation id.",
        {
            "share": f'(sum(rate(conduit_http_requests_total{{{_OUTSIDE},status=~"5.."}}[$__rate_interval])) or vector(0)) '
            f"/ (sum(rate(conduit_http_requests_total{{{_OUTSIDE}}}[$__rate_interval])) > 0) or vector(0)"
        },
        "percentunit",
        Limits(look=0.001, act=0.01),
    ),
    Panel(
        "Time per request, by route",
        "99 % were answered within this. If routes that write are slow, see the database's dashboard.",
        {"{{method}} {{route}}": within(0.99, "conduit_http_seconds", _S, "method", "route")},
        "s",
        Limits(look=0.5, act=2.5),
    ),
)
PROCESS = (
    Panel(
        "Memory, by process",
        "It is flat at a steady load. If it only grows, restart one process and report the leak.",
        {"{{instance}}": f"process_resident_memory_bytes{{{_S}}}"},
        "bytes",
        Limits(look=512 * 2**20, act=1024 * 2**20),
        width=6,
    ),
    Panel(
        "Processor time, by process",
        "1 is a whole core. Near 1 a process can do no more: start another.",
        {"{{instance}}": f"rate(process_cpu_seconds_total{{{_S}}}[$__rate_interval])"},
        "short",
        Limits(look=0.7, act=0.9),
        width=6,
    ),
    Panel(
        "Connections to the database",
        "No idle one for long: raise POOL_SIZE, within what PostgreSQL has left.",
        {"{{state}}": f"sum by (state) (conduit_postgres_pool_connections{{{_S}}})"},
        width=6,
    ),
    Panel(
        "Partitions read here",
        "By process. None anywhere: nobody reads. It moves while processes come and go, and then stands still.",
        {"{{instance}}": f"sum by (instance) (conduit_assigned_partitions{{{_S}}})"},
        width=6,
    ),
    Panel(
        "Inbox: records kept",
        "It follows the rate and the retention. If it grows beyond, forgetting does not run.",
        {"rows, estimated": f"max(conduit_inbox_rows{{{_S}}})"},
        width=12,
    ),
    Panel(
        "Inbox: age of the oldest record",
        "At least so old, in steps. A day above what is kept, the tick forget_inbox does not run: see what fails, above.",
        {
            "at least": f"max(conduit_inbox_oldest_seconds{{{_S}}})",
            "kept for": f"max(conduit_inbox_retention_seconds{{{_S}}})",
        },
        "s",
        Limits(look=121 * 86_400, act=130 * 86_400),
        width=12,
    ),
)

DASHBOARD = Dashboard(
    "conduit-service",
    "Conduit: service",
    "Rate, errors and duration of one service, chosen above, with its inbox, outbox and processes.",
    {
        "Health": HEALTH,
        "Consumer": CONSUMER,
        "Outbox and relay": RELAY,
        "HTTP": HTTP,
        "Processes and stores": (*PROCESS, CLOCKS),
    },
    (Variable("service", "Service", "conduit_ready"),),
)
