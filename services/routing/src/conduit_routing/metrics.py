"""Every metric of routing, once, with how an operator reads it. No label holds an id or names a force.

The gauges are read from the database by every process alike: take the maximum over processes, never the sum.
"""

from prometheus_client import Counter, Gauge

HANDOFFS = Gauge(
    "conduit_routing_handoffs", "Hand-offs by state. Disseminated that stays high: connectors do not read.", ("state",)
)
OLDEST_UNACKNOWLEDGED = Gauge(
    "conduit_routing_oldest_unacknowledged_seconds",
    "Age of the oldest hand-off that nobody acknowledged, by priority class. Compare it with the policy's clocks.",
    ("priority",),
)
BREACHED = Gauge(
    "conduit_routing_clocks_breached",
    "Hand-offs past their receipt or acknowledgement deadline now. Above zero: a force is being chased.",
    ("leg",),
)
ROUTED_TO_NOBODY = Gauge(
    "conduit_routing_routed_to_nobody",
    "Open cases that no force holds. Above zero pages someone: name a home force for each.",
)
OPEN_REVIEWS = Gauge(
    "conduit_routing_open_reviews", "Routing reviews that wait for a named officer, by reason.", ("reason",)
)
STEPS = Counter(
    "conduit_routing_clock_steps_total",
    "What overdue clocks led to: chase, escalate, exhaust. Exhaust: a person calls the force.",
    ("step", "leg"),
)
REJECTED = Counter(
    "conduit_routing_responses_rejected_total",
    "Forces' records that were not in order, by code. A burst of one code: a connector was changed.",
    ("code",),
)
