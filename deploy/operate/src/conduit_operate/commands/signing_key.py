"""`conduit signing-key`: the keys with which officers' commands are signed.

It works on files alone, so it runs wherever the private key may be made, and carries them nowhere: `trusted-keys.json` goes
to triage, routing, notification and the signer, `signing-key.json` to the signer and to nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from conduit_operate import signing
from conduit_operate.audit import By, audited
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, must_be_known, steps_of
from conduit_operate.commands.tables import show_table, table
from conduit_operate.commands.taking_part import Order
from conduit_operate.signing import CURRENT, NEXT, TRUSTED, SigningFiles

app = typer.Typer(no_args_is_help=True, help="Make, change, retire and list the keys that sign officers' commands.")

EXITS, EXITS_KNOWN = exits(), exits(unknown="there is no such key, or none at all")
Folder = Annotated[Path, typer.Option(help="Where the keys are. Keep it where nobody else can read.")]


@app.command("new", epilog=EXITS)
def new(
    state_dir: StateDir,
    folder: Folder,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make the first key."""
    steps = [("write", "private key", CURRENT), ("write", "trusted keys", TRUSTED)]
    said = f"give {TRUSTED} to triage, routing, notification and the signer, and {CURRENT} to the signer alone"

    def made() -> str:
        return f"{signing.make_first(SigningFiles.within(folder))} signs: {said}"

    _do("signing-key new", steps, made, Order(apply, actor, reason, as_json, state_dir))


@app.command("rotate", epilog=EXITS_KNOWN)
def rotate(
    state_dir: StateDir,
    folder: Folder,
    *,
    finish: Annotated[bool, typer.Option("--finish", help="Sign with the next key, and retire the earlier key.")] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Make the next key, which is trusted at once; with --finish, once all have it, sign with it."""
    files = SigningFiles.within(folder)

    def begun() -> str:
        kid = signing.begin_rotation(files, datetime.now(UTC))
        return f"{kid} is trusted: give {TRUSTED} to triage, routing, notification and the signer; then rotate with --finish"

    def finished() -> str:
        after, before = signing.finish_rotation(files, datetime.now(UTC))
        return f"{after} signs: give {CURRENT} to the signer and {TRUSTED} to all. {before} is good for one more hour"

    begin = [("write", "private key", NEXT), ("add", "trusted key", TRUSTED)]
    end = [("replace", "private key", CURRENT), ("retire", "trusted key", TRUSTED)]
    steps, carry_out = (end, finished) if finish else (begin, begun)
    _do("signing-key rotate", steps, carry_out, Order(apply, actor, reason, as_json, state_dir))


@app.command("retire", epilog=EXITS_KNOWN)
def retire(
    state_dir: StateDir,
    folder: Folder,
    kid: Annotated[str, typer.Argument(metavar="KID", help="The key's name, from `conduit signing-key list`.")],
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Trust nothing more that this key signs, from now on: for a key that somebody else may have. History stays good."""

    def retired() -> str:
        signing.retire(SigningFiles.within(folder), kid, datetime.now(UTC))
        return f"{kid} is retired: give {TRUSTED} to triage, routing, notification and the signer at once"

    order = Order(apply, actor, reason, as_json, state_dir)
    _do("signing-key retire", [("retire", "trusted key", kid)], retired, order)


@app.command("list", epilog=EXITS_KNOWN)
def list_keys(folder: Folder, *, as_json: AsJson = False) -> None:
    """Show every key that is or was trusted."""
    files, now = SigningFiles.within(folder), datetime.now(UTC)
    with explained():
        keys = list(signing.read_trusted(files))
        signs, waits = signing.kid_of(files.current), signing.kid_of(files.next)
    found = [
        {
            "kid": each.kid,
            "state": signing.state_of(each, signs, waits, now),
            "retired_at": each.retired_at.isoformat() if each.retired_at else None,
        }
        for each in keys
    ]
    if as_json:
        typer.echo(json.dumps(found))
        return
    shown = table("key", "state")
    for row in found:
        shown.add_row(row["kid"], row["state"])
    show_table(shown)


def _do(command: str, steps: list[tuple[str, str, str]], carry_out: Callable[[], str], order: Order) -> None:
    must_be_known(apply=order.apply, actor=order.actor, reason=order.reason)
    said = "nothing was changed. Add --apply to carry it out"
    if order.apply:
        with explained(), audited(order.state_dir, By(order.actor, order.reason), command, "signing-keys", steps):
            said = carry_out()
    if order.as_json:
        typer.echo(json.dumps({"applied": order.apply, "steps": steps_of(steps), "said": said}, ensure_ascii=False))
        return
    for step in steps if not order.apply else ():
        typer.echo(f"  {' '.join(step)}")
    typer.echo(said)
