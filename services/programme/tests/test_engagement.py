"""Activities and next steps on their pages: one screen, what is due by whom, and each side sees its own part alone."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import ForceRole, HubRole, PartnerRole
from conduit_programme import trail
from conduit_programme.engagement import exports, open_steps
from conduit_programme.engagement.rules import StepOwner
from conduit_programme.organisations import store as organisations
from services.programme.tests import builders as b
from services.programme.tests import experience as ex
from services.programme.tests.builders import CANARY
from services.programme.tests.pages import Enter, Register, account, change, send, text_of
from services.web.tests.browser import Browser
from services.web.tests.crafted import ISSUER


async def organisation_of(held: Harness, partner_id: str = b.PARTNER) -> UUID:
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, partner_id)
    assert found is not None
    return found.organisation_id


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


async def logged(browser: Browser, clock: ManualClock, *with_whom: str, **more: str) -> str:
    """Logs a visit yesterday; the address of its page."""
    form = {
        "kind": "visit",
        "held_on": (clock.now() - timedelta(days=1)).strftime("%d/%m/%Y"),
        **{f"with-{each}": "yes" for each in with_whom},
        "about-p-protect": "yes",
        "about-t-hearing_back": "yes",
        "outcome": CANARY,
        "next": "Send the guide",
        "owner": f"a-{account('emma')}",
        "due_on": (clock.now() + timedelta(days=7)).strftime("%d/%m/%Y"),
        **more,
    }
    answer = await send(browser, "/activities/new", form)
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"]


async def test_logging_is_one_screen_of_at_most_eight_questions_most_of_them_answered(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    page = (await emma.get(f"/activities/new?with=o-{north}")).text
    asked = re.findall(
        r'name="(?!form_)([a-z_]+)(?:-[^"]+)?"', page[page.index('<form method="post" action="/activities') :]
    )
    assert len(set(asked)) <= 8
    assert set(asked) == {"kind", "held_on", "with", "about", "outcome", "next", "owner", "due_on"}
    assert re.search(rf'name="with-o-{north}"[^>]*checked', page)
    assert clock.now().strftime("%d/%m/%Y") in page


async def test_what_was_logged_is_on_its_page_on_the_partners_and_in_what_is_due(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, lena, north = await enter("emma"), await enter("lena"), await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}", "f-kent")
    text = await shown(emma, path)
    for said in ("Visit", "Northlight, Kent Police", "Protect; Hearing back", CANARY, "Send the guide"):
        assert said in text
    assert "Send the guide" in (await shown(emma, "/due")).partition("By us")[0]
    assert "Send the guide" in (await shown(lena, "/due")).partition("By us")[2]
    page = (await emma.get(f"/organisations/{north}")).text
    heads = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert heads[:4] == ["What they bring", "What both kept", "What came of it last", "What is next"]
    assert heads[-1] == "Compliance"
    text = text_of(page)
    assert text.index(CANARY) < text.index("Send the guide") < text.index("Compliance")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": ""}, "Choose one of these."),
        ({"kind": "party"}, "Choose one of these."),
        ({"held_on": "yesterday"}, "Write a day, for example 27/11/2026."),
        ({"owner": ""}, "Say who does it, and by when."),
        ({"due_on": ""}, "Say who does it, and by when."),
        ({"due_on": "1/1/2020"}, "This day has passed."),
        ({"owner": "a-somebody"}, "Choose one of these."),
        ({"outcome": "x" * 4_001}, "This is too long. Shorten it."),
    ],
)
async def test_what_is_not_in_order_is_said_at_its_field_and_nothing_is_lost(
    enter: Enter, held: Harness, clock: ManualClock, wrong: dict[str, str], said: str
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    form = {"kind": "visit", "held_on": "1/6/2026", f"with-o-{north}": "yes", "outcome": "Kept words", "next": "Call"}
    form |= {"owner": f"a-{account('emma')}", "due_on": (clock.now() + timedelta(days=1)).strftime("%d/%m/%Y")}
    answer = await send(emma, "/activities/new", form | wrong)
    assert answer.status_code == 400
    assert said in answer.text
    assert "outcome" in wrong or "Kept words" in answer.text
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM activities") == 0


async def test_with_nobody_there_is_nothing_to_log(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma = await enter("emma")
    answer = await send(emma, "/activities/new", {"kind": "visit", "held_on": "1/6/2026"})
    assert "Choose one of these." in answer.text


async def test_a_step_that_is_done_is_what_was_kept_and_is_done_once(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}")
    (done,) = re.findall(r'action="(/steps/[^"]+/done)"', (await emma.get(path)).text)
    assert (await send(emma, done)).status_code == 303
    assert (await send(emma, done)).status_code == 303, "who says so twice is answered as the first time"
    assert (await send(emma, done.replace("done", "dropped"))).status_code == 409, "nothing ends twice"
    text = await shown(emma, f"/organisations/{north}")
    assert "Engagement officer : Send the guide, done" in text.replace("Engagement officer:", "Engagement officer :")
    assert "as agreed" in text
    assert "Nothing is due by you." in await shown(emma, "/due")


async def test_what_is_late_says_so_until_it_is_done(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    await logged(emma, clock, f"o-{north}")
    clock.advance(timedelta(days=8))
    assert "was due" in await shown(await enter("emma"), "/due")


async def test_a_partner_sees_its_own_part_and_no_others(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, mara, hanna = await enter("emma"), await enter("mara"), await enter("hanna")
    path = await logged(emma, clock, f"o-{await organisation_of(held)}")
    own = f"/ours{path}"
    assert CANARY in await shown(mara, "/ours")
    assert CANARY in await shown(mara, own)
    assert CANARY not in await shown(hanna, "/ours")
    for browser, page in ((hanna, own), (mara, f"/ours/activities/{uuid7()}")):
        assert (await browser.get(page)).status_code == 404
    for page in (path, "/due", "/activities", "/organisations", "/activities.csv", "/directory"):
        assert (await mara.get(page)).status_code == 403, page


async def test_a_force_sees_what_it_takes_part_in(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, kim = await enter("emma"), await enter("kim")
    north = await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}", "f-kent")
    other = await logged(emma, clock, f"o-{north}", "f-essex", outcome="Of Essex alone")
    text = await shown(kim, "/ours")
    assert "Kent Police" in text
    assert CANARY in text
    assert "Of Essex alone" not in text
    assert (await kim.get(f"/ours{path}")).status_code == 200
    assert (await kim.get(f"/ours{other}")).status_code == 404
    assert (await kim.get("/ours/offer")).status_code == 404


async def test_a_partner_proposes_and_the_hub_answers(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, mara = await enter("emma"), await enter("mara")
    soon = (clock.now() + timedelta(days=20)).strftime("%d/%m/%Y")
    form = {"kind": "training", "held_on": soon, "about-p-prepare": "yes", "outcome": "Staff know how to refer"}
    assert (await send(mara, "/ours/propose", {**form, "held_on": "1/1/2020"})).status_code == 400
    proposed = (await send(mara, "/ours/propose", form)).headers["location"]
    assert "The hub has your proposal." in await shown(mara, proposed)
    assert "Training" in await shown(emma, "/due")
    path = proposed.removeprefix("/ours")
    assert (await send(emma, f"{path}/answer", {"answer": "perhaps"})).status_code == 403
    assert (await send(emma, f"{path}/answer", {"answer": "agree"})).status_code == 303
    assert (await send(emma, f"{path}/answer", {"answer": "decline"})).status_code == 409, "it was answered"
    assert "planned" in await shown(mara, proposed)
    assert (await send(emma, f"{path}/call-off")).status_code == 303
    assert "called off" in await shown(mara, proposed)


async def test_an_organisation_owns_a_joint_action_and_another_joins(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, mara, hanna, kim = await enter("emma"), await enter("mara"), await enter("hanna"), await enter("kim")
    north, harbour = await organisation_of(held), await organisation_of(held, "harbour-trust")
    path = await logged(emma, clock, f"o-{north}", f"o-{harbour}", "f-essex", next="")
    due = (clock.now() + timedelta(days=30)).strftime("%d/%m/%Y")
    step = {"next": "A guide for young people", "owner": f"o-{north}", "due_on": due, "joint-yes": "yes"}
    assert (await send(emma, f"{path}/step", step)).status_code == 303
    assert "A guide for young people" in (await shown(mara, "/ours")).partition("Ours to do")[2]
    (join,) = re.findall(r'action="(/ours/steps/[^"]+/join)"', (await hanna.get("/ours")).text)
    done = join.replace("join", "done")
    assert (await send(hanna, done)).status_code == 404, "it is not theirs"
    assert (await send(kim, join)).status_code == 404, "their force is not in it"
    assert (await send(hanna, join)).status_code == 303
    assert "We have joined." in await shown(hanna, "/ours")
    assert "Joined by: Harbour Trust" in await shown(emma, path)
    assert (await send(mara, done)).status_code == 303
    assert "Northlight : A guide for young people, done" in (await shown(mara, "/ours")).replace(
        "Northlight:", "Northlight :"
    )


async def test_after_a_merger_both_sides_see_all_of_it(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, hanna = await enter("emma"), await enter("hanna")
    north, harbour = await organisation_of(held), await organisation_of(held, "harbour-trust")
    path = await logged(emma, clock, f"o-{north}", next="Call again", owner=f"o-{north}")
    assert (await hanna.get(f"/ours{path}")).status_code == 404
    await send(emma, f"/organisations/{north}/merge", {"into": str(harbour)})
    for page in (path, f"/organisations/{harbour}", "/activities", "/due"):
        assert "Harbour Trust" in await shown(emma, page), page
        assert "Northlight" not in (await shown(emma, page)).replace("It is made of: Northlight", "").replace(
            "It is made of: Harbour Trust, Northlight", ""
        ).replace("MOU-NORTHLIGHT", ""), page
    assert CANARY in await shown(hanna, f"/ours{path}")
    assert "Call again" in (await shown(hanna, "/ours")).partition("Ours to do")[2]


async def test_a_partner_writes_what_it_brings(enter: Enter, held: Harness) -> None:
    mara, anna = await enter("mara"), await enter("anna")
    assert (await send(mara, "/ours/offer", {"youngest": "x"})).status_code == 400
    assert (await send(mara, "/ours/offer", {"services-outreach": "yes", "words": CANARY})).status_code == 303
    assert "Outreach" in await shown(mara, "/ours")
    assert "Northlight" in await shown(anna, "/directory?service=outreach")
    async with held.pool.acquire() as connection:
        rows = (await trail.deeds(connection, trail.DeedFilter(account=account("mara"), kind="alteration"))).rows
    assert [(row.what, row.belongs_to) for row in rows] == [("wrote_offer", "partner.northlight")]


async def test_an_activity_can_be_put_right_and_its_old_words_are_gone(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}")
    form = {"kind": "call", "held_on": "2/6/2026", f"with-o-{north}": "yes", "roles": "Two managers", "outcome": "Otherwise"}
    assert (await send(emma, f"{path}/change", {**form, "kind": ""})).status_code == 400
    assert (await change(emma, f"{path}/change", form)).status_code == 303
    text = await shown(emma, path)
    assert "Call, 02/06/2026" in text
    assert "Two managers" in text
    async with held.pool.acquire() as connection:
        kept = await connection.fetch("SELECT convert_from(body, 'UTF8') AS body FROM contents")
    assert CANARY not in str([row["body"] for row in kept])


async def test_an_export_asks_for_a_fresh_sign_in_and_runs_nothing_in_a_spreadsheet(
    enter: Enter, held: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    await logged(emma, clock, f"o-{north}", outcome='=HYPERLINK("https://example.org")', next="@sum(1)")
    answer = await emma.get("/activities.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    head, row = list(csv.reader(io.StringIO(answer.text)))
    assert dict(zip(head, row, strict=True))["What came of it"] == '\'=HYPERLINK("https://example.org")'
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    await logged(emma, clock, f"o-{north}")
    monkeypatch.setattr(exports, "MOST", 1)
    *_, last = csv.reader(io.StringIO((await emma.get("/activities.csv")).text))
    assert last == ["There are more activities than this table holds."]
    clock.advance(timedelta(minutes=6))
    assert (await emma.get("/activities.csv")).status_code == 303, "it asks to sign in again"
    async with held.pool.acquire() as connection:
        rows = (await trail.deeds(connection, trail.DeedFilter(kind="disclosure"))).rows
    assert [row.what for row in rows] == ["exported_activities", "exported_activities"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", " =1", "  @a", "\uff1d1"])
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert exports.cell(text) == f"'{text}"
    assert next(csv.reader(io.StringIO(exports.table([[text, "a-b", ""]]), newline=""))) == [f"'{text}", "a-b", ""]


async def test_a_calendar_is_read_at_an_address_of_its_own_until_that_ends(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    await logged(emma, clock, f"o-{north}", next=f"Ring {CANARY}")
    page = (await send(emma, "/calendar", {"what": "make"})).text
    (address,) = set(re.findall(r"/calendars/[\w-]+\.ics", page))
    assert address not in (await emma.get("/calendar")).text, "it is shown once"
    stranger = await enter("emma")
    stranger.desk.cookies.clear()
    answer = await stranger.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    calendar = Calendar.from_ical(answer.content)
    summaries = {str(event["summary"]) for event in calendar.walk("VEVENT")}
    assert summaries == {"Visit: Northlight", "A next step is due"}
    for hidden in (CANARY, "Engagement officer", account("emma")):
        assert hidden not in answer.text.replace("\r\n ", "")
    second = (await send(emma, "/calendar", {"what": "make"})).text
    (newer,) = set(re.findall(r"/calendars/[\w-]+\.ics", second))
    assert (await stranger.get(address)).status_code == 404, "a new address ends the old one"
    assert (await stranger.get(newer)).status_code == 200
    await send(emma, "/calendar", {"what": "revoke"})
    assert (await stranger.get(newer)).status_code == 404
    assert (await stranger.get("/calendars/guess.ics")).status_code == 404


async def test_a_partners_calendar_holds_its_own_part_and_ends_when_its_person_leaves(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    register = Register.of(ISSUER)
    emma, mara = await enter("emma", register=register), await enter("mara", register=register)
    north, harbour = await organisation_of(held), await organisation_of(held, "harbour-trust")
    await logged(emma, clock, f"o-{north}", next="Yours", owner=f"o-{north}")
    await logged(emma, clock, f"o-{harbour}", kind="campaign", next="Theirs", owner=f"o-{harbour}")
    page = (await send(mara, "/ours/calendar", {"what": "make"})).text
    (address,) = set(re.findall(r"/calendars/[\w-]+\.ics", page))
    summaries = [str(event["summary"]) for event in Calendar.from_ical((await mara.get(address)).content).walk("VEVENT")]
    assert sorted(summaries) == ["A next step is due", "Visit: Northlight"]
    del register.known[ISSUER, "mara"]
    assert (await mara.get(address)).status_code == 404


def test_a_step_has_one_owner() -> None:
    for given in ({}, {"account": "p-1", "force_id": "kent"}):
        with pytest.raises(ValueError, match="one owner"):
            StepOwner(**given)


@pytest.mark.parametrize(
    ("who", "path", "then"),
    [
        ("emma", "/calendar", {"roles": (HubRole.AUDITOR,)}),
        ("emma", "/calendar", {"valid_to": datetime(2026, 11, 24, tzinfo=UTC)}),
        ("emma", "/calendar", {"sessions_from": datetime(2999, 1, 1, tzinfo=UTC)}),
        ("mara", "/ours/calendar", {"roles": (PartnerRole.CASEWORKER,)}),
        ("kim", "/ours/calendar", {"roles": (ForceRole.TEAM,)}),
    ],
)
async def test_a_calendar_ends_with_the_role_it_was_made_in(enter: Enter, who: str, path: str, then: dict[str, Any]) -> None:
    register = Register.of(ISSUER)
    browser = await enter(who, register=register)
    (address,) = set(re.findall(r"/calendars/[\w-]+\.ics", (await send(browser, path, {"what": "make"})).text))
    browser.desk.cookies.clear()
    assert (await browser.get(address)).status_code == 200
    register.change(who, **then)
    assert (await browser.get(address)).status_code == 404


async def test_where_it_is_not_known_who_is_who_no_calendar_and_no_page_is_given_out(enter: Enter) -> None:
    register = Register.of(ISSUER)
    emma = await enter("emma", register=register)
    (address,) = set(re.findall(r"/calendars/[\w-]+\.ics", (await send(emma, "/calendar", {"what": "make"})).text))
    register.behind = True
    for path in (address, "/due"):
        assert (await emma.get(path)).status_code == 503, path


async def test_nobody_who_has_left_is_offered_for_what_is_to_be_done(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    register = Register.of(ISSUER)
    emma, north = await enter("emma", register=register), await organisation_of(held)
    assert "Programme lead" in (await emma.get("/activities/new")).text
    register.change("lena", valid_to=clock.now())
    assert "Programme lead" not in (await emma.get("/activities/new")).text
    due = (clock.now() + timedelta(days=1)).strftime("%d/%m/%Y")
    form = {"kind": "visit", "held_on": "1/6/2026", f"with-o-{north}": "yes", "next": "Call", "due_on": due}
    assert (await send(emma, "/activities/new", {**form, "owner": f"a-{account('lena')}"})).status_code == 400


async def many_steps(held: Harness, activity: str, owner: str, number: int, *, due_in: int = 1) -> None:
    """So many open steps of one owner, as a column of the table names it."""
    async with held.pool.acquire() as connection:
        await connection.execute(
            f"""
            INSERT INTO steps (step_id, activity_id, words_id, {owner}, joint, due_on, state, begun_at)
            SELECT gen_random_uuid(), $1, gen_random_uuid(), $2, false, current_date + $3::integer + number, 'open', now()
            FROM generate_series(1, $4::integer) AS number
            """,  # noqa: S608 - a column's name
            UUID(activity.rsplit("/", 1)[1]),
            account("lena") if owner == "owner_account" else "kent",
            due_in,
            number,
        )


async def test_what_is_due_goes_on_by_key_and_no_calendar_is_cut_without_a_word(
    enter: Enter, held: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    emma, kim, north = await enter("emma"), await enter("kim"), await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}", "f-kent", next="")
    await many_steps(held, path, "owner_account", 60)
    await many_steps(held, path, "owner_force", 60, due_in=70)
    for browser, page, name, more in (
        (emma, "/due", "ours", "More by others at the hub"),
        (emma, "/due", "theirs", "More by organisations and forces"),
        (kim, "/ours", "mine", "More that is ours to do"),
    ):
        first = await browser.get(page)
        assert more in first.text
        (after,) = re.findall(rf'href="\?{name}=([^"]+)"', first.text)
        rest = await browser.get(f"{page}?{name}={after}")
        assert more not in rest.text
        others = 50 if page == "/due" else 0
        assert len(re.findall(r'action="(?:/ours)?/steps/[^"]+/done"', rest.text)) == 10 + others
    address = re.findall(r"/calendars/[\w-]+\.ics", (await send(kim, "/ours/calendar", {"what": "make"})).text)[0]

    async def said() -> list[str]:
        return [str(event["summary"]) for event in Calendar.from_ical((await kim.get(address)).content).walk("VEVENT")]

    assert (await said()).count("A next step is due") == 60, "whatever others have to do before"
    monkeypatch.setattr(open_steps, "MOST_AT_ONCE", 20)
    assert (await said()).count("A next step is due") == 20
    assert "There is more than this calendar shows" in await said()


async def test_a_force_owns_a_step_and_whoever_drops_one_says_so(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, kim = await enter("emma"), await enter("kim")
    path = await logged(emma, clock, "f-kent", next="Name a contact", owner="f-kent")
    assert "Name a contact" in (await shown(kim, "/ours")).partition("Ours to do")[2]
    page = (await kim.get("/ours")).text
    assert "Drop it" not in page, "what the hub asked for, the hub drops"
    (drop,) = re.findall(r'action="(/steps/[^"]+/dropped)"', (await emma.get(path)).text)
    assert (await send(emma, drop)).status_code == 303
    assert "dropped" in await shown(emma, path)
    assert "Ours to do" not in await shown(kim, "/ours")


async def test_what_did_not_take_place_is_called_off_after_its_day_too(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, north = await enter("emma"), await organisation_of(held)
    path = await logged(emma, clock, f"o-{north}")
    page = (await emma.get(path)).text
    assert "It did not take place" in page
    assert f'action="{path}/call-off"' in page
    assert (await send(emma, f"{path}/call-off")).status_code == 303
    assert "called off" in await shown(emma, path)


async def test_nothing_is_due_only_where_nothing_of_any_part_is(enter: Enter, held: Harness, clock: ManualClock) -> None:
    emma, lena, mara = await enter("emma"), await enter("lena"), await enter("mara")
    assert "Nothing is due by you." in await shown(emma, "/due")
    today = clock.now().strftime("%d/%m/%Y")
    said = {"words": "Synthetic: nobody calls back", "speaker": "manager", "heard_on": today}
    path = (await send(mara, "/our-insights/new", said)).headers["location"].replace("our-", "")
    assert "Insights that nobody considers yet: 1" in await shown(emma, "/due")
    assert (await send(emma, f"{path}/consider", {"four_p": "protect"})).status_code == 303
    assert (await send(lena, f"{path}/consider", {"four_p": "protect"})).status_code == 409, "somebody does"
    mine = (await shown(emma, "/due")).partition("By us")[0]
    assert "Insights to be answered: 1" in mine
    assert "Nothing is due by you." not in mine
    assert "Insights that others answer: 1" in (await shown(lena, "/due")).partition("By us")[2]
    keeping = await ex.begin(emma, held, ex.today_of(clock))
    at = await keeping.talk()
    assert "Wellbeing checks: 1" in (await shown(lena, "/due")).partition("By us")[0]
    clock.advance(timedelta(days=3))
    lena = await enter("lena")
    assert "Wellbeing checks: 1 late: 1" in (await shown(lena, "/due")).partition("By us")[0]
    assert (await send(lena, f"{keeping.here}{at}/checks/after", {"outcome": "well"})).status_code == 303
    assert "Wellbeing checks" not in await shown(lena, "/due")
