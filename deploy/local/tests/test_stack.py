"""The stack around its services: what they are told, and how `conduit up`, `status` and `down` live together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from conduit_contracts.topics import REGISTRY, SERVICES, specs
from conduit_local.children import ChildError
from conduit_local.providers import Servers
from conduit_local.stack import Options, Stack
from conduit_operate.env_file import read_env_file, url_variable
from conduit_operate.lock import AlreadyRunningError

FAKE = Path(__file__).with_name("fake_service.py")


def options(command: Callable[[str], list[str]] = lambda _: [sys.executable, str(FAKE)]) -> Options:
    return Options(
        force_ids=("metropolitan",),
        partner_ids=("northlight",),
        command=command,
        replicas={"routing": 3},
        extra_env={"triage": {"BATCH_MAX_RECORDS": "7"}},
    )


@pytest.fixture(scope="module")
def stack(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    given = {"KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap_servers, "POSTGRES_DSN": servers.postgres_dsn}
    with Stack(tmp_path_factory.mktemp("stack"), options(), environ=given) as started:
        yield started


def test_each_service_is_told_its_own_database_and_only_notification_where_mail_goes(stack: Stack) -> None:
    told = {name: httpx.get(f"{stack.url(name)}/env", trust_env=False).json() for name in SERVICES}
    for name, environment in told.items():
        assert environment["POSTGRES_DSN"] == stack.dsns[name]
        assert environment["KAFKA_BOOTSTRAP_SERVERS"] == stack.servers.kafka_bootstrap_servers
        assert Path(environment["POLICY_FILE"]).is_file()
    assert {name for name, environment in told.items() if "SMTP_HOST" in environment} == {"notification"}
    signed = {name for topic in REGISTRY if topic.signed for name in topic.consumers}
    assert {name for name, environment in told.items() if "SIGNING_KEYS_FILE" in environment} == signed
    assert told["triage"]["BATCH_MAX_RECORDS"] == "7"
    assert "BATCH_MAX_RECORDS" not in told["intake"]


def test_the_databases_and_topics_of_the_registry_are_there(stack: Stack) -> None:
    for dsn in stack.dsns.values():
        psycopg.connect(dsn).close()
    admin = AdminClient({"bootstrap.servers": stack.servers.kafka_bootstrap_servers, "log_level": 0})
    assert {spec.name for spec in specs(("northlight",), ("metropolitan",))} <= admin.list_topics(timeout=10).topics.keys()


def test_the_env_file_leads_a_client_to_everything_and_is_private(stack: Stack) -> None:
    env = read_env_file(stack.state_dir)
    assert env == stack.env()
    assert env.keys() >= {"KAFKA_BOOTSTRAP_SERVERS", "POSTGRES_DSN", "SMTP_HOST", "SMTP_PORT", *map(url_variable, SERVICES)}
    assert (stack.state_dir / "env").stat().st_mode & 0o777 == 0o600
    shell = f"set -a; . {stack.state_dir / 'env'}; printf %s $INTAKE_POSTGRES_DSN"
    assert subprocess.check_output(["/bin/sh", "-c", shell], text=True) == stack.dsns["intake"]  # noqa: S603  our own


def test_each_replica_has_a_process_a_port_and_a_log_of_its_own_and_clients_find_them_all(stack: Stack) -> None:
    numbers = (1, 2, 3)
    replicas = [stack.service("routing", number) for number in numbers]
    assert stack.processes("routing") == replicas
    assert [child.name for child in replicas] == ["routing", "routing-2", "routing-3"]
    assert len({child.pid for child in replicas}) == len({child.log_path for child in replicas}) == len(numbers)
    urls = [stack.url("routing", number) for number in numbers]
    ports = [httpx.get(f"{url}/env", trust_env=False).json()["HTTP_PORT"] for url in urls]
    assert ports == [url.rpartition(":")[2] for url in urls]
    env = read_env_file(stack.state_dir)
    assert (env["ROUTING_URL"], env["ROUTING_URLS"].split(",")) == (urls[0], urls)
    assert env["INTAKE_URLS"] == env["INTAKE_URL"] == stack.url("intake")


def test_a_stack_without_a_replica_of_a_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one replica"):
        Stack(tmp_path, Options(replicas={"triage": 0}))


def test_one_replica_is_killed_while_the_others_stay(stack: Stack) -> None:
    stack.service("routing", 2).kill()
    states = {row.name: row.state for row in stack.rows()}
    assert (states["routing"], states["routing-2"], states["routing-3"]) == ("ready", "ended (137)", "ready")
    stack.service("routing", 2).start()
    stack.wait_ready("routing")


def test_a_killed_service_shows_as_ended_and_comes_back(stack: Stack) -> None:
    stack.service("routing").kill()
    assert {row.name: row.state for row in stack.rows()}["routing"] == "ended (137)"
    stack.service("routing").start()
    stack.wait_ready("routing")
    assert {row.name: row.state for row in stack.rows()}["routing"] == "ready"


def test_a_state_directory_runs_once(stack: Stack) -> None:
    with pytest.raises(AlreadyRunningError, match="already runs the conduit"), Stack(stack.state_dir):
        pass


def test_a_service_that_does_not_start_ends_the_stack_and_shows_its_last_words(servers: Servers, tmp_path: Path) -> None:
    given = {"KAFKA_BOOTSTRAP_SERVERS": servers.kafka_bootstrap_servers, "POSTGRES_DSN": servers.postgres_dsn}
    broken = Stack(tmp_path, options(lambda _: [sys.executable, "-c", "raise SystemExit('no policy')"]), environ=given)
    with pytest.raises(ChildError, match="no policy"), broken:
        pass
    assert not broken.service("triage").alive
    assert read_env_file(tmp_path) == {}
