"""`conduit topics`: what has to be done to topics that an earlier release made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from conduit_operate.audit import By
from conduit_operate.carry_out import alone
from conduit_operate.commands.exits import exits
from conduit_operate.commands.partner import PartnerId
from conduit_operate.commands.shared import (
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    a_number,
    explained,
    must_be_known,
    reach,
    steps_of,
)
from conduit_operate.narrowing import Narrowing, plan
from conduit_operate.narrowing import narrow as carry_out

app = typer.Typer(no_args_is_help=True, help="Change topics that an earlier release created differently.")


@app.callback()
def topics() -> None:
    """Keep `narrow` a sub-command while it is the only one."""


@app.command(epilog=exits(unknown="the partner has no topics"))
def narrow(
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    patience: Annotated[
        float,
        typer.Option(
            min=5, max=3_600, callback=a_number, help="How many seconds intake has to read the records that are left."
        ),
    ] = 120,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Give the partner's referrals one partition, so that two records about one referral keep their order.

    While it lasts, for some seconds, the partner is refused: what its client could not send it sends again.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    narrowing, start = _narrowed(state_dir, partner_id, By(actor, reason) if apply else None, patience, as_json)
    if as_json:
        steps = steps_of((*narrowing.closing, *narrowing.making(narrowing.start)) if narrowing.needed else ())
        applied = apply and narrowing.needed
        typer.echo(json.dumps({"topic": narrowing.topic, "applied": applied, "steps": steps, "begins_at": start}))
    elif not narrowing.needed:
        typer.echo(f"{narrowing.topic}: nothing to do: it already has one partition")
    elif not apply:
        typer.echo(f"{narrowing.topic}: nothing was changed. Add --apply to carry it out")
    else:
        typer.echo(f"{narrowing.topic}: done; it has one partition, and begins at offset {start}")


def _narrowed(
    state_dir: Path, partner_id: str, by: By | None, patience: float, as_json: bool
) -> tuple[Narrowing, int | None]:
    """What was to be done, and where the new topic begins once it is done. With `as_json`, what is said goes aside."""

    def tell(text: str) -> None:
        typer.echo(text, err=as_json)

    with explained():
        broker = reach(state_dir)
        with alone(broker.state_dir):
            narrowing = plan(broker, partner_id)
            if not narrowing.needed:
                return narrowing, None
            if not as_json:
                for step in (*narrowing.closing, *narrowing.making(narrowing.start)):
                    tell(f"  {' '.join(step)}")
            if by is None:
                return narrowing, None
            if not broker.secured:
                tell("note: this broker cannot refuse anyone; the partner must not send in the meantime")
            return narrowing, carry_out(broker, narrowing, by, patience, tell)
