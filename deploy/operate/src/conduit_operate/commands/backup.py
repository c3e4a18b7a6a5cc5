"""`conduit backup` and `conduit restore`: the services' databases, and where their consumer groups go on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from conduit_contracts.texts import shows_something
from conduit_contracts.topics import SERVICES
from conduit_operate import backup as backups
from conduit_operate import restoring
from conduit_operate.audit import By, audited
from conduit_operate.carry_out import alone
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import (
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    explained,
    must_be_known,
    reach,
    spelt,
    steps_of,
    surroundings,
)
from conduit_operate.onboarding import MisuseError, OnboardingError
from conduit_operate.readmitting import MARGIN
from conduit_operate.wording import counted

LEAVING_SECONDS = 90.0
"""How long Kafka may wait for a service that was killed."""
TIMES = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
Folder = Annotated[Path, typer.Argument(metavar="DIRECTORY", help="The backup's own folder.")]


BACKUP_EXITS = exits("done: every dump was written and its checksum noted")
WIND_BACK_EXITS = exits()
RESTORE_EXITS = exits(unknown="there is no such backup")


def backup(
    folder: Folder,
    state_dir: StateDir,
    *,
    actor: Annotated[str, typer.Option(help="Who does this. Required, and kept in the audit.", envvar="CONDUIT_ACTOR")] = "",
    reason: Annotated[str, typer.Option(help="Why. Required, and kept in the audit.")] = "",
    as_json: AsJson = False,
) -> None:
    """Back up every service's database, how far its consumer group had come, and the registers. Everything may run.

    It holds personal data, so the audit keeps who made it and why. It holds no password and no key.
    """
    if not (shows_something(actor) and shows_something(reason)):
        raise typer.BadParameter("a backup needs --actor and --reason: it holds all that the hub knows")
    must_be_known(apply=True, actor=actor, reason=reason)
    with explained():
        broker = reach(state_dir)
        dsns = _dsns(state_dir)
        with audited(broker.state_dir, By(actor, reason), "backup", folder.name, [("write", str(folder))]):
            manifest = backups.take(broker, dsns, folder.absolute())
    if as_json:
        sizes = {name: kept.size for name, kept in manifest.services.items()}
        shown = {"backup": str(folder), "applied": True, "begun_at": manifest.begun_at, "bytes": sizes}
        typer.echo(json.dumps(shown, default=spelt))
        return
    for name, kept in manifest.services.items():
        typer.echo(f"{name}: {kept.size} bytes, and offsets of {counted(sum(map(len, kept.offsets.values())), 'partition')}")
    typer.echo(f"{folder}: done. Passwords, keys and webhook secrets are not in it; keep them apart")


def restore(
    folder: Folder,
    state_dir: StateDir,
    *,
    answers: Annotated[
        bool, typer.Option("--answers", help="The second turn: read again what forces and officers answered.")
    ] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Put a backup back while the services are stopped. What a database holds now is kept under another name.

    Start the services afterwards; once nothing waits any more, stop them and run it again with --answers.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    notes: list[str] = []
    with explained():
        broker, env = reach(state_dir), surroundings(state_dir)
        if not env.get("POSTGRES_DSN"):
            raise OnboardingError("set POSTGRES_DSN to an administrator's: databases are created")
        dsns, manifest = _dsns(state_dir), backups.read(folder)
        with alone(broker.state_dir):
            restoring.must_be_stopped(broker, LEAVING_SECONDS if apply else 0.0, _aside)
            plan = restoring.plan(broker, dsns, manifest, folder.name, answers=answers)
            if apply and plan.steps:
                by = By(actor, reason)
                notes = restoring.carry_out(plan, broker, dsns, env["POSTGRES_DSN"], folder, by)
    _show(Shown("backup", str(folder), apply, answers, as_json), plan, notes)


def wind_back(
    to: Annotated[datetime, typer.Argument(metavar="TIME", formats=TIMES, help="Of the databases, in UTC.")],
    state_dir: StateDir,
    *,
    answers: Annotated[
        bool, typer.Option("--answers", help="The second turn: read again what forces and officers answered.")
    ] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Have the services read again what was written since an hour before a time to which their databases were wound back.

    For databases that were put back in another way than by `conduit restore`. Its two turns are the same.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    moment = to.replace(tzinfo=UTC)
    notes: list[str] = []
    with explained():
        if moment > datetime.now(UTC):
            raise MisuseError(f"{moment:%Y-%m-%dT%H:%M:%SZ} has not come yet")
        broker, dsns = reach(state_dir), _dsns(state_dir)
        with alone(broker.state_dir):
            restoring.must_be_stopped(broker, LEAVING_SECONDS if apply else 0.0, _aside)
            plan = restoring.wound_back(broker, moment - MARGIN, f"{moment:%Y-%m-%dT%H:%M:%SZ}", answers=answers)
            if apply and plan.steps:
                notes = restoring.carry_out(plan, broker, dsns, "", Path(), By(actor, reason), "wind-back")
    _show(Shown("time", plan.subject, apply, answers, as_json), plan, notes)


class Shown(NamedTuple):
    """Of what, and how, a plan is shown."""

    of: str
    name: str
    applied: bool
    answers: bool
    as_json: bool


def _show(shown: Shown, plan: restoring.Restore, notes: Sequence[str]) -> None:
    if shown.as_json:
        said = {shown.of: shown.name, "applied": shown.applied, "steps": steps_of(plan.steps), "notes": notes}
        typer.echo(json.dumps(said))
        return
    for step in plan.steps:
        typer.echo(f"  {' '.join(step)}")
    for note in notes:
        typer.echo(f"note: {note}")
    typer.echo(f"{shown.name}: {_outcome(plan, apply=shown.applied, answers=shown.answers)}")


def _aside(text: str) -> None:
    """How far it is, beside what it prints for programs."""
    typer.echo(text, err=True)


def _outcome(plan: restoring.Restore, *, apply: bool, answers: bool) -> str:
    if not plan.steps:
        return "nothing to do"
    if not apply:
        return f"to do: {len(plan.steps)}; nothing was changed. Add --apply to carry it out"
    if answers:
        return "done. Start the services"
    return (
        "done. Start the services, wait until `conduit lag` says that nothing waits, stop them, and run this again with "
        "--answers"
    )


def _dsns(state_dir: Path) -> Mapping[str, str]:
    env = surroundings(state_dir)
    variables = {service: f"{service.upper()}_POSTGRES_DSN" for service in SERVICES}
    if missing := [variable for variable in variables.values() if not env.get(variable)]:
        raise OnboardingError(f"set {', '.join(missing)}: each service has a database of its own")
    return {service: env[variable] for service, variable in variables.items()}
