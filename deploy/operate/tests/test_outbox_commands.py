"""`conduit outbox` as an operator types it, on a real database."""

from __future__ import annotations

import json

import psycopg
import pytest
from typer.testing import CliRunner

from conduit_chassis.migrate import migrate
from conduit_operate.cli import app
from conduit_operate.commands import dead_letters, outbox
from conduit_triage.app import SERVICE

BY = ["--apply", "--actor", "A. Operator", "--reason", "The topic takes it now"]


@pytest.fixture
def refused(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    migrate(database, SERVICE.migrations)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO outbox_rejected (id, topic, key, headers, value, reason)"
            " SELECT number, 'triage.decisions.v1', 'k', 'a:b', 'words', 'MessageSizeTooLargeError'"
            " FROM generate_series(1, 3) AS number"
        )
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")  # nobody is there, and these need nobody
    monkeypatch.setenv("TRIAGE_POSTGRES_DSN", database)
    return database


def conduit(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["outbox", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_events_are_listed_sent_again_and_given_up(refused: str) -> None:
    listed = conduit("list", "triage")
    assert "triage.decisions.v1  key k  5 bytes  MessageSizeTooLargeError" in listed
    assert "triage: Kafka refused 3 events" in listed
    assert "words" not in listed
    assert [each["id"] for each in json.loads(conduit("list", "triage", "--json"))] == [1, 2, 3]
    assert "3 would be sent again; nothing was changed" in conduit("return", "triage")
    assert "1 would be discarded; nothing was changed" in conduit("discard", "triage", "--id", "3")
    assert "triage: 1 discarded" in conduit("discard", "triage", "--id", "3", *BY)
    assert "triage: 2 events are being sent again" in conduit("return", "triage", *BY)
    with psycopg.connect(refused) as connection:
        assert connection.execute("SELECT id, shard, topic FROM outbox ORDER BY id").fetchall() == [
            (1, 0, "triage.decisions.v1"),
            (2, 0, "triage.decisions.v1"),
        ]
        assert connection.execute("SELECT event_id, action FROM outbox_actions ORDER BY id").fetchall() == [
            (3, "discarded"),
            (1, "returned"),
            (2, "returned"),
        ]


def test_a_key_is_shown_whatever_a_sender_put_into_it(refused: str) -> None:
    with psycopg.connect(refused, autocommit=True) as connection:
        connection.execute("UPDATE outbox_rejected SET key = %s WHERE id = 2", [b"k\xff"])
    assert "key k\\377  5 bytes" in conduit("list", "triage")


def test_of_many_a_list_for_people_shows_the_first_and_says_how_many_there_are(
    refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "MOST_SHOWN", 2)
    monkeypatch.setattr(outbox, "MOST_SHOWN", 2)
    with psycopg.connect(refused, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO dead_letters (topic, partition, record_offset, digest, reason, at)"
            " SELECT 'intake.referrals.v1', 0, number, '', 'handler_failed', now() FROM generate_series(1, 3) AS number"
        )
    listed = conduit("list", "triage").splitlines()
    assert len(listed) == 3
    assert listed[-1] == "triage: Kafka refused 3 events; the first 2 are shown, all with --json"
    assert len(json.loads(conduit("list", "triage", "--json"))) == 3
    done = CliRunner().invoke(app, ["dead-letters", "list", "triage"])
    assert done.output.splitlines()[-1] == "triage: 3 dead letters wait; the first 2 are shown, all with --json"
    assert len(done.output.splitlines()) == 3


def test_who_and_why_are_asked_for() -> None:
    assert CliRunner().invoke(app, ["outbox", "return", "triage", "--apply"]).exit_code == 2
