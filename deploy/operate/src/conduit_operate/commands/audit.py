"""`conduit audit`: who changed what on the broker and in the registers, when and why."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from conduit_operate.audit import AuditError, read_audit
from conduit_operate.commands.shared import StateDir
from conduit_operate.wording import counted


def audit(
    state_dir: StateDir,
    subject: Annotated[
        str, typer.Option(help="Only this partner, force or other subject, for example partner.northlight.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")] = False,
) -> None:
    """Show the audit, oldest first. The exit code is 1 if a line was changed or removed."""
    try:
        entries = read_audit(state_dir)
    except AuditError as error:
        typer.echo(
            f"{error}. The audit was changed after it was written: keep the file as it is, and find out who changed it",
            err=True,
        )
        raise typer.Exit(1) from None
    for entry in entries:
        if entry["subject"] == (subject or entry["subject"]):
            typer.echo(json.dumps(entry, ensure_ascii=False) if as_json else _line(entry))


def _line(entry: dict[str, object]) -> str:
    steps = entry.get("steps")
    shown = f"; {counted(len(steps), 'step')}" if isinstance(steps, list) else ""
    what = f"{entry['command']} {entry['subject']}, {entry['outcome']}{shown}"
    return f"{entry['at']} {entry['actor']}: {what}; {entry['reason']}"
