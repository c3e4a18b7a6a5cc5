"""The partner edge: what comes in, what is refused and why, and which agreements end soon. No partner is named."""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, number, within

_API = 'service="intake",route!~"/livez|/readyz|/metrics"'

NOW = (
    number(
        "Partners in the register",
        "It falls to zero: intake reads another database than it should, and refuses everybody.",
        "max(conduit_intake_partners)",
        limits=Limits(act=1, below=True),
    ),
    number(
        "Agreements ending within 7 days",
        "Memoranda of Understanding. After the last day new referrals are refused: call the partners now.",
        'max(conduit_intake_mous_lapsing{within="7d"})',
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Agreements ending within 30 days",
        "Memoranda of Understanding. Ask the programme whether they are to be renewed.",
        'max(conduit_intake_mous_lapsing{within="30d"})',
        limits=Limits(look=1),
        none="none",
    ),
    number(
        "Until the first agreement ends",
        "The soonest end of any Memorandum in force. Below a week, see that its partner has heard.",
        "min(conduit_intake_mou_soonest_lapse_seconds)",
        "s",
        limits=Limits(look=30 * 86_400, act=7 * 86_400, below=True),
    ),
    number(
        "Refused submissions",
        "The share of the time shown. Above the usual: a partner's software changed, or ours; its updates say what is "
        "wrong.",
        'sum(increase(conduit_intake_submissions_total{outcome="rejected"}[$__range])) '
        "/ sum(increase(conduit_intake_submissions_total[$__range]))",
        "percentunit",
        limits=Limits(look=0.1, act=0.5),
    ),
    number(
        "Attachments waiting",
        "Not scanned yet. If they only grow, there is no scanner, or it is down.",
        "max(conduit_intake_attachments_waiting)",
        limits=Limits(look=10, act=100),
        none="none",
    ),
)
SUBMISSIONS = (
    Panel(
        "Submissions per minute, by kind",
        "What partners sent. A kind that stops, while others come: a partner's software, or ours.",
        {"{{kind}}": "60 * sum by (kind) (rate(conduit_intake_submissions_total[$__rate_interval]))"},
        width=6,
    ),
    Panel(
        "Submissions per minute, by outcome",
        "Rejected: told to the partner with the field at fault. Dead-lettered: from a partner that is not in the register.",
        {"{{outcome}}": "60 * sum by (outcome) (rate(conduit_intake_submissions_total[$__rate_interval]))"},
        width=6,
    ),
    Panel(
        "Age of partners' records when taken in",
        "99 % of batches had none older. If it rises, intake is behind: see its service dashboard.",
        {"99 % within": within(0.99, "conduit_record_age_seconds", 'topic="partner.{partner_id}.referrals.v1"')},
        "s",
        Limits(look=1, act=5),
        width=6,
    ),
    Panel(
        "Updates that wait for their referral",
        "They came first, and wait as long as the policy says; then they are refused. If many do, a client sends out of "
        "order: see how it chooses partitions.",
        {"waiting": "max(conduit_intake_early_updates_waiting)"},
        limits=Limits(look=10, act=100),
        width=6,
    ),
)
API = (
    Panel(
        "Requests per second, by route",
        "Who asks for what. A burst of one route: a client is in a loop, and 429 should slow it.",
        {"{{method}} {{route}}": f"sum by (method, route) (rate(conduit_http_requests_total{{{_API}}}[$__rate_interval]))"},
        "reqps",
    ),
    Panel(
        "Answers per second, by status",
        "5xx are ours: read the logs. 401 that rise: a secret ended before its successor was used. 429: somebody sends "
        "faster "
        "than it may.",
        {"{{status}}": f"sum by (status) (rate(conduit_http_requests_total{{{_API}}}[$__rate_interval]))"},
        "reqps",
    ),
    Panel(
        "Time per request, by route",
        "99 % were answered within this. A partner waits so long for its receipt; half a second is the aim.",
        {"{{method}} {{route}}": within(0.99, "conduit_http_seconds", _API, "method", "route")},
        "s",
        Limits(look=0.5, act=2.5),
    ),
)
TOLD = (
    Panel(
        "Updates told per minute, by fact",
        "What partners are told of their referrals. If it stops while submissions come, look at notification.",
        {"{{fact}}": "60 * sum by (fact) (rate(conduit_notification_updates_total[$__rate_interval]))"},
        width=6,
    ),
    Panel(
        "Notices waiting",
        "By channel. They return to zero; if e-mail does not, the mail server is down, if webhook, an endpoint.",
        {"{{channel}}": "max by (channel) (conduit_notification_queue_notices)"},
        limits=Limits(look=100, act=1000),
        width=6,
    ),
    Panel(
        "Oldest notice waiting",
        "By channel. Above a few minutes, the mail server or one endpoint does not take them.",
        {"{{channel}}": "max by (channel) (conduit_notification_queue_oldest_seconds)"},
        "s",
        Limits(look=300, act=3600),
        width=6,
    ),
    Panel(
        "Tokens and scans per minute",
        "Refused tokens: a secret ended, or somebody guesses. no_verdict: the scanner is down. threat_found: tell the "
        "partner.",
        {
            "tokens {{outcome}}": "60 * sum by (outcome) (rate(conduit_intake_tokens_total[$__rate_interval]))",
            "scans {{outcome}}": "60 * sum by (outcome) (rate(conduit_intake_scans_total[$__rate_interval]))",
        },
        width=6,
    ),
)

DASHBOARD = Dashboard(
    "conduit-partners",
    "Conduit: partner edge",
    "What partners send and are told, by HTTP and by Kafka. No partner is named here; the register and the updates name"
    " them.",
    {"Now": NOW, "Submissions": SUBMISSIONS, "HTTP interface": API, "What partners are told": TOLD},
)
