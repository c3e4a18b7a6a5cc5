"""`conduit conformance partner` and `conduit conformance force`."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer
from confluent_kafka import KafkaException
from rich.console import Console

from conduit_conformance import report
from conduit_conformance.force_run import Patience, run_force
from conduit_conformance.partner_run import run_partner
from conduit_conformance.sandbox import SandboxError, sandbox
from conduit_conformance.subject import Subject
from conduit_conformance.verdict import Verdict
from conduit_contracts.topics import FORCE, FORCE_CASES, PARTNER, PARTNER_REFERRALS, Topic
from conduit_local.children import ChildError
from conduit_operate.broker import Broker

app = typer.Typer(no_args_is_help=True, help="Test a connector in a sandbox, and say what fails and why.")

EXITS = "Exit codes: 0 it conforms; 1 something fails or was not seen; 2 misuse, or the run could not be made."
EXPECTED = (ChildError, KafkaException, RuntimeError, SandboxError, TimeoutError)
Run = Annotated[str | None, typer.Option(help="The connector's command. Without it, start the connector yourself.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Try = Callable[[Broker, Subject, Callable[[str], None]], Verdict]


@app.command("force", epilog=EXITS)
def force(
    force_id: Annotated[
        str, typer.Argument(metavar="ID", help="The force whose connector is tested, as named in its topics.")
    ],
    run: Run = None,
    receipt_seconds: Annotated[float, typer.Option(min=1, help="How long to wait for the receipt of a case.")] = 15.0,
    answer_seconds: Annotated[float, typer.Option(min=1, help="How long people have to answer every case.")] = 30.0,
    attach_seconds: Annotated[float, typer.Option(min=1, help="How long to wait for the connector's first record.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Send synthetic cases, with unreadable records and duplicates, and judge the connector's answers."""
    patience = Patience(attach=attach_seconds if run is None else 60.0, receipt=receipt_seconds, answer=answer_seconds)
    _conform(
        FORCE, force_id, run, lambda broker, subject, tell: run_force(broker, force_id, subject, patience, tell), as_json
    )


@app.command("partner", epilog=EXITS)
def partner(
    partner_id: Annotated[
        str, typer.Argument(metavar="ID", help="The partner whose sender is tested, as named in its topics.")
    ],
    run: Run = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to watch.")] = 300.0,
    as_json: AsJson = False,
) -> None:
    """Watch what the partner sends, answer as the hub does, reject one referral, and judge every record."""
    _conform(
        PARTNER,
        partner_id,
        run,
        lambda broker, subject, tell: run_partner(broker, partner_id, subject, seconds, tell),
        as_json,
    )


def add(conduit: typer.Typer) -> None:
    """Register these among the commands of `conduit`."""
    conduit.add_typer(app, name="conformance")


def _conform(kind: str, identity: str, command: str | None, attempt: Try, as_json: bool) -> None:
    console, notes = Console(), Console(stderr=True)

    def tell(text: str) -> None:
        notes.print(text, highlight=False, markup=False, soft_wrap=True)

    topic: Topic = FORCE_CASES if kind == FORCE else PARTNER_REFERRALS
    try:
        topic.name(identity)
        _find(command)
        with sandbox(kind, identity, os.environ, tell) as broker:
            subject = Subject(broker, kind, identity, command)
            _say_how_to_attach(broker, subject, identity, tell)
            verdict = attempt(broker, subject, tell)
            subject.kill()
    except EXPECTED as error:
        _fail(notes, str(error))
    except ValueError as error:
        _fail(notes, f"{identity!r}: {error}")
    if as_json:
        typer.echo(report.to_json(verdict))
    else:
        report.show(console, verdict)
    raise typer.Exit(0 if verdict.conforms else 1)


def _find(command: str | None) -> None:
    """Before a sandbox is made for nothing."""
    program = next(iter(shlex.split(command or "")), None)
    if program is not None and shutil.which(program) is None:
        raise ChildError(f"the connector could not be started: there is no program {program}")


def _say_how_to_attach(broker: Broker, subject: Subject, identity: str, tell: Callable[[str], None]) -> None:
    if subject.is_ours:
        return
    if subject.credentials.exists():
        tell(f"start the connector of {identity} now, with the variables of {subject.credentials}")
    else:
        tell(f"start the connector of {identity} now, at {broker.bootstrap_servers} with its own credentials")


def _fail(notes: Console, text: str) -> NoReturn:
    notes.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)
