"""SQL of the four Ps in numbers, as `quarterly` has them in full."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.four_ps import FourPs, Quarter

_IN_NUMBERS = """
SELECT asked.four_p,
    (SELECT count(*) FROM activities
        WHERE ps @> ARRAY[asked.four_p] AND state = 'agreed' AND held_on BETWEEN $1 AND $2) AS activities,
    (SELECT count(*) FROM steps JOIN activities USING (activity_id)
        WHERE ps @> ARRAY[asked.four_p] AND coalesce(ended_on, due_on) BETWEEN $1 AND $2) AS steps,
    (SELECT count(*) FROM insights WHERE insights.four_p = asked.four_p AND heard_on BETWEEN $1 AND $2) AS heard,
    (SELECT count(*) FROM insights JOIN insight_answers AS last USING (insight_id)
        WHERE insights.four_p = asked.four_p AND last.changed_on BETWEEN $1 AND $2
        AND last.number = (SELECT max(number) FROM insight_answers AS given WHERE given.insight_id = insights.insight_id)
    ) AS changed,
    (SELECT count(*) FROM measures
        WHERE measures.four_p = asked.four_p AND agreed_on <= $2 AND (ended_on IS NULL OR ended_on >= $1)) AS measures,
    (SELECT count(*) FROM advice_notes
        WHERE advice_notes.four_p = asked.four_p AND published_at < $5 AND (ended_at IS NULL OR ended_at >= $4)) AS advice
FROM unnest($3::text[]) WITH ORDINALITY AS asked (four_p, place) ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class QuarterInNumbers:
    """How much of everything there is under one of the four."""

    four_p: FourPs
    activities: int
    steps: int
    heard: int
    changed: int
    measures: int
    advice: int


async def in_numbers(connection: Connection, quarter: Quarter, zone: ZoneInfo) -> list[QuarterInNumbers]:
    """All four in a quarter."""
    days, moments = (quarter.first, quarter.last), (quarter.begins(zone), quarter.next.begins(zone))
    rows = await connection.fetch(_IN_NUMBERS, *days, [each.value for each in FourPs], *moments)
    return [QuarterInNumbers(**{**row, "four_p": FourPs(row["four_p"])}) for row in rows]
