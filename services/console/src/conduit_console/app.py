"""Wires the console together."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httpx
from starlette.types import ASGIApp

from conduit_chassis import postgres
from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.outbox import Outbox
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.postgres import Connection
from conduit_console import batch, content, metrics, passkeys
from conduit_console.commanding import Commanding, SignerClient
from conduit_console.files import IntakeFiles
from conduit_console.following import keep_current, measure, rebuild_left
from conduit_console.grounds import ShownPolicy, read_shown_policy
from conduit_console.handlers import HANDLERS
from conduit_console.pages.front import create_console, create_streams
from conduit_console.queries.news import Newest
from conduit_console.readers import READERS
from conduit_console.rebuilding import RELEASE, SNAPSHOTS
from conduit_console.settings import ConsoleSettings
from conduit_console.work import ConsoleWork
from conduit_contracts.programme import HubPersonRegistered
from conduit_contracts.topics import DUTIES, OFFICERS
from conduit_web import MIGRATIONS, running
from conduit_web.running import desk_settings
from conduit_web.settings import DeskSettings
from conduit_web.streams import Streams

MEASURE_SECONDS = 5.0
FORGET_EVERY, FORGET_BATCH = timedelta(hours=6), 500
SETTLE_EVERY = timedelta(seconds=10)
"""A passkey is in the register for longer, even if it is confirmed by mistake and taken out at once."""


@dataclass(frozen=True)
class PagesBasis:
    """What pages stand on: who is who, what the policy says, and who signs. None where no pages are served."""

    desk: DeskSettings
    policy: ShownPolicy
    people: PeopleFollower
    signer: SignerClient
    news: Streams[Newest]
    files: IntakeFiles | None


def start(runtime: Runtime) -> PagesBasis | None:
    """Raises ConfigurationError where pages are wanted and cannot be."""
    settings = cast("ConsoleSettings", runtime.settings)
    if settings.public_url is None:
        return None
    if settings.policy_file is None:
        raise ConfigurationError("POLICY_FILE is needed: the pages show its thresholds")
    signer = _signer(settings)
    desk = desk_settings()
    people = PeopleFollower(settings, runtime.clock, name="console", topics=(OFFICERS,))
    streams = create_streams(runtime, desk, people)
    return PagesBasis(desk, read_shown_policy(settings.policy_file), people, signer, streams, _files(settings))


def _signer(settings: ConsoleSettings) -> SignerClient:
    if settings.signer_url is None or urlsplit(settings.signer_url).scheme not in {"http", "https"}:
        raise ConfigurationError("SIGNER_URL is needed: nobody can decide on the pages without the signer")
    _check_token("SIGNER_TOKEN", settings.token, "the signer asks who calls it")
    return SignerClient(httpx.AsyncClient(trust_env=False), settings.signer_url, settings.token)


def _files(settings: ConsoleSettings) -> IntakeFiles | None:
    if settings.intake_url is None:
        return None
    if urlsplit(settings.intake_url).scheme not in {"http", "https"}:
        raise ConfigurationError("INTAKE_URL is not an address")
    _check_token("INTAKE_TOKEN", settings.token_for_intake, "intake asks who calls it")
    return IntakeFiles(httpx.AsyncClient(trust_env=False), settings.intake_url, settings.token_for_intake)


def _check_token(name: str, read: Callable[[], str], why: str) -> None:
    try:
        token = read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}_FILE cannot be read ({type(error).__name__})") from None
    if not token:
        raise ConfigurationError(f"{name}_FILE or {name} is needed: {why}")


def routes(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
    """The pages, where there are any."""
    basis: PagesBasis | None = runtime.context
    return () if basis is None else (("/", _console(runtime, basis)),)


def _console(runtime: Runtime, basis: PagesBasis) -> ASGIApp:
    commands = Commanding(runtime.transaction, basis.signer)
    return create_console(runtime, basis.desk, basis.policy, basis.people, commands, basis.news, basis.files)


def people_of(runtime: Runtime) -> PeopleFollower | None:
    """Who is who; None where no pages are served."""
    basis: PagesBasis | None = runtime.context
    return None if basis is None else basis.people


async def tell_news(runtime: Runtime) -> None:
    """The worker that tells open pages that there is something new. When it is cancelled, they let go of this process."""
    basis: PagesBasis | None = runtime.context
    if basis is not None:
        await basis.news.run()


async def forget_calls(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Delete whom to call about duty tasks, when the topic has forgotten it as well."""
    return await content.forget_calls(connection, runtime.clock.now() - DUTIES.retention, FORGET_BATCH)


async def settle_passkeys(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Forget the offers of passkeys that administrators have confirmed, while the register still has them."""
    people = people_of(runtime)
    if people is None or people.not_ready() is not None:
        return 0
    return await passkeys.settle(connection, (each for each in people.everybody() if isinstance(each, HubPersonRegistered)))


def create_service() -> Service[ConsoleWork]:
    """The console."""
    return Service(
        "console",
        handlers=HANDLERS,
        load=batch.load,
        save=batch.save,
        parts=batch.parts,
        built_from=SNAPSHOTS,
        start=start,
        migrations=Path(__file__).parent / "migrations",
        brought=(MIGRATIONS,),
        settings=ConsoleSettings,
        workers=(
            Worker("keep_current", keep_current),
            Worker("measure", measure_all),
            *running.people_workers(people_of),
            Worker("tell_news", tell_news),
        ),
        ticks=(
            Tick("forget_calls", FORGET_EVERY, forget_calls, batch=FORGET_BATCH),
            Tick("settle_passkeys", SETTLE_EVERY, settle_passkeys),
            RELEASE,
        ),
        routes=routes,
        readers=READERS,
    )


async def measure_all(runtime: Runtime) -> None:
    """The worker that keeps the gauges of what waits."""
    while True:
        async with postgres.connection(runtime.pool) as connection:
            waiting, unclaimed, behind = await measure(connection, runtime.clock.now())
            left = await rebuild_left(connection)
        metrics.QUESTIONS.set(waiting)
        metrics.UNCLAIMED.set(unclaimed)
        if behind is not None:
            metrics.BEHIND.set(behind)
        metrics.REBUILD_SNAPSHOTS_LEFT.set(left)
        await asyncio.sleep(MEASURE_SECONDS)


SERVICE = create_service()
