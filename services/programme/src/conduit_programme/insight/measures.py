"""All SQL of the measures agreed for the four Ps, and of what they were in each quarter.

The hub records no investigation: under Pursue nothing can be measured but what the conduit did and heard, and the table
holds it to that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row, affected
from conduit_contracts.ids import uuid7
from conduit_programme import content
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight.rules import AgreedMeasure, MeasureCounts, may_count
from conduit_programme.insight.said import MeasureReadingWords, MeasureWords
from conduit_programme.rules import LastChange

_MEASURE = "measure_id, four_p, counts, words_id, agreed_on, agreed_by, ended_on"
_FIND = f"SELECT {_MEASURE} FROM measures WHERE measure_id = $1"  # noqa: S608 - constants
_HOLD = "SELECT FROM measures WHERE measure_id = $1 FOR UPDATE"
_IN_QUARTER = f"""
SELECT {_MEASURE} FROM measures
WHERE four_p = $1 AND agreed_on <= $3 AND (ended_on IS NULL OR ended_on >= $2) ORDER BY agreed_on, measure_id
"""  # noqa: S608 - constants
_AGREE = f"INSERT INTO measures ({_MEASURE}) VALUES ($1, $2, $3, $4, $5, $6, NULL)"  # noqa: S608 - constants
_END = "UPDATE measures SET ended_on = greatest($2, agreed_on) WHERE measure_id = $1 AND ended_on IS NULL"
_READINGS = """
SELECT measure_id, quarter_from, figure, words_id, noted_by, noted_at FROM measure_readings
WHERE measure_id = ANY($1::uuid[]) AND quarter_from = ANY($2::date[])
"""
_BEFORE = "SELECT words_id FROM measure_readings WHERE measure_id = $1 AND quarter_from = $2 FOR UPDATE"
_NOTE = """
INSERT INTO measure_readings (measure_id, quarter_from, figure, words_id, noted_by, noted_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (measure_id, quarter_from) DO UPDATE
SET figure = excluded.figure, words_id = excluded.words_id, noted_by = excluded.noted_by, noted_at = excluded.noted_at
"""


@dataclass(frozen=True, slots=True)
class NewMeasure:
    """What is to be looked at.

    Raises:
        ValueError: it would say what became of an investigation.
    """

    four_p: FourPs
    counts: MeasureCounts
    said: MeasureWords
    measure_id: UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        if self.counts not in may_count(self.four_p):
            raise ValueError("under Pursue stands what the conduit did and heard, and nothing else")


@dataclass(frozen=True, slots=True)
class MeasureReading:
    """What it was in a quarter."""

    figure: int
    said: MeasureReadingWords
    noted: LastChange


@dataclass(frozen=True, slots=True)
class ShownMeasure:
    """A measure as a quarter's page shows it, beside the quarter before."""

    measure: AgreedMeasure
    said: MeasureWords
    now: MeasureReading | None
    before: MeasureReading | None


async def find(connection: Connection, measure_id: UUID) -> AgreedMeasure | None:
    """The measure of this id."""
    row = await connection.fetchrow(_FIND, measure_id)
    return _measure(row) if row else None


async def hold(connection: Connection, measure_id: UUID) -> AgreedMeasure | None:
    """The same, and nobody else notes anything of it until the transaction ends."""
    await connection.execute(_HOLD, measure_id)
    return await find(connection, measure_id)


async def in_quarter(connection: Connection, four_p: FourPs, quarter: Quarter) -> list[ShownMeasure]:
    """Those that were agreed by its end and had not ended before it."""
    rows = await connection.fetch(_IN_QUARTER, four_p.value, quarter.first, quarter.last)
    return await shown(connection, [_measure(row) for row in rows], quarter)


async def shown(connection: Connection, measures: Iterable[AgreedMeasure], quarter: Quarter) -> list[ShownMeasure]:
    """With words and figures."""
    asked = list(measures)
    said = await content.read(connection, MeasureWords, [each.words_id for each in asked])
    readings = await _readings(connection, asked, quarter)
    return [
        ShownMeasure(
            each,
            said.get(each.words_id, MeasureWords(name="")),
            readings.get((each.measure_id, quarter.first)),
            readings.get((each.measure_id, quarter.before.first)),
        )
        for each in asked
    ]


async def _readings(
    connection: Connection, measures: Iterable[AgreedMeasure], quarter: Quarter
) -> Mapping[tuple[UUID, date], MeasureReading]:
    days = [quarter.first, quarter.before.first]
    rows = await connection.fetch(_READINGS, [each.measure_id for each in measures], days)
    said = await content.read(connection, MeasureReadingWords, [row["words_id"] for row in rows])
    empty = MeasureReadingWords(source="")
    return {
        (row["measure_id"], row["quarter_from"]): MeasureReading(
            row["figure"],
            said.get(row["words_id"], empty),
            LastChange(row["noted_by"], "noted_reading", row["noted_at"]),
        )
        for row in rows
    }


async def agree(connection: Connection, new: NewMeasure, *, by: str, on: date, now: datetime) -> UUID:
    """Look at this from now on."""
    words_id = await content.write(connection, new.said, now)
    await connection.execute(_AGREE, new.measure_id, new.four_p.value, new.counts.value, words_id, on, by)
    return new.measure_id


async def end(connection: Connection, measure_id: UUID, on: date) -> bool:
    """It is looked at no more after this day; False where it ended before, or there is none."""
    return affected(await connection.execute(_END, measure_id, on)) > 0


async def note(
    connection: Connection,
    measure_id: UUID,
    quarter: Quarter,
    figure: int,
    said: MeasureReadingWords,
    *,
    by: str,
    now: datetime,
) -> None:
    """It was this in that quarter, whatever was noted before."""
    before = await connection.fetchval(_BEFORE, measure_id, quarter.first)
    words_id = await content.replace(connection, [before], said, now)
    await connection.execute(_NOTE, measure_id, quarter.first, figure, words_id, by, now)


def _measure(row: Row) -> AgreedMeasure:
    return AgreedMeasure(
        row["measure_id"],
        FourPs(row["four_p"]),
        MeasureCounts(row["counts"]),
        row["words_id"],
        row["agreed_on"],
        row["agreed_by"],
        row["ended_on"],
    )
