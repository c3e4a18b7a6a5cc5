"""What this distribution adds to the `conduit` command."""

from __future__ import annotations

import typer

from conduit_local import down, restart, up
from conduit_local.demo import command


def add(app: typer.Typer) -> None:
    """Register the commands of a stack on this machine."""
    app.command("up")(up.up)
    app.command("down")(down.down)
    app.command("restart")(restart.restart)
    app.command("demo")(command.demo)
