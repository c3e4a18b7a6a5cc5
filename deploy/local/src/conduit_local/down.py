"""`conduit down`: for a stack that another process runs."""

from __future__ import annotations

import json
import os
import signal

import typer

from conduit_operate import lock
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import AsJson, StateDir, explained
from conduit_operate.polling import wait_until

STOP_SECONDS = 60.0


EXITS = exits("nothing runs any more", "it has not ended")


def down(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Stop what `conduit up` runs in this state directory, and wait until it has ended."""
    pid = lock.holder(state_dir)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        with explained():
            wait_until(lambda: lock.holder(state_dir) is None, f"process {pid} has not ended", STOP_SECONDS, lambda: None)
    if as_json:
        typer.echo(json.dumps({"applied": pid is not None, "pid": pid}))
    else:
        typer.echo(f"nothing runs in {state_dir}" if pid is None else "stopped")
