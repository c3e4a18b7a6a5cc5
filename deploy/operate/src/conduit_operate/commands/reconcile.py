"""`conduit reconcile`: whether what one service took stands in the next and has been sent. Needs no Prometheus.

Every service is asked for the ids that came to each of its stages, of referrals taken in from some days to two minutes ago:
a younger one may be on its way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.reconcile import SETTLED
from conduit_chassis.settings import Settings
from conduit_chassis.trail import Trails, Wait, put_aside
from conduit_contracts.ids import first_of
from conduit_intake.readmission import Readmitted, TakenEvent
from conduit_operate import readmitting
from conduit_operate.audit import By, audited
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import Act, say_away, with_all
from conduit_operate.commands.shared import (
    MOST_DAYS,
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    a_number,
    explained,
    must_be_known,
    reach,
    spelt,
    surroundings,
)
from conduit_operate.commands.tables import show_table, table
from conduit_operate.commands.trace import TRAILS
from conduit_operate.onboarding import OnboardingError
from conduit_operate.taken import Lost
from conduit_operate.wording import counted

T = TypeVar("T")
READ_SECONDS = 60.0
"""For all the ids of a stage: there may be a million."""
MOST_SHOWN = 50
"""Ids of each gap, for people; with --json all are there."""


EXITS = exits("all is accounted for", "something is not, or a service cannot be asked")


@dataclass(frozen=True, slots=True)
class Gap:
    """Referrals that came to one stage and not to the one that must follow."""

    has: str
    lacks: str
    """The service that does not know them."""
    stage: str
    ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who is known at `stage` of `service` must be known at the later stage of the other."""

    service: str
    stage: str
    then: str
    later: str

    def gap(self, passed: Mapping[str, Mapping[str, set[UUID]]]) -> Gap:
        missing = passed[self.service][self.stage] - passed[self.then][self.later]
        return Gap(f"{self.service} {self.stage}", self.then, self.later, sorted(missing))


IN_WORDS = {
    "intake received": "received by intake",
    "triage assessed": "assessed by triage",
    "triage for_forces": "passed on for forces by triage",
    "routing routed": "routed by routing",
    "notification told": "recorded by notification",
}
"""What a service did with a referral, by its name and the stage."""
RULES = (
    Rule("intake", "received", "triage", "assessed"),
    Rule("intake", "received", "notification", "told"),
    Rule("triage", "for_forces", "routing", "routed"),
    # A database that was restored from an old backup is behind those that come after it.
    Rule("triage", "assessed", "intake", "received"),
    Rule("routing", "routed", "triage", "for_forces"),
)


def reconcile(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    *,
    days: Annotated[float, typer.Option(min=0.01, max=MOST_DAYS, callback=a_number, help="How far back to look.")] = 7.0,
    stores: Annotated[bool, typer.Option("--stores", help="Compare the databases alone, without Kafka.")] = False,
    readmit: Annotated[
        bool, typer.Option("--readmit", help="Have intake's database hold again what it took and has lost.")
    ] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Compare what was taken, what stands and what was sent, referral by referral; name those that are missing and where.

    What intake took is asked of its database, and of its own record on intake.referrals.v1, which a lost database leaves.
    What was taken in the last two minutes is left out, because it may still be on its way.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    until = datetime.now(UTC) - SETTLED
    found = Lost([], []) if stores else _lost(state_dir, until - timedelta(days=days))
    lost = found.taken
    if readmit:
        _readmit(state_dir, found, By(actor, reason) if apply else None, as_json=as_json)
        return
    first, last = first_of(until - timedelta(days=days)), first_of(until)
    passed = _of_all({service: _passed(trails, first, last) for service, trails in TRAILS.items()}, state_dir)
    gaps = [gap for rule in RULES if (gap := rule.gap(passed)).ids]
    aside = _of_all(dict.fromkeys(TRAILS, _aside(gaps)), state_dir) if gaps else {}
    counts = {f"{service} {stage}": len(ids) for service, stages in passed.items() for stage, ids in stages.items()}
    if as_json:
        shown = {"counts": counts, "gaps": [asdict(gap) for gap in gaps], "put_aside": _spelt(aside), "lost": _named(lost)}
        typer.echo(json.dumps(shown, default=spelt))
    else:
        _show(counts, gaps, aside, lost)
    if gaps or lost:
        raise typer.Exit(1)


def _lost(state_dir: Path, since: datetime) -> Lost:
    """What intake took, by its own record on Kafka, and its database does not have."""
    with explained():
        broker, env = reach(state_dir), surroundings(state_dir)
        if not env.get("INTAKE_POSTGRES_DSN"):
            raise OnboardingError("set INTAKE_POSTGRES_DSN: what intake took stands in its own database")
        return readmitting.lacking(broker, env["INTAKE_POSTGRES_DSN"], since)


def _readmit(state_dir: Path, all_lost: Lost, by: By | None, *, as_json: bool) -> None:
    found, lost = Readmitted((), ()), all_lost.taken
    with explained():
        if by is not None and lost:
            broker, dsn = reach(state_dir), surroundings(state_dir)["INTAKE_POSTGRES_DSN"]
            steps = [("readmit", f"{each.message.type} of {each.message.referral_id}") for each in lost]
            with audited(broker.state_dir, by, "reconcile --readmit", "intake", steps):
                found = readmitting.take_in_again(broker, dsn, all_lost, by.actor)
    if as_json:
        shown = {"applied": by is not None, "lost": _named(lost), "readmitted": found.done, "clashing": found.clashing}
        typer.echo(json.dumps(shown, default=spelt))
    elif not lost:
        typer.echo("intake's database holds all that intake took")
    elif by is None:
        typer.echo(
            f"{counted(len(lost), 'submission')} would be taken in again; nothing was changed. Add --apply to carry it out"
        )
    else:
        typer.echo(counted(len(found.done), "submission", "was taken in again", rest_of_many="were taken in again"))
        for each in found.clashing:
            typer.echo(f"event {each} clashes with what intake holds: look at it with `conduit trace {each}`")
    if found.clashing:
        raise typer.Exit(1)


def _named(lost: Sequence[TakenEvent]) -> list[dict[str, Any]]:
    return [
        {"event_id": each.event_id, "at": each.at, "what": each.message.type, "referral_id": each.message.referral_id}
        for each in lost
    ]


def _of_all(asked: Mapping[str, Act[T]], state_dir: Path) -> dict[str, T]:
    """What every service says. Without one of them nothing can be compared.

    Raises:
        Exit: one could not be asked, which has been said then.
    """
    found, away = with_all(asked, state_dir, patience=READ_SECONDS)
    say_away(away)
    if away:
        raise typer.Exit(1)
    return found


def _passed(trails: Trails, first: UUID, last: UUID) -> Act[Mapping[str, set[UUID]]]:
    async def look(_: Settings, connection: Connection) -> Mapping[str, set[UUID]]:
        return await trails.passed(connection, first, last)

    return look


def _aside(gaps: Sequence[Gap]) -> Act[dict[UUID, list[Wait]]]:
    """Of those that are missing somewhere: what of them waits in a service for Kafka or for a person."""
    missing = sorted({referral_id for gap in gaps for referral_id in gap.ids})

    async def look(_: Settings, connection: Connection) -> dict[UUID, list[Wait]]:
        found = {each: await put_aside(connection, [str(each)]) for each in missing}
        return {each: waits for each, waits in found.items() if waits}

    return look


def _spelt(aside: Mapping[str, Mapping[UUID, Sequence[Wait]]]) -> list[dict[str, Any]]:
    return [
        {"service": service, "referral_id": referral_id, **asdict(wait)}
        for service, found in aside.items()
        for referral_id, waits in found.items()
        for wait in waits
    ]


def _show(
    counts: Mapping[str, int],
    gaps: Sequence[Gap],
    aside: Mapping[str, Mapping[UUID, Sequence[Wait]]],
    lost: Sequence[TakenEvent],
) -> None:
    stages = table("service", "stage", "referrals")
    for place, number in counts.items():
        stages.add_row(*place.split(" ", 1), str(number))
    show_table(stages)
    typer.echo(f"what was taken in the last {counted(int(SETTLED.total_seconds()) // 60, 'minute')} is left out")
    for gap in gaps:
        typer.echo(_gap(gap))
        for referral_id in gap.ids[:MOST_SHOWN]:
            typer.echo(f"  {referral_id}{_where(referral_id, aside)}")
        if len(gap.ids) > MOST_SHOWN:
            typer.echo(f"  and {len(gap.ids) - MOST_SHOWN} more; --json names them all")
    if lost:
        typer.echo(
            f"{counted(len(lost), 'submission')} taken by intake and not in its database; `conduit reconcile --readmit`:"
        )
    for each in lost[:MOST_SHOWN]:
        typer.echo(f"  {each.message.referral_id}  {each.message.type}  {each.at:%Y-%m-%dT%H:%M:%SZ}")
    if not gaps and not lost:
        typer.echo("all is accounted for")
    elif gaps:
        typer.echo("look at one with `conduit trace`")


def _gap(gap: Gap) -> str:
    then = IN_WORDS[f"{gap.lacks} {gap.stage}"]
    return counted(
        len(gap.ids),
        "referral",
        f"{IN_WORDS[gap.has]} has not been {then}:",
        rest_of_many=f"{IN_WORDS[gap.has]} have not been {then}:",
    )


def _where(referral_id: UUID, aside: Mapping[str, Mapping[UUID, Sequence[Wait]]]) -> str:
    found = [f"{service}: {wait.what}" for service, held in aside.items() for wait in held.get(referral_id, ())]
    return f"  ({'; '.join(found)})" if found else ""
