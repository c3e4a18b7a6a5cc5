"""`conduit restart`: one service of a stack that another process runs."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import typer

from conduit_local import restarts
from conduit_operate import lock
from conduit_operate.audit import By, audited
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import (
    Actor,
    Apply,
    AsJson,
    Reason,
    Service,
    StateDir,
    explained,
    must_be_known,
    surroundings,
)
from conduit_operate.env_file import urls_variable
from conduit_operate.health import is_ready
from conduit_operate.onboarding import OnboardingError
from conduit_operate.polling import wait_until

HEARD_SECONDS = 120.0
"""A stopping service may take 25 s for each of its processes."""
READY_SECONDS = 120.0


EXITS = exits("it is ready again, or shown what would be", "it is not, or does not run here")


def restart(
    service: Service,
    state_dir: StateDir,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Restart a service, one process at a time, and wait until all are ready.

    It finishes the work in hand and goes on where it left off.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        urls = _urls(service, state_dir)
        began = time.monotonic()
        if apply:
            with audited(state_dir, By(actor, reason), "restart", service, [("restart", url) for url in urls]):
                _carry_out(service, state_dir, urls)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        typer.echo(json.dumps({"service": service, "applied": apply, "urls": urls, "seconds": seconds}))
    elif apply:
        typer.echo(f"{service} was started again and is ready, after {seconds} s")
    else:
        typer.echo(f"{service}: {len(urls)} to be started again; nothing was changed. Add --apply to carry it out")


def _urls(service: str, state_dir: Path) -> list[str]:
    """Raises OnboardingError where only the servers run."""
    found = surroundings(state_dir, {}).get(urls_variable(service))
    if not found:
        raise OnboardingError(f"{service} does not run here: only Kafka and PostgreSQL do. End them, and start `conduit up`")
    return found.split(",")


def _carry_out(service: str, state_dir: Path, urls: list[str]) -> None:
    try:
        _ask(state_dir, service)
        for url in urls:
            wait_until(partial(is_ready, url), f"{service} at {url} is not ready", READY_SECONDS, lambda: None)
    except TimeoutError as error:
        raise OnboardingError(f"{error}; its log is in {state_dir / 'logs'}") from None


def _ask(state_dir: Path, service: str) -> None:
    restarts.order(state_dir, service)
    try:
        otherwise = f"process {lock.holder(state_dir)}, which runs the stack, has not started {service} again"
        wait_until(lambda: not restarts.waits(state_dir, service), otherwise, HEARD_SECONDS, lambda: None)
    finally:
        restarts.done(state_dir, service)
