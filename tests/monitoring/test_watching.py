"""A watched stack: everything is scraped, and what it is scraped for is there."""

from __future__ import annotations

from conduit_local.observability.api import until
from tests.monitoring.watched import Watched


def test_everything_that_the_configuration_names_is_scraped(watched: Watched) -> None:
    targets = watched.watch.targets()
    assert {target.job for target in targets} == {"conduit", "kafka", "postgres", "prometheus", "alertmanager"}
    until(lambda: all(target.up for target in watched.watch.targets()), "not everything is up", 30)
    services = {row.labels["service"] for row in watched.watch.query('up{job="conduit"} == 1')}
    assert services == set(watched.stack.options.services)


def test_figures_of_every_part_are_there(watched: Watched) -> None:
    for metric in (
        "conduit_consumed_records_total",
        "kafka_records_in_total",
        "conduit_pg_wal_bytes",
        "pg_stat_activity_count",
    ):
        assert (watched.watch.prometheus.value(f"sum({metric})") or 0) > 0, metric
