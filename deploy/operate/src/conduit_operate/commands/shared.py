"""What `conduit partner` and `conduit force` share: their options, finding the broker, and showing a plan or its outcome.

Without --apply nothing is changed. Exit codes: 0 done or shown, 1 it cannot be done (the text says what to do), 2 misuse.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from confluent_kafka import KafkaException
from pydantic import ValidationError

from conduit_contracts.programme import PartnerRegistered
from conduit_contracts.texts import shows_something
from conduit_operate import lock
from conduit_operate.audit import By
from conduit_operate.broker import Broker, external_broker, local_broker
from conduit_operate.carry_out import alone, carry_out, contacts_of, look
from conduit_operate.clients import folder
from conduit_operate.copies import CopiesError
from conduit_operate.env_file import read_env_file
from conduit_operate.http_clients import AwayError, HttpClients
from conduit_operate.onboarding import OnboardingError
from conduit_operate.paths import default_state_dir, webhook_secrets
from conduit_operate.plans import Plan, Standing
from conduit_operate.quotas import QuotaError
from conduit_operate.register import RegisterError
from conduit_operate.secured import PROTOCOL, authority_path
from conduit_operate.topics import TopicError

Apply = Annotated[bool, typer.Option("--apply", help="Carry the plan out. Without it the plan is only shown.")]
Actor = Annotated[
    str, typer.Option(help="Who does this. Required with --apply, and kept in the audit.", envvar="CONDUIT_ACTOR")
]
Reason = Annotated[str, typer.Option(help="Why. Required with --apply, and kept in the audit.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
StateDir = Annotated[Path, typer.Option(help="Where data, logs and passwords are kept.", default_factory=default_state_dir)]

PlanOf = Callable[[Standing], Plan]
EXPECTED = (AwayError, CopiesError, OnboardingError, QuotaError, RegisterError, TopicError, TimeoutError)


@contextmanager
def explained() -> Iterator[None]:
    """What may well go wrong is said in a sentence, and ends with exit code 1."""
    try:
        yield
    except ValidationError as error:
        _fail("\n".join(_problem(each["loc"], each["msg"]) for each in error.errors(include_input=False, include_url=False)))
    except KafkaException as error:
        _fail(f"Kafka refused: {error.args[0].str()}")
    except EXPECTED as error:
        _fail(str(error))


def reach(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Broker:
    """The broker that the environment names, else the one that `conduit up` runs in this state directory.

    Raises:
        OnboardingError: there is neither, or its administrator is not known.
    """
    if environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        try:
            return external_broker(state_dir.absolute(), environ)
        except ValueError as error:
            raise OnboardingError(str(error)) from None
    env = read_env_file(state_dir)
    if lock.holder(state_dir) is None or not env:
        raise OnboardingError(f"nothing runs in {state_dir}; start it with `conduit up`, or set KAFKA_BOOTSTRAP_SERVERS")
    secured = env.get("KAFKA_SECURITY_PROTOCOL") == PROTOCOL
    if secured and not authority_path(state_dir).exists():
        raise OnboardingError(
            "`conduit up` runs over a Kafka that is not its own; set KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, "
            "KAFKA_CA_FILE, KAFKA_ADMIN_USERNAME and KAFKA_ADMIN_PASSWORD here too"
        )
    return local_broker(state_dir, env["KAFKA_BOOTSTRAP_SERVERS"], secured=secured)


def reach_intake(state_dir: Path, environ: Mapping[str, str] = os.environ) -> HttpClients | None:
    """Where intake keeps the HTTP API's clients; None where neither the environment nor a stack that runs here says it."""
    env = environ if environ.get("KAFKA_BOOTSTRAP_SERVERS") else read_env_file(state_dir)
    dsn = env.get("INTAKE_POSTGRES_DSN")
    return HttpClients(dsn, env.get("INTAKE_URL", ""), folder(state_dir.absolute()) / "http") if dsn else None


def perform(command: str, subject: tuple[str, str], plan_of: PlanOf, by: tuple[bool, str, str], state_dir: Path) -> Plan:
    """Look, plan, and where it is wanted carry out; `by` is whether to apply, who, and why."""
    apply, actor, reason = by
    must_be_known(apply=apply, actor=actor, reason=reason)
    broker = reach(state_dir)
    http = reach_intake(state_dir)
    with alone(broker.state_dir):
        standing = look(broker, *subject, http)
        if standing.unreadable:
            typer.echo(f"the last record of {standing.name} in the register cannot be read; it is ignored", err=True)
        plan = plan_of(standing)
        if apply:
            carry_out(plan, broker, By(actor, reason), command, http)
    return plan


def must_be_known(*, apply: bool, actor: str, reason: str) -> None:
    """Raises BadParameter where something is to be done without saying who does it and why."""
    if apply and not (shows_something(actor) and shows_something(reason)):
        raise typer.BadParameter("--apply needs --actor and --reason: the audit keeps who did what and why")


def show(plan: Plan, *, applied: bool, as_json: bool, state_dir: Path, notes: tuple[str, ...] = ()) -> None:
    """What was done, or what would be, and what comes after it.

    Raises:
        Exit: with 1 where something is left that could not be looked at.
    """
    notes = (*notes, *_notes(plan, state_dir.absolute()))
    files = [str(folder(state_dir.absolute()) / f"{user}.env") for user in plan.users if applied]
    files += [str(folder(state_dir.absolute()) / "http" / f"{client_id}.env") for client_id in plan.http_made if applied]
    if as_json:
        steps = [step._asdict() for step in plan.steps]
        shown = {"subject": plan.subject, "applied": applied, "steps": steps, "notes": notes, "files": files}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        _all_was_seen(plan)
        return
    for step in plan.steps:
        typer.echo(f"  {step.do} {step.what} {step.name}")
    if not plan.steps:
        typer.echo(f"{plan.subject}: nothing to do: everything is already in place")
    elif not applied:
        typer.echo(f"{plan.subject}: to do: {len(plan.steps)}; nothing was changed. Add --apply to carry it out")
    else:
        typer.echo(f"{plan.subject}: done: {len(plan.steps)}")
        for file in files:
            typer.echo(f"credentials: {file}; hand them over on a channel that only the receiver reads")
    for note in notes:
        typer.echo(f"note: {note}")
    _all_was_seen(plan)


def _all_was_seen(plan: Plan) -> None:
    if plan.http_unknown:
        typer.echo(f"{AwayError()}: {plan.subject} may still have some. Do the same again once it is back", err=True)
        raise typer.Exit(1)


def _notes(plan: Plan, state_dir: Path) -> Iterator[str]:
    kind, _, identity = plan.subject.partition(".")
    if plan.overlaps:
        yield (
            f"the old credentials work beside the new ones until `conduit {kind} rotate {identity} --finish`; run it "
            "once the new ones are in use"
        )
    for contact in contacts_of(plan.entry) if plan.entry else ():
        named = f"webhook_secret: (none) → {contact.webhook_secret}"
        if contact.webhook_secret and any(change.endswith(named) for change in plan.changes):
            secret = webhook_secrets(state_dir) / contact.webhook_secret
            yield f"webhooks to {contact.webhook_url} are signed with the secret in {secret}; the receiver needs it too"
    if isinstance(plan.entry, PartnerRegistered) and _refuses_all(plan.entry):
        yield f"no MoU of {identity} is in force, so new referrals are refused" + (
            "" if plan.removed_users else f"; `conduit partner resume {identity}` lifts a suspension"
        )


def _refuses_all(entry: PartnerRegistered) -> bool:
    return entry.suspended or all(mou.suspended for mou in entry.mous)


def _problem(location: tuple[int | str, ...], text: str) -> str:
    return f"{'.'.join(map(str, location)) or 'entry'}: {text}"


def _fail(text: str) -> None:
    typer.echo(text, err=True)
    raise typer.Exit(1)


__all__ = ["Actor", "Apply", "AsJson", "Reason", "StateDir", "explained", "must_be_known", "perform", "reach", "show"]
