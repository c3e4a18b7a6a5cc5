"""What the services are told on a cluster, where they scale to, and what of them is to be seen from outside."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from conduit_chassis.settings import Settings
from conduit_console.pages import front as console
from conduit_console.settings import ConsoleSettings
from conduit_contracts.topic import DESKS
from conduit_contracts.topics import SERVICES, consumed_by
from conduit_generate.kubernetes.environment import IdentityProvider, read_environment
from conduit_generate.kubernetes.tree import HOME, OVERLAYS
from conduit_intake.settings import IntakeSettings
from conduit_local.services import (
    DOCS_DIR,
    POLICY_FILE,
    SHOWS,
    Smtp,
    Surroundings,
    asking_intake,
    asking_the_signer,
    pages_environment,
    service_environment,
)
from conduit_notification.settings import NotificationSettings
from conduit_operate.monitor_role import ROLE
from conduit_programme.pages import front as programme
from conduit_programme.settings import ProgrammeSettings
from conduit_routing.settings import RoutingSettings
from conduit_triage.settings import TriageSettings
from conduit_web.desk import actions
from conduit_web.settings import DeskSettings, Provider
from conduit_web.signing_in import router as signing_in
from tests.benchmarks import memory
from tests.benchmarks.capacity import measured
from tests.kubernetes.manifests import ENVIRONMENTS, named, of_kind

SETTINGS: dict[str, type[Settings]] = {
    "intake": IntakeSettings,
    "triage": TriageSettings,
    "routing": RoutingSettings,
    "notification": NotificationSettings,
    "console": ConsoleSettings,
    "programme": ProgrammeSettings,
}
ROUTERS = {"console": console.ROUTERS, "programme": programme.ROUTERS}
NO_PAGES = ("/metrics", "/livez", "/readyz", "/asyncapi", "/asyncapi.json")
INTERNAL = (*NO_PAGES, "/reviews", "/cases", "/")
ON_A_CLUSTER_ONLY = {
    "PUBLIC_URL",
    "POSTGRES_PASSWORD_FILE",
    "CLAMD_HOST",
    "CLAMD_PORT",
    "SMTP_USERNAME",
    "SMTP_PASSWORD_FILE",
} | {
    "SMTP_STARTTLS",
    "SUPERVISORS_EMAIL",
    "IDENTITY_CA_FILE",
}

each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)
each_desk = pytest.mark.parametrize("desk", DESKS)
each_service = pytest.mark.parametrize("service", SERVICES)


def variables(environment: str, service: str) -> dict[str, Any]:
    (container,) = named(environment, "Deployment", service)["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def mounted(environment: str, service: str) -> list[str]:
    (container,) = named(environment, "Deployment", service)["spec"]["template"]["spec"]["containers"]
    return [each["mountPath"] for each in container["volumeMounts"]]


@each_environment
@each_service
def test_a_process_may_take_what_its_parts_are_bounded_by(environment: str, service: str) -> None:
    read = read_environment(HOME / OVERLAYS / environment)
    (container,) = named(environment, "Deployment", service)["spec"]["template"]["spec"]["containers"]
    limit = container["resources"]["limits"]["memory"]
    assert limit.endswith("Mi"), "the sum is in MiB"
    needed = memory.bound(service, measured(), read.kafka.brokers) / memory.MIB
    assert needed <= int(limit.removesuffix("Mi")), f"{service} needs {needed:.0f} MiB: see docs/capacity.md"


@each_environment
@each_service
def test_a_service_gets_the_variables_of_the_local_stack(environment: str, service: str) -> None:
    kafka = {"KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD_FILE"}
    here = Surroundings({"KAFKA_BOOTSTRAP_SERVERS": "", "KAFKA_CA_FILE": ""}, "", Smtp("", 0), "", "", local_keys=False)
    local = service_environment(service, here, postgres_dsn="", http=("", 0))
    pages = pages_environment(public_url="", identity_providers=[]) if service in DESKS else {}
    pages |= asking_the_signer("", "") | asking_intake("", "") if service == SHOWS else {}
    shown = pages.keys()
    files = {"CONSOLE_TOKEN_FILE"} if service == "intake" else set()
    besides = ON_A_CLUSTER_ONLY - shown
    assert variables(environment, service).keys() - besides == local.keys() | kafka | shown | files


@each_environment
@each_service
def test_a_service_can_read_its_settings_from_them(
    environment: str, service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    secret = tmp_path / "password"
    secret.write_text("a password")
    for name, value in variables(environment, service).items():
        # Files are looked at when settings are read: here is one, there they are mounted.
        monkeypatch.setenv(
            name, str(secret) if name.endswith("PASSWORD_FILE") else value if isinstance(value, str) else "token"
        )
    settings = SETTINGS[service]()
    assert settings.kafka_sasl_username == f"service.{service}"
    assert settings.kafka_security_protocol == "SASL_SSL"
    assert settings.password() == "a password"


@each_environment
@each_service
def test_every_file_that_a_variable_names_is_mounted(environment: str, service: str) -> None:
    for name, value in variables(environment, service).items():
        if name.endswith(("_FILE", "_DIR")):
            assert any(str(value).startswith(place) for place in mounted(environment, service)), name


@each_environment
@each_service
def test_the_database_is_the_services_own_over_tls_that_is_verified(environment: str, service: str) -> None:
    dsn = urlsplit(variables(environment, service)["POSTGRES_DSN"])
    assert (dsn.username, dsn.path, dsn.password) == (f"conduit_{service}", f"/conduit_{service}", None)
    assert parse_qs(dsn.query)["sslmode"] == ["verify-full"]
    database = named(environment, "Database", service)["spec"]
    assert (database["name"], database["owner"]) == (f"conduit_{service}",) * 2
    role = named(environment, "DatabaseRole", service)["spec"]
    assert role["name"] == f"conduit_{service}"
    assert not {"superuser", "createdb", "createrole", "bypassrls", "replication"} & role.keys()


@each_environment
def test_a_role_may_connect_to_no_other_services_database(environment: str) -> None:
    lines = [line.split() for line in of_kind(environment, "Cluster")[0]["spec"]["postgresql"]["pg_hba"]]
    assert lines[-1] == ["host", "all", "all", "all", "reject"]
    own = [line for line in lines[:-1] if line[2] != ROLE]
    assert [line[:3] for line in own] == [["hostssl", f"conduit_{name}", f"conduit_{name}"] for name in SERVICES]


@each_environment
def test_who_watches_the_databases_sees_figures_and_no_rows(environment: str) -> None:
    role = named(environment, "DatabaseRole", "monitor")["spec"]
    assert (role["name"], role["inRoles"]) == (ROLE, ["pg_monitor"])
    lines = [line.split() for line in of_kind(environment, "Cluster")[0]["spec"]["postgresql"]["pg_hba"]]
    assert {line[0] for line in lines if line[2] == ROLE} == {"hostssl"}


@each_environment
def test_what_is_not_ours_is_of_the_version_that_compose_runs(environment: str) -> None:
    compose = yaml.safe_load((HOME.parents[1] / "docker-compose.yml").read_text())["services"]
    for name in ("clamav", "postgres-exporter"):
        (container,) = named(environment, "Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert container["image"] == compose[name]["image"]


@each_environment
def test_kafka_tells_the_figures_that_the_rules_know(environment: str) -> None:
    (kafka,) = of_kind(environment, "Kafka")
    reference = kafka["spec"]["kafka"]["metricsConfig"]["valueFrom"]["configMapKeyRef"]
    data = named(environment, "ConfigMap", reference["name"])["data"]
    assert data[reference["key"]] == (HOME.parent / "prometheus" / "kafka-jmx.yml").read_text()


@each_environment
def test_every_job_of_a_rule_is_scraped_by_that_name(environment: str) -> None:
    rules = " ".join(str(each["spec"]) for each in of_kind(environment, "PrometheusRule"))
    wanted = set(re.findall(r'job="([\w-]+)"', rules))
    endpoints = [end for each in of_kind(environment, "PodMonitor") for end in each["spec"]["podMetricsEndpoints"]]
    given = {label["replacement"] for end in endpoints for label in end["relabelings"] if label["targetLabel"] == "job"}
    assert wanted - given == {"alertmanager"}, "alertmanager is the platform's to scrape"


@each_environment
def test_a_commit_is_on_two_machines_and_backups_can_be_wound_back(environment: str) -> None:
    (cluster,) = of_kind(environment, "Cluster")
    assert cluster["spec"]["instances"] >= 3
    assert cluster["spec"]["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    (plugin,) = cluster["spec"]["plugins"]
    assert plugin["isWALArchiver"] is True
    (store,) = of_kind(environment, "ObjectStore")
    assert plugin["parameters"]["barmanObjectName"] == store["metadata"]["name"]
    assert store["spec"]["retentionPolicy"] == f"{read_environment(HOME / OVERLAYS / environment).store.backup_days}d"
    (nightly,) = of_kind(environment, "ScheduledBackup")
    assert nightly["spec"]["cluster"]["name"] == cluster["metadata"]["name"]


@each_environment
@each_service
def test_the_migration_of_a_release_uses_its_image_and_sees_the_database_alone(environment: str, service: str) -> None:
    (job,) = (each for each in of_kind(environment, "Job") if each["metadata"]["name"].startswith(f"{service}-"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (main,) = named(environment, "Deployment", service)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == main["image"]
    assert container["command"] == ["python", "-m", "conduit_chassis.migrate_only", f"conduit_{service}"]
    assert {each["name"] for each in container["env"]} == {"POSTGRES_DSN", "POSTGRES_PASSWORD_FILE"}
    assert "service." not in str(job["spec"]["template"]["spec"]["volumes"])


@each_environment
@each_service
def test_a_service_never_has_more_replicas_than_its_busiest_topics_have_partitions(environment: str, service: str) -> None:
    topics = {each["metadata"]["name"]: each["spec"]["partitions"] for each in of_kind(environment, "KafkaTopic")}
    spec = named(environment, "ScaledObject", service)["spec"]
    widest = max(sum(topics[name] for name in topics if topic.match(name) is not None) for topic in consumed_by(service))
    # What follows registers alone has one partition to read; its replicas are there for who sits at its pages.
    assert 2 <= spec["minReplicaCount"] <= spec["maxReplicaCount"] <= max(widest, spec["minReplicaCount"])
    assert spec["scaleTargetRef"]["name"] == service


@each_environment
@each_service
def test_lag_is_read_with_the_rights_of_the_service(environment: str, service: str) -> None:
    trigger = named(environment, "ScaledObject", service)["spec"]["triggers"][0]
    assert trigger["type"] == "kafka"
    user = named(environment, "KafkaUser", trigger["metadata"]["username"])
    groups = [acl["resource"] for acl in user["spec"]["authorization"]["acls"] if acl["resource"]["type"] == "group"]
    assert groups == [{"type": "group", "name": trigger["metadata"]["consumerGroup"], "patternType": "literal"}]
    assert (trigger["metadata"]["sasl"], trigger["metadata"]["tls"]) == ("scram_sha512", "enable")
    login = named(environment, "TriggerAuthentication", trigger["authenticationRef"]["name"])
    (password,) = (each for each in login["spec"]["secretTargetRef"] if each["parameter"] == "password")
    assert password["name"] == user["metadata"]["name"]


def seen(rules: list[dict[str, Any]], path: str) -> str | None:
    """To which service a path leads from outside."""
    for rule in rules:
        (backend,) = rule["backendRefs"]
        for match in (each["path"] for each in rule["matches"]):
            prefix = match["type"] == "PathPrefix" and path.startswith(f"{match['value']}/")
            if prefix or path == match["value"]:
                return str(backend["name"])
    return None


@each_environment
def test_of_the_partner_apis_host_only_it_the_documents_and_duty_links_are_to_be_seen(environment: str) -> None:
    spec = named(environment, "HTTPRoute", "partner-api")["spec"]
    rules = spec["rules"]
    assert spec["hostnames"] == [urlsplit(variables(environment, "intake")["PUBLIC_URL"]).hostname]
    assert variables(environment, "notification")["DUTY_URL"] == f"https://{spec['hostnames'][0]}"
    documented = json.loads((DOCS_DIR / "openapi.json").read_text())["paths"]
    assert {seen(rules, path) for path in [*documented, "/docs"]} == {"intake"}
    assert seen(rules, "/duty/token") == "notification"
    assert [path for path in INTERNAL if seen(rules, path)] == []
    assert {each["spec"].get("type", "ClusterIP") for each in of_kind(environment, "Service")} == {"ClusterIP"}
    assert of_kind(environment, "Ingress") == []


@each_environment
def test_every_host_is_led_to_one_service(environment: str) -> None:
    hosts = [host for each in of_kind(environment, "HTTPRoute") for host in each["spec"]["hostnames"]]
    assert {each["metadata"]["name"] for each in of_kind(environment, "HTTPRoute")} == {"partner-api", *DESKS}
    assert len(set(hosts)) == len(hosts) == 1 + len(DESKS)


@each_environment
@each_desk
def test_of_a_desks_host_all_its_pages_are_to_be_seen_and_nothing_else(environment: str, desk: str) -> None:
    spec = named(environment, "HTTPRoute", desk)["spec"]
    assert spec["hostnames"] == [urlsplit(variables(environment, desk)["PUBLIC_URL"]).hostname]
    pages = {path for _, path in actions(*ROUTERS[desk], signing_in)}
    assert len(pages) > 20
    assert {seen(spec["rules"], path) for path in [*pages, "/static/desk.css"]} == {desk}
    assert [path for path in (*NO_PAGES, "/docs", "/duty/token", "/v1/referrals") if seen(spec["rules"], path)] == []


@each_environment
@each_desk
def test_a_desk_is_told_of_its_identity_providers_without_their_secrets(
    environment: str, desk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, clients = variables(environment, desk), f"identity-clients-{desk}"
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))
    settings = DeskSettings()
    (secret,) = (each for each in of_kind(environment, "ExternalSecret") if each["metadata"]["name"] == clients)
    names = [each["secretKey"] for each in secret["spec"]["data"]]
    assert [each.name for each in settings.identity_providers] == names
    assert settings.public_url.startswith("https://")
    (access,) = (each for each in _volumes(environment, desk) if each["name"] == "access")
    files = {
        f"/run/secrets/access/{item['path']}": (source["secret"]["name"], item["key"])
        for source in access["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    for provider in settings.identity_providers:
        assert provider.client_secret is None
        assert files[str(provider.client_secret_file)] == (clients, provider.name)


def test_an_environment_can_say_everything_of_a_provider_that_a_desk_can_be_told() -> None:
    of_the_client = {"client_id", "client_secret", "client_secret_file"}
    assert IdentityProvider.model_fields.keys() - {"clients"} == Provider.model_fields.keys() - of_the_client
    said = {"name": "hub", "label": "The hub", "issuer": "https://id.hub.example", "clients": {"console": "c"}}
    more = {"page_origins": ["https://out.hub.example"], "id_token_hint": True}
    told = Provider.model_validate(IdentityProvider.model_validate(said | more).told("console", "/secret"))
    assert (told.page_origins, told.id_token_hint) == (("https://out.hub.example",), True)


@each_environment
def test_the_console_is_given_what_it_shows_to_the_signer(environment: str) -> None:
    (access,) = (each for each in _volumes(environment, "console") if each["name"] == "access")
    (token,) = (source["secret"] for source in access["projected"]["sources"] if "signer-token" in str(source))
    assert token["name"] == "signer-token"
    assert token["items"] == [
        {"key": "token", "path": variables(environment, "console")["SIGNER_TOKEN_FILE"].rsplit("/")[-1]}
    ]


def test_a_desk_is_given_the_authority_of_its_providers_where_that_is_ones_own() -> None:
    for environment, service in product(ENVIRONMENTS, SERVICES):
        file = variables(environment, service).get("IDENTITY_CA_FILE")
        assert bool(file) == (environment == "national" and service in DESKS)
        (access,) = (each for each in _volumes(environment, service) if each["name"] == "access")
        given = [each["secret"] for each in access["projected"]["sources"] if "identity-authority" in str(each)]
        made = {"name": "identity-authority", "items": [{"key": "ca.crt", "path": str(file).rsplit("/")[-1]}]}
        assert given == ([made] if file else [])


def test_by_a_partners_provider_nobody_signs_in_at_the_console() -> None:
    known = {
        desk: {each["name"] for each in json.loads(variables("national", desk)["IDENTITY_PROVIDERS"])} for desk in DESKS
    }
    assert known == {"console": {"hub"}, "programme": {"hub", "northlight"}}


@each_environment
@each_service
def test_a_service_is_given_the_secrets_of_its_own_clients_alone(environment: str, service: str) -> None:
    given = set(re.findall(r"identity-clients-\w+", str(_volumes(environment, service))))
    assert given == ({f"identity-clients-{service}"} if service in DESKS else set())


def _volumes(environment: str, service: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = named(environment, "Deployment", service)["spec"]["template"]["spec"]["volumes"]
    return found


@each_environment
def test_the_policy_is_the_committed_one_and_cannot_change_under_a_running_service(environment: str) -> None:
    (policy,) = (each for each in of_kind(environment, "ConfigMap") if each["metadata"]["name"].startswith("policy-"))
    assert policy["data"] == {POLICY_FILE.name: POLICY_FILE.read_text()}
    assert policy["immutable"] is True
