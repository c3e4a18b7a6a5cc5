"""Activities and next steps as pages show them: with their words, and the names of who is in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme.engagement import store
from conduit_programme.engagement.rules import Activity, ActivityState, NextStep, StepState
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.organisations import store as organisations

SHOWN = 5
"""So many of what was kept stand on a page about a relationship."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A next step in words."""

    step: NextStep
    what: str
    """Empty where the words were erased."""


@dataclass(frozen=True, slots=True)
class ShownActivity:
    """An activity in words, with what follows from it."""

    activity: Activity
    said: ActivityWords
    steps: tuple[ShownStep, ...]
    organisations: tuple[tuple[UUID, str], ...]
    """Those that took part, by name."""


@dataclass(frozen=True, slots=True)
class Dealings:
    """What was done with an organisation or a force, the latest first, and what follows."""

    activities: tuple[ShownActivity, ...]

    @property
    def steps(self) -> list[ShownStep]:
        """All that follows, the soonest first."""
        found = [step for each in self.activities for step in each.steps]
        return sorted(found, key=lambda each: (each.step.due_on, str(each.step.step_id)))

    @property
    def still_open(self) -> list[ShownStep]:
        """What is still to be done, the soonest first."""
        return [each for each in self.steps if each.step.state is StepState.OPEN]

    @property
    def kept(self) -> list[ShownStep]:
        """What was done, the latest first."""
        done = [each for each in self.steps if each.step.state is StepState.DONE]
        return sorted(done, key=lambda each: each.step.ended_on or date.min, reverse=True)[:SHOWN]

    def last(self, today: date) -> ShownActivity | None:
        """What was done last."""
        held = (
            each
            for each in self.activities
            if each.activity.state is ActivityState.AGREED and not each.activity.is_planned(today)
        )
        return next(held, None)


async def shown(connection: Connection, activities: Sequence[Activity]) -> list[ShownActivity]:
    """With their words. Note the view before they are shown."""
    said, steps = await store.words(connection, activities), await store.steps_of(connection, activities)
    spoken = await shown_steps(connection, steps)
    names = await organisations.names(connection, {one for each in activities for one in each.organisation_ids})
    return [
        ShownActivity(
            each,
            said.get(each.activity_id, ActivityWords()),
            tuple(step for step in spoken if step.step.activity_id == each.activity_id),
            tuple((one, names[one]) for one in each.organisation_ids if one in names),
        )
        for each in activities
    ]


async def shown_steps(connection: Connection, steps: Iterable[NextStep]) -> list[ShownStep]:
    """With their words."""
    known = list(steps)
    words = await store.step_words(connection, known)
    return [ShownStep(each, words.get(each.step_id, "")) for each in known]


async def dealings(connection: Connection, activities: Sequence[Activity]) -> Dealings:
    """What was done with somebody."""
    return Dealings(tuple(await shown(connection, activities)))
