"""What the commands share: their options, finding the broker, and saying what went wrong.

Without --apply nothing is changed. With --json, a command that changes something prints an object which says by `applied`
whether it did; its `steps`, where it has any, are objects of `do`, `what` and `name`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from conduit_contracts.forms import FORMS
from conduit_contracts.ids import PartnerId
from conduit_contracts.texts import shows_something
from conduit_contracts.topics import SERVICES
from conduit_operate import lock
from conduit_operate.audit import AuditError, is_actor, is_reason
from conduit_operate.broker import Broker, external_broker, local_broker
from conduit_operate.copies import CopiesError
from conduit_operate.env_file import read_env_file
from conduit_operate.failures import DATABASE, why_not
from conduit_operate.http_clients import AwayError
from conduit_operate.onboarding import MisuseError, OnboardingError, UnknownError
from conduit_operate.paths import default_state_dir
from conduit_operate.quotas import QuotaError
from conduit_operate.register import RegisterError
from conduit_operate.secured import PROTOCOL, authority_path
from conduit_operate.topics import TopicError

MOST_DAYS = 3_650
"""How far a command looks back or ahead at most: nothing is kept for longer, and years have an end."""
MISUSE = 2
"""Exit code where what was typed can never be done."""
LENGTHS = "--actor is a name of at most 100 characters on one line, and --reason has at most 1,000 characters"
NOTHING_FOUND = 3
"""Exit code of a command that was to change or show something which is not there."""

_IDENTITY: TypeAdapter[str] = TypeAdapter(PartnerId)
"""A force's has the same form."""

Apply = Annotated[bool, typer.Option("--apply", help="Carry the plan out. Without it the plan is only shown.")]
Actor = Annotated[
    str, typer.Option(help="Who does this. Required with --apply, and kept in the audit.", envvar="CONDUIT_ACTOR")
]
Reason = Annotated[str, typer.Option(help="Why. Required with --apply, and kept in the audit.")]


def well_formed(identity: str) -> str:
    """A partner's or force's id as it was typed.

    Raises:
        BadParameter: nobody can have it.
    """
    try:
        return _IDENTITY.validate_python(identity)
    except ValidationError as error:
        raise typer.BadParameter(f"{identity!r} can be nobody's id: {_problems(error)}") from None


def a_number(value: float) -> float:
    """A number as it was typed. "nan" is within all limits.

    Raises:
        BadParameter: it is none.
    """
    if isnan(value):
        raise typer.BadParameter("give a number")
    return value


def no_such_service(service: str | None) -> str | None:
    """The service as it was typed, or None.

    Raises:
        BadParameter: there is no such service.
    """
    if service is not None and service not in SERVICES:
        raise typer.BadParameter(f"there is no service {service}; there are {', '.join(SERVICES)}")
    return service


_ONE_OF = f"One of {', '.join(SERVICES)}."
Service = Annotated[str, typer.Argument(help=_ONE_OF, callback=no_such_service)]
AnyService = Annotated[str | None, typer.Argument(help=f"{_ONE_OF} All by default.", callback=no_such_service)]
AsJson = Annotated[
    bool, typer.Option("--json", help="JSON on standard output: an array where the command lists things, else one object.")
]
DEFAULT_STATE_DIR = ".conduit at the root of the checkout"
StateDir = Annotated[
    Path,
    typer.Option(
        help="Where data, logs and passwords are kept.", default_factory=default_state_dir, show_default=DEFAULT_STATE_DIR
    ),
]

EXPECTED = (AuditError, AwayError, CopiesError, OnboardingError, QuotaError, RegisterError, TopicError, TimeoutError)
AGAIN = "What was begun may not be done: do it again"


@contextmanager
def explained() -> Iterator[None]:
    """What may well go wrong is said in a sentence, and ends with exit code 1; misuse with 2, what is not there with 3.

    Every command as a whole is in here: a server may go away in the middle of any.
    """
    try:
        yield
    except MisuseError as error:
        _fail(str(error), MISUSE)
    except UnknownError as error:
        _fail(str(error), NOTHING_FOUND)
    except ValidationError as error:
        _fail(_problems(error))
    except KafkaException as error:
        _fail(f"Kafka refused: {error.args[0].str()}")
    except EXPECTED as error:
        _fail(str(error) or "it does not answer in time")
    except DATABASE as error:
        _fail(f"The database went away, or refused: {why_not(error)}. {AGAIN}")
    except KafkaError as error:
        _fail(f"Kafka went away, or refused ({type(error).__name__}). {AGAIN}")
    except BrokenPipeError:  # nobody reads what is printed any more
        raise
    except OSError as error:
        _fail(f"{': '.join(filter(None, (str(error.filename or ''), error.strerror or type(error).__name__)))}. {AGAIN}")


def steps_of(steps: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    """The steps of a plan, for programs."""
    return [{"do": do, "what": what, "name": " ".join(rest)} for do, what, *rest in steps]


@contextmanager
def typed() -> Iterator[None]:
    """What somebody typed becomes part of a message here.

    Raises:
        MisuseError: it may not be in one; says which part and why.
    """
    try:
        yield
    except ValidationError as error:
        raise MisuseError(_problems(error)) from None


def surroundings(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Where everything is: the environment says it, or else the stack that `conduit up` runs in this state directory.

    Raises:
        OnboardingError: nothing runs here, or it has not come up yet.
    """
    if environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return environ
    if lock.holder(state_dir) is None:
        raise OnboardingError(f"nothing runs in {state_dir}; start it with `conduit up`, or set KAFKA_BOOTSTRAP_SERVERS")
    env = read_env_file(state_dir)
    if not env:
        raise OnboardingError(f"the stack in {state_dir} is still starting; try again in a moment")
    return env


def reach(state_dir: Path, environ: Mapping[str, str] = os.environ) -> Broker:
    """The broker that the environment names, else the one that `conduit up` runs in this state directory.

    Raises:
        OnboardingError: there is neither, or its administrator is not known.
    """
    env = surroundings(state_dir, environ)
    if env is environ:
        try:
            return external_broker(state_dir.absolute(), environ)
        except ValueError as error:
            raise OnboardingError(str(error)) from None
    secured = env.get("KAFKA_SECURITY_PROTOCOL") == PROTOCOL
    if secured and not authority_path(state_dir).exists():
        raise OnboardingError(
            "`conduit up` runs over a Kafka that is not its own; set KAFKA_BOOTSTRAP_SERVERS, KAFKA_SECURITY_PROTOCOL, "
            "KAFKA_CA_FILE, KAFKA_ADMIN_USERNAME and KAFKA_ADMIN_PASSWORD here too"
        )
    return local_broker(state_dir, env["KAFKA_BOOTSTRAP_SERVERS"], secured=secured)


def must_be_known(*, apply: bool, actor: str, reason: str) -> None:
    """Raises BadParameter where something is to be done without saying who does it and why."""
    if apply and not (shows_something(actor) and shows_something(reason)):
        raise typer.BadParameter("--apply needs --actor and --reason: the audit keeps who did what and why")
    if (actor and not is_actor(actor)) or (reason and not is_reason(reason)):
        raise typer.BadParameter(LENGTHS)


def spelt(value: object) -> str:
    """What JSON has no form for: a time is as everywhere else, the rest as text."""
    return value.isoformat() if isinstance(value, date) else str(value)


def _problems(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False)
    return "\n".join(_problem(each["loc"], _said(each)) for each in found)


def _said(problem: ErrorDetails) -> str:
    """In words: a pattern has a sentence of its own."""
    pattern = problem.get("ctx", {}).get("pattern")
    return f"give {FORMS[pattern]}" if pattern in FORMS else problem["msg"].removeprefix("Value error, ")


def _problem(location: tuple[int | str, ...], text: str) -> str:
    return ": ".join(filter(None, (".".join(map(str, location)), text)))


def _fail(text: str, code: int = 1) -> None:
    typer.echo(text, err=True)
    raise typer.Exit(code)
