"""The `conduit` command. Each sub-command lives in a module of its own and is only registered here."""

from __future__ import annotations

import typer

from conduit_local import (
    access_command,
    attach,
    audit_command,
    dead_letter_commands,
    duty_commands,
    force_commands,
    hub_commands,
    outbox_commands,
    partner_commands,
    topic_commands,
    up,
)
from conduit_local.conformance import command as conformance
from conduit_local.demo import command

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The referral conduit on this machine.")
app.command("up")(up.up)
app.command("down")(attach.down)
app.command("status")(attach.status)
app.command("demo")(command.demo)
app.add_typer(partner_commands.app, name="partner")
app.add_typer(force_commands.app, name="force")
app.add_typer(hub_commands.app, name="hub")
app.add_typer(duty_commands.app, name="duty")
app.add_typer(topic_commands.app, name="topics")
app.add_typer(dead_letter_commands.app, name="dead-letters")
app.add_typer(outbox_commands.app, name="outbox")
app.command("access")(access_command.access)
app.command("audit")(audit_command.audit)
app.add_typer(conformance.app, name="conformance")

if __name__ == "__main__":
    app()
