"""What alerts count, `conduit` names: forces, partners and agreements; no content."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from conduit_contracts.programme import Contact, Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_operate.agreements import EndingMou, ending
from conduit_operate.cli import app
from conduit_operate.health import PATIENCE
from deploy.operate.tests.rows import REFERRAL, SECRET

Conduit = Callable[..., Result]
TODAY = date(2026, 12, 1)


def shown(conduit: Conduit, *arguments: str) -> Any:
    done = conduit(*arguments, "--json")
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    return json.loads(done.stdout)


def test_hand_offs_are_named_by_force_with_what_they_wait_for(filled: Any, conduit: Conduit) -> None:
    found = shown(conduit, "handoffs")
    assert {(each["who"], each["what"], each["referral_id"]) for each in found} == {
        ("kent", "a connector's receipt", str(REFERRAL)),
        ("essex", "a person's acknowledgement", str(REFERRAL)),
    }
    assert all(each["about"] == "chased 0 times, level 0, no step left" for each in found)
    said = conduit("handoffs").output
    assert "kent" in said
    assert said.endswith("2 hand-offs\n")


def test_late_and_silent_ones_alone_are_named_where_asked(filled: dict[str, str], conduit: Conduit) -> None:
    with psycopg.connect(filled["routing"], autocommit=True) as connection:
        connection.execute("UPDATE handoffs SET acknowledgement_due_at = now() + interval '1 h' WHERE force_id = 'essex'")
        connection.execute("UPDATE handoffs SET next_action_at = now() WHERE force_id = 'kent'")
    assert [each["who"] for each in shown(conduit, "handoffs", "--late")] == ["kent"]
    assert [each["who"] for each in shown(conduit, "handoffs", "--silent")] == ["essex"]
    assert shown(conduit, "handoffs", "--late", "--silent") == []
    with psycopg.connect(filled["routing"], autocommit=True) as connection:
        connection.execute("UPDATE handoffs SET priority = NULL")  # its case was withdrawn
    assert shown(conduit, "handoffs") == []


def test_what_waits_for_officers_is_named_in_both_services(filled: Any, conduit: Conduit) -> None:
    found = shown(conduit, "reviews")
    assert {(each["service"], each["priority"], each["about"]) for each in found} == {
        ("triage", "immediate_danger", "nature_unclear"),
        ("routing", "immediate_danger", "no force has it"),
        ("routing", "immediate_danger", "home_tied"),
    }
    assert {each["referral_id"] for each in found} == {str(REFERRAL)}
    assert [each["service"] for each in shown(conduit, "reviews", "--late")] == ["triage"]


def test_notices_are_named_by_whom_they_were_for(filled: dict[str, str], conduit: Conduit) -> None:
    assert [(each["who"], each["what"]) for each in shown(conduit, "notices")] == [("force:kent", "email: force_case")]
    assert shown(conduit, "notices", "--failed") == []
    with psycopg.connect(filled["notification"], autocommit=True) as connection:
        connection.execute("UPDATE notices SET state = 'failed', code = 'bounced' WHERE audience = 'force:essex'")
    (found,) = shown(conduit, "notices", "--failed")
    assert (found["who"], found["about"]) == ("force:essex", "given up: bounced")


def test_who_was_refused_is_named_with_codes(filled: Any, conduit: Conduit) -> None:
    (found,) = shown(conduit, "partner", "refused")
    assert (found["partner_id"], found["kind"], found["why"], found["times"]) == (
        "northlight",
        "referral",
        "field_missing",
        1,
    )
    assert "northlight: 1 time referral, field_missing; last at " in conduit("partner", "refused").output


@pytest.mark.parametrize("command", ["handoffs", "reviews", "notices"])
def test_a_service_that_cannot_be_asked_has_exit_code_1(
    filled: Any,
    conduit: Conduit,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    for service in ("ROUTING", "NOTIFICATION"):
        monkeypatch.setenv(f"{service}_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:1/none")
    done = conduit(command)
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output


@pytest.mark.long
def test_of_two_services_one_that_hangs_delays_and_hides_nothing_of_the_other(
    filled: Any, conduit: Conduit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listens and never answers; the other is asked at the same time, and shown."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for hung, shown_service in (("TRIAGE", "routing"), ("ROUTING", "triage")):
            with monkeypatch.context() as patched:
                patched.setenv(f"{hung}_POSTGRES_DSN", f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
                began = time.monotonic()
                done = conduit("reviews", "--json")
                assert time.monotonic() - began < 2 * PATIENCE
            assert done.exit_code == 1
            assert {each["service"] for each in json.loads(done.stdout)} == {shown_service}
            assert done.stderr.startswith(f"{hung.lower()} could not be asked: ")


def partner(partner_id: str, *mous: Mou, suspended: bool = False) -> PartnerRegistered:
    return PartnerRegistered(partner_id=partner_id, name=partner_id, suspended=suspended, mous=mous, contact=Contact())


def mou(reference: str, first: date, last: date, *, suspended: bool = False) -> Mou:
    return Mou(
        reference=reference,
        scope="Referrals",
        signed_on=first,
        valid_from=first,
        valid_to=last,
        review_on=last,
        legal_ground=LegalGround.SAFEGUARDING_OF_CHILDREN,
        suspended=suspended,
    )


def test_agreements_that_are_in_force_and_end_soon_are_named_the_soonest_first() -> None:
    began = date(2026, 1, 1)
    partners = [
        partner("later", mou("M-LATER", began, date(2026, 12, 31))),
        partner("soon", mou("M-SOON", began, TODAY), mou("M-FAR", began, date(2027, 1, 1))),
        partner("over", mou("M-OVER", began, date(2026, 11, 30))),
        partner("early", mou("M-EARLY", date(2026, 12, 2), date(2026, 12, 3))),
        partner("stopped", mou("M-STOPPED", began, TODAY), suspended=True),
        partner("paused", mou("M-PAUSED", began, TODAY, suspended=True)),
    ]
    assert ending(partners, TODAY, 30) == [
        EndingMou("soon", "M-SOON", TODAY),
        EndingMou("later", "M-LATER", date(2026, 12, 31)),
    ]
    assert [each.reference for each in ending(partners, TODAY, 7)] == ["M-SOON"]


@pytest.mark.parametrize("terminal", [{}, {"FORCE_COLOR": "1"}], ids=["piped", "terminal"])
@pytest.mark.parametrize("command", ["handoffs", "reviews"])
def test_an_id_is_never_cut_in_two_however_narrow_the_terminal(
    filled: Any, tmp_path: Path, command: str, terminal: dict[str, str]
) -> None:
    done = CliRunner().invoke(app, [command, "--state-dir", str(tmp_path)], env={"COLUMNS": "80", **terminal})
    assert done.output.count(str(REFERRAL)) == {"handoffs": 2, "reviews": 3}[command], done.output


@pytest.mark.parametrize("command", [("handoffs",), ("reviews",), ("notices",), ("partner", "refused")], ids=" ".join)
def test_times_for_programs_have_a_t(filled: Any, conduit: Conduit, command: tuple[str, ...]) -> None:
    for each in shown(conduit, *command):
        at = each.get("since") or each["last_at"]
        assert at[10] == "T"
        assert datetime.fromisoformat(at).tzinfo is not None
