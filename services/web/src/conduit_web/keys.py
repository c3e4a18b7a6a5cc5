"""Where a list goes on: the last row's place as part of an address. A time travels as microseconds since 1970,
a day as its number."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from conduit_chassis.trail import uuid_in
from conduit_web.lists import read_key

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MOMENT, LAST_MOMENT = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


def microseconds(moment: datetime) -> int:
    """A moment as a key has it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    """A key's moment; the first or last that there is for one that is out of range."""
    try:
        return _EPOCH + timedelta(microseconds=number)
    except OverflowError:
        return FIRST_MOMENT if number < 0 else LAST_MOMENT


def day_numbered(ordinal: int) -> date:
    """A key's day, counted from the year 1; the first or last that there is for one that is out of range."""
    return date.fromordinal(min(max(ordinal, 1), date.max.toordinal()))


def identity(text: str, otherwise: UUID = FIRST_ID) -> UUID:
    """A key's id; the list's beginning for what is none."""
    return uuid_in(text) or otherwise


def newest_first(after: str | None) -> tuple[datetime, UUID]:
    """Where a list by time and id, the newest before all, goes on after this key."""
    at, last = read_key(after, int, str) or (microseconds(LAST_MOMENT), str(LAST_ID))
    return moment(int(at)), identity(str(last))
