"""The national overview: is anything lost, are the two promises kept, and does any child wait for a person?"""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, number, within

_ANY = Limits(act=1)
_NOT_READY = "count(conduit_ready == 0) or vector(0)"

SAFETY = (
    number(
        "Lost before triage",
        "Referrals that intake took in more than two minutes ago and triage does not know. If nothing is behind or put "
        "aside, "
        "compare the stores as the runbook says; keep the topics.",
        "conduit:lost_before_triage:referrals",
        limits=_ANY,
        none="none",
    ),
    number(
        "Lost before routing",
        "Referrals that triage gave to forces and routing has no case of. Treat it as above: each one is a child nobody"
        " has.",
        "conduit:lost_before_routing:referrals",
        limits=_ANY,
        none="none",
    ),
    number(
        "Stopped at the wrong reader",
        "Messages for one force that were about to go to another and were stopped. Find the fault before anything else is "
        "released.",
        "sum(conduit_routing_wrong_reader_total)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Routed to nobody",
        "Open cases that no force holds. A named officer names a home force for each, now.",
        "max(conduit_routing_routed_to_nobody)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Dead letters waiting",
        "Records put aside for a person, over all services. Look at each with `conduit dead-letters`, then send it back"
        " or give "
        "it up with a reason.",
        "sum(max by (service) (conduit_dead_letters_waiting))",
        limits=_ANY,
        none="none",
    ),
    number(
        "Processes not ready",
        "Processes whose readiness check fails. `/readyz` of each says why.",
        _NOT_READY,
        limits=_ANY,
        none="none",
    ),
)
PROMISES = (
    number(
        "With forces within 5 s",
        "The share of referrals of the time shown, of those that no person has to see first, that were on the force's topic "
        "within five seconds. Promised: 99.9 %. If lower, see which stage is behind, below.",
        'sum(increase(conduit_dissemination_seconds_bucket{le="5.0"}[$__range])) '
        "/ sum(increase(conduit_dissemination_seconds_count[$__range]))",
        "percentunit",
        limits=Limits(look=0.9995, act=0.999, below=True),
        width=6,
    ),
    Panel(
        "From the partner's act to the force's topic",
        "How long the fastest half, 99 % and 99.9 % took. If it rises, the stage whose oldest record is old is the cause.",
        {
            "half within": within(0.5, "conduit_dissemination_seconds"),
            "99 % within": within(0.99, "conduit_dissemination_seconds"),
            "99.9 % within": within(0.999, "conduit_dissemination_seconds"),
        },
        "s",
        Limits(look=2.5, act=5),
        width=18,
    ),
    number(
        "Acknowledgement clocks kept",
        "The share of forces' acknowledgement clocks that ended in the time shown and were kept. If lower, see the force "
        "hand-offs dashboard: which clocks run, and which steps were taken.",
        'sum(increase(conduit_routing_clocks_total{leg="acknowledgement",outcome="kept"}[$__range])) '
        '/ sum(increase(conduit_routing_clocks_total{leg="acknowledgement"}[$__range]))',
        "percentunit",
        limits=Limits(look=0.99, act=0.95, below=True),
        width=6,
    ),
    Panel(
        "Age of the oldest record that waits",
        "By service. It says which stage is behind: open the service dashboard for that one.",
        {"{{service}}": "max by (service) (conduit_lag_seconds)"},
        "s",
        Limits(look=5, act=60),
        width=9,
    ),
    Panel(
        "Age of the oldest event not yet on Kafka",
        "By service. If it grows, the broker is down or the relay is stuck: open the service dashboard.",
        {"{{service}}": "max by (service) (conduit_outbox_oldest_seconds)"},
        "s",
        Limits(look=5, act=60),
        width=9,
    ),
)
PEOPLE = (
    number(
        "In danger, overdue by",
        "How long the first review of a child in immediate danger is overdue. Above zero: call an officer.",
        'max(conduit_triage_oldest_overdue_review_seconds{level="immediate_danger"})',
        "s",
        limits=_ANY,
        none="none overdue",
    ),
    number(
        "Hand-offs past a deadline",
        "Forces that are being chased now, on either clock. The force hand-offs dashboard says on which.",
        "sum(max by (leg) (conduit_routing_clocks_breached))",
        limits=Limits(look=1, act=10),
        none="none",
    ),
    Panel(
        "Reviews waiting for an officer",
        "By level. If it grows through the day, more officers are needed on the queue.",
        {"{{level}}": "max by (level) (conduit_triage_open_reviews)"},
        limits=Limits(look=50, act=200),
    ),
    Panel(
        "What triage did, per minute",
        "A decline by rules is an incident: the rules never decline. If acceptances stop while referrals come, look at "
        "triage.",
        {"{{outcome}} by {{by}}": "60 * sum by (outcome, by) (rate(conduit_triage_decisions_total[$__rate_interval]))"},
    ),
)
DUTY = (
    number(
        "Duty tasks waiting",
        "What nobody at the hub has taken yet. Whoever is on duty was called; `conduit duty list` shows the tasks.",
        "max(conduit_notification_duty_tasks_waiting)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Oldest duty task",
        "How long the oldest has waited for a person. After ten minutes the next on duty is called.",
        "max(conduit_notification_duty_task_oldest_seconds)",
        "s",
        limits=Limits(look=300, act=600),
        none="none",
    ),
    number(
        "Duty tasks nobody answered",
        "Everybody on duty was called and nobody took it. Take it yourself now: `conduit duty take`.",
        "max(conduit_notification_duty_tasks_unanswered)",
        limits=_ANY,
        none="none",
    ),
    number(
        "Duty contacts",
        "How many people the alarms can reach. A single one may not be available: `conduit hub propose` names others.",
        "max(conduit_notification_duty_contacts)",
        limits=Limits(act=2, below=True),
    ),
    number(
        "Danger in what was refused",
        "In the time shown, submissions that say a child is in danger and could not be processed. Each is a duty task: "
        "someone calls the partner back.",
        "sum(increase(conduit_intake_dangers_reported_total[$__range]))",
        limits=Limits(look=1),
        none="none",
    ),
    number(
        "Danger that nobody heard of",
        "In the time shown, requests that say danger and came while nothing could be written. Intake's log says "
        "danger_not_reported: ask the partners who sent then.",
        "sum(increase(conduit_intake_dangers_unreported_total[$__range]))",
        limits=_ANY,
        none="none",
    ),
)
FLOW = (
    Panel(
        "Submissions per minute",
        "What partners sent, by outcome. If rejections rise, see the partner edge.",
        {"{{outcome}}": "60 * sum by (outcome) (rate(conduit_intake_submissions_total[$__rate_interval]))"},
    ),
    Panel(
        "Hand-offs per minute",
        "Hand-offs that came into each state. Disseminated without received: connectors do not read.",
        {"{{state}}": "60 * sum by (state) (rate(conduit_routing_handoff_changes_total[$__rate_interval]))"},
    ),
    Panel(
        "Notices per minute",
        "By result. Failed or dropped: somebody was not told; look at the contact and at the mail server.",
        {"{{result}}": "60 * sum by (result) (rate(conduit_notification_notices_total[$__rate_interval]))"},
    ),
)

DASHBOARD = Dashboard(
    "conduit-national",
    "Conduit: national overview",
    "Read it from the top: nothing lost, promises kept, nobody waiting. Every panel's i says what to do.",
    {
        "Safety: each of these is zero": SAFETY,
        "Promises": PROMISES,
        "People who must act": PEOPLE,
        "On duty at the hub": DUTY,
        "Flow": FLOW,
    },
)
