"""The `conduit` command. Each sub-command lives in a module of its own and is only registered here.

Other distributions add theirs to the same command, by an entry point of the group `conduit.commands`: a function that takes
the application.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from conduit_operate.commands import (
    access,
    audit,
    backup,
    console,
    dead_letters,
    duty,
    force,
    hub,
    lag,
    outbox,
    outstanding,
    partner,
    passkey,
    person,
    reconcile,
    signing_key,
    status,
    topics,
    trace,
)
from conduit_operate.commands.shared import explained

GROUP = "conduit.commands"
ELSEWHERE = {
    "up": "conduit-local",
    "down": "conduit-local",
    "restart": "conduit-local",
    "demo": "conduit-local",
    "conformance": "conduit-conformance",
}
"""Commands that somebody may well look for here, and the distribution that brings them."""


class Explaining(TyperGroup):
    """Whatever goes away in the middle of a command, it ends with a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        with explained():
            return super().invoke(ctx)


def build(others: dict[str, Callable[[typer.Typer], None]]) -> typer.Typer:
    """The whole command: what operators need, and what `others` add, by the distribution's name."""
    app = typer.Typer(cls=Explaining, no_args_is_help=True, add_completion=False)
    app.callback()(_options)
    for add in others.values():
        add(app)
    app.add_typer(partner.app, name="partner")
    app.add_typer(force.app, name="force")
    app.add_typer(person.app, name="person")
    app.add_typer(passkey.app, name="passkey")
    app.add_typer(signing_key.app, name="signing-key")
    app.add_typer(hub.app, name="hub")
    app.add_typer(duty.app, name="duty")
    app.add_typer(topics.app, name="topics")
    app.add_typer(dead_letters.app, name="dead-letters")
    app.add_typer(outbox.app, name="outbox")
    app.add_typer(console.app, name="console")
    app.command("status", epilog=status.EXITS)(status.status)
    app.command("lag", epilog=lag.EXITS)(lag.lag)
    app.command("handoffs", epilog=outstanding.EXITS)(outstanding.handoffs)
    app.command("reviews", epilog=outstanding.EXITS)(outstanding.reviews)
    app.command("notices", epilog=outstanding.EXITS)(outstanding.notices)
    app.command("trace", epilog=trace.EXITS)(trace.trace)
    app.command("reconcile", epilog=reconcile.EXITS)(reconcile.reconcile)
    app.command("backup", epilog=backup.BACKUP_EXITS)(backup.backup)
    app.command("restore", epilog=backup.RESTORE_EXITS)(backup.restore)
    app.command("wind-back", epilog=backup.WIND_BACK_EXITS)(backup.wind_back)
    app.command("access", epilog=access.EXITS)(access.access)
    app.command("audit", epilog=audit.EXITS)(audit.audit)
    for name, distribution in ELSEWHERE.items():
        if distribution not in others:
            _say_what_is_missing(app, name, distribution)
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"conduit {version('conduit-operate')}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Say which release this is.")
    ] = False,
) -> None:
    """The referral conduit."""


def _say_what_is_missing(app: typer.Typer, name: str, distribution: str) -> None:
    def missing() -> None:
        typer.echo(f"`conduit {name}` needs {distribution}, which is not installed here", err=True)
        raise typer.Exit(1)

    anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name, help=f"Needs {distribution}, which is not installed here.", context_settings=anything)(missing)


def installed() -> dict[str, Callable[[typer.Typer], None]]:
    """What the distributions installed here add, in the order of their names."""
    found = sorted(entry_points(group=GROUP), key=lambda each: each.name)
    return {each.name: each.load() for each in found}


app = build(installed())

if __name__ == "__main__":
    app()
