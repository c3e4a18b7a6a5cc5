"""What a running service verifies officers' commands by: the mounted keys, and the register as it follows it."""

import asyncio

import structlog

from conduit_chassis import metrics
from conduit_chassis.clock import Clock
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.people_follower import PeopleFollower
from conduit_chassis.settings import Settings
from conduit_chassis.signed import GOOD, KeysFile, Verifier
from conduit_contracts.signature import CODES
from conduit_contracts.topics import OFFICERS

FIRST_SECONDS = 30.0
"""For how long a service waits at its start to know the register. Then it goes on: referrals wait for no register."""

_log = structlog.get_logger()


class Trust:
    """`verifier` is good while `run` runs."""

    def __init__(self, settings: Settings, clock: Clock, name: str) -> None:
        """Raises ConfigurationError where there are no keys that can be used."""
        if settings.signing_keys_file is None:
            raise ConfigurationError("SIGNING_KEYS_FILE is needed: a JWKS of the public keys that sign officers' commands")
        keys = KeysFile(settings.signing_keys_file, local=settings.local_signing_keys)
        self._people = PeopleFollower(settings, clock, name=name, topics=(OFFICERS,))
        self.verifier = Verifier(keys, self._people)
        for outcome in (GOOD, *CODES):  # so that the first of a kind is seen to rise from none
            metrics.SIGNATURES.labels(outcome)

    async def run(self) -> None:
        """Follow the register."""
        await self._people.run()

    async def settle(self, seconds: float = FIRST_SECONDS) -> None:
        """Returns once the register is known, or after `seconds`: until then commands are refused, to be given again."""
        try:
            async with asyncio.timeout(seconds):
                await self._people.until_ready()
        except TimeoutError:
            _log.warning("officers_not_known", reason=self._people.not_ready() or "unknown")
