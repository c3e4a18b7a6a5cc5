"""`conduit up`: everything in the foreground, with a table of what runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from conduit_local.demo.engagement import fill_engagement
from conduit_local.demo.register_samples import register_samples
from conduit_local.greeting import greeting
from conduit_local.keeper import Keeper
from conduit_local.observability.observed import Observed
from conduit_local.observability.programs import must_be_installed
from conduit_local.rows import Row
from conduit_local.stack import Options, Stack
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import StateDir
from conduit_operate.commands.tables import fitting, table
from conduit_operate.lock import AlreadyRunningError

REFRESH_SECONDS = 1.0
ALONE = "ready; Kafka and PostgreSQL run alone. Ctrl-C ends them"
COLOURS = {"ready": "green", "external": "green"}


EXITS = exits("it was ended", "it could not start; the text says why")


def up(
    state_dir: StateDir,
    log_level: Annotated[str, typer.Option(help="Of the services: DEBUG, INFO, WARNING or ERROR.")] = "INFO",
    secured: Annotated[bool, typer.Option("--secured/--plain", help="Whether Kafka asks for TLS and passwords.")] = True,
    replicas: Annotated[int, typer.Option(min=1, help="Processes of each service.")] = 1,
    observe: Annotated[bool, typer.Option("--observe", help="Run Prometheus and Alertmanager beside them.")] = False,
    servers: Annotated[
        bool, typer.Option("--servers", help="Run Kafka and PostgreSQL alone, as for `conduit restore`.")
    ] = False,
) -> None:
    """Run Kafka, PostgreSQL, an SMTP sink, an identity provider and the services until Ctrl-C or `conduit down`.

    What ends by itself is started again, after a pause that grows from a second to a minute while it keeps ending.
    """
    options = Options(
        log_level=log_level,
        secured=secured,
        prepare=(lambda _: None) if servers else register_samples,
        replicas=replicas,
        observed=observe and not servers,
        scanner=not servers,
        signer=not servers,
        pages=not servers,
        servers_alone=servers,
    )
    raise typer.Exit(run(state_dir, options))


def run(state_dir: Path, options: Options) -> int:
    """Until a signal ends it; the exit code is 1 when it could not start."""
    console = Console()
    stack = Stack(state_dir, options, tell=console.print)
    try:
        if options.observed:
            must_be_installed()
        with _ended_by_signals(), _table(console, stack), stack, _observed(console, stack):
            if options.pages:
                fill_engagement(stack)
            told = [ALONE] if options.servers_alone else greeting(stack)
            console.print("\n".join(told), soft_wrap=True, markup=False, highlight=False)
            _watch(console, stack)
    except KeyboardInterrupt:
        console.print("stopped")
    except (AlreadyRunningError, RuntimeError, TimeoutError, ValueError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    return 0


@contextmanager
def _observed(console: Console, stack: Stack) -> Iterator[None]:
    """Says where to look, where somebody asked for it."""
    if not stack.options.observed:
        yield
        return
    with Observed(stack) as watch:
        for name, url in watch.env().items():
            console.print(f"{name}: {url}")
        yield


def _watch(console: Console, stack: Stack) -> NoReturn:
    """Says what changes, and keeps it running; the table, where there is one, shows it as well."""

    def tell(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False, highlight=False)

    states: dict[str, str] = {}
    keeper = Keeper(stack.parts, stack.state_dir, stack.restart, tell)
    while True:
        keeper.look()
        for row in stack.rows():
            if states.get(row.name) != row.state:
                states[row.name] = row.state
                if not console.is_terminal or row.state.startswith("ended"):
                    console.print(f"{row.name}: {row.state} {row.address} {row.log or ''}", soft_wrap=True)
        threading.Event().wait(REFRESH_SECONDS)


@contextmanager
def _table(console: Console, stack: Stack) -> Iterator[None]:
    """A live table on a terminal; nothing where output goes to a file."""
    if not console.is_terminal:
        yield
        return
    with Live(
        console=console, get_renderable=lambda: render(stack.rows(), console.width), refresh_per_second=1 / REFRESH_SECONDS
    ):
        yield


def render(rows: list[Row], width: int) -> Table | Text:
    """On so many columns, with every address whole. Where the logs are is said once, not in each row."""
    shown = table("process", "state", "pid", "address")
    for row in rows:
        colour = COLOURS.get(row.state, "red" if row.state.startswith("ended") else "yellow")
        shown.add_row(row.name, Text(row.state, colour), str(row.pid or ""), row.address)
    return fitting(shown, width)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """`conduit down` and a closing terminal end it as Ctrl-C does; once it is ending, further signals are not heard."""

    def end(*_: object) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, end) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            with suppress(TypeError):  # None: set by something other than Python
                signal.signal(number, handler)
