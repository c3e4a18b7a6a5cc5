"""What somebody read is what they change: whoever was first is not written over, and whoever was second loses no words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme import seen
from conduit_programme.pages.front import ROUTERS
from conduit_programme.wording import day
from conduit_web.desk import actions
from conduit_web.html import date_and_time
from services.programme.tests import experience as ex
from services.programme.tests.pages import Enter, account, change, hidden_of, send, text_of, waiting_or_done
from services.programme.tests.test_insight import at_hub, considered, offered
from services.programme.tests.test_sent_twice import rows
from services.web.tests.browser import Browser

CHANGES = ("/change", "/offer", "/agreement", "/review", "/name", "/contact", "/reading")
"""How the address of a form ends that changes what stands and nothing else."""
_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type = 'uuid' AND table_name <> 'contents'
"""


@dataclass
class ChangingForm:
    """A form, and two people who have it open at once."""

    first: Browser
    second: Browser
    who_did: str
    """What is told of whoever is first."""
    path: str
    answers: Callable[[int], dict[str, str]]
    """What somebody fills in, another thing for each number."""
    typed: Callable[[int], str]
    kept_at: str = ""
    """Where one sees it, if the form itself does not show it."""
    others_path: str = ""
    """Where the second one sends it, if not there."""

    @property
    def paths(self) -> tuple[str, str]:
        return self.path, self.others_path or self.path

    async def open(self) -> list[dict[str, str]]:
        """What both forms carry."""
        pages = [await who.get(path) for who, path in zip((self.first, self.second), self.paths, strict=True)]
        return [hidden_of(page.text) for page in pages]

    async def is_kept(self, number: int) -> bool:
        return self.typed(number) in (await self.second.get(self.kept_at or self.paths[1])).text


def words(number: int) -> str:
    return f"Synthetic words, {number}"


async def forms_that_change(enter: Enter, held: Harness, clock: ManualClock) -> Mapping[str, ChangingForm]:
    """By route."""
    emma, lena, mara, kim, tom = [await enter(each) for each in ("emma", "lena", "mara", "kim", "tom")]
    today = ex.today_of(clock)
    soon, organisation = (today + timedelta(days=9)).isoformat(), await ex.partner_organisation(held)
    insight = at_hub(await offered(mara, clock))
    await considered(lena, insight)
    logged = {"kind": "visit", "held_on": today.isoformat(), f"with-o-{organisation}": "yes", "about-p-protect": "yes"}
    advice = {"title": "Synthetic", "four_p": "protect", "confirm_by": soon}
    advice |= {f"insights-{insight.rpartition('/')[2]}": "yes"}
    met = await made(emma, "/activities/new", logged)
    draft, note = [await made(emma, "/advice/new", advice | {"words": "Synthetic"}) for _ in range(2)]
    assert (await change(lena, f"{note}/publish", page=note)).status_code == 303
    assert (await send(kim, f"/national-{note[1:]}/confirm")).status_code == 303
    named = await made(emma, "/organisations/new", {"name": "Harbour Lights", "kind": "third_sector"})
    measure = {"name": "Synthetic", "how": "Synthetic", "agreed_with": "Synthetic", "counts": "other"}
    assert (await send(lena, "/four-ps/protect/measures/new", measure)).status_code == 303
    [reading] = re.findall(r"/measures/[0-9a-f-]{36}/reading", (await lena.get("/four-ps/protect")).text)
    keeping = await ex.begin(emma, held, today)
    await keeping.give(*ex.ALL)
    to, mou = f"/organisations/{organisation}", "reference=MOU-NORTHLIGHT"

    def looked(number: int) -> dict[str, str]:
        return {"reviewed_on": day(today), "next_on": next_look(number)}

    def next_look(number: int) -> str:
        return day(today + timedelta(days=100 + number))

    officer, contact = "Engagement officer", "Single point of contact"
    return {
        "/activities/{activity_id}/change": ChangingForm(
            emma, lena, f"{officer} changed an activity", f"{met}/change", lambda n: logged | {"outcome": words(n)}, words
        ),
        "/ours/offer": ChangingForm(
            mara,
            emma,
            "Manager at Northlight wrote what an organisation brings",
            "/ours/offer",
            lambda n: {"services-therapy": "yes", "words": words(n)},
            words,
            others_path=f"{to}/offer",
        ),
        "/organisations/{organisation_id}/offer": ChangingForm(
            emma, lena, f"{officer} wrote what an organisation brings", f"{to}/offer", lambda n: {"words": words(n)}, words
        ),
        "/organisations/{organisation_id}/agreement": ChangingForm(
            emma,
            lena,
            f"{officer} wrote about an agreement",
            f"{to}/agreement?{mou}",
            lambda n: {"parties": words(n)},
            words,
        ),
        "/organisations/{organisation_id}/review": ChangingForm(
            emma, lena, f"{officer} noted the review of an agreement", f"{to}/review?{mou}", looked, next_look, kept_at=to
        ),
        "/organisations/{organisation_id}/name": ChangingForm(
            emma, lena, f"{officer} renamed an organisation", f"{named}/name", lambda n: {"name": words(n)}, words
        ),
        "/advice/{note_id}/change": ChangingForm(
            emma,
            lena,
            f"{officer} wrote a draft of national advice",
            f"{draft}/change",
            lambda n: advice | {"words": words(n)},
            words,
        ),
        "/insights/{insight_id}/answer": ChangingForm(
            emma,
            lena,
            f"{officer} answered an insight",
            f"{insight}/answer",
            lambda n: {"outcome": "not_changed", "words": words(n)},
            words,
            kept_at=insight,
        ),
        "/national-advice/{note_id}/answer": ChangingForm(
            kim,
            tom,
            f"{contact} said what their force makes of a note of national advice",
            f"/national-{note[1:]}/answer",
            lambda n: {"outcome": "adopted", "words": words(n)},
            words,
            kept_at=f"/national-{note[1:]}",
        ),
        "/measures/{measure_id}/reading": ChangingForm(
            emma,
            lena,
            f"{officer} noted what a measure was",
            reading,
            lambda n: {"figure": str(n), "source": words(n)},
            words,
        ),
        "/contributors/{contributor_id}/contact": ChangingForm(
            emma,
            lena,
            f"{officer} wrote how to reach a contributor",
            f"{keeping.here}/contact",
            lambda n: {"words": words(n)},
            words,
        ),
    }


async def made(browser: Browser, path: str, form: dict[str, str]) -> str:
    answer = await send(browser, path, form)
    assert answer.status_code == 303, text_of(answer.text)
    return str(answer.headers["location"])


async def unnamed(held: Harness) -> int:
    """How many pieces of content no row names, so that nobody can read or erase them."""
    async with held.pool.acquire() as connection:
        columns = await connection.fetch(_COLUMNS)
        ids = [
            f"SELECT {row['column_name']} FROM {row['table_name']} WHERE {row['column_name']} IS NOT NULL"  # noqa: S608 - the database's own
            for row in columns
        ]
        asked = f"SELECT count(*) FROM contents WHERE content_id NOT IN ({' UNION ALL '.join(ids)})"  # noqa: S608 - as above
        return int(await connection.fetchval(asked))


async def test_whoever_is_second_reads_who_was_first_and_gets_their_words_back_whatever_the_form(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    forms = await forms_that_change(enter, held, clock)
    assert {path for method, path in actions(*ROUTERS) if method == "POST" and path.endswith(CHANGES)} <= forms.keys()
    for route, each in forms.items():
        path, others_path = each.paths
        mine, others = await each.open()
        answers = await asyncio.gather(
            each.first.post(path, mine | each.answers(1)), each.second.post(others_path, others | each.answers(2))
        )
        assert sorted(answer.status_code for answer in answers) == [303, 409], (route, [text_of(a.text) for a in answers])
        assert await unnamed(held) == 0, route

        mine, others = await each.open()
        first = await each.first.post(path, mine | each.answers(3))
        assert first.status_code == 303, (route, text_of(first.text))
        at, stands = date_and_time(clock.now()), await rows(held)
        clock.advance(timedelta(seconds=40))
        again = await each.first.post(path, mine | each.answers(3))
        assert (again.status_code, again.headers.get("location")) == (303, first.headers["location"]), route
        second = await each.second.post(others_path, others | each.answers(4))
        told = text_of(second.text)
        assert second.status_code == 409, (route, told)
        assert f"{each.who_did} on {at}." in told, (route, told)
        assert each.typed(4) in told, route
        assert await rows(held) == stands, route
        assert await each.is_kept(3), route

        (to_form,) = re.findall(r'href="([^"]+)">Fill in the form again', second.text)
        page = await each.second.get(unescape(to_form))
        kept = await each.second.post(unescape(to_form), hidden_of(page.text) | each.answers(4))
        assert kept.status_code == 303, (route, text_of(kept.text))
        assert await each.is_kept(4), route
        assert await unnamed(held) == 0, route


async def test_a_form_that_comes_back_with_a_problem_keeps_the_mark_of_what_was_read(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    form = (await forms_that_change(enter, held, clock))["/organisations/{organisation_id}/offer"]
    mine, others = await form.open()
    assert (await form.first.post(form.path, mine | form.answers(1))).status_code == 303
    wrong = await form.second.post(form.path, others | form.answers(2) | {"youngest": "x"})
    assert wrong.status_code == 400
    assert (await form.second.post(form.path, hidden_of(wrong.text) | form.answers(2))).status_code == 409


async def test_a_lead_publishes_what_they_read_and_nothing_else(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna, lena = await enter("anna"), await enter("lena")
    draft = (await forms_that_change(enter, held, clock))["/advice/{note_id}/change"]
    note = draft.path.removesuffix("/change")
    read_by_lead = hidden_of((await lena.get(note)).text)
    assert (await change(anna, draft.path, draft.answers(1))).status_code == 303
    at, told = date_and_time(clock.now()), len(await held.published())
    second = await lena.post(f"{note}/publish", read_by_lead)
    assert second.status_code == 409
    assert f"Triage officer wrote a draft of national advice on {at}." in second.text
    assert (await send(lena, f"{note}/publish")).status_code == 409, "nor what nobody says that they read"
    assert len(await held.published()) == told
    assert (await change(lena, f"{note}/publish", page=note)).status_code == 303
    assert len(await held.published()) == told + 1


async def test_an_activity_that_is_called_off_while_a_change_is_kept_stays_called_off(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    form = (await forms_that_change(enter, held, clock))["/activities/{activity_id}/change"]
    at, (mine, _) = form.path.removesuffix("/change"), await form.open()
    async with held.pool.acquire() as watching, held.pool.acquire() as other, other.transaction():
        ended = "UPDATE activities SET state = 'called_off' WHERE activity_id = $1"
        await other.execute(ended, UUID(at.rpartition("/")[2]))
        keeping = asyncio.create_task(form.first.post(form.path, mine | form.answers(1)))
        await waiting_or_done(watching, keeping)
    assert (await keeping).status_code == 303
    page = text_of((await form.first.get(at)).text)
    assert "called off" in page
    assert form.typed(1) in page


async def test_whoever_repeats_themselves_is_answered_as_the_first_time(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, lena, mara, kim = [await enter(each) for each in ("emma", "lena", "mara", "kim")]
    forms, today, fill = await forms_that_change(enter, held, clock), ex.today_of(clock), "Synthetic"
    soon, organisation = (today + timedelta(days=9)).isoformat(), await ex.partner_organisation(held)
    note = forms["/national-advice/{note_id}/answer"].kept_at.replace("/national-advice", "/advice")
    changed = ("/advice/{note_id}/change", "/activities/{activity_id}/change")
    draft, met = [forms[each].path.removesuffix("/change") for each in changed]
    about = {"about-p-protect": "yes", "outcome": fill, "kind": "visit", "held_on": soon}
    proposed = (await made(mara, "/ours/propose", about)).removeprefix("/ours")
    assert (await send(emma, f"{met}/step", {"next": fill, "owner": f"o-{organisation}", "due_on": soon})).status_code == 303
    [ends] = re.findall(r"/steps/[0-9a-f-]{36}/done", (await emma.get(met)).text)
    to, asked = f"/organisations/{organisation}", {"role": "Lead", "email": "lead@harbour.example"}
    assert (await send(emma, f"{to}/contacts/new", asked)).status_code == 303
    [left] = re.findall(rf"{to}/contacts/[0-9a-f-]{{36}}/left", (await emma.get(to)).text)
    heard = at_hub(await offered(mara, clock))
    keeping = await ex.begin(emma, held, today, "Wren")
    await keeping.give(*ex.ALL)
    quote = await keeping.tell(await keeping.talk())
    other = await made(emma, "/organisations/new", {"name": "Harbour Lights", "kind": "third_sector"})
    repeated: tuple[tuple[Browser, str, dict[str, str], str], ...] = (
        (emma, f"{proposed}/answer", {"answer": "agree"}, ""),
        (emma, f"{proposed}/call-off", {}, ""),
        (mara, f"/ours{ends}", {}, ""),
        (emma, left, {}, ""),
        (emma, f"{to}/take", {}, to),
        (emma, f"{heard}/consider", {"four_p": "protect"}, ""),
        (kim, f"/national-{note[1:]}/confirm", {}, ""),
        (lena, f"{draft}/publish", {}, draft),
        (lena, f"{note}/withdraw", {"words": fill}, ""),
        (emma, f"{keeping.here}/quotes/{quote}/delete", {}, ""),
        (emma, f"{keeping.here}/forget", {}, ""),
        (emma, f"{other}/merge", {"into": organisation}, ""),
    )
    for browser, path, answers, page in repeated:
        opened = hidden_of((await browser.get(page or "/sessions")).text) | answers
        first, second = await asyncio.gather(browser.post(path, opened), browser.post(path, opened))
        stands, third = await rows(held), await send(browser, path, answers)
        for answer in (first, second, third):
            assert answer.status_code == 303, (path, text_of(answer.text))
            assert answer.headers["location"] == first.headers["location"], path
        assert await rows(held) == stands, path


async def test_a_withdrawn_note_takes_no_answer_and_gives_the_words_back(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    form = (await forms_that_change(enter, held, clock))["/national-advice/{note_id}/answer"]
    note, lena = form.kept_at.replace("/national-advice", "/advice"), await enter("lena")
    mine, _ = await form.open()
    assert (await send(lena, f"{note}/withdraw", {"words": "The law has changed."})).status_code == 303
    answer = await form.first.post(form.path, mine | form.answers(1))
    assert answer.status_code == 409
    assert "Programme lead withdrew a note of national advice on" in answer.text
    assert form.typed(1) in answer.text
    assert "Fill in the form again" not in answer.text, "there is no form any more"
    lost = await send(lena, f"{note}/withdraw", {"words": "Another reason."})
    assert lost.status_code == 409
    assert "Another reason." in lost.text


async def test_a_relationship_and_a_check_are_taken_from_whom_one_read(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, lena = await enter("emma"), await enter("lena")
    to = f"/organisations/{await ex.partner_organisation(held)}"
    opened = hidden_of((await emma.get(to)).text)
    assert (await change(lena, f"{to}/take", page=to)).status_code == 303
    answer = await emma.post(f"{to}/take", opened)
    assert answer.status_code == 409
    assert "Programme lead took a relationship in hand on" in answer.text
    assert "Programme lead looks after it." in text_of((await emma.get(to)).text)
    keeping = await ex.begin(emma, held, ex.today_of(clock))
    check = f"{keeping.here}{await keeping.talk()}/checks/after"
    opened = hidden_of((await lena.get(check)).text)
    assert (await change(emma, f"{check}/owner", {"owner": account("emma")}, page=check)).status_code == 303
    assert (await lena.post(f"{check}/owner", opened | {"owner": account("lena")})).status_code == 409


async def test_what_became_part_of_another_is_not_merged_in_its_name(enter: Enter, held: Harness) -> None:
    emma, lena = await enter("emma"), await enter("lena")
    about = {"kind": "third_sector"}
    one, two, three = [await made(emma, "/organisations/new", about | {"name": name}) for name in ("One", "Two", "Three")]
    assert (await send(lena, f"{one}/merge", {"into": two.rpartition("/")[2]})).status_code == 303
    answer = await send(emma, f"{one}/merge", {"into": three.rpartition("/")[2]})
    assert answer.status_code == 409
    assert "Programme lead noted that an organisation became part of another on" in answer.text
    assert (await emma.get(two)).status_code == 200, "it is none of the third"


async def test_of_two_agreements_of_one_reference_each_is_changed_by_itself(enter: Enter, held: Harness) -> None:
    emma = await enter("emma")
    about = {"kind": "third_sector"}
    one, two = [await made(emma, "/organisations/new", about | {"name": name}) for name in ("One", "Two")]
    dates = {"valid_from": "1/1/2026", "valid_to": "31/12/2027"}
    for path, scope in ((one, "Scope of one"), (two, "Scope of two")):
        assert (await send(emma, f"{path}/agreement", dates | {"reference": "ISA-1", "scope": scope})).status_code == 303
    assert (await send(emma, f"{one}/merge", {"into": two.rpartition("/")[2]})).status_code == 303
    page = (await emma.get(two)).text
    linked = [unescape(each) for each in re.findall(r'href="([^"]+/agreement\?[^"]+)"', page)]
    shown = {path: (await emma.get(path)).text for path in linked}
    assert len(shown) == 2
    for scope in ("Scope of one", "Scope of two"):
        assert len([text for text in shown.values() if scope in text]) == 1, scope
    (first,) = (path for path, text in shown.items() if "Scope of one" in text)
    kept = await emma.post(first, hidden_of(shown[first]) | dates | {"scope": "Scope of the first"})
    assert kept.status_code == 303, text_of(kept.text)
    organisation_id = one.rpartition("/")[2]
    (review,) = (unescape(each) for each in re.findall(r'href="([^"]+/review\?[^"]+)"', page) if organisation_id in each)
    opened = hidden_of((await emma.get(review)).text)
    assert (await emma.post(review, opened | {"reviewed_on": "2/1/2026"})).status_code == 303
    async with held.pool.acquire() as connection:
        reviewed = await connection.fetch(
            "SELECT agreements.organisation_id FROM agreement_reviews JOIN agreements USING (agreement_id)"
        )
    assert [str(row["organisation_id"]) for row in reviewed] == [organisation_id]
    text = text_of((await emma.get(two)).text)
    assert ("Scope of the first" in text, "Scope of one" in text, "Scope of two" in text) == (True, False, True)


@pytest.mark.parametrize("path", ["/trail?account=%00", "/directory?service=%00&force=%00&language=%00"])
async def test_what_the_database_cannot_hold_is_looked_for_without_a_fault(enter: Enter, path: str) -> None:
    browser = await enter("audrey" if "trail" in path else "anna")
    assert (await browser.get(path)).status_code == 200


async def test_what_the_database_cannot_hold_is_written_without_a_fault(enter: Enter) -> None:
    emma = await enter("emma")
    path = await made(emma, "/organisations/new", {"name": "One\0", "kind": "third_sector"})
    agreed = {"reference": "A\0", "valid_from": "1/1/2026", "valid_to": "31/12/2027", "scope": "Synthetic"}
    assert (await send(emma, f"{path}/agreement", agreed)).status_code == 303


async def test_a_calendar_asked_for_twice_at_once_has_one_address_and_no_fault(enter: Enter) -> None:
    emma = await enter("emma")
    form = hidden_of((await emma.get("/calendar")).text) | {"what": "make"}
    answers = await asyncio.gather(*(emma.post("/calendar", form) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    shown = {each for answer in answers for each in re.findall(r"/calendars/[\w-]+\.ics", answer.text)}
    assert sorted([(await emma.get(each)).status_code for each in shown]) == [200, 404, 404]


def test_a_mark_is_of_what_stands_and_of_nothing_where_nothing_does() -> None:
    assert seen.mark_of({}) == seen.mark_of({"words": ""}) == ""
    assert seen.mark_of({"a": "1", "b": "2"}) == seen.mark_of({"b": "2", "a": "1", "c": ""})
    different = [{"a": "1 2"}, {"a": "2 1"}, {"b": "1 2"}, {"a": "1", "b": "2"}]
    assert len({seen.mark_of(each) for each in different}) == len(different)
