"""A restore beside services that run says at once which, and goes on once they have left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException

from conduit_contracts import topics
from conduit_operate import groups
from conduit_operate.broker import Broker, local_broker
from conduit_operate.onboarding import OnboardingError
from conduit_operate.polling import wait_until
from conduit_operate.restoring import must_be_stopped
from conduit_operate.topics import create_topics

PATIENCE = 60.0


@pytest.fixture
def here(kafka_bootstrap: str, tmp_path: Path) -> Broker:
    create_topics(kafka_bootstrap, topics.specs((), ()))
    broker = local_broker(tmp_path, kafka_bootstrap, secured=False)
    wait_until(lambda: groups_are_known(broker), "Kafka does not say who is in a group", 60, lambda: None)
    return broker


def groups_are_known(broker: Broker) -> bool:
    """A Kafka that was just started takes a while to make the topic of its groups."""
    try:
        groups.members(broker, topics.SERVICES)
    except (TimeoutError, KafkaException):
        return False
    return True


@contextmanager
def running(broker: Broker, service: str) -> Iterator[None]:
    """Somebody is in this service's group."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": groups.group_of(service)})
    ended = threading.Event()

    def read() -> None:
        consumer.subscribe([topics.PARTNERS.name()])
        while not ended.is_set():
            consumer.poll(0.1)
        consumer.close()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_until(lambda: service in groups.members(broker, (service,)), "it has not joined", 60, lambda: None)
        yield
    finally:
        ended.set()
        reader.join()


def test_who_is_still_there_is_told_at_once_and_it_goes_on_when_the_last_has_left(here: Broker) -> None:
    told: list[str] = []
    waiting = threading.Thread(target=must_be_stopped, args=(here, PATIENCE, told.append))
    with running(here, "triage"):
        with running(here, "intake"):
            began = time.monotonic()
            waiting.start()
            wait_until(lambda: len(told) >= 2, "nothing is told", 10, lambda: None)
            assert time.monotonic() - began < 10
            assert told[0].startswith("Stop the services, but leave Kafka and PostgreSQL running")
            assert "conduit.intake (1 member), conduit.triage (1 member)" in told[1]
        wait_until(lambda: len(told) >= 3, "that one has left is not told", 30, lambda: None)
        assert "conduit.triage (1 member)" in told[2]
        assert "conduit.intake" not in told[2]
        assert waiting.is_alive()
    waiting.join(30)
    assert told[-1] == "every service has left its group; going on"


def test_without_patience_it_is_refused_with_what_to_stop(here: Broker) -> None:
    told: list[str] = []
    with running(here, "routing"), pytest.raises(OnboardingError, match=r"routing: still running.*Stop the services"):
        must_be_stopped(here, 0.0, told.append)
    assert told == []
    must_be_stopped(here, 0.0, told.append)
