"""`conduit demo`: the sample referrals through a stack of their own, from partners to acknowledged hand-offs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from conduit_contracts.topics import SERVICES
from conduit_local import stack
from conduit_local.demo import report
from conduit_local.demo.engagement import fill_engagement
from conduit_local.demo.observations import Outcome
from conduit_local.demo.result import Options, Result
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import Sample, load_samples
from conduit_local.greeting import greeting
from conduit_local.services import POLICY_FILE
from conduit_local.stack import Stack
from conduit_operate.commands.exits import exits
from conduit_operate.paths import default_state_dir

POLICY = POLICY_FILE.with_name("demo.toml")
WIDTH = 200
"""Of the table where the output is no terminal."""
SHOW_SECONDS = 1.0

EXITS = exits("every referral came to what was expected of it", "one did not, or it could not start")


def demo(
    only: Annotated[list[str] | None, typer.Option(help="Numbers of the samples to run; all of them by default.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep data and logs of the run, and say where.")] = False,
    secured: Annotated[bool, typer.Option("--secured/--plain", help="Whether Kafka asks for TLS and passwords.")] = True,
    stay: Annotated[bool, typer.Option("--stay", help="Let it run until Ctrl-C, to look at it in the console.")] = False,
    report_to: Annotated[
        Path | None, typer.Option("--report", help="Where to write what came of it; .conduit/demo.json.")
    ] = None,
) -> None:
    """Run every sample referral on real Kafka and PostgreSQL, and compare what comes of each with what is expected."""
    began = time.monotonic()
    console = Console() if Console().is_terminal else Console(width=WIDTH)
    samples = [sample for sample in load_samples() if not only or sample.number in only]
    folder = Path(tempfile.mkdtemp(prefix="conduit-demo-"))
    try:
        result, started = _run(console, samples, folder, secured=secured, stay=stay)
    except BaseException:
        keep = True
        raise
    finally:
        if keep:
            console.print(f"data and logs: {folder}", highlight=False)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    total = time.monotonic() - began
    written = report_to or default_state_dir() / "demo.json"
    report.write(written, result, seconds_to_start=round(started, 3), seconds_in_all=round(total, 3))
    report.show(console, result)
    console.print(f"{started:.1f} s to start, {total:.1f} s in all; details in {written}", highlight=False)
    raise typer.Exit(0 if result.as_expected else 1)


def stack_options(extra_env: Mapping[str, str] | None = None, *, secured: bool = True, pages: bool = False) -> stack.Options:
    """A stack on which the samples come to what is expected: short clocks, and webhooks to this machine."""
    shared = {"WEBHOOK_ALLOW_HTTP": "true", "SMTP_SECONDS": "2", **(extra_env or {})}
    return stack.Options(policy_file=POLICY, extra_env=dict.fromkeys(SERVICES, shared), secured=secured, pages=pages)


def _run(console: Console, samples: list[Sample], folder: Path, *, secured: bool, stay: bool) -> tuple[Result, float]:
    began = time.monotonic()
    with Stack(folder, stack_options(secured=secured, pages=stay), tell=console.print) as running:
        started = time.monotonic() - began
        console.print(f"sending {len(samples)} referrals")
        with _progress(console) as show:
            result = asyncio.run(run_samples(running, samples, Options(show=show)))
        if stay:
            _stay(console, running)
        return result, started


def _stay(console: Console, running: Stack) -> None:
    """Until Ctrl-C."""
    fill_engagement(running)
    console.print("\n".join(greeting(running)), soft_wrap=True, markup=False, highlight=False)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[dict[str, Outcome]], None]]:
    """Counts per stage: in place on a terminal, a line whenever they changed elsewhere."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=5) as live:
            yield lambda outcomes: live.update(Text(report.stage_line(outcomes)))
        return
    yield _Lines(console).show


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console, self._last, self._at = console, "", 0.0

    def show(self, outcomes: dict[str, Outcome]) -> None:
        if time.monotonic() - self._at < SHOW_SECONDS:
            return
        line = report.stage_line(outcomes)
        if line != self._last:
            self._console.print(line, highlight=False)
            self._last = line
        self._at = time.monotonic()
