"""`conduit dead-letters` shows where a service waits at what it cannot read, and leads it past."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from conduit_chassis.migrate import migrate
from conduit_operate.audit import read_audit
from conduit_operate.cli import app
from services.chassis.tests.sample import MIGRATIONS

BY = ("--actor", "operator.on-call", "--reason", "the disk is broken", "--apply")


@pytest.fixture
def waiting(database: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Triage's database, in which it has noted a place."""
    migrate(database, MIGRATIONS)
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO unreadable_places (topic, partition, record_offset, last_offset, reason) "
            "VALUES ('intake.referrals.v1', 2, 7, 9, 'BrokenChecksumError')"
        )
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("TRIAGE_POSTGRES_DSN", database)
    return database


def conduit(*arguments: str, state_dir: Path) -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments, "--state-dir", str(state_dir)])


def passed(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT passed_by, passed_why, last_offset FROM unreadable_places").fetchall()


def test_a_place_is_shown_with_what_an_operator_needs_and_passed_once(waiting: str, tmp_path: Path) -> None:
    shown = conduit("list", "triage", state_dir=tmp_path).output
    assert "intake.referrals.v1 partition 2, offsets 7 to 9: BrokenChecksumError. Place 1" in shown
    done = conduit("lead-past", "triage", "--place", "1", *BY, "--to", "11", state_dir=tmp_path)
    assert done.exit_code == 0, done.output
    assert passed(waiting) == [("operator.on-call", "the disk is broken", 11)]
    assert "Place" not in conduit("list", "triage", state_dir=tmp_path).output
    begun, ended = read_audit(tmp_path)
    assert (begun["command"], begun["subject"], begun["actor"]) == ("dead-letters lead-past", "triage", "operator.on-call")
    assert begun["steps"] == ["number 1: intake.referrals.v1 partition 2, offsets 7 to 11"]
    assert (ended["outcome"], ended["reason"]) == ("done", "the disk is broken")
    again = conduit("lead-past", "triage", "--place", "1", *BY, state_dir=tmp_path)
    assert again.exit_code == 3
    assert len(read_audit(tmp_path)) == 2
    assert passed(waiting) == [("operator.on-call", "the disk is broken", 11)]


def test_without_apply_nothing_is_changed(waiting: str, tmp_path: Path) -> None:
    done = conduit("lead-past", "triage", "--place", "1", state_dir=tmp_path)
    assert "1 place would be passed; nothing was changed" in done.output
    assert passed(waiting) == [(None, None, 9)]


@pytest.mark.parametrize(
    ("more", "code"),
    [(("--place", "1", "--to", "6"), 1), (("--place", "1", "--actor", "\udce9x"), 2)],
)
def test_what_cannot_be_is_said_in_a_sentence(waiting: str, tmp_path: Path, more: tuple[str, ...], code: int) -> None:
    done = conduit("lead-past", "triage", *BY, *more, state_dir=tmp_path)
    assert (done.exit_code, type(done.exception)) == (code, SystemExit), done.output
    assert passed(waiting) == [(None, None, 9)]
    assert [each["outcome"] for each in read_audit(tmp_path)] in ([], ["begun", "failed"])


@pytest.mark.parametrize("place", ["99", str(2**63)])
def test_a_place_that_is_not_there_has_exit_code_3(waiting: str, tmp_path: Path, place: str) -> None:
    done = conduit("lead-past", "triage", *BY, "--place", place, state_dir=tmp_path)
    assert (done.exit_code, type(done.exception)) == (3, SystemExit), done.output
    assert read_audit(tmp_path) == []


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://nobody@127.0.0.1:1/triage", "nobody answers at its address"),
        ("{}_that_is_not", "there is no such database"),
    ],
)
@pytest.mark.parametrize("command", ["dead-letters", "outbox"])
def test_a_database_that_cannot_be_reached_is_named_as_that(
    waiting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, dsn: str, said: str
) -> None:
    monkeypatch.setenv("TRIAGE_POSTGRES_DSN", dsn.format(waiting))
    done = CliRunner().invoke(app, [command, "list", "triage", "--state-dir", str(tmp_path)])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert said in done.output


@pytest.mark.parametrize("actor", ["a" * 101, "\udce9x"])
def test_an_order_that_cannot_be_kept_is_refused_in_a_sentence(waiting: str, tmp_path: Path, actor: str) -> None:
    done = conduit("replay", "triage", "--apply", "--actor", actor, "--reason", "mended", state_dir=tmp_path)
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.output
    assert "--actor is a name of at most 100 characters" in " ".join(done.output.replace("│", " ").split())
