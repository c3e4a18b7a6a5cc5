"""`conduit restart`: one service of a stack that another process runs."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import typer

from conduit_local import restarts
from conduit_operate import lock
from conduit_operate.commands.shared import Service, StateDir, explained, surroundings
from conduit_operate.env_file import urls_variable
from conduit_operate.health import is_ready
from conduit_operate.onboarding import OnboardingError
from conduit_operate.polling import wait_until

HEARD_SECONDS = 120.0
"""A stopping service may take 25 s for each of its processes."""
READY_SECONDS = 120.0


def restart(service: Service, state_dir: StateDir) -> None:
    """Stop a service and start it again, one process after the other; returns when all of them are ready.

    It finishes the work in hand and goes on where it left off. Exit codes: 0 it is ready again, 1 it is not, 2 misuse.
    """
    with explained():
        urls = surroundings(state_dir, {})[urls_variable(service)].split(",")
        began = time.monotonic()
        try:
            _ask(state_dir, service)
            for url in urls:
                wait_until(partial(is_ready, url), f"{service} at {url} is not ready", READY_SECONDS, lambda: None)
        except TimeoutError as error:
            raise OnboardingError(f"{error}; its log is in {state_dir / 'logs'}") from None
    typer.echo(f"{service} was started again and is ready, after {time.monotonic() - began:.1f} s")


def _ask(state_dir: Path, service: str) -> None:
    restarts.order(state_dir, service)
    try:
        otherwise = f"process {lock.holder(state_dir)}, which runs the stack, has not started {service} again"
        wait_until(lambda: not restarts.waits(state_dir, service), otherwise, HEARD_SECONDS, lambda: None)
    finally:
        restarts.done(state_dir, service)
