"""How anyone comes to Kafka: which broker is meant, what a client is given, and what stays secret."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from conduit_local.providers import check_same_mode
from conduit_operate.broker import external_broker, local_broker
from conduit_operate.certificates import make_certificates
from conduit_operate.clients import folder, remove_clients, with_clients, write_clients
from conduit_operate.commands.shared import reach
from conduit_operate.env_file import parse_env
from conduit_operate.onboarding import OnboardingError
from conduit_operate.secured import authority_path, password_path, secure

SECURED = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9093", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
ADMINISTRATOR = {"KAFKA_ADMIN_USERNAME": "root", "KAFKA_ADMIN_PASSWORD": "synthetic"}


def test_where_no_protocol_is_named_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    broker = external_broker(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092"})
    assert not broker.secured
    assert broker.environment("partner.abc") == {
        "KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }
    assert broker.aiokafka("admin") == {"bootstrap_servers": "kafka.example:9092", "security_protocol": "PLAINTEXT"}
    assert not password_path(tmp_path, "partner.abc").exists()


def test_an_administrator_comes_by_the_name_and_password_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    by_file = {"KAFKA_ADMIN_USERNAME": "root", "KAFKA_ADMIN_PASSWORD_FILE": str(tmp_path / "password")}
    for given, password in ((ADMINISTRATOR, "synthetic"), (by_file, "from a file")):
        options = external_broker(tmp_path, {**SECURED, **given}).librdkafka("admin")
        assert (options["sasl.username"], options["sasl.password"]) == ("root", password)
        assert "ssl.ca.location" not in options


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "it may be SASL_SSL"),
        ({}, "set KAFKA_ADMIN_USERNAME and KAFKA_ADMIN_PASSWORD"),
        ({"KAFKA_ADMIN_USERNAME": "root"}, "set KAFKA_ADMIN_USERNAME and KAFKA_ADMIN_PASSWORD"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, given: dict[str, str], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        external_broker(tmp_path, {**SECURED, **given})
    with pytest.raises(OnboardingError, match=advice):
        reach(tmp_path, {**SECURED, **given})


def test_without_a_broker_the_command_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(OnboardingError, match="start it with `conduit up`, or set KAFKA_BOOTSTRAP_SERVERS"):
        reach(tmp_path, {})


def test_passwords_do_not_show(tmp_path: Path) -> None:
    broker = external_broker(tmp_path, {**SECURED, **ADMINISTRATOR})
    assert "synthetic" not in repr(broker)
    assert broker.password("partner.abc") == broker.password("partner.abc") != broker.password("partner.abd")
    assert password_path(tmp_path, "partner.abc").stat().st_mode & 0o777 == 0o600


def test_clients_files_say_the_same_and_go_with_the_password(tmp_path: Path) -> None:
    broker = local_broker(tmp_path, "127.0.0.1:9", secured=True)
    write_clients(broker, ["partner.abc", "operator"])
    options = dict(line.split("=", 1) for line in (folder(tmp_path) / "partner.abc.conf").read_text().splitlines())
    variables = parse_env((folder(tmp_path) / "partner.abc.env").read_text())
    assert options["sasl.password"] == variables["KAFKA_SASL_PASSWORD"] == broker.password("partner.abc")
    assert options["ssl.ca.location"] == variables["KAFKA_CA_FILE"] == str(authority_path(tmp_path))
    assert with_clients(broker) == {"partner.abc", "operator"}
    remove_clients(tmp_path, ["partner.abc"])
    assert with_clients(broker) == {"operator"}
    assert not password_path(tmp_path, "partner.abc").exists()


@pytest.mark.parametrize("was_secured", [True, False])
def test_a_kafka_that_was_made_the_other_way_is_not_run(tmp_path: Path, was_secured: bool) -> None:
    check_same_mode(tmp_path, secured=True)
    if was_secured:
        secure(tmp_path)
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "kafka" / "data" / "meta.properties").touch()
    check_same_mode(tmp_path, secured=was_secured)
    with pytest.raises(RuntimeError, match="cannot be run otherwise; give another --state-dir"):
        check_same_mode(tmp_path, secured=not was_secured)


def test_certificates_are_made_once_for_this_machine_alone_and_the_key_is_its_owners(tmp_path: Path) -> None:
    authority, broker = make_certificates(tmp_path)
    before = (authority.read_bytes(), broker.read_bytes())
    assert make_certificates(tmp_path) == (authority, broker)
    assert (authority.read_bytes(), broker.read_bytes()) == before
    assert broker.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" not in authority.read_text()
    chain = x509.load_pem_x509_certificates(broker.read_bytes())
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    chain[0].verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
    assert ssl.create_default_context(cafile=authority).get_ca_certs()
