"""`conduit restart`: one service of a stack that another process runs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from conduit_contracts.topics import SERVICES
from conduit_local import restarts
from conduit_operate import lock
from conduit_operate.commands.shared import StateDir
from conduit_operate.env_file import read_env_file, urls_variable
from conduit_operate.health import is_ready
from conduit_operate.polling import wait_until

HEARD_SECONDS = 120.0
"""A stopping service may take 25 s for each of its processes."""
READY_SECONDS = 120.0


def restart(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    state_dir: StateDir,
) -> None:
    """Stop a service and start it again, one process after the other; returns when all of them are ready.

    It finishes the work in hand and goes on where it left off. Exit codes: 0 it is ready again, 1 it is not, 2 misuse.
    """
    if service not in SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")
    began = time.monotonic()
    pid = lock.holder(state_dir)
    urls = read_env_file(state_dir).get(urls_variable(service), "")
    if pid is None or not urls:
        why = "nothing runs" if pid is None else "the stack is still starting"
        typer.echo(f"{why} in {state_dir}", err=True)
        raise typer.Exit(1)
    try:
        _ask(state_dir, service, pid)
        for url in urls.split(","):
            wait_until(partial(is_ready, url), f"{service} at {url} is not ready", READY_SECONDS, lambda: None)
    except TimeoutError as error:
        typer.echo(f"{error}; its log is in {state_dir / 'logs'}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{service} was started again and is ready, after {time.monotonic() - began:.1f} s")


def _ask(state_dir: Path, service: str, pid: int) -> None:
    restarts.order(state_dir, service)
    try:
        otherwise = f"process {pid}, which runs the stack, has not started {service} again"
        wait_until(lambda: not restarts.waits(state_dir, service), otherwise, HEARD_SECONDS, lambda: None)
    finally:
        restarts.done(state_dir, service)
