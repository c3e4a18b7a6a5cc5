"""The `conduit` command. Each sub-command lives in a module of its own and is only registered here."""

from __future__ import annotations

import typer

from conduit_local import attach, up
from conduit_local.demo import command

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The referral conduit on this machine.")
app.command("up")(up.up)
app.command("down")(attach.down)
app.command("status")(attach.status)
app.command("demo")(command.demo)

if __name__ == "__main__":
    app()
