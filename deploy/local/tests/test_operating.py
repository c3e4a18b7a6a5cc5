"""A stack under `conduit up`, and what operators type at it from another terminal."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from typer.testing import CliRunner

from conduit_contracts.ids import first_of
from conduit_contracts.kits import KafkaSettings
from conduit_contracts.kits.partner import PartnerKit
from conduit_contracts.topics import SERVICES
from conduit_operate.audit import read_audit
from conduit_operate.cli import app
from conduit_operate.env_file import url_variable
from conduit_operate.polling import wait_until
from deploy.local.tests.running import Up
from tests.kits.samples import CANARY, fields

pytestmark = pytest.mark.kafka  # which they start themselves

SECONDS = 60.0
REFERENCE = "NL-TRACED-1"
BY = ("--apply", "--actor", "A. Operator", "--reason", "a test")
LOST = """
INSERT INTO referrals (referral_id, partner_id, partner_reference, content_hash, received_at, place_ids, person_ids, body)
VALUES (%s, 'northlight', 'NL-LOST', decode(repeat('00', 32), 'hex'), now(), '{}', '{}', '')
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    started = Up(tmp_path_factory.mktemp("operating"))
    try:
        started.wait_for("ready; ")
        yield started
    finally:
        started.end()


@pytest.fixture(scope="module")
def traced(up: Up) -> str:
    """The id of a referral that a person has to decide, as it has too few victims for the rules."""
    asyncio.run(submit(up, REFERENCE))
    wait_until(lambda: under_review(up), "triage has opened no review", SECONDS, lambda: None)
    ((referral_id,),) = rows(up, "intake", "SELECT referral_id FROM referrals WHERE partner_reference = %s", REFERENCE)
    return str(referral_id)


async def submit(up: Up, reference: str) -> None:
    settings = KafkaSettings.from_file(up.state_dir / "clients" / "partner.northlight.env")
    async with PartnerKit("northlight", settings) as hub:
        await hub.submit(hub.referral(reference, **fields(numbers={"victims_known": 1})))


def under_review(up: Up) -> bool:
    return bool(rows(up, "notification", "SELECT 1 FROM referrals WHERE state = 'under_review'"))


def rows(up: Up, service: str, statement: str, *given: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(up.env()[f"{service.upper()}_POSTGRES_DSN"]) as connection:
        return connection.execute(statement.encode(), given or None).fetchall()


def test_the_real_services_answer_and_status_shows_them(up: Up) -> None:
    for name in SERVICES:
        assert httpx.get(f"{up.env()[url_variable(name)]}/metrics", trust_env=False).status_code == 200
    shown = up.conduit("status")
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("yes") == 4 + len(SERVICES), "what they stand on, and the signer"


@pytest.mark.long
def test_a_killed_service_is_started_again_and_up_says_so(up: Up) -> None:
    before = up.process_of("triage")
    before.send_signal(signal.SIGKILL)
    up.wait_for("triage ended (137) and is started again in 1 s")
    up.wait_for("triage was started again")
    assert up.process_of("triage").pid != before.pid


@pytest.mark.long
def test_restart_comes_back_once_the_service_is_another_process_and_ready(up: Up) -> None:
    before = up.process_of("routing")
    planned = up.conduit("restart", "routing")
    assert (planned.exit_code, planned.output.startswith("routing: 1 to be started again; nothing was changed")) == (0, True)
    assert before.is_running()
    done = up.conduit("restart", "routing", *BY)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("routing was started again and is ready, after ")
    assert not before.is_running()
    assert httpx.get(f"{up.env()['ROUTING_URL']}/readyz", trust_env=False).status_code == 200
    *_, begun, ended = read_audit(up.state_dir)
    assert (begun["command"], begun["subject"], ended["actor"], ended["reason"]) == ("restart", "routing", *BY[2::2])
    assert ended["outcome"] == "done"


def test_trace_shows_a_referrals_stations_and_what_it_waits_for_by_any_of_its_ids(up: Up, traced: str) -> None:
    ((event_id,),) = rows(up, "intake", "SELECT event_id FROM history WHERE referral_id = %s AND what = 'received'", traced)
    ((place,),) = rows(
        up, "intake", "SELECT submission_id FROM history WHERE referral_id = %s AND what = 'received'", traced
    )
    assert place.startswith("partner.northlight.referrals.v1/")
    for by in (traced, REFERENCE, event_id, place):
        (found,) = up.shown("trace", by)["referrals"]
        assert found["referral_id"] == traced
        assert found["states"]["triage"] == "under_review"
    stations = [(each["service"], each["what"]) for each in found["stations"]]
    assert ("intake", "received") in stations
    assert ("triage", "review_opened") in stations
    assert ("notification", "told the partner: under_review") in stations
    assert [each["at"] for each in found["stations"]] == sorted(each["at"] for each in found["stations"])
    (wait,) = [each for each in found["waits"] if each["service"] == "triage"]
    assert wait["what"] == "an officer's decision"
    assert wait["due"] > wait["since"]
    for output in (up.conduit("trace", traced).output, json.dumps(found)):
        assert CANARY not in output
    assert "waits in triage for an officer's decision" in up.conduit("trace", REFERENCE).output


def test_trace_of_an_id_that_nobody_knows_has_exit_code_3(up: Up) -> None:
    done = up.conduit("trace", "NL-NEVER-SENT")
    assert (done.exit_code, done.output) == (3, "no service knows NL-NEVER-SENT\n")


def nothing_waits(up: Up, service: str) -> bool:
    return up.shown("lag")[service]["records"] == 0


@pytest.mark.long
def test_lag_shows_what_waits_for_a_service_that_is_stopped_and_since_when(up: Up, traced: str) -> None:
    for service in ("triage", "notification"):
        wait_until(partial(nothing_waits, up, service), f"{service} does not catch up", SECONDS, lambda: None)
    stopped = up.process_of("notification")
    stopped.suspend()
    try:
        asked = time.time()
        text = "SELECT count(*) FROM history"
        before = rows(up, "triage", text)
        stopped_at = up.shown("lag", "notification")["notification"]["records"]
        asyncio.run(submit(up, "NL-TRACED-2"))
        wait_until(lambda: rows(up, "triage", text) != before, "triage has not decided", SECONDS, lambda: None)
        wait_until(
            lambda: up.shown("lag", "notification")["notification"]["records"] > stopped_at, "no lag", SECONDS, lambda: None
        )
        found = up.shown("lag")["notification"]
        assert found["topics"]["triage.decisions.v1"] > 0
        assert 0 <= found["oldest_seconds"] <= time.time() - asked + 1
        assert "triage.decisions.v1" in up.conduit("lag", "notification").output
    finally:
        stopped.resume()
    wait_until(partial(nothing_waits, up, "notification"), "it does not catch up", SECONDS, lambda: None)
    assert up.conduit("lag", "notification").output == "notification: nothing waits\n"


@pytest.mark.long
def test_reconcile_names_a_referral_that_one_service_took_and_the_next_does_not_know(up: Up) -> None:
    whole = up.conduit("reconcile", "--days", "1")
    assert (whole.exit_code, whole.output.splitlines()[-1]) == (0, "all is accounted for")
    lost = first_of(datetime.now(UTC) - timedelta(hours=1))
    with psycopg.connect(up.env()["INTAKE_POSTGRES_DSN"], autocommit=True) as connection:
        connection.execute(LOST, [lost])
    found = up.conduit("reconcile", "--days", "1", "--json")
    assert found.exit_code == 1
    gaps = {(gap["has"], gap["lacks"]): gap["ids"] for gap in json.loads(found.stdout)["gaps"]}
    assert gaps == {("intake received", "triage"): [str(lost)], ("intake received", "notification"): [str(lost)]}
    assert f"  {lost}" in up.conduit("reconcile", "--days", "1").output
    assert "triage: does not know it" in up.conduit("trace", str(lost)).output
    with psycopg.connect(up.env()["INTAKE_POSTGRES_DSN"], autocommit=True) as connection:
        connection.execute("DELETE FROM referrals WHERE referral_id = %s", [lost])


def test_status_counts_what_waits_for_people(up: Up, traced: str) -> None:
    found = up.shown("status")["services"]
    assert found["triage"]["work"]["reviews waiting"] >= 1
    assert found["triage"]["lag"] == found["triage"]["dead_letters"] == 0
    assert found["routing"]["work"]["cases with no force"] == 0


@pytest.mark.long
@pytest.mark.parametrize("program", ["java", "postgres"])
def test_status_is_not_well_while_a_server_is_stopped_though_it_takes_connections(up: Up, program: str) -> None:
    stopped = [each for each in psutil.Process(up.process.pid).children(recursive=True) if each.name() == program]
    assert stopped
    for each in stopped:
        each.suspend()
    try:
        began = time.monotonic()
        done = up.conduit("status", "--json")
        seconds = time.monotonic() - began
    finally:
        for each in stopped:
            each.resume()
    parts = {each["name"]: each["ready"] for each in json.loads(done.stdout)["parts"]}
    assert (done.exit_code, parts["kafka"], parts["postgres"]) == (1, program != "java", program != "postgres")
    assert seconds < 30
    wait_until(lambda: up.conduit("status").exit_code == 0, "status is not well again", SECONDS, lambda: None)


def test_the_lists_of_all_services_and_registers_can_be_shown(up: Up) -> None:
    letters = up.conduit("dead-letters", "list")
    assert letters.exit_code == 0, letters.output
    assert letters.output.splitlines() == [f"{name}: 0 dead letters wait" for name in SERVICES]
    assert up.conduit("dead-letters", "show", "triage", "1").exit_code == 3
    assert up.conduit("dead-letters", "replay", "triage", *BY).exit_code == 3
    forces = up.conduit("force", "list").output.splitlines()
    assert any(line.startswith("west-midlands: team by email") for line in forces), forces


@pytest.mark.long
def test_the_list_of_partners_tells_who_has_left_from_who_is_suspended(up: Up) -> None:
    def line() -> str:
        (found,) = [each for each in up.conduit("partner", "list").output.splitlines() if each.startswith("leaver:")]
        return found

    mou = ("--mou", "MOU-LEAVER", "--valid-from", "2026-01-01", "--valid-to", "2036-01-01")
    for command, state in (
        (("onboard", "leaver", "--name", "Synthetic Leaver", *mou), "taking part"),
        (("suspend", "leaver", "--wholly"), "suspended"),
        (("offboard", "leaver"), "offboarded"),
    ):
        done = up.conduit("partner", *command, *BY)
        assert done.exit_code == 0, done.output
        assert f"; {state}; " in line()
        (found,) = [each for each in up.shown("partner", "list") if each["partner_id"] == "leaver"]
        assert found["state"] == state
    assert "leaver has no credentials" in up.conduit("partner", "resume", "leaver").output


def test_down_ends_it_and_then_nothing_runs(up: Up) -> None:
    assert up.conduit("down").output == "stopped\n"
    assert up.process.wait(20) == 0
    assert up.conduit("status").exit_code == 1
    assert "nothing runs" in up.conduit("down").output
    assert up.conduit("restart", "triage").exit_code == 1


def test_restart_of_what_is_no_service_is_misuse(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["restart", "kafka", "--state-dir", str(tmp_path)]).exit_code == 2


def test_the_release_is_said() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("conduit 0.")
