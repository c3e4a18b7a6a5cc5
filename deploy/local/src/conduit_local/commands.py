"""What this distribution adds to the `conduit` command."""

from __future__ import annotations

import typer

from conduit_local import down, restart, up
from conduit_local.demo import command


def add(app: typer.Typer) -> None:
    """Register the commands of a stack on this machine."""
    app.command("up", epilog=up.EXITS)(up.up)
    app.command("down", epilog=down.EXITS)(down.down)
    app.command("restart", epilog=restart.EXITS)(restart.restart)
    app.command("demo", epilog=command.EXITS)(command.demo)
