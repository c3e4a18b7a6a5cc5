"""What notification says again when the console is rebuilt: failed notices and duty tasks. It has nobody's words."""

from collections.abc import Collection
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_chassis.snapshots import Keeper


async def none_with_words(_connection: Connection, _referral_ids: Collection[UUID]) -> set[UUID]:
    """No fact of notification's has words, so that nobody asks."""
    return set()


KEEPER = Keeper(none_with_words)
