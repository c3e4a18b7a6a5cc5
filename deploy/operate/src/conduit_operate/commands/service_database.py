"""A service's own database, as an operator comes to it: what was put aside is noted there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar

import asyncpg
import typer
from aiokafka.errors import KafkaError

from conduit_chassis import preflight
from conduit_chassis.settings import Settings
from conduit_contracts.topics import OPERATOR, SERVICES
from conduit_operate.audit import By, audited
from conduit_operate.commands.shared import AGAIN, NOTHING_FOUND, explained, must_be_known, reach, surroundings
from conduit_operate.failures import DATABASE, LOST, let_go, why_not
from conduit_operate.health import PATIENCE
from conduit_operate.onboarding import OnboardingError

T = TypeVar("T")
Act: TypeAlias = Callable[[Settings, Any], Awaitable[T]]
Waiting: TypeAlias = Callable[[Any, list[int] | None], Awaitable[Sequence[Any]]]
Ids = Annotated[list[int] | None, typer.Option("--id", help="Only this one; may be given several times. All by default.")]

MOST_SHOWN = 500
"""Lines of a list for people; with --json it is whole."""


def first_of(shown: int, in_all: int) -> str:
    """What a list adds to how many there are."""
    return f"; the first {shown} are shown, all with --json" if in_all > shown else ""


ACTING_SECONDS = 60.0
"""For each answer where something is changed: given up half-way, nobody would know whether it was done."""


class Chosen(NamedTuple):
    """Of one service, what a command is about: these, or all that wait."""

    command: str
    """As the audit names it."""
    service: str
    state_dir: Path
    waiting: Waiting
    ids: list[int] | None
    named: Callable[[Any], object] = attrgetter("id")
    """What the audit says of each."""
    as_json: bool = False

    def say(self, text: str, *, applied: bool, numbers: Sequence[int], **more: object) -> None:
        """What was done, or would be, and to which numbers; `more` is for programs alone."""
        shown = {"service": self.service, "applied": applied, "numbers": list(numbers), **more}
        typer.echo(json.dumps(shown) if self.as_json else f"{self.service}: {text}")


def carry_out(chosen: Chosen, would: str, act: Act[T], *, apply: bool, actor: str, reason: str) -> T | None:
    """Do it where `apply` is given and it is known by whom and why, and note it in the audit; otherwise say of how many it
    would be.

    Raises:
        Exit: with 3 where nothing waits that it could be done to, or not all that was named.
    """
    must_be_known(apply=apply, actor=actor, reason=reason)
    found = with_connection(chosen.service, chosen.state_dir, lambda _, connection: chosen.waiting(connection, chosen.ids))
    if not found:
        typer.echo(f"{chosen.service}: nothing waits{' under these numbers' if chosen.ids else ''}", err=True)
        raise typer.Exit(NOTHING_FOUND)
    if missing := sorted({*(chosen.ids or ())} - {each.id for each in found}):
        typer.echo(f"{chosen.service}: nothing waits under {', '.join(map(str, missing))}; nothing was changed", err=True)
        raise typer.Exit(NOTHING_FOUND)
    if not apply:
        planned = f"{len(found)} {would}; nothing was changed. Add --apply to carry it out"
        chosen.say(planned, applied=False, numbers=[each.id for each in found])
        return None
    numbers = [("number", str(chosen.named(each))) for each in found]
    with explained():
        kept_in = reach(chosen.state_dir).state_dir
        with audited(kept_in, By(actor, reason), chosen.command, chosen.service, numbers):
            return with_connection(chosen.service, chosen.state_dir, act, patience=ACTING_SECONDS)


def with_connection(service: str, state_dir: Path, act: Act[T], *, patience: float = PATIENCE) -> T:
    """Do something in the service's own database, with so many seconds for each of its answers."""
    with explained():
        return _asked(service, state_dir, act, patience)


def with_all(
    asked: Mapping[str, Act[T]], state_dir: Path, *, patience: float = PATIENCE
) -> tuple[dict[str, T], dict[str, str]]:
    """The same in several services' databases, all at once: what each says, and why one could not be asked."""
    found: dict[str, T] = {}
    away: dict[str, str] = {}
    if not asked:
        return found, away
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = {service: pool.submit(_asked, service, state_dir, act, patience) for service, act in asked.items()}
    with explained():
        for service, answer in answers.items():
            try:
                found[service] = answer.result()
            except OnboardingError as error:
                away[service] = str(error)
    return found, away


def with_each(service: str | None, state_dir: Path, act: Act[T]) -> tuple[dict[str, T], bool]:
    """The same in this service's, or in every service's; and whether one could not be asked, which has been said then."""
    with explained():
        surroundings(state_dir)
    if service is not None:
        return {service: with_connection(service, state_dir, act)}, False
    found, away = with_all(dict.fromkeys(SERVICES, act), state_dir)
    say_away(away)
    return found, bool(away)


def say_away(away: Mapping[str, str]) -> None:
    """Which services could not be asked, and why."""
    for service, why in away.items():
        typer.echo(f"{service} could not be asked: {why}", err=True)


def _asked(service: str, state_dir: Path, act: Act[T], patience: float) -> T:
    return asyncio.run(_connected(_settings(service, state_dir), act, patience))


async def _connected(settings: Settings, act: Act[T], patience: float) -> T:
    try:
        connection = await asyncpg.connect(**settings.postgres_arguments(), timeout=PATIENCE, command_timeout=patience)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise OnboardingError(f"the service's database cannot be reached: {preflight.why(error)}") from None
    try:
        return await act(settings, connection)
    except (asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError):
        raise OnboardingError(
            "the service is of a release before 0.2, which this command cannot serve; upgrade it"
        ) from None
    except (*DATABASE, OSError, UnicodeError) as error:
        why = why_not(error)
        # The answer may be lost after the work was done: whoever is told "not done" might do it another way.
        lost = why == LOST or isinstance(error, TimeoutError)
        raise OnboardingError(f"{why}. {AGAIN}" if lost else f"it was not done: {why}") from None
    except KafkaError as error:
        raise OnboardingError(f"Kafka cannot be reached, or refuses the order ({type(error).__name__})") from None
    except OnboardingError:
        raise
    except ValueError as error:  # who does it, or why, is not what can be kept
        raise OnboardingError(str(error)) from None
    finally:
        await let_go(connection)


def _settings(service: str, state_dir: Path) -> Settings:
    """The service's database, and Kafka as the operator.

    Raises:
        OnboardingError: nothing says where its database is.
    """
    broker, env = reach(state_dir), surroundings(state_dir)
    variable = f"{service.upper()}_POSTGRES_DSN"
    if not env.get(variable):
        raise OnboardingError(f"set {variable}: this command reads that service's database")
    given: dict[str, Any] = {name.lower(): value for name, value in broker.environment(OPERATOR).items()}
    return Settings(**given, postgres_dsn=env[variable])
