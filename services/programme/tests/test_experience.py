"""What people tell is kept under their consents, and gone from every page on the next read."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.experience import reading, released, store
from conduit_programme.experience.rules import ConsentPurpose, falls_with
from conduit_programme.experience.store import ConsentNote
from conduit_programme.organisations import store as organisations
from services.programme.tests import experience as ex
from services.programme.tests.builders import CANARY
from services.programme.tests.experience import ALL, LIMITS, PSEUDONYM, SURE, WORDS, Keeping
from services.programme.tests.pages import Enter, Register, change, send, text_of
from services.web.tests.crafted import ISSUER

OURS = re.compile(r"CREATE TABLE (\w+) \(\n(.*?)\n\);", re.DOTALL)
MIGRATION = next((Path(ex.__file__).parents[1] / "src/conduit_programme/migrations").glob("*_experience.sql"))


@pytest.fixture
async def keeping(enter: Enter, held: Harness, clock: ManualClock) -> Keeping:
    return await ex.begin(await enter("emma"), held, ex.today_of(clock))


async def dumped(held: Harness) -> dict[str, str]:
    """Every column of every table, as text."""
    async with held.pool.acquire() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for row in tables:
            whole = await connection.fetch(f"SELECT each::text AS it FROM {row['tablename']} AS each")  # noqa: S608 - a catalogue's name
            found[row["tablename"]] = "\n".join(each["it"] for each in whole)
        return found


def where(tables: dict[str, str], text: str) -> set[str]:
    return {name for name, whole in tables.items() if text in whole or text.encode().hex() in whole}


async def test_nothing_is_kept_of_anybody_before_the_limits_were_explained(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, today = await enter("emma"), ex.today_of(clock).isoformat()
    form = {"limits_on": today, "limits_by": "hub", "pseudonym": CANARY}
    form["organisation"] = await ex.partner_organisation(held)
    answer = await send(emma, "/contributors/new", form)
    assert answer.status_code == 400
    assert "Go on only when this is so." in answer.text
    assert where(await dumped(held), CANARY) == set()
    assert (await send(emma, "/contributors/new", form | LIMITS)).status_code == 303


async def test_words_wait_for_the_conversation_the_wellbeing_check_and_the_consent(keeping: Keeping) -> None:
    form = {"planned_on": keeping.today.isoformat(), "before": ex.account("emma"), "after": ex.account("lena")}
    await keeping.send("/conversations/new", form)
    at = re.findall(r"/conversations/[0-9a-f-]{36}", await keeping.page())[0]
    held = {"held_on": keeping.today.isoformat()}
    assert (await keeping.send(f"{at}/held", held | LIMITS)).status_code == 403, "nobody asked how they are"
    assert (await keeping.send(f"{at}/checks/after", {"outcome": "well"})).status_code == 403, "it did not take place"
    await keeping.send(f"{at}/checks/before", {"outcome": "support"})
    assert (await keeping.send(f"{at}/held", held)).status_code == 400, "the limits were not explained again"
    said = {"words": WORDS, **SURE}
    assert (await keeping.send(f"{at}/quotes/new", said)).status_code == 403, "it did not take place"
    assert (await keeping.send(f"{at}/held", held | LIMITS)).status_code == 303
    assert (await keeping.send(f"{at}/quotes/new", said)).status_code == 403, "they did not agree"
    await keeping.give("record")
    assert (await keeping.send(f"{at}/quotes/new", {"words": WORDS})).status_code == 400, "nobody looked for harm and names"
    assert WORDS not in await keeping.page()
    assert (await keeping.send(f"{at}/quotes/new", said)).status_code == 303
    assert WORDS in await keeping.page()


async def test_a_conversation_that_must_not_go_on_does_not(keeping: Keeping) -> None:
    form = {"planned_on": keeping.today.isoformat(), "before": ex.account("emma"), "after": ex.account("lena")}
    await keeping.send("/conversations/new", form)
    at = re.findall(r"/conversations/[0-9a-f-]{36}", await keeping.page())[0]
    await keeping.send(f"{at}/checks/before", {"outcome": "stop"})
    assert (await keeping.send(f"{at}/checks/before", {"outcome": "well"})).status_code == 403, "and says so"
    assert "It does not take place." in text_of(await keeping.page()), "what was found first holds"
    assert (await keeping.send(f"{at}/held", {"held_on": keeping.today.isoformat()} | LIMITS)).status_code == 403


async def test_consents_say_when_and_by_whom_and_are_asked_for_in_order(keeping: Keeping) -> None:
    day = {"on_day": keeping.today.isoformat(), "said_by": "contributor"}
    assert (await keeping.send("/consents/publish/give", day | {"told-print": "yes"})).status_code == 403
    assert (await keeping.send("/consents/something/give", day)).status_code == 404
    await keeping.give("record", "quote")
    assert (await keeping.send("/consents/publish/give", day)).status_code == 400, "nobody spoke of print"
    await keeping.give("publish")
    text = text_of(await keeping.page())
    assert text.count(f"on {keeping.today:%d/%m/%Y}, by the contributor") == 3
    await keeping.withdraw("publish")
    assert f"withdrawn on {keeping.today:%d/%m/%Y}, by the partner, for the contributor" in text_of(await keeping.page())


@pytest.mark.parametrize(
    ("purpose", "left"),
    [
        ("contact", {"own", "told", "release"}),
        ("publish", {"own", "told"}),
        ("quote", {"own"}),
        ("record", set()),
    ],
)
async def test_a_withdrawal_holds_on_the_next_read_of_everybody(
    enter: Enter, keeping: Keeping, purpose: str, left: set[str]
) -> None:
    await keeping.give(*ALL)
    release = await keeping.publish(await keeping.tell(await keeping.talk()))
    readers = [await enter(who) for who in ("anna", "mara", "cara", "kim", "lena")]

    async def seen() -> set[str]:
        found = {"own"} if WORDS in await keeping.page() else set()
        for each in readers:
            for name, path in (("told", "/lived-experience"), ("release", release)):
                answer = await each.get(path)
                assert answer.headers["cache-control"] == "no-store"
                assert answer.status_code == 200
                found |= {name} if WORDS in answer.text else set()
        return found

    assert await seen() == {"own", "told", "release"}
    await keeping.withdraw(purpose)
    assert await seen() == left
    gap = "Passage 1 is no longer here since revision 2."
    assert (gap in (await readers[0].get(release)).text) == ("release" not in left)
    await keeping.give(*(each for each in ALL if each in falls_with(ConsentPurpose(purpose))))
    assert ("release" in await seen()) == ("release" in left), "a gap stays one"


async def test_what_was_deleted_does_not_come_back_with_the_consent(keeping: Keeping, held: Harness) -> None:
    await keeping.give("record", "quote")
    await keeping.tell(await keeping.talk(), CANARY)
    await keeping.withdraw("record")
    assert where(await dumped(held), CANARY) == set()
    await keeping.give("record", "quote")
    assert CANARY not in await keeping.page()


async def test_a_release_holds_ids_and_names_what_went(keeping: Keeping, enter: Enter, held: Harness) -> None:
    await keeping.give("record", "quote", "publish")
    at = await keeping.talk()
    first, second = await keeping.tell(at), await keeping.tell(at, "Synthetic: and then somebody did.")
    other = await ex.begin(keeping.emma, held, keeping.today, "Heron")
    await other.give("record", "quote", "publish")
    third = await other.tell(await other.talk(), "Synthetic: it took a year.")
    release = await keeping.publish(first, second, third)
    assert where(await dumped(held), WORDS) == {"contents"}
    assert (await keeping.send(f"/quotes/{first}/delete")).status_code == 303
    await other.withdraw("quote")
    text = text_of((await (await enter("mara")).get(release)).text)
    assert "and then somebody did" in text
    assert text.count("is no longer here since revision") == 2
    assert "Revision 3." in text
    assert re.search(r"2, [\d/]+: no longer here: passage \d", text)
    assert re.search(r"3, [\d/]+: no longer here: passage \d", text)


async def test_only_what_may_be_published_now_can_be(keeping: Keeping) -> None:
    await keeping.give("record", "quote")
    quote = await keeping.tell(await keeping.talk())
    assert "Nobody here agreed to be published." in (await keeping.emma.get("/releases/new")).text
    await keeping.give("publish")
    assert WORDS in (await keeping.emma.get("/releases/new")).text
    await keeping.withdraw("publish")
    answer = await send(keeping.emma, "/releases/new", {"title": "What we heard", f"quotes-{quote}": "yes"})
    assert answer.status_code == 400


async def test_whoever_publishes_while_somebody_withdraws_publishes_a_gap_or_waits(
    keeping: Keeping, held: Harness, clock: ManualClock
) -> None:
    await keeping.give("record", "quote", "publish")
    quote = await keeping.tell(await keeping.talk())
    note = ConsentNote(keeping.today, "contributor", "p-1", clock.now())
    async with held.pool.acquire() as publishing, held.pool.acquire() as withdrawing:
        async with publishing.transaction():
            found = await store.quotes(publishing, [quote])  # type: ignore[list-item]  # the driver reads text
            ids = list(found)
            await released.hold_contributors(publishing, ids)
            one = await released.publish(publishing, "What we heard", ids, "p-1", clock.now())

            async def withdraw() -> None:
                async with withdrawing.transaction():
                    known = await store.hold(withdrawing, keeping.contributor_id)
                    assert known is not None
                    await store.withdraw(withdrawing, known, ConsentPurpose.PUBLISH, note)

            other = asyncio.create_task(withdraw())
            await asyncio.sleep(0.2)
            assert not other.done(), "it waits for who publishes"
        await other
        release = await released.find(publishing, one)
        assert release is not None
        shown = await reading.release(publishing, release)
        assert [(each.words, each.gone_in) for each in shown.places] == [(None, 2)]


async def test_who_is_forgotten_is_in_no_table_and_on_no_topic(keeping: Keeping, held: Harness, enter: Enter) -> None:
    secrets = {name: f"{CANARY} {name}" for name in ("pseudonym", "contact", "words")}
    gone = await ex.begin(keeping.emma, held, keeping.today, secrets["pseudonym"][:60])
    await gone.give(*ALL)
    await gone.send("/contact", {"words": secrets["contact"]})
    at = await gone.talk()
    release = await gone.publish(await gone.tell(at, secrets["words"]))
    assert where(await dumped(held), CANARY) == {"contents"}, "it is kept in one place"
    assert (await gone.send("/forget")).status_code == 303
    assert where(await dumped(held), CANARY) == set()
    assert (await dumped(held))["wellbeing_checks"] == "", "how they were is of them, too"
    assert (await dumped(held))["outbox"] == "", "nothing is on its way to any topic"
    assert (await gone.emma.get(gone.here)).status_code == 404
    for who, path in (("emma", "/contributors"), ("mara", release), ("mara", "/lived-experience"), ("fred", "/payments")):
        assert CANARY not in (await (await enter(who)).get(path)).text
    assert PSEUDONYM in (await keeping.emma.get("/contributors")).text, "and nobody else is"


async def test_they_are_reached_through_the_partner_unless_they_ask_otherwise(keeping: Keeping, held: Harness) -> None:
    assert (await keeping.send("/contact", {"words": CANARY})).status_code == 403, "they did not agree to be asked"
    await keeping.give("contact")
    assert "Through Northlight." in await keeping.page()
    await keeping.send("/contact", {"words": CANARY})
    assert CANARY in await keeping.page()
    await keeping.withdraw("contact")
    assert where(await dumped(held), CANARY) == set()


async def test_finance_sees_payments_and_nothing_else_and_nobody_else_sees_them(
    keeping: Keeping, enter: Enter, clock: ManualClock
) -> None:
    await keeping.give("record")
    await keeping.tell(await keeping.talk())
    fred = await enter("fred")
    listed = (await fred.get("/payments")).text
    reference = re.findall(r"LE-\w{4}-\w{4}", listed)[0]
    one = re.findall(r"/payments/[0-9a-f-]{36}", listed)[0]
    assert reference in await keeping.page(), "by which the partner and both are sure that they mean the same"
    steps = [("offered", "25.50"), ("declined", ""), ("offered", "30"), ("accepted", ""), ("paid", "")]
    for state, amount in steps:
        clock.advance(timedelta(minutes=1))
        assert (await send(fred, one, {"state": state, "amount": amount})).status_code == 303, state
    text = text_of((await fred.get(one)).text)
    assert [each for each in ("£25.50", "£30.00", "paid") if each not in text] == []
    assert (await send(fred, one, {"state": "offered", "amount": "99"})).status_code == 400
    for page in (listed, text):
        assert [each for each in (PSEUDONYM, WORDS, str(keeping.contributor_id), "agree") if each in page] == []
    for path in ("/contributors", keeping.here, "/contributors/due", "/lived-experience", "/releases/new", "/organisations"):
        assert (await fred.get(path)).status_code == 403, path
    for who in ("emma", "lena", "anna", "audrey", "mara", "cara", "kim", "tom"):
        browser = await enter(who)
        for path in ("/payments", one):
            assert (await browser.get(path)).status_code == 403, (who, path)
    page = text_of(await keeping.page())
    assert "£" not in page
    assert "paid" not in page
    audrey = text_of((await (await enter("audrey")).get("/trail")).text)
    assert "noted what became of a payment" in audrey


async def test_an_amount_that_is_none_is_asked_for_again(keeping: Keeping, enter: Enter) -> None:
    await keeping.talk()
    fred = await enter("fred")
    one = re.findall(r"/payments/[0-9a-f-]{36}", (await fred.get("/payments?state=due")).text)[0]
    answer = await send(fred, one, {"state": "offered", "amount": "much"})
    assert answer.status_code == 400
    assert "Write an amount in pounds" in answer.text
    assert "noted what became of a payment" not in text_of((await (await enter("audrey")).get("/trail")).text)
    assert (await send(fred, one, {"state": "paid", "amount": "10"})).status_code == 400, "it was not offered"
    assert "There are no such payments." in (await fred.get("/payments?state=paid")).text


async def test_wellbeing_is_due_by_somebody_and_gets_louder(keeping: Keeping, enter: Enter, clock: ManualClock) -> None:
    at = await keeping.talk()
    lena = await enter("lena")
    due = text_of((await lena.get("/contributors/due")).text)
    assert "No wellbeing check is due by you." not in due
    assert "No wellbeing check is due by you." in text_of((await keeping.emma.get("/contributors/due")).text), "hers is done"
    check = f"{keeping.here}{at}/checks/after"
    assert (await change(lena, f"{check}/owner", {"owner": ex.account("emma")}, page=check)).status_code == 303
    assert "No wellbeing check is due by you." in text_of((await lena.get("/contributors/due")).text)
    clock.advance(timedelta(days=4))
    emma = await enter("emma")
    assert "late" in text_of((await emma.get("/contributors/due")).text)
    assert (await send(emma, f"{keeping.here}{at}/checks/after", {"outcome": "well"})).status_code == 303
    assert "No wellbeing check is due." in text_of((await emma.get("/contributors/due")).text)
    answer = await send(emma, f"{keeping.here}{at}/checks/after/owner", {"owner": ex.account("anna")})
    assert answer.status_code == 403, "officers see no contributors"


async def test_who_has_left_is_not_offered_for_a_wellbeing_check_and_nobody_is_chosen_unasked(
    keeping: Keeping, enter: Enter, clock: ManualClock
) -> None:
    at = await keeping.talk()
    register = Register.of(ISSUER)
    emma = await enter("emma", register=register)
    register.change("lena", valid_to=clock.now())
    page = (await emma.get(f"{keeping.here}{at}/checks/after")).text
    assert "Programme lead" not in page
    assert re.search(r'<option value=""[^>]*>Choose', page), "the browser would choose the first for whoever presses"


async def test_who_was_heard_is_asked_how_they_are_two_days_after_the_day_on_which_they_were(
    keeping: Keeping, enter: Enter, clock: ManualClock
) -> None:
    form = {"planned_on": keeping.today.isoformat(), "before": ex.account("emma"), "after": ex.account("emma")}
    await keeping.send("/conversations/new", form)
    at = re.findall(r"/conversations/[0-9a-f-]{36}", await keeping.page())[0]
    await keeping.send(f"{at}/checks/before", {"outcome": "well"})
    clock.advance(timedelta(days=10))
    emma, held_on = await enter("emma"), ex.today_of(clock)
    assert (await send(emma, f"{keeping.here}{at}/held", {"held_on": held_on.isoformat(), **LIMITS})).status_code == 303
    due = text_of((await emma.get("/contributors/due")).text)
    assert f"{held_on + timedelta(days=2):%d/%m/%Y}" in due
    assert "late" not in due


async def test_consents_are_looked_at_every_year(keeping: Keeping, enter: Enter, clock: ManualClock) -> None:
    assert "All were looked at within a year." in (await keeping.emma.get("/contributors/due")).text
    clock.advance(timedelta(days=366))
    emma = await enter("emma")
    due = (await emma.get("/contributors/due")).text
    assert PSEUDONYM in due
    assert "due since" in text_of((await emma.get("/contributors")).text)
    assert (await send(emma, f"{keeping.here}/reviewed")).status_code == 303
    assert PSEUDONYM not in (await emma.get("/contributors/due")).text


async def test_if_somebody_tells_of_harm_the_page_says_what_to_do_and_keeps_nothing(keeping: Keeping) -> None:
    at = await keeping.talk()
    await keeping.give("record")
    for path in ("", f"{at}/quotes/new", f"{at}/checks/after"):
        text = text_of((await keeping.emma.get(f"{keeping.here}{path}")).text)
        assert "If anybody is in danger now, call 999." in text
        assert "The partner makes a referral" in text
        assert "Write nothing of it here" in text


def test_no_table_has_a_place_for_a_case() -> None:
    tables = dict(OURS.findall(MIGRATION.read_text(encoding="utf-8")))
    assert len(tables) == 10
    columns = {line.split()[0] for body in tables.values() for line in body.splitlines()}
    assert not [each for each in columns if re.search(r"case|referral|partner_id|force|subject", each)]
    texts = {line for body in tables.values() for line in body.splitlines() if " text" in line and "CHECK" not in line}
    words = {line.split()[0] for line in texts}
    assert words == {
        "begun_by",
        "noted_by",
        "planned_by",
        "owner",
        "done_by",
        "published_by",
        "account",
        "reference",
        "state",
    }


async def test_a_partner_that_became_part_of_another_is_that_one(keeping: Keeping, held: Harness, enter: Enter) -> None:
    await keeping.talk()
    async with held.pool.acquire() as connection:
        northlight = await organisations.of_partner(connection, "northlight")
        harbour = await organisations.of_partner(connection, "harbour-trust")
        assert northlight is not None
        assert harbour is not None
        assert await organisations.merge(connection, northlight.organisation_id, harbour.organisation_id)
    assert "reached through Harbour Trust" in text_of(await keeping.page())
    assert "Harbour Trust" in (await keeping.emma.get("/contributors")).text
    assert "Harbour Trust" in (await (await enter("fred")).get("/payments")).text


async def test_who_presses_twice_does_it_once(keeping: Keeping, held: Harness) -> None:
    await keeping.give("record")
    at = await keeping.talk()
    await keeping.give("record")
    again = {"held_on": keeping.today.isoformat(), **LIMITS}
    assert (await keeping.send(f"{at}/held", again)).status_code == 303
    assert (await keeping.send(f"{at}/checks/before", {"outcome": "well"})).status_code == 303
    assert (await keeping.send(f"{at}/checks/before", {"outcome": "stop"})).status_code == 403, "it is not what was noted"
    earlier = {"held_on": (keeping.today - timedelta(days=1)).isoformat(), **LIMITS}
    assert (await keeping.send(f"{at}/held", earlier)).status_code == 403, "nor is another day"
    assert (await keeping.send(f"{at}/checks/before/owner", {"owner": ex.account("lena")})).status_code == 403, "it is done"
    tables = await dumped(held)
    assert [len(tables[each].splitlines()) for each in ("consents", "conversations", "payments")] == [1, 1, 1]
    assert "They are well" in await keeping.page()
    for _ in range(2):
        await keeping.withdraw("record")
    async with held.pool.acquire() as connection:
        lines = await connection.fetch("SELECT what, count(*) AS number FROM acts WHERE kind = 'alteration' GROUP BY what")
    once = {"gave_consent", "planned_conversation", "held_conversation", "checked_wellbeing", "withdrew_consent"}
    assert {row["what"]: row["number"] for row in lines if row["what"] in once} == dict.fromkeys(once, 1)


async def test_words_are_seen_once_more_before_they_are_deleted(keeping: Keeping) -> None:
    await keeping.give("record")
    quote = await keeping.tell(await keeping.talk())
    page = (await keeping.emma.get(f"{keeping.here}/quotes/{quote}/delete")).text
    assert WORDS in page
    assert "cannot be brought back" in page
    assert (await keeping.send(f"/quotes/{quote}/delete")).status_code == 303
    assert (await keeping.emma.get(f"{keeping.here}/quotes/{quote}/delete")).status_code == 404
    assert WORDS not in await keeping.page()


async def test_a_contributor_who_is_none_is_missing(keeping: Keeping) -> None:
    at = await keeping.talk()
    other = re.sub(r"[0-9a-f]{12}$", "0" * 12, at)
    for path in ("/held", "/quotes/new", "/checks/before"):
        assert (await keeping.emma.get(f"{keeping.here}{other}{path}")).status_code == 404
    assert (await keeping.emma.get(f"{keeping.here}{at}/checks/during")).status_code == 404
    assert (await keeping.send(f"/quotes/{ex.UUID(int=1)}/delete")).status_code == 404
