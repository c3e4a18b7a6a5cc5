"""What every command says of a stack that is not there yet, and of a service that does not exist."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conduit_operate import lock
from conduit_operate.cli import app

ON_A_STACK = (
    ("status",),
    ("lag",),
    ("trace", "NL-1"),
    ("reconcile",),
    ("access",),
    ("partner", "list"),
    ("partner", "suspend", "northlight"),
    ("force", "list"),
    ("hub", "show"),
    ("duty", "list"),
    ("dead-letters", "list"),
    ("dead-letters", "list", "triage"),
    ("outbox", "list", "triage"),
    ("topics", "narrow", "northlight"),
    ("restart", "triage"),
    ("backup", "there", "--actor", "A. Operator", "--reason", "a test"),
    ("restore", "there"),
    ("handoffs",),
    ("reviews",),
    ("notices",),
    ("partner", "refused"),
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Path]:
    """The state directory of a stack that another process has begun to start."""
    with lock.hold(tmp_path, os.getpid()):
        yield tmp_path


def conduit(state_dir: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--state-dir", str(state_dir)])


@pytest.mark.parametrize("command", ON_A_STACK, ids=" ".join)
def test_a_stack_that_is_still_starting_is_told_of_as_that_and_once(starting: Path, command: tuple[str, ...]) -> None:
    said = conduit(starting, *command)
    assert (said.exit_code, type(said.exception)) == (1, SystemExit), said.output
    assert said.output == f"the stack in {starting} is still starting; try again in a moment\n"


@pytest.mark.parametrize("command", ON_A_STACK, ids=" ".join)
def test_where_nothing_runs_it_is_said_once_with_what_to_do(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = conduit(tmp_path, *command)
    assert (said.exit_code, type(said.exception)) == (1, SystemExit), said.output
    assert said.output.startswith(f"nothing runs in {tmp_path}; start it with `conduit up`")
    assert said.output.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("lag", "kafka"),
        ("restart", "kafka"),
        ("dead-letters", "list", "kafka"),
        ("dead-letters", "show", "kafka", "1"),
        ("dead-letters", "replay", "kafka"),
        ("dead-letters", "discard", "kafka", "--id", "1"),
        ("dead-letters", "lead-past", "kafka", "--place", "1"),
        ("outbox", "list", "kafka"),
        ("outbox", "return", "kafka"),
    ],
    ids=" ".join,
)
def test_a_service_that_does_not_exist_is_misuse_and_the_others_are_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = conduit(tmp_path, *command)
    assert said.exit_code == 2, said.output
    assert "no service kafka" in said.output
    assert "intake" in said.output
