"""`conduit trace`, `reconcile` and `status` on the four services' real databases, with rows as the services write them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from click.testing import Result

from conduit_contracts.ids import first_of
from conduit_contracts.topics import SERVICES
from conduit_operate.commands.status import Part, all_well
from conduit_operate.commands.trace import TRAILS
from conduit_operate.figures import Figures
from deploy.operate.tests.rows import EVENT, GIVEN, REFERENCE, REFERRAL, ROWS, SECRET

Conduit = Callable[..., Result]


@pytest.mark.parametrize(
    "text",
    [str(REFERRAL), REFERENCE, EVENT, "sub-1", "e3", "e4", "e5"],
    ids=["referral id", "reference", "event id", "sub-1", "e3", "e4", "e5"],
)
def test_a_referral_is_found_by_each_of_its_ids(filled: Any, conduit: Conduit, text: str) -> None:
    done = conduit("trace", text, "--json")
    assert done.exit_code == 0, done.output
    assert [UUID(each["referral_id"]) for each in json.loads(done.stdout)["referrals"]] == [REFERRAL]


def test_its_stations_stand_in_the_order_of_time_and_what_it_waits_for_with_since_when(
    filled: Any, conduit: Conduit
) -> None:
    done = conduit("trace", REFERENCE, "--json")
    (found,) = json.loads(done.stdout)["referrals"]
    assert [(each["service"], each["what"], each["about"]) for each in found["stations"]] == [
        ("intake", "received", ""),
        ("triage", "review_opened", ""),
        ("routing", "disseminated", "kent"),
        ("notification", "told the partner: under_review", ""),
        ("notification", "email sent: force_case", "force:essex"),
    ]
    waits = {(each["service"], each["what"], each["about"]) for each in found["waits"]}
    assert waits == {
        ("intake", "event 7 that Kafka would not take", "intake.referrals.v1: MessageSizeTooLargeError"),
        ("triage", "an officer's decision", "nature_unclear"),
        ("triage", "dead letter 1", "intake.referrals.v1: handler_failed KeyError"),
        ("routing", "a connector's receipt", "kent"),
        ("routing", "a person's acknowledgement", "essex"),
        ("routing", "an officer at the hub", "home_tied"),
        ("routing", "a force that looks after it", ""),
        ("notification", "email to force:kent: force_case", "tried 2 times"),
        ("notification", "somebody on duty", "danger_review"),
    }
    assert all(each["since"] for each in found["waits"])
    said = conduit("trace", REFERENCE)
    assert "waits in routing for a connector's receipt (kent) since " in said.output
    assert SECRET not in said.output + done.output


def test_an_id_that_only_its_sender_knows_is_answered_with_what_to_use_instead(filled: Any, conduit: Conduit) -> None:
    done = conduit("trace", "0193b3f0-0000-7000-8000-00000000ffff")
    assert done.exit_code == 3
    for instead in ("the partner's reference", "partner.<id>.referrals.v1/<partition>/<offset>", "conduit dead-letters"):
        assert instead in done.output
    told = " ".join(conduit("trace", "--help").output.replace("│", " ").split())
    assert "No service keeps a ce_id that a partner or a force gave, or that was written to a partner" in told


def test_what_was_refused_is_shown_though_it_is_no_referral(filled: Any, conduit: Conduit) -> None:
    found = json.loads(conduit("trace", "NL-2", "--json").stdout)
    assert found["referrals"] == []
    assert [(each["what"], each["why"]) for each in found["refused"]] == [("rejected", "referral field_missing")]


def test_what_nobody_knows_has_exit_code_3_and_a_service_that_is_away_exit_code_1(
    filled: Any, conduit: Conduit, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conduit("trace", "NL-NEVER").exit_code == 3
    monkeypatch.setenv("ROUTING_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/none")
    done = conduit("trace", REFERENCE)
    assert done.exit_code == 1
    assert "could not be asked: routing" in done.output
    assert "review_opened" in done.output


def test_what_is_not_known_is_not_said_to_be_nothing(
    filled: dict[str, str], conduit: Conduit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(filled["triage"], autocommit=True) as connection:
        connection.execute("DELETE FROM reviews")
        connection.execute("DELETE FROM dead_letters")
    with psycopg.connect(filled["intake"], autocommit=True) as connection:
        connection.execute("DELETE FROM outbox_rejected")
    for service in ("routing", "notification"):
        monkeypatch.setenv(f"{service.upper()}_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/none")
    for command in (("trace", REFERENCE), ("handoffs",)):
        said = conduit(*command).stdout.splitlines()[-1]
        assert said.endswith("in the services that were asked"), said


def test_reconcile_counts_each_stage_and_names_whom_a_service_does_not_know(
    filled: dict[str, str], conduit: Conduit
) -> None:
    whole = conduit("reconcile", "--stores", "--json")
    assert whole.exit_code == 0, whole.output
    stages = (
        "intake received",
        "triage assessed",
        "triage for_forces",
        "routing routed",
        "routing sent",
        "notification told",
    )
    assert json.loads(whole.stdout)["counts"] == dict.fromkeys(stages, 1)
    with psycopg.connect(filled["notification"], autocommit=True) as connection:
        connection.execute("DELETE FROM referrals")
    done = conduit("reconcile", "--stores", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [(gap["has"], gap["lacks"], gap["ids"]) for gap in found["gaps"]] == [
        ("intake received", "notification", [str(REFERRAL)])
    ]
    assert {(each["service"], each["what"]) for each in found["put_aside"]} == {
        ("intake", "event 7 that Kafka would not take"),
        ("triage", "dead letter 1"),
    }
    assert (
        f"  {REFERRAL}  (intake: event 7 that Kafka would not take; triage: dead letter 1)"
        in conduit("reconcile", "--stores").output
    )


def test_a_referral_of_the_last_two_minutes_is_not_missed(databases: dict[str, str], conduit: Conduit) -> None:
    with psycopg.connect(databases["intake"], autocommit=True) as connection:
        connection.execute(ROWS["intake"].split(";")[0].encode(), {**GIVEN, "id": first_of(datetime.now(UTC))})
    done = conduit("reconcile", "--stores")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "all is accounted for")
    assert "what was taken in the last 2 minutes is left out" in done.output


def test_status_counts_what_waits_and_says_that_kafka_is_away(filled: Any, conduit: Conduit) -> None:
    done = conduit("status", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["parts"][0] == {"name": "kafka", "address": "127.0.0.1:1", "ready": False, "why": ""}
    services = found["services"]
    assert services["intake"]["refused"] == services["triage"]["dead_letters"] == 1
    assert services["triage"]["work"] == {
        "reviews waiting": 1,
        "reviews at an urgency level where one is overdue": 1,
    }
    assert services["routing"]["work"]["hand-offs waiting"] == 2
    assert services["routing"]["work"]["cases with no force"] == 1
    assert services["notification"]["work"] == {
        "duty tasks not taken": 1,
        "duty tasks for which everyone has been called": 0,
        "notices to send": 1,
    }
    assert "notification: 1 duty task not taken" in conduit("status").output


def test_status_takes_nothing_that_it_does_not_know_for_well() -> None:
    parts, one = [Part("kafka", "127.0.0.1:9092", True)], Figures(0, 0.0, 0, 0, 0, {})
    found: dict[str, Figures | None] = dict.fromkeys(SERVICES, one)
    lag = dict.fromkeys(SERVICES, 0)
    assert all_well(parts, found, lag)
    for service in SERVICES:
        assert not all_well(parts, found, {name: each for name, each in lag.items() if name != service})
        assert not all_well(parts, {**found, service: None}, lag)
    assert not all_well([*parts, Part("triage", "", False, "not running")], found, lag)


PAGES = 400
MANY: Mapping[str, str] = {
    "intake": "INSERT INTO history (at, actor, what, why, event_id, partner_id, partner_reference, submission_id, kind) "
    "SELECT now(), 'partner:northlight', 'rejected', 'field_missing', md5(n::text), 'northlight', 'R' || n, md5('s' || n), "
    "'referral' ",
    "triage": "INSERT INTO history (referral_id, at, actor, what, why, policy_version, event_id) "
    "SELECT gen_random_uuid(), now(), 'rules', 'accepted', '', '1', md5(n::text) ",
    "routing": "INSERT INTO history (referral_id, version, at, actor, what, why, policy_version, cause_id, sent_id) "
    "SELECT gen_random_uuid(), 1, now(), 'rules', 'opened', '', '1', md5(n::text), gen_random_uuid() ",
    "notification": "INSERT INTO history (referral_id, revision, at, happened_at, actor, what, state, policy_version, "
    "event_id) SELECT gen_random_uuid(), 1, now(), now(), 'rules', 'accepted', 'accepted', '1', md5(n::text) ",
}


@pytest.mark.parametrize("service", TRAILS)
def test_an_event_is_looked_up_in_a_fraction_of_history(databases: dict[str, str], service: str) -> None:
    """Asked as `conduit trace` asks; counted are the blocks of the table that were read for it."""
    with psycopg.connect(databases[service], autocommit=True) as connection:
        connection.execute(f"{MANY[service]} FROM generate_series(1, 30000) AS n".encode())
        connection.execute("VACUUM ANALYZE history")  # what autovacuum does of itself
        pages = one(connection, "SELECT relpages FROM pg_class WHERE oid = 'history'::regclass")
        assert pages > PAGES
        before = read_blocks(connection)
        asyncio.run(named(databases[service], service, hashlib.md5(b"29000", usedforsecurity=False).hexdigest()))
        assert read_blocks(connection) - before < pages / 4


async def named(dsn: str, service: str, event_id: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await TRAILS[service].named(connection, event_id)
    finally:
        await connection.close()


def one(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    assert row
    return int(row[0])


def read_blocks(connection: psycopg.Connection[Any]) -> int:
    connection.execute("SELECT pg_stat_force_next_flush()")
    connection.execute("SELECT pg_stat_clear_snapshot()")
    return one(connection, "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'history'")


@pytest.mark.parametrize("service", TRAILS)
def test_a_dead_letter_that_was_discarded_stands_among_its_stations(
    filled: dict[str, str], conduit: Conduit, service: str
) -> None:
    with psycopg.connect(filled[service], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO dead_letters (topic, partition, record_offset, key, digest, reason, error_class, at)"
            " VALUES ('intake.referrals.v1', 0, 77, %s, '', 'handler_failed', 'KeyError', now())",
            [str(REFERRAL).encode()],
        )
        ((number,),) = connection.execute("SELECT max(id) FROM dead_letters").fetchall()
    by = ("--apply", "--actor", "A. Operator", "--reason", "no record of ours")
    assert conduit("dead-letters", "discard", service, "--id", str(number), *by).exit_code == 0
    found = json.loads(conduit("trace", str(REFERRAL), "--json").stdout)["referrals"][0]
    (discarded,) = [each for each in found["stations"] if "discarded" in each["what"]]
    assert (discarded["service"], discarded["actor"], discarded["what"]) == (
        service,
        "A. Operator",
        f"dead letter {number} discarded",
    )
