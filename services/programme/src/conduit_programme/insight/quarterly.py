"""One of the four Ps in a quarter: what was done, heard, agreed and changed. Read in one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from conduit_chassis.postgres import Connection
from conduit_programme.advice import reading as advising
from conduit_programme.advice import store as advice
from conduit_programme.advice.reading import ListedNote
from conduit_programme.engagement import reading as dealing
from conduit_programme.engagement import store as engagement
from conduit_programme.engagement.reading import ShownActivity, ShownStep
from conduit_programme.feedback import rules as answering
from conduit_programme.feedback import store as feedback
from conduit_programme.feedback.rules import FeedbackCounts
from conduit_programme.four_ps import FourPs, Quarter
from conduit_programme.insight import measures, reading, store
from conduit_programme.insight.counted import QuarterInNumbers
from conduit_programme.insight.measures import ShownMeasure
from conduit_programme.insight.reading import ShownInsight
from conduit_programme.insight.rules import KnownInsight
from conduit_programme.organisations import store as organisations
from conduit_programme.rules import day_of


@dataclass(frozen=True, slots=True)
class QuarterOfP:
    """All that a page says of one of the four."""

    four_p: FourPs
    quarter: Quarter
    activities: tuple[ShownActivity, ...]
    """What was or will be done in the quarter."""
    steps: tuple[ShownStep, ...]
    """Actions that ended in the quarter, or are due in it and have not."""
    owners: Mapping[UUID, str]
    """The names of organisations that own one."""
    insights: tuple[ShownInsight, ...]
    """Heard in the quarter, or answered in it by a change."""
    measures: tuple[ShownMeasure, ...]
    feedback: FeedbackCounts | None
    """What partners answered to what they were asked in the quarter, under Pursue alone."""
    advice: tuple[ListedNote, ...]
    """National advice that held in the quarter, as forces stood to it at its end, or stand to it now."""

    @property
    def heard(self) -> list[ShownInsight]:
        """What was heard in the quarter."""
        return [each for each in self.insights if self._is_in(each.insight)]

    @property
    def changed(self) -> list[ShownInsight]:
        """What changed in the quarter because of something heard, whenever it was heard."""
        return [each for each in self.insights if self._changed_in(each.insight)]

    @property
    def numbers(self) -> QuarterInNumbers:
        """The same in numbers."""
        done, heard = (self.activities, self.steps), (self.heard, self.changed)
        return QuarterInNumbers(self.four_p, *map(len, (*done, *heard, self.measures, self.advice)))

    def _is_in(self, insight: KnownInsight) -> bool:
        return self.quarter.first <= insight.heard_on <= self.quarter.last

    def _changed_in(self, insight: KnownInsight) -> bool:
        on = insight.answer.changed_on if insight.answer else None
        return on is not None and self.quarter.first <= on <= self.quarter.last


@dataclass(frozen=True, slots=True)
class AnsweredInTime:
    """Of what was to be answered in a quarter: how much was, and when. What waits is counted too."""

    in_time: int
    late: int
    overdue: int
    """Its day has passed, and there is no answer."""
    not_yet_due: int

    @property
    def due(self) -> int:
        """All of it."""
        return self.in_time + self.late + self.overdue + self.not_yet_due


def answered_in_time(insights: Iterable[KnownInsight], now: datetime, zone: ZoneInfo) -> AnsweredInTime:
    """How the hub kept its time with these. Pure."""
    known = list(insights)
    late = sum(each.was_late(zone) for each in known)
    open_ones = [each for each in known if each.answered_at is None]
    overdue = sum(each.due_at(zone) <= now for each in open_ones)
    return AnsweredInTime(len(known) - len(open_ones) - late, late, overdue, len(open_ones) - overdue)


async def quarter_of(connection: Connection, four_p: FourPs, quarter: Quarter, now: datetime, zone: ZoneInfo) -> QuarterOfP:
    """One of the four in a quarter, as it is now. Note the view before it is shown."""
    first, end = quarter.begins(zone), quarter.next.begins(zone)
    insights = await store.of_quarter(connection, four_p, quarter)
    activities = await engagement.about_p(connection, four_p, quarter.first, quarter.last)
    steps = await engagement.steps_about_p(connection, four_p, quarter.first, quarter.last)
    owners = {each.owner.organisation_id for each in steps if each.owner.organisation_id}
    return QuarterOfP(
        four_p,
        quarter,
        tuple(await dealing.shown(connection, activities)),
        tuple(await dealing.shown_steps(connection, steps)),
        await organisations.names(connection, owners),
        tuple(await reading.shown(connection, insights, zone)),
        tuple(await measures.in_quarter(connection, four_p, quarter)),
        await _feedback(connection, quarter, now, zone) if four_p is FourPs.PURSUE else None,
        tuple(await advising.listed(connection, await advice.between(connection, four_p, first, end), min(now, end))),
    )


async def _feedback(connection: Connection, quarter: Quarter, now: datetime, zone: ZoneInfo) -> FeedbackCounts:
    asked = await feedback.asked_between(connection, quarter.first, quarter.last)
    return answering.counted(asked, day_of(now, zone))


async def every_quarter_of(connection: Connection, quarter: Quarter, now: datetime, zone: ZoneInfo) -> list[QuarterOfP]:
    """All four in a quarter, as they are now."""
    return [await quarter_of(connection, four_p, quarter, now, zone) for four_p in FourPs]
