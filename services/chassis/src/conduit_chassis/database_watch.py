"""Whether the database answers and takes what is written, asked every second: readiness is two seconds behind it at most.

One attempt that fails may be a session that somebody ended, so only a second one counts. An answer that does not come in
time counts at once. Where all of the pool's connections are in use, nothing is said of the database: the service is busy,
and what lasts is found by the gauges.
"""

import asyncio

from conduit_chassis.errors import class_name
from conduit_chassis.health import Health
from conduit_chassis.postgres import NoConnectionError, Pool, probe

ASK_SECONDS = 1.0
ANSWER_SECONDS = 1.0
PART = "database"


async def keep_watching(pool: Pool, health: Health) -> None:
    """Ask for ever."""
    failed_before = False
    while True:
        busy = pool.get_idle_size() == 0 and pool.get_size() == pool.get_max_size()
        error = await _ask(pool, health, busy=busy)
        failed = error is not None and not (busy and isinstance(error, NoConnectionError))
        if error is None:
            health.recovered(PART)
        elif failed and failed_before:
            health.down(PART, class_name(error))
        if not failed or failed_before:
            await asyncio.sleep(ASK_SECONDS)
        failed_before = failed


async def _ask(pool: Pool, health: Health, *, busy: bool) -> Exception | None:
    """What is wrong, if anything. An answer that does not come in time is missed at once, for the attempt may take much
    longer to end: asyncpg waits until the server has heard that nobody wants the answer any more."""
    attempt = asyncio.create_task(probe(pool))
    try:
        done, _ = await asyncio.wait({attempt}, timeout=ANSWER_SECONDS)
        if not done and not busy:
            health.down(PART, TimeoutError.__name__)
        await attempt
    except Exception as error:  # whatever it is, it does not answer
        return error
    finally:
        attempt.cancel()
    return None
