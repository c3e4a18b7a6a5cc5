"""Kafka: is every partition led and safe, is the broker the bottleneck, and who reaches for what is not theirs?"""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, number

_ANY = Limits(act=1)

SAFETY = (
    number(
        "Brokers",
        "Fewer than usual: one is down. Records are safe while no partition is offline; bring it back.",
        "max(kafka_active_brokers)",
        limits=Limits(act=1, below=True),
    ),
    number(
        "Controllers that lead",
        "It is 1. At 0 nobody elects leaders; at 2 the cluster is split: stop the older one.",
        "sum(kafka_active_controllers)",
        limits=Limits(act=1, below=True),
    ),
    number(
        "Partitions without a leader",
        "Nobody can write to them or read from them. Bring their brokers back; never delete a topic to be rid of it.",
        "max(kafka_offline_partitions)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Partitions with too few copies",
        "They take no writes, so outboxes grow. Bring the missing brokers back.",
        "sum(kafka_under_min_isr_partitions)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Leaders elected unclean",
        "Each may have lost acknowledged records. Compare the stores as the runbook on lost referrals says.",
        "sum(kafka_unclean_leader_elections_total)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Refused for lack of permission",
        "In the last quarter of an hour. Somebody asked for a topic that is not theirs, or a permission is missing: "
        "audit the "
        "access rules.",
        "conduit:kafka_refusals:increase15m",
        limits=_ANY,
        none="none",
    ),
)
COPIES = (
    Panel(
        "Copies that are behind or away",
        "They come back by themselves after a restart. If not within minutes, look at the broker's disk and network.",
        {
            "partitions behind": "sum(kafka_under_replicated_partitions)",
            "copies offline": "sum(kafka_offline_replicas)",
            "brokers fenced": "max(kafka_fenced_brokers)",
        },
        limits=Limits(look=1, act=10),
    ),
    Panel(
        "Topics and partitions",
        "They grow when partners join, and never by themselves. An unknown topic: somebody made one beside the registry.",
        {"topics": "max(kafka_topics)", "partitions": "max(kafka_partitions)"},
    ),
    Panel(
        "Permissions",
        "It changes when somebody changes access. If nobody meant to, run the access audit.",
        {"permissions": "max(kafka_acls) or vector(0)"},
    ),
)
LOAD = (
    Panel(
        "Records written per second",
        "It follows what partners send, times about ten. If it falls to zero while they send, see the services.",
        {"records": "sum(rate(kafka_records_in_total[$__rate_interval]))"},
        "wps",
    ),
    Panel(
        "Bytes per second",
        "Out is in times the readers. If out alone rises, somebody reads a topic from its beginning.",
        {
            "in": "sum(rate(kafka_bytes_in_total[$__rate_interval]))",
            "out": "sum(rate(kafka_bytes_out_total[$__rate_interval]))",
        },
        "Bps",
    ),
    Panel(
        "Threads that wait for work",
        "The share of time they are idle. Below a fifth the broker is the bottleneck: more brokers or faster disks.",
        {
            "request handlers": "min(kafka_request_handlers_idle_ratio)",
            "network": "min(kafka_network_processors_idle_ratio)",
        },
        "percentunit",
        Limits(look=0.4, act=0.2, below=True),
    ),
    Panel(
        "Time per request, 99th percentile",
        "Produce that rises: disk or copies. OffsetCommit that rises: the group coordinator. Fetches wait for records "
        "on purpose.",
        {"{{request}}": 'max by (request) (kafka_request_seconds{quantile="0.99",request!="FetchConsumer"})'},
        "s",
        Limits(look=0.1, act=1),
    ),
    Panel(
        "Requests per second",
        "By kind. Many Metadata requests: clients that cannot find a topic or a leader.",
        {"{{request}}": "sum by (request) (rate(kafka_requests_total[$__rate_interval]))"},
        "reqps",
    ),
    Panel(
        "The broker's memory",
        "The part of the heap in use after collections. If its lows only rise, the heap is too small.",
        {
            "used": 'sum(jvm_memory_used_bytes{area="heap"})',
            "at most": 'sum(jvm_memory_max_bytes{area="heap"})',
        },
        "bytes",
    ),
)
CLIENTS = (
    Panel(
        "Connections",
        "By listener. A jump down and up: the network or the broker; a steady rise: a client that does not close.",
        {"{{listener}}": "sum by (listener) (kafka_connections)"},
    ),
    Panel(
        "Trouble with clients, per minute",
        "Failed log-ins: an unknown user or a wrong password. Rebalances that go on: consumers that come and go. Failed "
        "requests: the broker's own.",
        {
            "failed log-ins": "60 * sum(rate(kafka_failed_authentications_total[$__rate_interval]))",
            "rebalances": "60 * sum(rate(kafka_group_rebalances_total[$__rate_interval]))",
            "failed writes": "60 * sum(rate(kafka_failed_produce_requests_total[$__rate_interval]))",
            "failed reads": "60 * sum(rate(kafka_failed_fetch_requests_total[$__rate_interval]))",
        },
        "cpm",
        Limits(look=5, act=60),
    ),
    Panel(
        "Errors answered per minute, by kind",
        "Some follow a restart. TOPIC_AUTHORIZATION_FAILED is a stranger or a missing permission; others name their cause.",
        {
            "{{error}}": "60 * sum by (error) (rate(kafka_request_errors_total[$__rate_interval])) "
            'or label_replace(vector(0), "error", "none", "", "")'
        },
        "cpm",
        Limits(look=10, act=100),
    ),
)

DASHBOARD = Dashboard(
    "conduit-kafka",
    "Conduit: Kafka",
    "The broker as all services share it. Nothing by topic, since topics' names hold those of partners and forces.",
    {"Safety": SAFETY, "Copies and topics": COPIES, "Load": LOAD, "Clients": CLIENTS},
)
