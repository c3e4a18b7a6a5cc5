"""Wires the programme together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from starlette.types import ASGIApp

from conduit_chassis.app import Runtime, Service, Tick, Worker
from conduit_chassis.people_follower import PeopleFollower
from conduit_programme import batch
from conduit_programme.handlers import HANDLERS, refused
from conduit_programme.organisations.scanning import scan_documents
from conduit_programme.pages.front import create_pages
from conduit_programme.practice import keeping, overdue
from conduit_programme.readers import READERS
from conduit_programme.settings import ProgrammeSettings
from conduit_programme.work import ProgrammeWork
from conduit_web import MIGRATIONS, running
from conduit_web.settings import DeskSettings


@dataclass(frozen=True)
class DeskBasis:
    """What pages stand on: where they are, and who is who. None where no pages are served."""

    desk: DeskSettings
    people: PeopleFollower


def start(runtime: Runtime) -> DeskBasis | None:
    """Raises ConfigurationError where pages are wanted and cannot be."""
    settings = cast("ProgrammeSettings", runtime.settings)
    if settings.public_url is None:
        return None
    # Of everybody: the hub's people, the partners' and the forces' sign in here.
    return DeskBasis(running.desk_settings(), PeopleFollower(settings, runtime.clock, name="programme"))


def routes(runtime: Runtime) -> Sequence[tuple[str, ASGIApp]]:
    """The pages, where there are any."""
    basis: DeskBasis | None = runtime.context
    return () if basis is None else (("/", create_pages(runtime, basis.desk, basis.people)),)


def people_of(runtime: Runtime) -> PeopleFollower | None:
    """Who is who; None where no pages are served."""
    basis: DeskBasis | None = runtime.context
    return None if basis is None else basis.people


def create_service() -> Service[ProgrammeWork]:
    """The programme."""
    return Service(
        "programme",
        handlers=HANDLERS,
        refused=refused,
        load=batch.load,
        save=batch.save,
        start=start,
        migrations=Path(__file__).parent / "migrations",
        brought=(MIGRATIONS,),
        settings=ProgrammeSettings,
        ticks=(
            Tick("tell_overdue", overdue.TELL_EVERY, overdue.tell_overdue, batch=overdue.AT_ONCE),
            Tick("delete_ended_questions", keeping.DELETE_EVERY, keeping.delete_ended, batch=keeping.AT_ONCE),
        ),
        workers=(*running.people_workers(people_of), Worker("scan_documents", scan_documents)),
        routes=routes,
        readers=READERS,
    )


SERVICE = create_service()
