"""docker-compose.yml is the same system as the local stack: services, variables, settings, topics and databases."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from conduit_chassis.errors import ConfigurationError
from conduit_console.pages.at_desk import ConsoleDesk
from conduit_console.settings import ConsoleSettings
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, SIGNER, specs
from conduit_local.containers import KAFKA_IMAGE, POSTGRES_IMAGE
from conduit_local.observability.configuration import POSTGRES_EXPORTER_OPTIONS
from conduit_local.postgres import SETTINGS, program
from conduit_local.services import (
    NOTIFIES,
    SAMPLE_PARTNERS,
    SCAN_FILES,
    SHOWS,
    Smtp,
    Surroundings,
    pages_environment,
    service_environment,
    signer_environment,
)
from conduit_local.stack import Options
from conduit_operate import setup
from conduit_operate.access import service_principal
from conduit_operate.databases import provision, service_dsn
from conduit_operate.kafka_exporter import FILE_NAME
from conduit_operate.monitor_role import ROLE
from conduit_programme.pages.at_desk import ProgrammeDesk
from conduit_programme.settings import ProgrammeSettings
from conduit_web.running import desk_settings
from tests.support.servers import dsn_of

ROOT = Path(__file__).parents[3]
SHARED_SETTINGS = ("max_connections", "shared_buffers", "max_wal_size", "log_error_verbosity")
COMPOSE = ROOT / "docker-compose.yml"
PASSWORD = "for-one-machine"
ENDS = {"setup", "kafka-settings", "jmx-agent"}
"""These do their work and end."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """With every variable at its default."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", re.sub(r"\$\{\w+:\+[^}]*\}", "", COMPOSE.read_text()))
    document = yaml.safe_load(text)
    assert isinstance(document, dict)
    return document


def test_the_file_is_a_valid_compose_file() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_the_variables_of_the_local_stack(compose: dict[str, Any], service: str) -> None:
    surroundings = Surroundings(
        kafka={
            "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_CA_FILE": "/opt/conduit-kafka/ca.pem",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": service_principal(service),
            "KAFKA_SASL_PASSWORD": PASSWORD,
        },
        policy_file="/etc/conduit/policy.toml",
        smtp=Smtp("mailpit", 1025),
        trusted_keys="/opt/conduit-signing/trusted-keys.json",
        local_keys=False,
        secrets_dir="/run/secrets/conduit",
        duty_url="http://127.0.0.1:8004",
    )
    dsn = f"postgresql://conduit_{service}@postgres:5432/conduit_{service}"
    expected = service_environment(service, surroundings, postgres_dsn=dsn, http=("0.0.0.0", 8000))
    scanner = {"CLAMD_HOST": None, "CLAMD_PORT": "3310"} if service in SCAN_FILES else {}
    pages = dict.fromkeys(pages_environment(public_url="", identity_providers=[])) if service in DESKS else {}
    pages |= {"SIGNER_URL": f"http://{SIGNER}:8000", "SIGNER_TOKEN": PASSWORD} if service == SHOWS else {}
    pages |= {"INTAKE_URL": "http://intake:8000", "INTAKE_TOKEN": PASSWORD} if service == SHOWS else {}
    files = {"CONSOLE_TOKEN": PASSWORD} if service == "intake" else {}
    besides = {"IDENTITY_CA_FILE": None} if service in DESKS else {}
    besides |= {"SUPERVISORS_EMAIL": None} if service == NOTIFIES else {}
    given = {**expected, **scanner, **pages, **files, **besides, "PGPASSWORD": PASSWORD}
    assert compose["services"][service]["environment"] == given


def _in_compose(compose: dict[str, Any], service: str, given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test the variables of a container, where `.env` holds what is given."""
    for name, value in compose["services"][service]["environment"].items():
        monkeypatch.setenv(name, value or "")
    written = yaml.safe_load(COMPOSE.read_text())["services"][service]["environment"]
    for name in ("PUBLIC_URL", "IDENTITY_PROVIDERS"):
        variable = re.fullmatch(r"\$\{(\w+):-\}", written[name])
        assert variable is not None
        assert variable[1] == f"{service.upper()}_{name}"
        monkeypatch.setenv(name, given.get(variable[1], ""))


def _shown_in_readme() -> dict[str, str]:
    """The lines of `.env` that deploy/README.md shows."""
    (shown,) = re.findall(r"```dotenv\n(CONSOLE_PUBLIC_URL=.*?)```", (ROOT / "deploy/README.md").read_text(), re.DOTALL)
    return {name: value.strip("'") for name, value in (line.split("=", 1) for line in shown.splitlines())}


@pytest.mark.parametrize("desk", DESKS)
def test_a_desk_can_be_started_with_the_provider_that_deploys_readme_shows(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, desk: str
) -> None:
    _in_compose(compose, desk, _shown_in_readme(), monkeypatch)
    settings = desk_settings()
    assert [(each.name, each.client_id) for each in settings.identity_providers] == [("hub", f"conduit-{desk}")]
    (published,) = compose["services"][desk]["ports"]
    assert published.split(":")[1:] == [str(urlsplit(settings.public_url).port), "8000"]


def test_each_desk_names_its_cookies_after_itself() -> None:
    """Those of one host go to each of its ports, so that signing in at one desk would sign out at the other."""
    assert {each.name for each in (ConsoleDesk, ProgrammeDesk)} == set(DESKS)


@pytest.mark.parametrize(("desk", "settings"), [("console", ConsoleSettings), ("programme", ProgrammeSettings)])
def test_a_desk_without_an_address_has_no_pages_and_with_it_alone_does_not_start(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch, desk: str, settings: type[ConsoleSettings | ProgrammeSettings]
) -> None:
    _in_compose(compose, desk, {}, monkeypatch)
    assert settings().public_url is None
    _in_compose(compose, desk, {f"{desk.upper()}_PUBLIC_URL": "http://127.0.0.1:8005"}, monkeypatch)
    assert settings().public_url == "http://127.0.0.1:8005"
    with pytest.raises(ConfigurationError, match="IDENTITY_PROVIDERS"):
        desk_settings()


@pytest.mark.parametrize("desk", DESKS)
def test_the_authority_of_ones_own_provider_is_mounted_where_a_desk_looks_for_it(desk: str) -> None:
    part = yaml.safe_load(COMPOSE.read_text())["services"][desk]
    place = part["environment"]["IDENTITY_CA_FILE"].removeprefix("${IDENTITY_CA_FILE:+").removesuffix("}")
    assert "${IDENTITY_CA_FILE:-/dev/null}:" + f"{place}:ro" in part["volumes"]


def test_the_console_of_compose_asks_the_signer(compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _in_compose(compose, "console", _shown_in_readme(), monkeypatch)
    settings = ConsoleSettings()
    assert (settings.signer_url, settings.token()) == ("http://signer:8000", PASSWORD)


def test_the_signer_alone_has_the_private_key_and_nobody_outside_reaches_it(compose: dict[str, Any]) -> None:
    part = compose["services"][SIGNER]
    there = Surroundings(
        kafka={
            "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_CA_FILE": "/opt/conduit-kafka/ca.pem",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": service_principal(SIGNER),
            "KAFKA_SASL_PASSWORD": PASSWORD,
        },
        policy_file="",
        smtp=Smtp("", 0),
        trusted_keys="/opt/conduit-signing/trusted-keys.json",
        local_keys=False,
        secrets_dir="",
    )
    key = "/opt/conduit-signer/signing-key.json"
    expected = signer_environment(there, key_file=key, token_file="", http=("0.0.0.0", 8000))
    del expected["SIGNER_TOKEN_FILE"]
    assert part["environment"] == {**expected, "SIGNER_TOKEN": PASSWORD}
    assert "ports" not in part
    with_key = {name for name, each in compose["services"].items() if "signing-key:" in str(each.get("volumes"))}
    assert with_key == {SIGNER, "setup"}


@pytest.mark.parametrize("service", [*SERVICES, SIGNER])
def test_a_service_waits_for_its_servers_and_runs_without_privileges(compose: dict[str, Any], service: str) -> None:
    part = compose["services"][service]
    assert part["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
    assert part["depends_on"].keys() >= {"kafka", "postgres"}
    assert part["build"]["args"] == {"SERVICE": service}
    assert part["cap_drop"] == ["ALL"]
    assert part["read_only"] is True


def test_everything_that_stays_has_a_health_check_a_pinned_image_and_only_loopback_ports(compose: dict[str, Any]) -> None:
    for name, part in compose["services"].items():
        assert "healthcheck" in part or name in ENDS
        assert re.search(r":(v?\d+(\.\d+)*|local)$", part["image"]), part["image"]
        assert all(port.startswith("127.0.0.1:") for port in part.get("ports", []))


def test_only_what_watches_or_scans_needs_a_profile(compose: dict[str, Any]) -> None:
    extra = {name for name, part in compose["services"].items() if part.get("profiles") == ["observability"]}
    assert extra == {"prometheus", "grafana", "alertmanager", "postgres-exporter", "jmx-agent"}
    assert compose["services"]["clamav"]["profiles"] == ["edge"]
    core = {name for name, part in compose["services"].items() if "profiles" not in part}
    assert core == {"kafka", "kafka-settings", "postgres", "mailpit", "setup", *SERVICES, SIGNER}


def test_the_servers_are_those_of_the_testcontainers_provider(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == KAFKA_IMAGE
    assert compose["services"]["postgres"]["image"] == POSTGRES_IMAGE


def test_kafka_is_started_from_what_is_written_for_it(compose: dict[str, Any]) -> None:
    kafka, settings = compose["services"]["kafka"], compose["services"]["kafka-settings"]
    folder = settings["command"][-1]
    assert settings["command"][:-1] == ["python", "-m", "conduit_operate.compose_kafka"]
    assert kafka["entrypoint"] == ["bash", f"{folder}/start.sh"]
    assert kafka["depends_on"]["kafka-settings"] == {"condition": "service_completed_successfully"}
    assert f"kafka-settings:{folder}:ro" in kafka["volumes"]
    assert "kafka-" not in str(kafka["healthcheck"]["test"])  # each would start a Java machine
    assert (
        settings["environment"]["KAFKA_ADMIN_PASSWORD"]
        == compose["services"]["setup"]["environment"]["KAFKA_ADMIN_PASSWORD"]
    )
    # Settings in the environment would have no effect here.
    assert kafka["environment"].keys() == {"KAFKA_HEAP_OPTS", "KAFKA_OPTS"}


def test_postgres_is_set_up_as_the_embedded_one(compose: dict[str, Any]) -> None:
    given = {argument for argument in compose["services"]["postgres"]["command"] if "=" in argument}
    assert given == {f"{name}={SETTINGS[name]}" for name in SHARED_SETTINGS}


def test_setup_makes_the_topics_of_the_local_stack_and_is_given_every_password(compose: dict[str, Any]) -> None:
    environment = compose["services"]["setup"]["environment"]
    options = Options()
    assert environment["PARTNER_IDS"] == ",".join(SAMPLE_PARTNERS)
    assert setup.topics_wanted(environment) == specs(options.partner_ids, options.force_ids)
    assert environment.keys() >= {setup.password_variable(service) for service in SERVICES}
    for service in SERVICES:
        given = compose["services"][service]["environment"]["KAFKA_SASL_PASSWORD"]
        assert environment[setup.kafka_password_variable(service)] == given


def test_prometheus_scrapes_every_service() -> None:
    document = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = document["scrape_configs"][0]["static_configs"]
    assert {target["labels"]["service"]: target["targets"] for target in targets} == {
        service: [f"{service}:8000"] for service in (*SERVICES, SIGNER)
    }


def test_prometheus_finds_kafka_postgresql_and_alertmanager_where_compose_runs_them(compose: dict[str, Any]) -> None:
    document = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    addresses = {job["job_name"]: job["static_configs"][0]["targets"] for job in document["scrape_configs"][1:]}
    assert addresses == {
        "kafka": ["kafka:9404"],
        "postgres": ["postgres-exporter:9187"],
        "prometheus": ["localhost:9090"],
        "alertmanager": ["alertmanager:9093"],
    }
    exporter = compose["services"]["postgres-exporter"]
    assert exporter["environment"]["DATA_SOURCE_USER"] == ROLE
    assert exporter["command"][:-1] == list(POSTGRES_EXPORTER_OPTIONS)
    assert f"/opt/jmx/{FILE_NAME}=9404:/etc/kafka-jmx.yml" in COMPOSE.read_text()


def test_setup_runs_on_real_servers_and_may_run_again(
    kafka_bootstrap: str, postgres_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "POSTGRES_DSN": postgres_dsn,
        "PARTNER_IDS": "northlight, lanterns",
    }
    environ |= {setup.password_variable(service): PASSWORD for service in (*SERVICES, "monitor")}
    setup.main(environ)
    setup.main(environ)
    assert capsys.readouterr().out.count("6 databases and") == 2
    for service in SERVICES:
        psycopg.connect(service_dsn(postgres_dsn, service, PASSWORD)).close()
        watcher = psycopg.conninfo.make_conninfo(dsn_of(postgres_dsn, f"conduit_{service}"), user=ROLE, password=PASSWORD)
        with psycopg.connect(watcher) as connection:
            assert connection.execute(
                "SELECT bool_or(has_table_privilege(oid, 'SELECT')) FROM pg_class c "
                "WHERE relnamespace = 'public'::regnamespace"
            ).fetchone() in {(None,), (False,)}


def test_the_sql_for_hand_made_databases_does_what_provisioning_does(postgres_dsn: str) -> None:
    provision(postgres_dsn, {"intake": "before"})
    script = ROOT / "deploy/postgres/databases.sql"
    passwords = [f"--set={service}_password=it's {service}" for service in SERVICES]
    for _ in range(2):
        command = [program("psql"), "--set=ON_ERROR_STOP=1", "--quiet", *passwords, "--file", str(script), postgres_dsn]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
        assert ran.returncode == 0, ran.stderr
    for service in SERVICES:
        dsn = service_dsn(postgres_dsn, service, f"it's {service}")
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TEMPORARY TABLE own_database (id bigint)")
        other = next(name for name in SERVICES if name != service)
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(dsn_of(dsn, f"conduit_{other}"))
