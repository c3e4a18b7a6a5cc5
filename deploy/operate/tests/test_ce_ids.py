"""A ce_id that somebody quotes on the telephone leads to its referral, by whoever wrote or was given it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import Result
from confluent_kafka import Producer

from conduit_contracts.ids import uuid7
from conduit_contracts.topics import specs
from conduit_operate.ce_ids import EARLIER, made_at
from conduit_operate.topics import create_topics
from deploy.operate.tests.rows import REFERRAL, SECRET

Conduit = Callable[..., Result]
PARTNER, FORCE = "quoting-partner", "quoting-force"


@pytest.fixture
def here(filled: dict[str, str], kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a record under a ce_id and returns its place."""
    create_topics(kafka_bootstrap, specs((PARTNER,), (FORCE,)))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    producer = Producer({"bootstrap.servers": kafka_bootstrap})

    def write(topic: str, ce_id: str, subject: str = "") -> str:
        places: list[Any] = []
        headers = [("ce_id", ce_id.encode()), *([("ce_subject", subject.encode())] if subject else [])]
        producer.produce(topic, SECRET, headers=headers, on_delivery=lambda _, message: places.append(message))
        producer.flush(30)
        return f"{topic}/{places[0].partition()}/{places[0].offset()}"

    return write


def referrals(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    return [each["referral_id"] for each in json.loads(done.stdout)["referrals"]]


@pytest.mark.parametrize("made", [uuid7, uuid4, lambda: "their-own-5"], ids=["uuid7", "uuid4", "text"])
def test_what_a_partner_or_a_force_wrote_is_found_by_its_own_id(
    here: Callable[..., str], filled: dict[str, str], conduit: Conduit, made: Callable[[], object]
) -> None:
    sent, answered = str(made()), f"{made()}"
    for _ in range(3):
        here(f"partner.{PARTNER}.referrals.v1", str(uuid4()))
    by_partner = here(f"partner.{PARTNER}.referrals.v1", sent)
    by_force = here(f"force.{FORCE}.responses.v1", answered)
    with psycopg.connect(filled["intake"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO history (referral_id, at, actor, what, why, event_id, partner_id, partner_reference, submission_id,"
            " kind) VALUES (%s, now(), 'partner:northlight', 'repeated', '', 'e8', 'northlight', 'NL-1', %s, 'referral')",
            [REFERRAL, by_partner],
        )
    with psycopg.connect(filled["routing"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO history (referral_id, version, at, actor, what, why, force_id, policy_version, cause_id)"
            " VALUES (%s, 2, now(), 'rules', 'disseminated', '', 'kent', '1', %s)",
            [REFERRAL, by_force],
        )
    assert referrals(conduit("trace", sent, "--of", f"partner.{PARTNER}", "--json")) == [str(REFERRAL)]
    assert referrals(conduit("trace", answered, "--of", f"force.{FORCE}", "--json")) == [str(REFERRAL)]


def test_what_they_were_given_is_found_by_the_referral_that_it_names(here: Callable[..., str], conduit: Conduit) -> None:
    told, given = str(uuid7()), str(uuid7())
    here(f"partner.{PARTNER}.updates.v1", told, str(REFERRAL))
    here(f"force.{FORCE}.cases.v1", given, str(REFERRAL))
    assert referrals(conduit("trace", told, "--of", f"partner.{PARTNER}", "--json")) == [str(REFERRAL)]
    assert referrals(conduit("trace", given, "--of", f"force.{FORCE}", "--json")) == [str(REFERRAL)]


def test_an_id_that_nobody_gave_is_not_there_and_what_is_typed_wrongly_is_misuse(
    here: Callable[..., str], conduit: Conduit
) -> None:
    nobodys = str(uuid4())
    done = conduit("trace", nobodys, "--of", f"partner.{PARTNER}")
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"nor did partner.{PARTNER} write or get it in the last 7 days" in done.stderr
    assert "--of partner.northlight" in conduit("trace", nobodys).stderr
    assert conduit("trace", nobodys, "--of", "partner.nobody").exit_code == 3
    for wrong in ("northlight", "partner.", "officer.x", "partner.Bad Id"):
        assert conduit("trace", nobodys, "--of", wrong).exit_code == 2


def test_an_id_tells_when_it_was_made_where_it_has_a_time_in_it() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    found = made_at(str(uuid7()))
    assert found is not None
    assert abs(found + EARLIER - now) < timedelta(seconds=5)
    assert [made_at(each) for each in (str(uuid4()), "their-own-5", "")] == [None] * 3
