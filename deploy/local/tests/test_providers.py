"""One contract for every provider of servers: a topic can be made and written to, a database can be made and used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from conduit_contracts.topics import BROKERS_TIME, TopicSpec
from conduit_local.containers import engine_answers
from conduit_local.providers import Servers, choose_provider, start_servers
from conduit_operate.databases import provision
from conduit_operate.topics import TopicError, create_topics
from tests.support.servers import dsn_of


@pytest.fixture(scope="module", params=["embedded", "external", "testcontainers"])
def provided(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    opened: AbstractContextManager[Servers]
    if request.param == "testcontainers":
        if not engine_answers():
            pytest.skip("no container engine answers on this machine; everything else is tested without one")
        opened = start_servers(tmp_path_factory.mktemp("unused"), environ={"CONDUIT_PROVIDER": "testcontainers"})
    else:
        servers: Servers = request.getfixturevalue("servers")
        if request.param == "embedded":
            yield servers
            return
        given = {"KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap_servers, "POSTGRES_DSN": servers.postgres_dsn}
        opened = start_servers(tmp_path_factory.mktemp("unused"), environ=given)
    with opened as started:
        yield started


def test_what_is_written_to_a_new_topic_is_read_back_at_once(provided: Servers, unique: Callable[[str], str]) -> None:
    topic = unique("topic")
    create_topics(provided.kafka_bootstrap_servers, [TopicSpec(topic, 3, {})])
    _send(provided, topic, b"value")
    assert _read_one(provided, topic) == b"value"


def test_topics_may_be_created_again(provided: Servers, unique: Callable[[str], str]) -> None:
    spec = TopicSpec(unique("topic"), 1, {})
    create_topics(provided.kafka_bootstrap_servers, [spec])
    create_topics(provided.kafka_bootstrap_servers, [spec])


def test_a_topic_of_an_earlier_release_comes_to_bear_the_brokers_time(
    provided: Servers, unique: Callable[[str], str]
) -> None:
    name, by_hand = unique("topic"), {"max.message.bytes": "1000000"}
    create_topics(provided.kafka_bootstrap_servers, [TopicSpec(name, 1, by_hand)])
    create_topics(provided.kafka_bootstrap_servers, [TopicSpec(name, 1, BROKERS_TIME)])
    admin = AdminClient({"bootstrap.servers": provided.kafka_bootstrap_servers})
    resource = ConfigResource(ResourceType.TOPIC, name)
    found = admin.describe_configs([resource])[resource].result()
    assert {setting: found[setting].value for setting in (*BROKERS_TIME, *by_hand)} == BROKERS_TIME | by_hand


def test_another_number_of_partitions_is_refused_because_it_would_move_keys(
    provided: Servers, unique: Callable[[str], str]
) -> None:
    name = unique("topic")
    create_topics(provided.kafka_bootstrap_servers, [TopicSpec(name, 1, {})])
    with pytest.raises(TopicError, match="has 1 partitions, the registry says 2"):
        create_topics(provided.kafka_bootstrap_servers, [TopicSpec(name, 2, {})])


def test_a_topic_that_nobody_made_does_not_appear_by_itself(provided: Servers, unique: Callable[[str], str]) -> None:
    name = unique("misspelt")
    with pytest.raises((KafkaException, AssertionError)):
        _send(provided, name, b"lost")
    assert name not in AdminClient({"bootstrap.servers": provided.kafka_bootstrap_servers}).list_topics(timeout=10).topics


def test_a_service_uses_its_own_database_and_may_not_open_anothers(provided: Servers, unique: Callable[[str], str]) -> None:
    one, other = unique("one"), unique("other")
    dsns = provision(provided.postgres_dsn, {one: "first secret / @", other: "second"})
    with psycopg.connect(dsns[one]) as connection:
        connection.execute("CREATE TABLE mine (id bigint)")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(dsn_of(dsns[one], f"conduit_{other}"))


def test_a_wrong_password_is_refused(provided: Servers, unique: Callable[[str], str]) -> None:
    name = unique("one")
    dsn = provision(provided.postgres_dsn, {name: "right"})[name]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn.replace(":right@", ":wrong@"))


def test_provisioning_again_changes_the_password_and_keeps_the_data(provided: Servers, unique: Callable[[str], str]) -> None:
    name = unique("one")
    with psycopg.connect(provision(provided.postgres_dsn, {name: "old"})[name]) as connection:
        connection.execute("CREATE TABLE kept (id bigint)")
    with psycopg.connect(provision(provided.postgres_dsn, {name: "new"})[name]) as connection:
        connection.execute("SELECT * FROM kept")


def test_commits_are_durable(provided: Servers) -> None:
    with psycopg.connect(provided.postgres_dsn) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_one_server_given_without_the_other_is_refused() -> None:
    with pytest.raises(ValueError, match=r"POSTGRES_DSN is set alone"):
        choose_provider({"POSTGRES_DSN": "postgresql://127.0.0.1/x"})


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'embedded' or 'testcontainers'"):
        choose_provider({"CONDUIT_PROVIDER": "cloud"})


def test_existing_servers_that_do_not_answer_are_named(tmp_path: Path) -> None:
    given = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "POSTGRES_DSN": "postgresql://127.0.0.1:1/x"}
    with (
        pytest.raises(RuntimeError, match="KAFKA_BOOTSTRAP_SERVERS is set, but nothing listens"),
        start_servers(tmp_path, environ=given),
    ):
        pass


def test_containers_without_an_engine_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    given = {**os.environ, "CONDUIT_PROVIDER": "testcontainers"}
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_DSN"):
        given.pop(name, None)
    with pytest.raises(RuntimeError, match="start one, or unset CONDUIT_PROVIDER"), start_servers(tmp_path, environ=given):
        pass


def _send(servers: Servers, topic: str, value: bytes) -> None:
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": servers.kafka_bootstrap_servers, "message.timeout.ms": 1500, "log_level": 0})
    producer.produce(topic, value, on_delivery=lambda error, _: errors.append(error))
    producer.flush(10)
    assert errors == [None]


def _read_one(servers: Servers, topic: str) -> bytes | None:
    consumer = Consumer(
        {
            "bootstrap.servers": servers.kafka_bootstrap_servers,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    return message.value()
