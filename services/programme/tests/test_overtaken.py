"""Two people at one thing: whoever is second reads who was first, what they did and when, and nothing is changed."""

from __future__ import annotations

import re
from datetime import timedelta

from conduit_chassis.testing import Harness, ManualClock
from conduit_web.html import date_and_time
from services.programme.tests import experience as ex
from services.programme.tests.pages import Enter, account, send, text_of
from services.web.tests.browser import Browser


async def overtaken(browser: Browser, path: str, form: dict[str, str]) -> str:
    answer = await send(browser, path, form)
    assert answer.status_code == 409, text_of(answer.text)
    assert "Nothing that you sent was kept." in answer.text
    (leads_to,) = re.findall(r'href="([^"]+)">See how it stands now', answer.text)
    assert (await browser.get(leads_to)).status_code == 200
    return text_of(answer.text)


async def test_who_considers_what_somebody_considers_by_now_reads_who_and_since_when(
    enter: Enter, clock: ManualClock
) -> None:
    emma, lena, mara = await enter("emma"), await enter("lena"), await enter("mara")
    told = {"words": "Synthetic", "speaker": "manager", "heard_on": clock.now().strftime("%d/%m/%Y")}
    path = (await send(mara, "/our-insights/new", told)).headers["location"].replace("our-", "")
    since = date_and_time(clock.now())
    assert (await send(emma, f"{path}/consider", {"four_p": "protect"})).status_code == 303
    clock.advance(timedelta(minutes=7))
    page = await overtaken(lena, f"{path}/consider", {"four_p": "pursue"})
    assert f"Engagement officer considered an insight on {since}." in page
    assert "Protect" in (await lena.get(path)).text


async def test_what_ends_once_says_who_ended_it(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, lena, mara = await enter("emma"), await enter("lena"), await enter("mara")
    soon = (ex.today_of(clock) + timedelta(days=9)).isoformat()
    about = {"about-p-protect": "yes", "about-t-hearing_back": "yes", "outcome": "Synthetic", "kind": "visit"}
    proposed = (await send(mara, "/ours/propose", about | {"held_on": soon})).headers["location"].removeprefix("/ours")
    at = date_and_time(clock.now())
    assert (await send(lena, f"{proposed}/answer", {"answer": "agree"})).status_code == 303
    assert f"Programme lead answered a proposal on {at}." in await overtaken(
        emma, f"{proposed}/answer", {"answer": "decline"}
    )
    assert (await send(lena, f"{proposed}/call-off")).status_code == 303
    assert "Programme lead called an activity off on" in await overtaken(emma, f"{proposed}/call-off", {})
    organisation = await ex.partner_organisation(held)
    step = {"next": "Send the guide", "owner": f"o-{organisation}", "due_on": soon}
    assert (await send(emma, f"{proposed}/step", step)).status_code == 303
    (ends,) = re.findall(r"/steps/[0-9a-f-]{36}/done", (await emma.get(proposed)).text)
    assert (await send(emma, ends)).status_code == 303
    assert "Engagement officer ended a next step on" in await overtaken(lena, ends, {})
    assert "Engagement officer ended a next step on" in await overtaken(mara, f"/ours{ends}", {})
    assert account("emma") not in await overtaken(mara, f"/ours{ends}", {})


async def test_a_second_payment_on_a_stale_form_reads_who_paid_and_when(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    keeping = await ex.begin(await enter("emma"), held, ex.today_of(clock))
    await keeping.give("record")
    await keeping.talk()
    fred = await enter("fred")
    (path,) = set(re.findall(r"/payments/[0-9a-f-]{36}", (await fred.get("/payments")).text))
    for state in ("offered", "accepted"):
        assert (await send(fred, path, {"state": state, "amount": "25"})).status_code == 303
    assert '<input type="hidden" name="seen" value="accepted">' in (await fred.get(path)).text
    at = date_and_time(clock.now())
    assert (await send(fred, path, {"state": "paid", "seen": "accepted"})).status_code == 303
    clock.advance(timedelta(minutes=7))
    already = f"This payment is already paid: Finance noted it on {at}."
    for again in ({"state": "paid", "seen": "accepted"}, {"state": "declined", "seen": "offered"}, {"state": "paid"}):
        page = await overtaken(fred, path, again)
        assert already in page
        assert "Choose one of these" not in page
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payment_steps WHERE state = 'paid'") == 1
