"""A form that is sent twice makes one thing, and its second answer leads to where the first one did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.pages.front import ROUTERS
from conduit_web.desk import actions
from services.programme.tests import builders as b
from services.programme.tests import experience as ex
from services.programme.tests import practice as asking
from services.programme.tests.pages import Enter, account, change, hidden_of, send, text_of
from services.web.tests.browser import Browser

MAKES = ("/new", "/step", "/propose")
"""How the address of a form ends that makes something and nothing else."""
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'acts'"


async def rows(held: Harness) -> dict[str, int]:
    """How many rows each table has, and the trail of whatever is more than a look."""
    async with held.pool.acquire() as connection:
        names = [row["table_name"] for row in await connection.fetch(_TABLES)]
        each = [f"SELECT '{name}' AS name, count(*) FROM {name}" for name in names]  # noqa: S608 - the database's own
        counted = " UNION ALL ".join([*each, "SELECT 'done', count(*) FROM acts WHERE kind <> 'consultation'"])
        return {row["name"]: row["count"] for row in await connection.fetch(counted)}


async def forms_that_make(enter: Enter, held: Harness, clock: ManualClock) -> Mapping[str, tuple[Browser, str, Any]]:
    """By route: who sends it, to which address, and what they answer."""
    emma, lena, mara, kim = [await enter(each) for each in ("emma", "lena", "mara", "kim")]
    today, soon = ex.today_of(clock).isoformat(), (ex.today_of(clock) + timedelta(days=9)).isoformat()
    organisation = await ex.partner_organisation(held)
    told = {"words": "Synthetic", "speaker": "manager", "heard_on": today}
    insight = (await send(mara, "/our-insights/new", told)).headers["location"].rsplit("/", 1)[1]
    assert (await send(lena, f"/insights/{insight}/consider", {"four_p": "protect"})).status_code == 303
    about = {"about-p-protect": "yes", "about-t-hearing_back": "yes", "outcome": "Synthetic", "kind": "visit"}
    activity = about | {"held_on": today, f"with-o-{organisation}": "yes"}
    step = {"next": "Send the guide", "owner": f"a-{account('emma')}", "due_on": soon}
    met = (await send(emma, "/activities/new", activity | step)).headers["location"]
    advice = {"title": "Synthetic", "words": "Synthetic", "four_p": "protect", "confirm_by": soon}
    advice |= {f"insights-{insight}": "yes"}
    note = (await send(emma, "/advice/new", advice)).headers["location"]
    assert (await change(lena, f"{note}/publish", page=note)).status_code == 303
    assert (await send(kim, f"/national-{note[1:]}/confirm")).status_code == 303
    keeping = await ex.begin(emma, held, ex.today_of(clock))
    await keeping.give(*ex.ALL)
    at = await keeping.talk()
    quote = await keeping.tell(at)
    begun = {**ex.LIMITS, "limits_on": today, "limits_by": "partner", "organisation": organisation, "pseudonym": "Wren"}
    agreed = {"reference": "SHARED-1", "valid_from": today, "valid_to": soon, "scope": "Synthetic"}
    planned = {"planned_on": soon, "before": account("emma"), "after": account("emma")}
    measure = {"name": "Synthetic", "how": "Synthetic", "agreed_with": "Synthetic", "counts": "other"}
    came, asked = {"outcome": "not_changed", "words": "Synthetic"}, {"role": "Lead", "email": "lead@harbour.example"}
    to, one = f"/organisations/{organisation}", "/contributors/{contributor_id}"
    return {
        "/activities/new": (emma, "/activities/new", activity | step),
        "/activities/{activity_id}/step": (emma, f"{met}/step", step),
        "/ours/propose": (mara, "/ours/propose", about | {"held_on": soon}),
        "/organisations/new": (emma, "/organisations/new", {"name": "Harbour Lights", "kind": "third_sector"}),
        "/organisations/{organisation_id}/contacts/new": (emma, f"{to}/contacts/new", asked),
        "/organisations/{organisation_id}/agreement": (emma, f"{to}/agreement", agreed),
        "/insights/new": (emma, "/insights/new", told | {"organisation": organisation}),
        "/insights/{insight_id}/answer": (lena, f"/insights/{insight}/answer", came),
        "/our-insights/new": (mara, "/our-insights/new", told),
        "/four-ps/{four_p}/measures/new": (lena, "/four-ps/protect/measures/new", measure),
        "/advice/new": (emma, "/advice/new", advice),
        "/national-advice/{note_id}/answer": (kim, f"/national-{note[1:]}/answer", {"outcome": "adopted"}),
        "/contributors/new": (emma, "/contributors/new", begun),
        f"{one}/conversations/new": (emma, f"{keeping.here}/conversations/new", planned),
        f"{one}/conversations/{{conversation_id}}/quotes/new": (
            emma,
            f"{keeping.here}{at}/quotes/new",
            {"words": "Synthetic: more", **ex.SURE},
        ),
        "/releases/new": (emma, "/releases/new", {"title": "Synthetic", f"quotes-{quote}": "yes"}),
        **await practice_forms(enter, held),
    }


async def practice_forms(enter: Enter, held: Harness) -> Mapping[str, tuple[Browser, str, Any]]:
    """The same of a question that a partner asks without a referral."""
    await held.deliver(*b.registered(b.force("essex")))
    cara, anna, kim = [await enter(each) for each in ("cara", "anna", "kim")]
    question = await asking.asked(cara)
    here = await asking.taken(anna, question)
    await asking.brought_in(anna, question)
    return {
        "/our-questions/new": (cara, "/our-questions/new?danger=no", asking.FORM),
        "/our-questions/danger": (cara, "/our-questions/danger", {"danger": "yes"}),
        "/our-questions/{question_id}/write": (cara, f"/our-questions/{question}/write", {"words": asking.LATER}),
        "/practice-questions/{question_id}/write": (anna, f"{here}/write", asking.NOT_YET),
        "/practice-questions/{question_id}/force": (anna, f"{here}/force", {"force": "essex", "words": asking.TOLD}),
        "/questions-to-us/{question_id}/write": (kim, f"/questions-to-us/{question}/write", {"words": asking.JOINED}),
    }


async def test_whatever_makes_something_makes_it_once_however_often_and_at_once_its_form_is_sent(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    makes = await forms_that_make(enter, held, clock)
    assert {path for method, path in actions(*ROUTERS) if method == "POST" and path.endswith(MAKES)} <= makes.keys()
    for path, (browser, address, answers) in makes.items():
        form, before = hidden_of((await browser.get("/sessions")).text) | answers, await rows(held)
        first, second = await asyncio.gather(browser.post(address, form), browser.post(address, form))
        made = await rows(held)
        again = await browser.post(address, form)
        assert _led(first), (path, text_of(first.text))
        assert _led(first) == _led(second) == _led(again), path
        assert await rows(held) == made, path
        grown = {name: made[name] - before[name] for name in made if made[name] != before[name]}
        assert (grown.pop("sent_forms"), grown.pop("done")) == (1, 1), path
        assert grown, path


async def test_a_form_without_its_key_makes_nothing(enter: Enter, held: Harness) -> None:
    emma = await enter("emma")
    before = await rows(held)
    form = {"name": "Harbour Lights", "kind": "third_sector", "form_key": ""}
    assert (await send(emma, "/organisations/new", form)).status_code == 403
    assert await rows(held) == before


async def test_a_key_of_somebody_else_is_nobodys_and_one_is_forgotten_with_the_sessions(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, lena = await enter("emma"), await enter("lena")
    key = hidden_of((await emma.get("/organisations/new")).text)["form_key"]
    made = [
        _led(await send(who, "/organisations/new", {"name": "Harbour Lights", "kind": "third_sector", "form_key": key}))
        for who in (emma, lena)
    ]
    assert len({*made, None}) == 3
    clock.advance(timedelta(hours=8, minutes=1))
    assert _led(await send(await enter("emma"), "/organisations/new", {"name": "Another", "kind": "third_sector"}))
    assert (await rows(held))["sent_forms"] == 1


def _led(answer: httpx.Response) -> str | None:
    return answer.headers.get("location") if answer.status_code == 303 else None
