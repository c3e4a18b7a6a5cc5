"""`conduit status`: what runs, as a stack's own file names it."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from conduit_contracts.topics import SERVICES
from conduit_operate import lock
from conduit_operate.commands.shared import StateDir
from conduit_operate.env_file import read_env_file, url_variable
from conduit_operate.health import accepts_at, is_ready


def status(state_dir: StateDir) -> None:
    """Show what runs; the exit code is 0 when all of it is ready."""
    if lock.holder(state_dir) is None:
        typer.echo(f"nothing runs in {state_dir}; start it with `conduit up`")
        raise typer.Exit(1)
    found = _look(state_dir)
    table = Table()
    for name in ("part", "address", "ready"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for name, (address, ready) in found.items():
        table.add_row(name, address, "yes" if ready else "no")
    Console().print(table)
    if not found or not all(ready for _, ready in found.values()):
        raise typer.Exit(1)


def _look(state_dir: Path) -> dict[str, tuple[str, bool]]:
    """Address and readiness by part; empty while the stack is still starting."""
    env = read_env_file(state_dir)
    if not env:
        return {}
    sockets = {
        "kafka": env["KAFKA_BOOTSTRAP_SERVERS"].split(",")[0],
        "postgres": env["POSTGRES_DSN"].rpartition("@")[2].partition("/")[0],
        "smtp": f"{env['SMTP_HOST']}:{env['SMTP_PORT']}",
    }
    urls = {name: env[url_variable(name)] for name in SERVICES if url_variable(name) in env}
    return {name: (address, accepts_at(address)) for name, address in sockets.items()} | {
        name: (url, is_ready(url)) for name, url in urls.items()
    }
