"""What the services export: declared once, said in words, naming nobody, and true of a run of the samples."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from conduit_chassis.reconcile import Cohorts
from conduit_contracts.geography import forces
from conduit_contracts.topics import REGISTRY, SERVICES, standing_apart
from conduit_intake import store as intake
from conduit_local.observability.observed import Observed
from conduit_operate.databases import database_of
from conduit_routing import queries as routing
from conduit_triage import store as triage
from tests.monitoring.watched import Watched
from tests.support.servers import dsn_of

ROOT = Path(__file__).parents[2]
_DECLARED = re.compile(r'(?:Counter|Gauge|Histogram)\(\s*"(conduit_\w+)"')
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
LABELS = {
    *("topic", "outcome", "error", "reason", "shard", "tick", "worker", "method", "route", "status", "state", "stage"),
    *("kind", "within", "by", "request", "code", "level", "leg", "step", "priority", "fact", "channel", "result"),
    *("le", "version", "against", "direction"),
}
"""Every label that a metric of ours may have. A new one is a decision: can it ever hold who somebody is?"""
OF_EVERY_SERVICE = {
    *("conduit_consumed_records", "conduit_batch_seconds", "conduit_record_age_seconds", "conduit_ready"),
    *("conduit_lag_records", "conduit_lag_seconds", "conduit_outbox_rows", "conduit_outbox_oldest_seconds"),
    *("conduit_inbox_rows", "conduit_inbox_oldest_seconds", "conduit_dead_letters", "conduit_dead_letters_waiting"),
    *("conduit_http_requests", "conduit_http_seconds", "conduit_postgres_pool_connections"),
}


@pytest.fixture(scope="module")
def exported(watched: Watched) -> dict[str, list[Sample]]:
    """The conduit's own samples, by service."""
    found: dict[str, list[Sample]] = {}
    for service in SERVICES:
        text = httpx.get(f"{watched.stack.url(service)}/metrics", trust_env=False).text
        families = [family for family in text_string_to_metric_families(text) if family.name.startswith("conduit_")]
        assert all(family.documentation.endswith(".") for family in families)
        assert {family.name for family in families if family.samples} >= OF_EVERY_SERVICE, service
        found[service] = [sample for family in families for sample in family.samples]
    return found


def test_every_metric_is_declared_once() -> None:
    names = [name for path in sorted(ROOT.glob("services/*/src/**/*.py")) for name in _DECLARED.findall(path.read_text())]
    assert len(names) > 60
    assert sorted(names) == sorted(set(names))


def test_metrics_stand_in_the_modules_that_are_named_for_them() -> None:
    elsewhere = [
        path.relative_to(ROOT)
        for path in ROOT.glob("services/*/src/**/*.py")
        if path.name != "metrics.py" and _DECLARED.search(path.read_text())
    ]
    assert elsewhere == []


def test_no_label_can_hold_who_somebody_is(exported: dict[str, list[Sample]]) -> None:
    used = {label for samples in exported.values() for sample in samples for label in sample.labels}
    assert used <= LABELS


def test_no_value_of_a_label_names_a_partner_a_force_or_a_referral(
    exported: dict[str, list[Sample]], watched: Watched
) -> None:
    values = {value for samples in exported.values() for sample in samples for value in sample.labels.values()}
    words = {word for value in values for word in re.split(r"[^a-z0-9-]+", value.lower())}
    assert words & {*watched.stack.options.partner_ids, *forces()} == set()
    assert not any(_UUID.search(value.lower()) for value in values)


def test_topics_appear_as_the_registry_writes_them(exported: dict[str, list[Sample]]) -> None:
    shown = {sample.labels["topic"] for samples in exported.values() for sample in samples if "topic" in sample.labels}
    assert shown
    assert shown <= {topic.template for topic in (*REGISTRY, *standing_apart())}


def counted(watch: Observed, expression: str) -> float:
    return watch.prometheus.value(expression) or 0.0


def test_cases_that_no_person_had_to_see_are_measured_from_the_partners_act(watched: Watched) -> None:
    assert counted(watched.watch, "sum(conduit_dissemination_seconds_count)") > 10
    assert counted(watched.watch, "sum(conduit_dissemination_seconds_sum)") > 0
    elsewhere = 'sum(conduit_dissemination_seconds_count{service!="routing"})'
    assert counted(watched.watch, elsewhere) == 0


@pytest.mark.parametrize("leg", ["receipt", "acknowledgement"])
def test_clocks_that_ended_are_counted_and_no_more_than_began(watched: Watched, leg: str) -> None:
    began = counted(watched.watch, 'sum(conduit_routing_handoff_changes_total{state="disseminated"})')
    ended = counted(watched.watch, f'sum(conduit_routing_clocks_total{{leg="{leg}"}})')
    kept = counted(watched.watch, f'sum(conduit_routing_clocks_total{{leg="{leg}",outcome="kept"}})')
    assert 10 < kept <= ended <= began


def test_the_inbox_is_estimated_in_every_service(watched: Watched) -> None:
    rows = watched.watch.query("max by (service) (conduit_inbox_rows)")
    assert {row.labels["service"] for row in rows if row.value > 0} == set(SERVICES)


def test_requests_are_counted_by_route_in_every_service(watched: Watched) -> None:
    rows = watched.watch.query('sum by (service) (conduit_http_requests_total{route="/metrics",status="200"})')
    assert {row.labels["service"] for row in rows if row.value > 0} == set(SERVICES)


async def sums(watched: Watched, service: str, statement: str, now: datetime) -> dict[str, int]:
    connection = await asyncpg.connect(dsn_of(watched.stack.servers.postgres_dsn, database_of(service)))
    try:
        return await Cohorts(statement).measure(connection, now)
    finally:
        await connection.close()


async def test_the_services_agree_on_what_was_taken_in_and_passed_on(watched: Watched) -> None:
    """Counted in each one's own store, as the services do, but without waiting until the referrals are old enough."""
    later = datetime.now(UTC) + timedelta(minutes=4)
    told: dict[str, int] = {}
    for service, statement in (
        ("intake", intake.RECONCILIATION),
        ("triage", triage.RECONCILIATION),
        ("routing", routing.RECONCILIATION),
    ):
        told |= await sums(watched, service, statement, later)
    assert told["received"] == told["assessed"] > 10
    assert told["for_forces"] == told["routed"] > 10
    assert told["for_forces"] < told["assessed"]


async def test_a_case_that_routing_lost_shows_as_one_missing(watched: Watched) -> None:
    """Taken away within a transaction that is undone, as a restored backup or a fault of ours might have it."""
    later = datetime.now(UTC) + timedelta(minutes=4)
    connection = await asyncpg.connect(dsn_of(watched.stack.servers.postgres_dsn, database_of("routing")))
    undone = connection.transaction()
    await undone.start()
    try:
        before = await Cohorts(routing.RECONCILIATION).measure(connection, later)
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM cases WHERE referral_id = (SELECT referral_id FROM cases LIMIT 1)")
        after = await Cohorts(routing.RECONCILIATION).measure(connection, later)
    finally:
        await undone.rollback()
        await connection.close()
    assert after["routed"] == before["routed"] - 1


def test_the_services_export_what_they_counted(watched: Watched) -> None:
    watched.watch.prometheus.wait("count(conduit_reconciliation_referrals) == 4", 30)
    stages = {row.labels["stage"]: row.labels["service"] for row in watched.watch.query("conduit_reconciliation_referrals")}
    assert stages == {"received": "intake", "assessed": "triage", "for_forces": "triage", "routed": "routing"}
