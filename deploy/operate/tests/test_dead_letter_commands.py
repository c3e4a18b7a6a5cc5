"""`conduit dead-letters` as an operator types it, on a real database: what is shown holds nothing that anybody wrote."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from conduit_chassis.migrate import migrate
from conduit_operate import masked
from conduit_operate.audit import read_audit
from conduit_operate.cli import app
from conduit_triage.app import SERVICE

BY = ["--apply", "--actor", "A. Operator", "--reason", "It is no record of ours"]
SECRET = "canary of a person"
EVENT = "0193b3f0-0000-7000-8000-000000000001"
BODY = {
    "narrative": SECRET,
    SECRET: SECRET,
    "persons": [{"person_id": "V1", "victims_known": 2}] * 30,
    "immediate_danger": True,
}
PUT_ASIDE = """
INSERT INTO dead_letters (topic, partition, record_offset, key, digest, reason, error_class, at, headers, value,
                          record_timestamp)
SELECT 'intake.referrals.v1', 0, number, %s, '', 'handler_failed', 'KeyError', now(), %s, %s, 0
FROM generate_series(1, 2) AS number
"""


@pytest.fixture
def conduit(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    migrate(database, SERVICE.migrations)
    headers = [["ce_id", EVENT], ["ce_source", SECRET], ["ce_type", SECRET], [SECRET, SECRET]]
    packed = json.dumps([[name, b64encode(text.encode()).decode()] for name, text in headers])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(PUT_ASIDE, [SECRET.encode(), packed, json.dumps(BODY).encode()])
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")  # nobody is there, and these need nobody
    monkeypatch.setenv("TRIAGE_POSTGRES_DSN", database)
    monkeypatch.delenv("INTAKE_POSTGRES_DSN", raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["dead-letters", *arguments, "--state-dir", str(tmp_path)])

    return run


def test_one_is_shown_by_its_shape_without_anything_that_somebody_wrote(conduit: Any) -> None:
    shown = conduit("show", "triage", "1")
    assert shown.exit_code == 0, shown.output
    assert SECRET not in shown.output
    found = json.loads(shown.stdout)
    assert found["headers"] == [f"ce_id: {EVENT}", "…: text of 18", "ce_type: … text of 18", "…: text of 18"]
    assert found["value"]["narrative"] == "text of 18"
    assert found["value"]["… 2"] == "text of 18"
    assert found["value"]["persons"][0] == {"person_id": "text of 2", "victims_known": "number"}
    assert found["value"]["persons"][-1] == "10 more"
    assert found["value"]["immediate_danger"] == "true or false"
    assert (found["topic"], found["offset"], found["reason"], found["error_class"]) == (
        "intake.referrals.v1",
        1,
        "handler_failed",
        "KeyError",
    )


def test_what_is_no_json_is_shown_by_its_length() -> None:
    assert masked.value(b"\xffabc") == "4 bytes that are no JSON"
    assert masked.value(b"[" * 100_000) == "100000 bytes that are no JSON"
    assert masked.value(None) == "nothing: a tombstone"


def test_a_number_under_which_nothing_waits_has_exit_code_3_and_changes_nothing(conduit: Any, tmp_path: Path) -> None:
    assert conduit("show", "triage", "77").exit_code == 3
    assert conduit("discard", "triage", "--id", "77", *BY).exit_code == 3
    assert conduit("replay", "triage", "--id", "77").exit_code == 3
    assert read_audit(tmp_path) == []


def test_what_is_given_up_stands_in_the_audit_with_who_and_why(conduit: Any, tmp_path: Path) -> None:
    assert conduit("discard", "triage", "--id", "1").output.startswith("triage: 1 would be discarded")
    assert conduit("discard", "triage", "--id", "1", *BY).output == "triage: 1 discarded\n"
    begun, done = read_audit(tmp_path)
    assert (begun["command"], begun["subject"], begun["steps"]) == ("dead-letters discard", "triage", ["number 1"])
    assert (done["actor"], done["reason"], done["outcome"]) == ("A. Operator", "It is no record of ours", "done")
    assert conduit("discard", "triage", "--id", "1", *BY).exit_code == 3


def test_all_services_are_listed_and_one_that_cannot_be_asked_hides_no_other(conduit: Any) -> None:
    listed = conduit("list")
    assert listed.exit_code == 1
    assert "triage: 2 dead letters wait" in listed.output
    assert "intake could not be asked" in listed.output
    assert conduit("list", "triage").exit_code == 0
    assert [each["service"] for each in json.loads(conduit("list", "triage", "--json").stdout)] == ["triage", "triage"]
    assert [line.split()[:2] for line in conduit("list", "triage").output.splitlines()[:2]] == [
        ["triage", "1"],
        ["triage", "2"],
    ]


@pytest.mark.parametrize("command", ["discard", "replay"])
def test_where_one_number_of_several_is_wrong_nothing_is_done(conduit: Any, tmp_path: Path, command: str) -> None:
    done = conduit(command, "triage", "--id", "1", "--id", "99", *BY)
    assert (done.exit_code, done.output) == (3, "triage: nothing waits under 99; nothing was changed\n")
    assert read_audit(tmp_path) == []
    assert conduit("show", "triage", "1").exit_code == 0


def test_the_list_for_programs_holds_no_more_than_what_is_shown_of_one(conduit: Any) -> None:
    listed, shown = conduit("list", "triage", "--json"), json.loads(conduit("show", "triage", "1").stdout)
    assert SECRET not in listed.stdout
    assert SECRET.encode().hex() not in listed.stdout
    for each in json.loads(listed.stdout):
        assert each.keys() <= shown.keys()
        assert each["at"][10] == "T"
        assert (each["reason"], each["topic"]) == ("handler_failed", "intake.referrals.v1")
