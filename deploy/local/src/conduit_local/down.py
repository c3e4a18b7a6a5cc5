"""`conduit down`: for a stack that another process runs."""

from __future__ import annotations

import os
import signal

import typer

from conduit_operate import lock
from conduit_operate.commands.shared import StateDir, explained
from conduit_operate.polling import wait_until

STOP_SECONDS = 60.0


def down(state_dir: StateDir) -> None:
    """Stop what `conduit up` runs in this state directory, and wait until it has ended."""
    pid = lock.holder(state_dir)
    if pid is None:
        typer.echo(f"nothing runs in {state_dir}")
        return
    os.kill(pid, signal.SIGTERM)
    with explained():
        wait_until(lambda: lock.holder(state_dir) is None, f"process {pid} has not ended", STOP_SECONDS, lambda: None)
    typer.echo("stopped")
