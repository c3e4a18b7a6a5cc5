"""Times and dates in messages: read only from RFC 3339 text, and always within what UTC can express.

Pydantic takes a text of digits for Unix time, so `"1795426200"` would silently become a moment that nobody wrote.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from conduit_contracts.base import Finding
from conduit_contracts.entry import AtEntry
from conduit_contracts.forms import FORMS

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)
"""Between these, no offset leads beyond the years that Python can handle."""

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2099, 12, 31)
"""No day before or after these is meant: it stands for one that is not known, or for no end."""

_MOMENT = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}"
_MOMENT_WORDS = "an RFC 3339 time with its time zone, for example 2026-11-23T09:30:00Z"
_NOBODYS = f"Send the real date, from {FIRST_DAY} to {LAST_DAY}, not one that stands for an unknown date or for no end."
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_DAY_WORDS = "a calendar date, for example 2026-11-23"


class _FromText:
    """Reads JSON through a text of this form; from Python takes the object itself."""

    def __init__(self, pattern: str, words: str, json_format: str, made: CoreSchema) -> None:
        FORMS[pattern] = words
        self._text = core_schema.str_schema(pattern=pattern, strict=True)
        self._json_schema = {"type": "string", "format": json_format}
        self._made = made

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        parsed: Any = {**self._made, "strict": False}  # strict would refuse text, whose form is held above
        return core_schema.json_or_python_schema(core_schema.chain_schema([self._text, parsed]), self._made)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self._json_schema)


def _nobodys_day(day: date) -> Finding | None:
    return None if FIRST_DAY <= day <= LAST_DAY else Finding("value_out_of_range", _NOBODYS)


def _nobodys_moment(moment: datetime) -> Finding | None:
    return _nobodys_day(moment.date())


Moment: TypeAlias = Annotated[
    datetime,
    _FromText(
        _MOMENT, _MOMENT_WORDS, "date-time", core_schema.datetime_schema(tz_constraint="aware", ge=EARLIEST, le=LATEST)
    ),
    AtEntry(_nobodys_moment),
]
"""A moment with its time zone."""
Day: TypeAlias = Annotated[date, _FromText(_DAY, _DAY_WORDS, "date", core_schema.date_schema()), AtEntry(_nobodys_day)]
"""A calendar date, without a time."""
