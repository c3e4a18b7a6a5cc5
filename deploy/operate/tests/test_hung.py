"""Servers that take connections and never answer, as stopped processes do: every command says so soon."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from conduit_contracts.topics import SERVICES
from conduit_operate import health, lock, postgres_programs, restoring
from conduit_operate.cli import app
from conduit_operate.env_file import write_env_file
from conduit_operate.onboarding import OnboardingError

Conduit = Callable[..., Result]
SOON = 12.0
"""Once five seconds of patience, and this machine's own time; two in turn would already be beyond it, and 60 s by far."""


@pytest.fixture(scope="module")
def silent() -> Iterator[str]:
    """The kernel takes the connections of a listener whose process never asks for them."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def hung_databases(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for service in SERVICES:
        monkeypatch.setenv(f"{service.upper()}_POSTGRES_DSN", f"postgresql://nobody@{silent}/none")


@pytest.fixture
def servers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state directory of `conduit up --servers`, whose servers are away."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with lock.hold(tmp_path, os.getpid()):
        write_env_file(tmp_path, {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"})
        yield tmp_path


def test_status_does_not_take_a_connection_for_an_answer(
    databases: dict[str, str], silent: str, conduit: Conduit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", silent)
    monkeypatch.setenv("POSTGRES_DSN", f"postgresql://nobody@{silent}/none")
    monkeypatch.setenv("SMTP_HOST", silent.partition(":")[0])
    monkeypatch.setenv("SMTP_PORT", silent.partition(":")[2])
    done = conduit("status", "--json")
    parts = {each["name"]: each["ready"] for each in json.loads(done.stdout)["parts"]}
    assert (done.exit_code, [parts[name] for name in ("kafka", "postgres", "smtp")]) == (1, [False] * 3)


def test_status_names_the_services_that_do_not_run(servers_alone: Path) -> None:
    done = CliRunner().invoke(app, ["status", "--json", "--state-dir", str(servers_alone)])
    found = json.loads(done.stdout)
    rows = [(each["name"], each["ready"], each["why"]) for each in found["parts"] if each["name"] in SERVICES]
    assert (done.exit_code, rows) == (1, [(name, False, "not running") for name in SERVICES])
    assert list(found["services"]) == list(SERVICES)


def test_status_says_of_which_service_nobody_told_it_the_address(databases: dict[str, str], conduit: Conduit) -> None:
    parts = {each["name"]: each["why"] for each in json.loads(conduit("status", "--json").stdout)["parts"]}
    assert parts["triage"] == "set TRIAGE_URL"


@pytest.mark.parametrize("service", SERVICES)
def test_restart_beside_servers_alone_says_in_a_line_what_to_start(servers_alone: Path, service: str) -> None:
    done = CliRunner().invoke(app, ["restart", service, "--state-dir", str(servers_alone)])
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert done.output == f"{service} does not run here: only Kafka and PostgreSQL do. End them, and start `conduit up`\n"


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("trace", "NL-1"),
        ("dead-letters", "list"),
        ("outbox", "list"),
        ("reconcile", "--stores"),
        ("duty", "list"),
        ("handoffs",),
        ("partner", "refused"),
    ],
    ids=" ".join,
)
def test_databases_that_never_answer_are_all_given_up_after_one_patience(
    hung_databases: None, conduit: Conduit, command: tuple[str, ...]
) -> None:
    began = time.monotonic()
    done = conduit(*command)
    seconds = time.monotonic() - began
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert "it does not answer in time" in done.output
    assert seconds < SOON


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [("partner", "list"), ("force", "list"), ("partner", "suspend", "northlight"), ("access",), ("lag",), ("reconcile",)],
    ids=" ".join,
)
def test_a_kafka_that_never_answers_is_given_up_soon_and_named(
    databases: dict[str, str], silent: str, conduit: Conduit, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", silent)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL" if command == ("access",) else "PLAINTEXT")
    monkeypatch.setenv("KAFKA_ADMIN_USERNAME", "admin")
    monkeypatch.setenv("KAFKA_ADMIN_PASSWORD", "synthetic")
    began = time.monotonic()
    done = conduit(*command)
    seconds = time.monotonic() - began
    assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
    assert f"Kafka at {silent} does not answer" in done.output
    assert "It is made by" not in done.output
    assert seconds < SOON


@pytest.mark.long
@pytest.mark.timeout(30)
def test_postgresqls_own_programs_do_not_wait_for_ever(silent: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(OnboardingError, match="pg_dump of none ended with 1"):
        postgres_programs.run("pg_dump", f"postgresql://nobody@{silent}/none", [], tmp_path / "said")
    assert time.monotonic() - began < SOON


@pytest.mark.long
@pytest.mark.timeout(30)
def test_a_restore_is_not_planned_on_a_database_that_never_answers(silent: str) -> None:
    began = time.monotonic()
    with pytest.raises(OnboardingError, match="the database none cannot be reached"):
        restoring.holds_tables(f"postgresql://nobody@{silent}/none")
    assert time.monotonic() - began < SOON


def test_those_who_ask_services_at_the_same_time_share_one_client() -> None:
    """One that lost a race would hold its connections open until somebody happens to collect it."""
    made = []

    class Counted(httpx.Client):
        def __init__(self, **options: Any) -> None:
            made.append(self)
            time.sleep(0.05)
            super().__init__(**options)

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(8) as pool:
        # What other tests use stays as it is: dropped, it would leave its connections open.
        patched.setattr(health, "_client", cache(health._client.__wrapped__))
        patched.setattr(httpx, "Client", Counted)
        assert list(pool.map(health.is_ready, ["http://127.0.0.1:1"] * 8)) == [False] * 8
    assert len(made) == 1
    made[0].close()
