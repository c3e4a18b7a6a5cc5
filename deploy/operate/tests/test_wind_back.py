"""Services go on at a time to which their databases were wound back, never further on than where they stand."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from confluent_kafka import Producer

from conduit_contracts.topics import specs
from conduit_operate import groups
from conduit_operate.audit import read_audit
from conduit_operate.broker import Broker, local_broker
from conduit_operate.polling import wait_until
from conduit_operate.restoring import wound_back
from conduit_operate.topics import create_topics

Conduit = Callable[..., Result]
BY = ("--apply", "--actor", "A. Operator", "--reason", "the disk was lost")
TOPIC, ANSWERS = "partner.winding.referrals.v1", "force.winding.responses.v1"


@pytest.fixture
def here(databases: Any, kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    create_topics(kafka_bootstrap, specs(("winding",), ("winding",)))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    return local_broker(tmp_path, kafka_bootstrap, secured=False)


def write(broker: Broker, topic: str) -> int:
    """Its offset."""
    written: list[Any] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    producer.produce(topic, b"a record", partition=0, on_delivery=lambda _, message: written.append(message.offset()))
    producer.flush(30)
    return int(written[0])


def stands(broker: Broker, service: str, topic: str) -> int | None:
    return groups.committed(broker, service)[service].get((topic, 0))


def test_all_is_read_again_that_was_written_since_and_answers_in_the_second_turn(here: Broker) -> None:
    first = [write(here, topic) for topic in (TOPIC, ANSWERS)]
    time.sleep(0.1)
    moment = datetime.now(UTC)
    time.sleep(0.1)
    since = [write(here, topic) for topic in (TOPIC, ANSWERS)]
    assert since[0] > first[0]
    groups.move(here, "intake", {(TOPIC, 0): since[0] + 1})
    groups.move(here, "routing", {(ANSWERS, 0): since[1] + 1})

    def both_stand_there() -> bool:
        return (stands(here, "intake", TOPIC), stands(here, "routing", ANSWERS)) == (since[0] + 1, since[1] + 1)

    wait_until(both_stand_there, "they do not stand there", 30, lambda: None)

    def to(*, answers: bool) -> dict[tuple[str, str], int]:
        plan = wound_back(here, moment, "a moment", answers=answers)
        assert (plan.since is None) == answers
        return {(each.service, each.place[0]): each.to for each in plan.moves if each.place in ((TOPIC, 0), (ANSWERS, 0))}

    assert to(answers=False) == {("intake", TOPIC): since[0]}
    assert to(answers=True) == {("routing", ANSWERS): since[1]}
    groups.move(here, "intake", {(TOPIC, 0): first[0]})
    assert ("intake", TOPIC) not in to(answers=False), "it is behind already, and nothing may be left out"


def test_it_is_planned_carried_out_and_noted(here: Broker, conduit: Conduit, tmp_path: Path) -> None:
    write(here, TOPIC)
    groups.move(here, "intake", {(TOPIC, 0): write(here, TOPIC) + 1})
    now = f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    planned = conduit("wind-back", now, "--json")
    assert planned.exit_code == 0, planned.output
    found = json.loads(planned.stdout)
    assert (found["time"], found["applied"]) == (now, False)
    assert {"do": "readmit", "what": "what intake took since then", "name": ""} in found["steps"]
    assert any(each["name"].startswith(f"{TOPIC}/0 from ") for each in found["steps"])
    done = conduit("wind-back", now, *BY)
    assert done.exit_code == 0, done.output
    # Other tests write to the same Kafka.
    assert re.search(r"note: \d+ submissions? that intake took since then w(as|ere) taken in again", done.output)
    assert stands(here, "intake", TOPIC) == 0
    begun, ended = read_audit(tmp_path)
    assert (begun["command"], begun["subject"], ended["outcome"]) == ("wind-back", now, "done")


def test_a_time_to_come_is_misuse(here: Broker, conduit: Conduit) -> None:
    assert conduit("wind-back", "2999-01-01T00:00:00Z").exit_code == 2
    assert conduit("wind-back", "yesterday").exit_code == 2
