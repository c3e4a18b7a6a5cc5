"""What is due, of every part: by me, by others at the hub, by organisations and forces, and what waits for an answer."""

from typing import Any

from fastapi import APIRouter, Request, Response

from conduit_chassis.postgres import Connection
from conduit_programme.engagement import open_steps, reading, store
from conduit_programme.engagement.pages import ACTIVITY, Keeper
from conduit_programme.experience import rules as caring
from conduit_programme.experience import store as contributors
from conduit_programme.experience import talks
from conduit_programme.insight import store as insights
from conduit_programme.organisations import rules as agreeing
from conduit_programme.organisations import store as organisations
from conduit_programme.pages.at_desk import acting, desk_of
from conduit_web.words import N_

router = APIRouter()
CHECKS, INSIGHTS = N_("Wellbeing checks: %(number)d"), N_("Insights to be answered: %(number)d")
CHECKS_OF_OTHERS, INSIGHTS_OF_OTHERS = (
    N_("Wellbeing checks by others: %(number)d"),
    N_("Insights that others answer: %(number)d"),
)
UNCONSIDERED, CONSENTS = N_("Insights that nobody considers yet: %(number)d"), N_("Consents to be looked at: %(number)d")


@router.get("/due")
async def due(request: Request, visit: Keeper) -> Response:
    """Lists go on by key, each on its own. What has pages elsewhere is counted here."""
    desk, me, query = desk_of(request), visit.person.person_id, request.query_params
    whose = {
        "mine": open_steps.by_account(me),
        "ours": open_steps.by_others_at_hub(me),
        "theirs": open_steps.OUTSIDE_THE_HUB,
    }
    async with acting(request, visit, ACTIVITY.looking("viewed_due")) as connection:
        found = {name: await open_steps.listed(connection, which, query.get(name)) for name, which in whose.items()}
        shown = {name: await reading.shown_steps(connection, each.rows) for name, each in found.items()}
        waiting = await store.proposed(connection, query.get("proposals"))
        proposals = await reading.shown(connection, waiting.rows)
        reminders = agreeing.reminders(await organisations.agreements(connection), desk.today)
        standing = await organisations.standing(connection)
        owners = {step.step.owner.organisation_id for step in shown["theirs"] if step.step.owner.organisation_id}
        about = {standing[each.agreement.organisation_id] for each in reminders}
        names = await organisations.names(connection, owners | about)
        elsewhere = await _elsewhere(connection, request, me)
    values: dict[str, Any] = {
        **shown,
        "found": found,
        "waiting": waiting,
        "proposals": proposals,
        "reminders": [(each, standing[each.agreement.organisation_id]) for each in reminders],
        "names": names,
        **elsewhere,
    }
    return desk.shown.page(request, "engagement/due.html", N_("Due"), visit=visit, **values)


async def _elsewhere(connection: Connection, request: Request, me: str) -> dict[str, Any]:
    """What is due on other pages, by me and by others: what it is, how much and how much of it late, and where."""
    today = desk_of(request).today
    checks, others_checks = await talks.how_many_due(connection, me, today)
    waiting = await insights.how_many_due(connection, me, today)
    to_review = await contributors.how_many_to_review(connection, caring.looked_at_before(today))
    care, heard = "/contributors/due", "/insights"
    mine = [(CHECKS, checks, care), (INSIGHTS, waiting.mine, heard)]
    ours = [
        (CHECKS_OF_OTHERS, others_checks, care),
        (INSIGHTS_OF_OTHERS, waiting.others, heard),
        (UNCONSIDERED, waiting.nobodys, heard),
        (CONSENTS, to_review, care),
    ]
    return {
        "elsewhere_mine": [each for each in mine if each[1].number],
        "elsewhere_ours": [each for each in ours if each[1].number],
    }
