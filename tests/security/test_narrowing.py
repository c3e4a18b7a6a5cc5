"""A partner's records about one referral keep their order whatever its clients' partitioners; an older topic is made anew.

With the real intake on a secured broker, by the commands that operators type.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from typer.testing import CliRunner, Result

from conduit_contracts import partner, topics
from conduit_contracts.envelope import Attributes, Message, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import Referral, Supplement
from conduit_contracts.topics import PARTNER, TopicSpec
from conduit_local.demo.register_samples import register_samples
from conduit_local.stack import Options, Stack
from conduit_operate import narrowing
from conduit_operate.access import rules_of, user_of
from conduit_operate.audit import read_audit
from conduit_operate.broker import Broker
from conduit_operate.cli import app
from conduit_operate.grants import granted
from conduit_operate.polling import wait_until
from conduit_operate.secured import ADMIN
from conduit_operate.topics import create_topics
from tests.kits.samples import fields, information
from tests.support.stacks import RunStack

pytestmark = pytest.mark.long

SECONDS = 60.0
BY = ("--apply", "--actor", "jo.smith", "--reason", "a test")
OLD, BY_HALVES, NEW = "northlight", "harbour-trust", "open-door"
"""Partners: two whose topics an earlier release made, and one that came today."""
PARTITIONERS = ("consistent", "murmur2", "fnv1a", "random")
"""librdkafka's own, Java's, Go's, and what becomes of records without a key."""

Sent = tuple[str, Message]


@pytest.fixture(scope="module")
def stack(run_stack: RunStack) -> Iterator[Stack]:
    options = Options(
        services=("intake",), partner_ids=(OLD, BY_HALVES, NEW), force_ids=("norfolk",), prepare=as_an_earlier_release_did
    )
    with run_stack("narrowing", options) as started:
        yield started


def as_an_earlier_release_did(broker: Broker) -> None:
    admin = broker.admin()
    for partner_id in (OLD, BY_HALVES):
        name = topics.PARTNER_REFERRALS.name(partner_id)
        admin.delete_topics([name])[name].result(30)
        spec = TopicSpec(name, 3, topics.PARTNER_REFERRALS.config)
        wait_until(partial(_gone, broker, name), "still there", 30, lambda: None)
        create_topics(broker.bootstrap_servers, [spec], client=broker.librdkafka(ADMIN))
    register_samples(broker)


def _gone(broker: Broker, name: str) -> bool:
    return name not in broker.admin().list_topics(timeout=10).topics


@pytest.fixture
def conduit(stack: Stack) -> Callable[..., Result]:
    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [*arguments, "--state-dir", str(stack.state_dir)])
        assert result.exit_code == code, result.output
        return result

    return run


def referral(partner_id: str, reference: str) -> Sent:
    body = fields(mou_reference=f"MOU-{partner_id.upper()}", partner_id=partner_id, partner_reference=reference)
    return reference, partner.ReferralSubmitted(
        referral=Referral.model_validate_json(json.dumps(body, default=datetime.isoformat))
    )


def danger(partner_id: str, reference: str) -> Sent:
    body = information(partner_id=partner_id, partner_reference=reference, immediate_danger=True)
    return reference, partner.InformationSupplied(
        supplement=Supplement.model_validate_json(json.dumps(body, default=datetime.isoformat))
    )


def send(stack: Stack, partner_id: str, sent: Sequence[Sent], partitioner: str = "murmur2") -> list[tuple[int, int]]:
    """Returns the places at which the broker took them."""
    options = {**stack.broker.librdkafka(user_of(PARTNER, partner_id)), "partitioner": partitioner, "log_level": 0}
    producer = Producer(options)
    places: list[tuple[int, int]] = []

    def taken(error: Any, message: Any) -> None:
        assert error is None, error.str()
        places.append((message.partition(), message.offset()))

    for reference, message in sent:
        attributes = Attributes(str(uuid7()), f"/partners/{partner_id}", message.type, datetime.now(UTC))
        headers, value = encode(message, attributes)
        key = reference if partitioner != "random" else None
        producer.produce(topics.PARTNER_REFERRALS.name(partner_id), value, key=key, headers=[*headers], on_delivery=taken)
        assert producer.flush(SECONDS) == 0
    return places


def outcomes(stack: Stack, partner_id: str, expected: int) -> list[tuple[str, str, str]]:
    """What became of this many submissions of the partner: place, kind and outcome."""
    found: list[tuple[str, str, str]] = []

    def all_there() -> bool:
        with psycopg.connect(stack.dsns["intake"]) as connection:
            rows = connection.execute(
                "SELECT submission_id, kind, outcome FROM submissions WHERE partner_id = %s", [partner_id]
            ).fetchall()
        found[:] = rows
        return len(rows) >= expected

    wait_until(all_there, f"{len(found)} of {expected} were accounted for", SECONDS, stack.service("intake").ensure_alive)
    return found


def partitions(stack: Stack, partner_id: str) -> int:
    name = topics.PARTNER_REFERRALS.name(partner_id)
    return len(stack.broker.admin().list_topics(timeout=10).topics[name].partitions)


def begins(stack: Stack, partner_id: str) -> int:
    consumer = Consumer({**stack.broker.librdkafka(ADMIN), "group.id": "a.test"})
    place = TopicPartition(topics.PARTNER_REFERRALS.name(partner_id), 0)
    low: int = consumer.get_watermark_offsets(place, timeout=10)[0]
    consumer.close()
    return low


def test_an_update_is_never_before_its_referral_whatever_partitions_the_clients_choose(stack: Stack) -> None:
    assert partitions(stack, NEW) == 1
    count = 0
    for number in range(24):
        reference = f"OD-{number}"
        first, second = PARTITIONERS[number % 4], PARTITIONERS[(number // 4 + number + 1) % 4]
        send(stack, NEW, [referral(NEW, reference)], first)
        send(stack, NEW, [danger(NEW, reference)], second)
        count += 2
    found = Counter((kind, outcome) for _, kind, outcome in outcomes(stack, NEW, count))
    assert found == {("referral", "received"): 24, ("information", "forwarded"): 24}


def test_a_topic_of_three_partitions_becomes_one_while_intake_runs_and_no_place_is_used_twice(
    stack: Stack, conduit: Callable[..., Result]
) -> None:
    first = [referral(OLD, f"NL-{number}") for number in range(30)]
    before = send(stack, OLD, first)
    assert len({partition for partition, _ in before}) == 3
    assert "nothing was changed" in conduit("topics", "narrow", OLD).output
    assert partitions(stack, OLD) == 3
    shown = conduit("topics", "narrow", OLD, *BY).output
    assert f"done; it has one partition, and begins at offset {sum(p == 0 for p, _ in before)}" in shown
    assert partitions(stack, OLD) == 1
    assert begins(stack, OLD) >= sum(p == 0 for p, _ in before)
    # The same records once more: each is answered, which it would not be if intake took its place for the old one's.
    after = send(stack, OLD, first)
    assert not set(after) & set(before)
    found = outcomes(stack, OLD, 60)
    assert Counter(outcome for _, _, outcome in found) == {"received": 30, "repeated": 30}
    assert len({place for place, _, _ in found}) == 60
    assert "nothing to do" in conduit("topics", "narrow", OLD, *BY).output
    assert "nothing to do" in conduit("access").output
    noted = [entry for entry in read_audit(stack.state_dir) if entry["command"] == "topics narrow"]
    assert {(entry["actor"], entry["reason"], entry["subject"]) for entry in noted} == {
        ("jo.smith", "a test", f"partner.{OLD}")
    }


def test_what_intake_has_not_read_is_not_thrown_away(stack: Stack, conduit: Callable[..., Result]) -> None:
    stack.service("intake").stop()
    try:
        send(stack, BY_HALVES, [referral(BY_HALVES, "HT-1")])
        assert "has not read all" in conduit("topics", "narrow", BY_HALVES, "--patience", "5", *BY, code=1).output
        assert partitions(stack, BY_HALVES) == 3
        may_write = set(rules_of(PARTNER, BY_HALVES, [user_of(PARTNER, BY_HALVES)]))
        assert may_write <= granted(stack.broker.admin())
    finally:
        stack.service("intake").start()
        stack.wait_ready("intake")


def test_cut_short_between_the_old_topic_and_the_new_it_is_finished_by_the_next_run(
    stack: Stack, conduit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes(stack, BY_HALVES, 1)
    ended = sum(
        partition == 0 for partition, _ in send(stack, BY_HALVES, [referral(BY_HALVES, f"HT-{n}") for n in range(2, 20)])
    )
    with monkeypatch.context() as patched:
        patched.setattr(narrowing, "create_topics", interrupted)
        conduit("topics", "narrow", BY_HALVES, *BY, code=130)
    name = topics.PARTNER_REFERRALS.name(BY_HALVES)
    assert name not in stack.broker.admin().list_topics(timeout=10).topics
    # As a start of the stack would do between the two.
    create_topics(
        stack.broker.bootstrap_servers,
        [TopicSpec(name, 1, topics.PARTNER_REFERRALS.config)],
        client=stack.broker.librdkafka(ADMIN),
    )
    conduit("topics", "narrow", BY_HALVES, *BY)
    assert begins(stack, BY_HALVES) >= ended > 0
    assert "nothing to do" in conduit("access").output
    places = send(stack, BY_HALVES, [referral(BY_HALVES, "HT-100")])
    assert places[0][1] >= begins(stack, BY_HALVES)
    deadline = time.monotonic() + SECONDS
    while "HT-100" not in held(stack) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert "HT-100" in held(stack)


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def held(stack: Stack) -> set[str]:
    with psycopg.connect(stack.dsns["intake"]) as connection:
        return {row[0] for row in connection.execute("SELECT partner_reference FROM referrals")}
