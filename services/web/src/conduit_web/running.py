"""What a service with pages starts them on: its settings, and who is who."""

import asyncio
from collections.abc import Callable

from pydantic import ValidationError

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.health import Health
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.runtime import Runtime, Worker
from conduit_web.settings import DeskSettings

LOOK_SECONDS = 1.0


def desk_settings() -> DeskSettings:
    """Those of the environment.

    Raises:
        ConfigurationError: they cannot be used. It names them, and says nothing of what they hold.
    """
    try:
        desk = DeskSettings()
        desk.vouching()
        for provider in desk.identity_providers:
            provider.secret()
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])).upper() for each in error.errors(include_input=False))
        raise ConfigurationError(f"the pages' settings cannot be used: {places}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"a file that the pages' settings name cannot be read ({type(error).__name__})") from None
    return desk


def people_workers(people_of: Callable[[Runtime], PeopleFollower | None]) -> tuple[Worker, Worker]:
    """The workers that know who is who, and say where it is not known. `people_of` gives None where no pages are served."""

    async def follow_people(runtime: Runtime) -> None:
        people = people_of(runtime)
        if people is not None:
            await people.run()

    async def watch(runtime: Runtime) -> None:
        people = people_of(runtime)
        if people is not None:
            await watch_people(people, runtime.health)

    return Worker("follow_people", follow_people), Worker("watch_people", watch)


async def watch_people(people: PeopleFollower, health: Health) -> None:
    """Says where it is not known who is who: then nobody can come in."""
    while True:
        reason = people.not_ready()
        if reason is None:
            health.recovered("people")
        else:
            health.down("people", reason)
        await asyncio.sleep(LOOK_SECONDS)
