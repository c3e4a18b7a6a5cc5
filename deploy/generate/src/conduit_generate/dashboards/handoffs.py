"""Force hand-offs: who has not answered, and what follows. No force is named: officers see names in the queue."""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, number, within

NOW = (
    number(
        "Past the receipt deadline",
        "Hand-offs whose connector has not confirmed receipt in time. The force's IT is chased; if several, its "
        "connection is "
        "down: call.",
        'max(conduit_routing_clocks_breached{leg="receipt"})',
        limits=Limits(look=1, act=10),
        none="none",
    ),
    number(
        "Past the acknowledgement deadline",
        "Hand-offs that no person has acknowledged in time. The safeguarding team is chased and escalated by itself; "
        "see that "
        "somebody hears it.",
        'max(conduit_routing_clocks_breached{leg="acknowledgement"})',
        limits=Limits(look=1, act=10),
        none="none",
    ),
    number(
        "Routed to nobody",
        "Open cases that no force holds. Name a home force for each, now.",
        "max(conduit_routing_routed_to_nobody)",
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Escalations at their end",
        "In the time shown, hand-offs for which nobody is left to escalate to. An officer calls the force.",
        'sum(increase(conduit_routing_clock_steps_total{step="exhaust"}[$__range]))',
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Receipt clocks kept",
        "The share of receipt clocks that ended in the time shown and were kept. If lower, connectors are slow or down.",
        'sum(increase(conduit_routing_clocks_total{leg="receipt",outcome="kept"}[$__range])) '
        '/ sum(increase(conduit_routing_clocks_total{leg="receipt"}[$__range]))',
        "percentunit",
        limits=Limits(look=0.99, act=0.95, below=True),
    ),
    number(
        "Acknowledgement clocks kept",
        "The share of acknowledgement clocks that ended in the time shown and were kept: one of the two promises.",
        'sum(increase(conduit_routing_clocks_total{leg="acknowledgement",outcome="kept"}[$__range])) '
        '/ sum(increase(conduit_routing_clocks_total{leg="acknowledgement"}[$__range]))',
        "percentunit",
        limits=Limits(look=0.99, act=0.95, below=True),
    ),
)
WAITING = (
    Panel(
        "Hand-offs that wait, by state",
        "Disseminated that stays high: connectors do not read. Received that stays high: teams do not look.",
        {"{{state}}": "max by (state) (conduit_routing_handoffs)"},
    ),
    Panel(
        "Oldest hand-off by state",
        "Compare it with the policy's clocks. If it grows on after an escalation, call the force.",
        {"{{state}}": "max by (state) (conduit_routing_oldest_handoff_seconds)"},
        "s",
        Limits(look=4 * 3600, act=24 * 3600),
    ),
    Panel(
        "Oldest unacknowledged by priority",
        "Immediate danger must be answered within a quarter of an hour; the policy file has the other clocks.",
        {"{{priority}}": "max by (priority) (conduit_routing_oldest_unacknowledged_seconds)"},
        "s",
        Limits(look=900, act=4 * 3600),
    ),
)
ANSWERS = (
    Panel(
        "Hand-offs per minute",
        "What hand-offs came into. Declined that rises: forces say that cases are not theirs, so look at how they are "
        "routed.",
        {"{{state}}": "60 * sum by (state) (rate(conduit_routing_handoff_changes_total[$__rate_interval]))"},
    ),
    Panel(
        "Steps of overdue clocks per hour",
        "Chase, escalate, exhaust, by what is waited for. Steps that rise for receipt mean connectors, for "
        "acknowledgement people.",
        {"{{step}}: {{leg}}": "3600 * sum by (step, leg) (rate(conduit_routing_clock_steps_total[$__rate_interval]))"},
        limits=Limits(look=10, act=60),
    ),
    Panel(
        "Clocks that ended, per hour",
        "Kept and breached, each clock once. Breached ones that rise: the promise to children is being missed.",
        {"{{leg}}: {{outcome}}": "3600 * sum by (leg, outcome) (rate(conduit_routing_clocks_total[$__rate_interval]))"},
    ),
)
TROUBLE = (
    Panel(
        "Responses that were not in order, per minute",
        "By code. A burst of one code: a connector was changed. identity_mismatch or case_not_yours: a force answers "
        "for what "
        "is not its own, so find out which, and why.",
        {
            "{{code}}": "60 * sum by (code) (rate(conduit_routing_responses_rejected_total[$__rate_interval])) "
            'or label_replace(vector(0), "code", "none", "", "")'
        },
        limits=Limits(look=1, act=10),
    ),
    Panel(
        "Routing reviews waiting, by reason",
        "Officers must name a home force, look at a place, or call a force. The queue says which case.",
        {"{{reason}}": "max by (reason) (conduit_routing_open_reviews)"},
        limits=Limits(look=10, act=50),
    ),
    Panel(
        "From the partner's act to the force's topic",
        "Slower than five seconds breaks the promise. The national overview says which stage is behind.",
        {
            "99 % within": within(0.99, "conduit_dissemination_seconds"),
        },
        "s",
        Limits(act=5),
    ),
)

DASHBOARD = Dashboard(
    "conduit-handoffs",
    "Conduit: force hand-offs",
    "Whether forces have what is theirs and answer in time. No force is named here; the officers' queue names them.",
    {"Now": NOW, "What waits": WAITING, "Answers": ANSWERS, "Trouble": TROUBLE},
)
