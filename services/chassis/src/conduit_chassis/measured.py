"""The metrics of batches."""

from dataclasses import replace

from typing_extensions import override

from conduit_chassis import metrics
from conduit_chassis.dead_letters import Cause
from conduit_chassis.errors import class_name
from conduit_chassis.observers import BatchObserver, BatchObservers, Observers
from conduit_chassis.plan import Plan
from conduit_chassis.records import Item


class BatchMetrics(BatchObserver):
    """Counts what becomes of records."""

    @override
    def retried(self, error: Exception, attempt: int) -> None:
        metrics.RETRIES.labels(class_name(error)).inc()

    @override
    def accounted(self, plan: Plan) -> None:
        for (template, outcome), number in plan.outcomes.items():
            metrics.CONSUMED.labels(template, outcome).inc(number)
        for _, cause in (*plan.failed_again, *plan.aside):
            metrics.DEAD_LETTERS.labels(cause.reason).inc()

    @override
    def put_aside(self, item: Item, cause: Cause) -> None:
        metrics.CONSUMED.labels(item.content.topic.template, "dead_letter").inc()
        metrics.DEAD_LETTERS.labels(cause.reason).inc()

    @override
    def ordered(self, template: str, *, restored: bool) -> None:
        metrics.CONSUMED.labels(template, "handled" if restored else "refused").inc()

    @override
    def done(self, records: int, seconds: float) -> None:
        metrics.BATCH_RECORDS.observe(records)
        metrics.BATCH_SECONDS.observe(seconds)


def measured(observers: Observers) -> Observers:
    """These observers, and the metrics beside them."""
    return replace(observers, batches=BatchObservers(BatchMetrics(), observers.batches))
