"""Every metric of routing, once, with how an operator reads it. No label holds an id or names a force.

The gauges are read from the database by every process alike: take the maximum over processes, never the sum.
"""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import Counter, Gauge
from typing_extensions import override

from conduit_chassis.metrics import count_each
from conduit_contracts.routing import HandoffState, Leg, RoutingReviewReason
from conduit_routing import service_levels
from conduit_routing.case import Case
from conduit_routing.clocks import StepKind
from conduit_routing.observer import RoutingObserver

WAITING = (HandoffState.DISSEMINATED.value, HandoffState.RECEIVED.value)

HANDOFFS = Gauge(
    "conduit_routing_handoffs",
    "Hand-offs that wait, by state. Disseminated that stays high: connectors do not read.",
    ("state",),
)
OLDEST_HANDOFF = Gauge(
    "conduit_routing_oldest_handoff_seconds", "How long ago the oldest hand-off of the state was disseminated.", ("state",)
)
HANDOFF_CHANGES = Counter(
    "conduit_routing_handoff_changes_total",
    "Hand-offs that came into a state. Declined that rises: forces say that cases are not theirs, so look at the routing.",
    ("state",),
)
CLOCKS = Counter(
    "conduit_routing_clocks_total",
    "Forces' clocks that were kept or breached, each once. Breached ones that rise: forces do not answer in time.",
    ("leg", "outcome"),
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
NOT_CHASED = Counter(
    "conduit_routing_cases_not_chased_total",
    "Times that the steps of one case's clocks failed, so that its forces were not chased. Above zero: chase them by "
    "telephone, and find the fault in the log.",
)
COMMANDS_REFUSED = Counter(
    "conduit_routing_refused_commands_total",
    "Officers' commands that could not be read or did not fit the case's state, by code. A rise: the officers' tool writes "
    "them wrong or shows stale cases. Each officer is told at /commands.",
    ("code",),
)
WRONG_READER = Counter(
    "conduit_routing_wrong_reader_total",
    "Messages for one force that were about to go to another, and were stopped. Above zero: find the fault before all else.",
)

for _state in HandoffState:
    HANDOFF_CHANGES.labels(_state.value)
for _leg in Leg:
    for _outcome in (service_levels.KEPT, service_levels.BREACHED):
        CLOCKS.labels(_leg.value, _outcome)
    for _step in StepKind:
        STEPS.labels(_step.value, _leg.value)
for _code in ("identity_mismatch", "case_not_yours", "part_closed"):
    REJECTED.labels(_code)
for _reason in RoutingReviewReason:
    OPEN_REVIEWS.labels(_reason.value)


class RoutingMetrics(RoutingObserver):
    """Counts what goes wrong."""

    @override
    def wrong_reader(self) -> None:
        WRONG_READER.inc()

    @override
    def command_refused(self, code: str) -> None:
        COMMANDS_REFUSED.labels(code).inc()

    @override
    def response_rejected(self, code: str) -> None:
        REJECTED.labels(code).inc()


COUNTED = RoutingMetrics()


def count(cases: Iterable[Case], now: datetime) -> None:
    """Count what happened to the hand-offs of these cases since they were stored."""
    changed = list(cases)
    count_each(HANDOFF_CHANGES, ((state.value,) for case in changed for state in service_levels.new_states(case)))
    ended = (each for case in changed for each in service_levels.clock_outcomes(case, now))
    count_each(CLOCKS, ((leg.value, outcome) for leg, outcome in ended))
