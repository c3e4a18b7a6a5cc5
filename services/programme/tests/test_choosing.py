"""Whatever the number of organisations, each can be chosen in every form, without a script, and nothing typed is lost."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.organisations import choosing, store
from conduit_programme.organisations.rules import OrganisationKind
from services.programme.tests import experience as ex
from services.programme.tests.builders import CANARY
from services.programme.tests.pages import Enter, change, send, text_of

LAST = "Zebra House"
FIND = "Find an organisation by its name"


@pytest.fixture
async def last(held: Harness, clock: ManualClock) -> UUID:
    """The organisation that comes after all that a form offers at once."""
    async with held.pool.acquire() as connection, connection.transaction():
        for number in range(choosing.MOST_OFFERED):
            await store.add(connection, OrganisationKind.OTHER, f"Club {number:03}", clock.now())
        return await store.add(connection, OrganisationKind.THIRD_SECTOR, LAST, clock.now())


def chosen(page: str, organisation_id: UUID) -> bool:
    """Whether a form has it, and as what was chosen."""
    options = re.findall(rf"<(?:option|input)[^>]*{organisation_id}[^>]*>", page)
    return any("selected" in each or "checked" in each for each in options)


async def test_the_last_of_all_is_found_and_chosen_in_every_form(
    enter: Enter, held: Harness, clock: ManualClock, last: UUID
) -> None:
    emma, here, today = await enter("emma"), await ex.partner_organisation(held), ex.today_of(clock).isoformat()
    about = {"kind": "visit", "held_on": today, "about-p-protect": "yes", "outcome": CANARY}
    activity = (await send(emma, "/activities/new", about | {f"with-o-{here}": "yes"})).headers["location"]
    begun = {**ex.LIMITS, "limits_on": today, "limits_by": "partner", "pseudonym": CANARY}
    step = {"next": CANARY, "due_on": today}
    for path, answers, choice in (
        ("/activities/new", about, {f"with-o-{last}": "yes"}),
        (f"{activity}/step", step, {"owner": f"o-{last}"}),
        (f"{activity}/change", about, {f"with-o-{last}": "yes"}),
        ("/insights/new", {"words": CANARY, "speaker": "manager", "heard_on": today}, {"organisation": str(last)}),
        ("/contributors/new", begun, {"organisation": str(last)}),
        (f"/organisations/{here}/merge", {}, {"into": str(last)}),
    ):
        page = (await emma.get(path)).text
        assert (FIND in page, LAST in page) == (True, False), path
        nothing = await send(emma, path, answers | {"search": "yes", "find": "100%"})
        assert "No organisation has this in its name." in nothing.text, path
        answer = await send(emma, path, answers | {"search": "yes", "find": "zebra"})
        assert (answer.status_code, LAST in answer.text, "Club 001" in answer.text) == (200, True, False), path
        assert "There is a problem" not in answer.text
        assert not answers or CANARY in answer.text, "what was typed stays"
        answer = await send(emma, path, answers | choice | {"search": "yes", "find": "club 001"})
        assert ("Club 001" in answer.text, chosen(answer.text, last)) == (True, True), "and what was chosen"
        answer = await change(emma, path, answers | choice)
        assert answer.status_code == 303, (path, text_of(answer.text))
    assert LAST in (await emma.get(activity)).text


async def test_what_an_activity_names_stays_named_whatever_its_form_offers(
    enter: Enter, clock: ManualClock, last: UUID
) -> None:
    emma = await enter("emma")
    named = {"kind": "visit", "held_on": ex.today_of(clock).isoformat(), "about-p-protect": "yes", f"with-o-{last}": "yes"}
    assert chosen((await emma.get(f"/activities/new?with=o-{last}")).text, last)
    activity = (await send(emma, "/activities/new", named)).headers["location"]
    assert chosen((await emma.get(f"{activity}/change")).text, last)
    assert LAST in (await emma.get(f"{activity}/step")).text
    assert chosen((await emma.get(f"/insights/new?activity={activity.rsplit('/', 1)[1]}")).text, last)


async def test_where_all_are_offered_there_is_no_search(enter: Enter) -> None:
    emma = await enter("emma")
    for path in ("/activities/new", "/insights/new", "/contributors/new"):
        page = (await emma.get(path)).text
        assert FIND not in page
        assert "Harbour Trust" in page


async def test_what_is_part_of_another_is_not_offered_even_if_it_is_asked_for(
    enter: Enter, held: Harness, last: UUID, clock: ManualClock
) -> None:
    emma, here = await enter("emma"), await ex.partner_organisation(held)
    assert (await send(emma, f"/organisations/{last}/merge", {"into": here})).status_code == 303
    heard = {"words": CANARY, "speaker": "manager", "heard_on": ex.today_of(clock).isoformat(), "organisation": str(last)}
    answer = await send(emma, "/insights/new", heard)
    assert answer.status_code == 400
    assert "Which organisation it was heard from: Choose one of these." in text_of(answer.text)
