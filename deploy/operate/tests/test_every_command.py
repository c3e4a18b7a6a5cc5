"""What holds for every command: JSON for programs, and exit codes that its --help states."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import psycopg
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from conduit_contracts.programme import Contact
from conduit_notification.queue import write_whole_ladder
from conduit_operate.cli import ELSEWHERE, app

Conduit = Callable[..., Result]
Command = tuple[str, ...]
BY = ("--apply", "--actor", "A. Operator", "--reason", "a test")
WITHOUT_JSON = {
    ("up",): "runs in the foreground until it is ended; `conduit status --json` says what runs",
    ("demo",): "shows how far it is; --report names a file with JSON of all that came of it",
}
"""Commands that print no JSON, and why."""
CODE = re.compile(r"(?:^|; )([0-3]) \S")


def commands(group: Any = None, path: Command = ()) -> Iterator[tuple[Command, Any]]:
    """All that can be typed, but what another distribution brings that is not installed here."""
    group = group or typer.main.get_command(app)
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        elif name not in ELSEWHERE or command.callback.__name__ != "missing":
            yield (*path, name), command


ALL = dict(commands())


def test_there_are_commands_of_every_distribution() -> None:
    assert {("status",), ("partner", "onboard"), ("up",), ("conformance", "force")} <= ALL.keys()
    assert WITHOUT_JSON.keys() <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_command_prints_json_where_asked_and_states_its_exit_codes(path: Command) -> None:
    command = ALL[path]
    options = {name for each in command.params for name in each.opts}
    assert ("--json" in options) != (path in WITHOUT_JSON)
    said = command.epilog or ""
    assert said.startswith("Exit codes: ")
    codes = CODE.findall(said.removeprefix("Exit codes: "))
    assert codes in (["0", "1", "2"], ["0", "1", "2", "3"])
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "300"})
    assert said in shown.output


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_what_can_be_carried_out_asks_by_whom_and_why(path: Command) -> None:
    options = {name for each in ALL[path].params for name in each.opts}
    if "--apply" in options:
        assert {"--actor", "--reason", "--json"} <= options


KINDS: set[Any] = {int, float, int | None, float | None, list[int], list[int] | None}
NUMBERS = [
    (path, each.opts[0], typed)
    for path, command in ALL.items()
    if path[0] in {"partner", "reconcile", "trace", "notices", "topics", "dead-letters", "outbox"}  # others start something
    for each in command.params
    if each.param_type_name == "option" and get_type_hints(command.callback).get(each.name) in KINDS
    for typed in ("1e300", "nan", "25000", str(10**12))
]


@pytest.mark.parametrize(("path", "option", "typed"), NUMBERS, ids=[" ".join((*path, *rest)) for path, *rest in NUMBERS])
def test_no_number_that_somebody_types_ends_in_a_traceback(
    filled: dict[str, str], conduit: Conduit, path: Command, option: str, typed: str
) -> None:
    needed = [
        word
        for each in ALL[path].params
        if each.required and each.opts[0] != option
        for word in ([GIVEN.get(each.name, "northlight")] if each.param_type_name == "argument" else [each.opts[0], "1"])
    ]
    done = conduit(*path, *needed, option, typed)
    assert done.exit_code in {0, 1, 2, 3}
    assert type(done.exception) in {SystemExit, type(None)}, done.output


GIVEN = {"service": "triage", "text": "NL-1", "number": "1"}


@pytest.fixture
def numbered(filled: dict[str, str]) -> dict[str, str]:
    """A dead letter, a refused event, a place that cannot be read, a duty task and a proposal, each under a known id."""
    with psycopg.connect(filled["triage"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO unreadable_places (topic, partition, record_offset, last_offset, reason) "
            "VALUES ('intake.referrals.v1', 2, 7, 9, 'BrokenChecksumError')"
        )
    with psycopg.connect(filled["intake"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO outbox_rejected (id, topic, key, headers, value, reason)"
            " VALUES (8, 'intake.referrals.v1', 'k', '', '', 'MessageSizeTooLargeError')"
        )
    return filled


def printed(conduit: Conduit, *arguments: str, code: int = 0) -> Any:
    done = conduit(*arguments, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("command", "service", "numbers"),
    [
        (("dead-letters", "discard", "triage", "--id", "1"), "triage", [1]),
        (("dead-letters", "lead-past", "triage", "--place", "1"), "triage", [1]),
        (("outbox", "return", "intake", "--id", "7"), "intake", [7]),
        (("outbox", "discard", "intake", "--id", "8"), "intake", [8]),
    ],
    ids=lambda given: " ".join(given[:2]) if isinstance(given, tuple) else "",
)
def test_what_is_done_by_numbers_says_which_and_whether_it_was_done(
    numbered: Any, conduit: Conduit, command: Command, service: str, numbers: list[int]
) -> None:
    common = {"service": service, "numbers": numbers}
    assert printed(conduit, *command) == {**common, "applied": False}
    assert printed(conduit, *command, *BY) == {**common, "applied": True}
    done = conduit(*command, "--json", *BY)
    assert (done.exit_code, done.stdout) == (3, "")


def test_a_replay_that_is_only_planned_says_what_it_would_replay(numbered: Any, conduit: Conduit) -> None:
    found = printed(conduit, "dead-letters", "replay", "triage")
    assert found == {"service": "triage", "applied": False, "numbers": [1]}


def test_duty_tasks_are_an_array_and_who_takes_one_is_told_whom_to_call(numbered: Any, conduit: Conduit) -> None:
    (task,) = printed(conduit, "duty", "list")
    assert (task["kind"], task["danger"], task["opened_at"][10]) == ("danger_review", True, "T")
    taken = printed(conduit, "duty", "take", task["task_id"], "--actor", "A. Operator")
    assert (taken["task_id"], taken["applied"]) == (task["task_id"], True)
    assert taken.keys() == {"task_id", "applied", "what", "do", "callback", "control_rooms", "contacts"}
    assert printed(conduit, "duty", "list") == []


def test_contacts_of_the_hub_and_what_waits_for_approval(numbered: dict[str, str], conduit: Conduit) -> None:
    contacts = (Contact(email="a@hub.example", telephone="+441632960001"),)
    proposal = "0193b3f0-0000-7000-8000-0000000000aa"
    with psycopg.connect(numbered["notification"], autocommit=True) as connection:
        connection.execute(
            "INSERT INTO hub_changes (proposal_id, proposed_by, contacts, digest) VALUES (%s, 'A. Operator', %s, %s)",
            [proposal, write_whole_ladder(contacts), "0" * 64],
        )
    shown = printed(conduit, "hub", "show")
    assert shown["contacts"] == []
    ((waiting),) = shown["waiting"]
    assert (waiting["proposal_id"], waiting["contacts"][0]["email"]) == (proposal, "a@hub.example")
    found = printed(conduit, "hub", "approve", proposal)
    assert (found["proposal_id"], found["applied"], found["proposed_by"]) == (proposal, False, "A. Operator")
    two = ("--contact", "a@hub.example,+441632960001", "--contact", "b@hub.example,+441632960002")
    found = printed(conduit, "hub", "propose", *two)
    assert (found["proposal_id"], found["applied"], len(found["contacts"])) == (None, False, 2)
