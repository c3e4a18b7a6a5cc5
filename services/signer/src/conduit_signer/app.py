"""Runs the signer: the register followed, the key read, one address served, until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import structlog
import uvloop
from pydantic import ValidationError
from starlette.responses import PlainTextResponse

from conduit_chassis import log, metrics
from conduit_chassis.clock import SystemClock
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.health import Health
from conduit_chassis.http.server import Router, create_server, listen
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.signed import KeysFile
from conduit_contracts.topics import OFFICERS, SIGNER
from conduit_signer.api import PATH, create_api
from conduit_signer.keys import KeyFile, trouble_with
from conduit_signer.settings import SignerSettings

EXIT_OK, EXIT_FAILED, EXIT_CONFIGURATION = 0, 1, 2

_log = structlog.get_logger()


class SignerHealth(Health):
    """Ready while the register is known and the key is one that is trusted."""

    def __init__(self, people: PeopleFollower, key: KeyFile, trusted: KeysFile | None) -> None:
        super().__init__()
        self._people, self._key, self._trusted = people, key, trusted

    def not_ready(self) -> list[str]:
        """Why nothing can be signed; nothing where it can."""
        found = (self._people.not_ready(), trouble_with(self._key(), self._trusted), "draining" if self.draining else None)
        reasons = [each for each in found if each is not None]
        metrics.READY.set(not reasons)
        return reasons


def run() -> None:
    """Run until it is told to stop, and exit with a status that says how it ended."""
    sys.exit(uvloop.run(_main()))


async def _main() -> int:
    try:
        settings = SignerSettings()
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False, include_context=False):
            sys.stderr.write(f"{'.'.join(map(str, detail['loc'])).upper()}: {detail['msg']}\n")
        return EXIT_CONFIGURATION
    log.configure(SIGNER, settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await serve(settings, stop)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIGURATION
    except Exception as error:  # the last resort: say where it broke without its text, and exit
        _log.critical("service_failed", exc_info=error)
        return EXIT_FAILED
    return EXIT_OK


async def serve(settings: SignerSettings, stop: asyncio.Event) -> None:
    """Sign until `stop` is set.

    Raises:
        ConfigurationError: there is no key that can be used, or no address to listen on.
    """
    clock = SystemClock()
    key = KeyFile(settings.signing_key_file, local=settings.local_signing_keys)
    keys = settings.signing_keys_file
    trusted = KeysFile(keys, local=settings.local_signing_keys) if keys is not None else None
    people = PeopleFollower(settings, clock, name=SIGNER, topics=(OFFICERS,))
    health = SignerHealth(people, key, trusted)
    router = Router(health, PlainTextResponse("not found", 404), {})
    router.serve([(PATH, create_api(people, key, settings.token(), clock))])
    server = create_server(settings, router)
    http = asyncio.create_task(server.serve(sockets=[listen(settings)]))
    following, stopped = asyncio.create_task(people.run()), asyncio.create_task(stop.wait())
    try:
        _log.info("service_started", service=SIGNER)
        done, _ = await asyncio.wait({http, following, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        health.draining = server.should_exit = True
        for task in (following, stopped):
            task.cancel()
        await asyncio.gather(http, following, stopped, return_exceptions=True)
        _log.info("service_stopped", service=SIGNER)
