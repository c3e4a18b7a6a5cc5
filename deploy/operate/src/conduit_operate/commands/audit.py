"""`conduit audit`: who changed what on the broker and in the registers, when and why."""

from __future__ import annotations

import json
from typing import Annotated, NoReturn

import typer

from conduit_operate.audit import AuditError, path_of, whole_audit
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import NOTHING_FOUND, AsJson, StateDir
from conduit_operate.wording import counted

MOST_NAMED = 5
"""Steps of one entry, for people; with --json all are there."""


EXITS = exits("shown", "a line was changed or removed", "there is no audit here, or none about this subject")


def audit(
    state_dir: StateDir,
    subject: Annotated[
        str, typer.Option(help="Only this partner, force or other subject, for example partner.northlight.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the audit, oldest first, and where it is kept."""
    path = path_of(state_dir.absolute())
    if not path.exists():
        _is_not_there(f"there is no audit in {path}: nothing was changed from this state directory")
    try:
        found = whole_audit(state_dir)
    except AuditError as error:
        typer.echo(
            f"{error}. The audit was changed after it was written: keep the file as it is, and find out who changed it",
            err=True,
        )
        raise typer.Exit(1) from None
    for number in found.cut_short:
        typer.echo(f"line {number} of {path} was cut short as it was written; what it was to say is not known", err=True)
    shown = [entry for entry in found.entries if subject in ("", entry["subject"])]
    if subject and not shown:
        _is_not_there(f"{path}: no entry about {subject}")
    if as_json:
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for entry in shown:
            typer.echo(_line(entry))
    typer.echo(f"{path}: {counted(len(shown), 'entry', many='entries')}", err=as_json)


def _is_not_there(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(NOTHING_FOUND)


def _line(entry: dict[str, object]) -> str:
    steps = entry.get("steps")
    shown = f": {_named(steps)}" if isinstance(steps, list) and steps else ""
    what = f"{entry['command']} {entry['subject']}, {entry['outcome']}{shown}"
    return f"{entry['at']} {entry['actor']}: {what}; {entry['reason']}"


def _named(steps: list[str]) -> str:
    more = f" and {len(steps) - MOST_NAMED} more" if len(steps) > MOST_NAMED else ""
    return f"{', '.join(steps[:MOST_NAMED])}{more}"
