"""`conduit topics`: what has to be done to topics that an earlier release made."""

from __future__ import annotations

from typing import Annotated

import typer

from conduit_operate.audit import By
from conduit_operate.carry_out import alone
from conduit_operate.commands.partner import PartnerId
from conduit_operate.commands.shared import Actor, Apply, Reason, StateDir, explained, must_be_known, reach
from conduit_operate.narrowing import narrow as carry_out
from conduit_operate.narrowing import plan

app = typer.Typer(no_args_is_help=True, help="Change topics that an earlier release created differently.")


@app.callback()
def topics() -> None:
    """Keep `narrow` a sub-command while it is the only one."""


@app.command()
def narrow(
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    patience: Annotated[
        float, typer.Option(min=5, help="How many seconds intake has to read the records that are left.")
    ] = 120,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
) -> None:
    """Give the partner's referrals one partition, so that two records about one referral keep their order.

    While it lasts, for some seconds, the partner is refused: what its client could not send it sends again.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        broker = reach(state_dir)
        with alone(broker.state_dir):
            narrowing = plan(broker, partner_id)
            if not narrowing.needed:
                typer.echo(f"{narrowing.topic}: nothing to do: it already has one partition")
                return
            for step in (*narrowing.closing, *narrowing.making(narrowing.start)):
                typer.echo(f"  {' '.join(step)}")
            if not apply:
                typer.echo(f"{narrowing.topic}: nothing was changed. Add --apply to carry it out")
                return
            if not broker.secured:
                typer.echo("note: this broker cannot refuse anyone; the partner must not send in the meantime")
            start = carry_out(broker, narrowing, By(actor, reason), patience, typer.echo)
    typer.echo(f"{narrowing.topic}: done; it has one partition, and begins at offset {start}")
