"""The audit: what is begun has an end, and a line that is changed afterwards is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from conduit_operate.audit import AuditError, By, audited, path_of, read_audit
from conduit_operate.cli import app

BY = By("jo.smith", "a test")


def note(folder: Path, subject: str = "partner.abc") -> None:
    with audited(folder, BY, "partner onboard", subject, [("make", "user", subject)]):
        pass


def test_what_is_done_is_noted_with_who_when_and_why(tmp_path: Path) -> None:
    note(tmp_path)
    begun, done = read_audit(tmp_path)
    assert (begun["outcome"], done["outcome"]) == ("begun", "done")
    assert begun["steps"] == ["make user partner.abc"]
    assert {(each["actor"], each["reason"], each["subject"]) for each in (begun, done)} == {
        ("jo.smith", "a test", "partner.abc")
    }
    assert begun["at"] <= done["at"]
    assert path_of(tmp_path).stat().st_mode & 0o777 == 0o600


def test_what_fails_is_noted_without_the_errors_text(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), audited(tmp_path, BY, "partner onboard", "partner.abc", []):
        raise RuntimeError("a text that may hold anything")
    assert read_audit(tmp_path)[-1]["outcome"] == "failed"
    assert read_audit(tmp_path)[-1]["error"] == "RuntimeError"
    assert "anything" not in path_of(tmp_path).read_text()


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        *(("", "why"), ("jo", " "), ("\u200b", "why"), ("jo", "\u3164\u2800")),
        *(("x" * 5_000, "why"), ("jo\nann", "why"), ("jo", "y" * 5_000), ("jo", "why\0")),
    ],
)
def test_nobody_acts_without_a_name_and_a_reason_or_with_endless_ones(actor: str, reason: str) -> None:
    with pytest.raises(ValueError, match="an actor and a reason are needed"):
        By(actor, reason)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_line_that_was_changed_is_found(tmp_path: Path, number: int) -> None:
    note(tmp_path)
    note(tmp_path)
    lines = path_of(tmp_path).read_text().splitlines()
    lines[number] = lines[number].replace("jo.smith", "al.jones")
    path_of(tmp_path).write_text("\n".join(lines) + "\n")
    with pytest.raises(AuditError, match=f"line {number + 2} "):
        read_audit(tmp_path)


def test_a_line_that_was_taken_away_is_found(tmp_path: Path) -> None:
    note(tmp_path)
    note(tmp_path)
    lines = path_of(tmp_path).read_text().splitlines()
    path_of(tmp_path).write_text("\n".join(lines[1:]) + "\n")
    with pytest.raises(AuditError, match="line 1 "):
        read_audit(tmp_path)


def test_a_line_that_was_cut_short_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    note(tmp_path)
    with path_of(tmp_path).open("ab") as file:
        file.write(b'{"at": "2026-')
    assert [each["outcome"] for each in read_audit(tmp_path)] == ["begun", "done"]
    note(tmp_path)
    assert len(path_of(tmp_path).read_bytes().splitlines()) == 5
    assert [each["outcome"] for each in read_audit(tmp_path)] == ["begun", "done"] * 2
    shown = CliRunner().invoke(app, ["audit", "--state-dir", str(tmp_path)])
    assert shown.exit_code == 0
    assert f"line 3 of {path_of(tmp_path)} was cut short as it was written" in shown.output


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_line_that_was_made_unreadable_afterwards_is_found(tmp_path: Path, number: int) -> None:
    note(tmp_path)
    note(tmp_path)
    lines = path_of(tmp_path).read_text().splitlines()
    lines[number] = lines[number][:20]
    path_of(tmp_path).write_text("\n".join(lines) + "\n")
    if number == 3:  # the last ones can always be cut off unseen: see the audit's own text
        assert len(read_audit(tmp_path)) == 3
        return
    with pytest.raises(AuditError, match=f"line {number + 1} "):
        read_audit(tmp_path)


def test_two_at_once_make_one_chain(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: note(tmp_path, f"partner.p{number}"), range(16)))
    assert len(read_audit(tmp_path)) == 32


def test_the_command_shows_it_and_fails_where_it_was_changed(tmp_path: Path) -> None:
    note(tmp_path, "partner.abc")
    note(tmp_path, "force.kent")
    arguments = ["audit", "--state-dir", str(tmp_path)]
    shown = CliRunner().invoke(app, [*arguments, "--subject", "force.kent", "--json"])
    assert [each["subject"] for each in json.loads(shown.stdout)] == ["force.kent"] * 2
    path_of(tmp_path).write_text(path_of(tmp_path).read_text().replace("kent", "essex"))
    changed = CliRunner().invoke(app, arguments)
    assert changed.exit_code == 1
    assert "was changed after it was written" in changed.output


def conduit(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments, "--state-dir", str(folder)])


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_an_audit_that_is_not_there_is_not_an_empty_one(tmp_path: Path, as_json: tuple[str, ...]) -> None:
    nowhere = conduit(tmp_path / "nonexistent", *as_json)
    assert (nowhere.exit_code, nowhere.stdout) == (3, "")
    assert nowhere.stderr.startswith(f"there is no audit in {tmp_path / 'nonexistent'}")
    path_of(tmp_path).touch()
    emptied = conduit(tmp_path, *as_json)
    assert (emptied.exit_code, emptied.stdout if as_json else "[]\n") == (0, "[]\n")
    assert emptied.output.endswith(f"{path_of(tmp_path)}: 0 entries\n")


def test_somebody_about_whom_nothing_is_kept_has_exit_code_3(tmp_path: Path) -> None:
    note(tmp_path)
    done = conduit(tmp_path, "--subject", "nobody")
    assert (done.exit_code, done.output) == (3, f"{path_of(tmp_path)}: no entry about nobody\n")


def test_what_was_done_is_named_and_not_only_counted(tmp_path: Path) -> None:
    with audited(tmp_path, BY, "dead-letters discard", "triage", [("number", str(each)) for each in range(1, 8)]):
        pass
    begun, done, last = conduit(tmp_path).output.splitlines()
    assert "begun: number 1, number 2, number 3, number 4, number 5 and 2 more; a test" in begun
    assert done.endswith("dead-letters discard triage, done; a test")
    assert last == f"{path_of(tmp_path)}: 2 entries"


def every_command(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield from every_command(command, (*path, name))
    if path and not hasattr(group, "commands"):
        yield path, group


ACTED = [
    (path, command)
    for path, command in every_command(typer.main.get_command(app))
    if any(each.name == "actor" for each in command.params)
]


ID = "0193b3f0-0000-7000-8000-000000000001"
MADE = {
    **{"service": "triage", "folder": "there", "proposal_id": ID, "task_id": ID, "ids": "1", "place": "1"},
    **{"issuer": "https://login.example", "person_id": "p-0k3v9x2m7qpw4r8t", "roles": "programme_lead"},
    "contacts": "a@hub.example,+441632960001",
    "to": "2026-11-01T00:00:00Z",
}


@pytest.mark.parametrize(("path", "command"), ACTED, ids=[" ".join(path) for path, _ in ACTED])
def test_no_command_takes_an_endless_name(path: tuple[str, ...], command: Any, tmp_path: Path) -> None:
    """Every command that says who acts, found by its options: it is misuse before anything is looked at."""
    given = []
    for each in command.params:
        if each.required and each.name != "actor":
            given += [*([] if each.param_type_name == "argument" else each.opts[:1]), MADE.get(each.name, "northlight")]
    known = {each.name for each in command.params}
    given += ["--reason", "a test"] * ("reason" in known) + ["--apply"] * ("apply" in known)
    done = CliRunner().invoke(app, [*path, *given, "--actor", "x" * 5_000, "--state-dir", str(tmp_path)])
    assert (done.exit_code, type(done.exception)) == (2, SystemExit), done.output
    assert "at most 100 characters" in " ".join(done.output.replace("│", " ").split())
    assert not list(tmp_path.iterdir())
