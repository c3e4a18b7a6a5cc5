"""A few made-up organisations and activities, what was told, and advice: a newcomer finds something on the pages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from conduit_contracts.ids import uuid7
from conduit_local.demo.advised import fill_advice
from conduit_local.demo.asked import fill_asked
from conduit_local.demo.samples import folder
from conduit_local.demo.told import fill_told
from conduit_local.personas import account
from conduit_local.stack import Stack
from conduit_programme.engagement import store as engagement
from conduit_programme.engagement.rules import Activity, ActivityKind, ActivityState, StepOwner, StepState
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.four_ps import FourPs
from conduit_programme.organisations import store as organisations
from conduit_programme.organisations.rules import OrganisationKind, OrganisationOffer
from conduit_programme.organisations.said import ContactWords

PARTNER, SECOND = "northlight", "harbour-trust"
FORCE = "west-midlands"
SECONDS = 60.0
"""Within this time the register's partners are known to the programme."""
_OFFERS = {
    PARTNER: OrganisationOffer(
        services=("therapy", "helpline", "violence_adviser"),
        expertise=("boys", "online_abuse"),
        force_ids=("west-midlands", "west-mercia"),
        youngest=11,
        oldest=17,
        languages=("en", "pa", "ur"),
    ),
    SECOND: OrganisationOffer(
        services=("outreach", "return_interviews", "family_support"),
        expertise=("group_exploitation", "trafficking"),
        everywhere=True,
        languages=("en", "bfi"),
    ),
}
_OTHERS = (
    (OrganisationKind.CANDIDATE, "Young Voices (synthetic)"),
    (OrganisationKind.CHILDRENS_SERVICES, "Example City children's services (synthetic)"),
    (OrganisationKind.HEALTH, "Example health trust (synthetic)"),
)


@dataclass(frozen=True, slots=True)
class SampleActivity:
    """Something that was, or will be, done together."""

    kind: ActivityKind
    days: int
    """From today."""
    outcome: str
    step: str
    due: int
    """From today."""
    by_partner: bool
    done: bool = False


_ACTIVITIES = (
    SampleActivity(
        ActivityKind.CONSULTATION,
        -90,
        "Caseworkers asked for a word on every referral, also if nothing has happened yet.",
        "Say on each update what happens next",
        -60,
        by_partner=False,
        done=True,
    ),
    SampleActivity(
        ActivityKind.VISIT,
        -9,
        "We saw the helpline at work. They offer a room for joint training.",
        "A guide that young people wrote",
        21,
        by_partner=True,
    ),
    SampleActivity(
        ActivityKind.TRAINING,
        19,
        "What makes a referral quick to act on, with examples that are made up.",
        "Send the invitations",
        5,
        by_partner=False,
    ),
)


def fill_engagement(stack: Stack) -> None:
    """Where nothing was logged yet. Outside the repository there are no samples, and nothing is done."""
    if folder().is_dir() and "programme" in stack.dsns:
        asyncio.run(_fill(stack.dsns["programme"]))


async def _fill(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        known = await _partners(connection)
        async with connection.transaction():
            if await connection.fetchval("SELECT EXISTS (SELECT FROM activities)"):
                return
            now = datetime.now(UTC)
            await _organisations(connection, known, now)
            for sample in _ACTIVITIES:
                await _activity(connection, sample, known[PARTNER], now)
            await fill_told(connection, known[PARTNER], now)
            await fill_asked(connection, PARTNER, FORCE, now)
            await fill_advice(connection, PARTNER, now)
    finally:
        await connection.close()


async def _partners(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, UUID]:
    """Once the programme has read the register.

    Raises:
        TimeoutError: it has not, for a long while.
    """
    async with asyncio.timeout(SECONDS):
        while True:
            found = {each: await organisations.of_partner(connection, each) for each in _OFFERS}
            known = {name: each.organisation_id for name, each in found.items() if each is not None}
            if len(known) == len(_OFFERS):
                return known
            await asyncio.sleep(0.2)


async def _organisations(connection: asyncpg.Connection[asyncpg.Record], known: dict[str, UUID], now: datetime) -> None:
    officer = account("engagement-officer")
    for name, offer in _OFFERS.items():
        words = "Synthetic: we go with a young person for as long as they want us to."
        await organisations.put_offer(connection, known[name], offer, words, officer, now)
        await organisations.take(connection, known[name], officer)
        lead = ContactWords(role="Safeguarding lead", telephone="01632 960147", on_duty="Monday to Friday, 9:00 to 17:00")
        await organisations.add_contact(connection, known[name], lead, now)
    for kind, called in _OTHERS:
        await organisations.add(connection, kind, called, now)


async def _activity(
    connection: asyncpg.Connection[asyncpg.Record], sample: SampleActivity, with_whom: UUID, now: datetime
) -> None:
    officer, today = account("engagement-officer"), now.date()
    activity = Activity(
        activity_id=uuid7(now),
        kind=sample.kind,
        held_on=today + timedelta(days=sample.days),
        state=ActivityState.AGREED,
        ps=(FourPs.PREPARE, FourPs.PROTECT),
        themes=("referral_quality", "hearing_back"),
        organisation_ids=(with_whom,),
        force_ids=(FORCE,),
        proposed_by=None,
        words_id=None,
        logged_by=officer,
    )
    said = ActivityWords(outcome=f"Synthetic: {sample.outcome}", roles="Two managers, an engagement officer")
    await engagement.put(connection, activity, said, officer, now)
    owner = StepOwner(organisation_id=with_whom) if sample.by_partner else StepOwner(account=officer)
    due_on: date = today + timedelta(days=sample.due)
    step_id = await engagement.add_step(
        connection, activity.activity_id, sample.step, owner, due_on, joint=sample.by_partner, now=now
    )
    if sample.done:
        await engagement.end_step(connection, step_id, StepState.DONE, due_on)
