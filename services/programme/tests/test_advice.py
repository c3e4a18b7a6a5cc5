"""National advice: what it rests on is cited, every force is told, and what each makes of it is counted."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_contracts.programme import AdvicePublished, AdviceWithdrawn
from conduit_programme import trail
from conduit_programme.advice import fields, rules
from conduit_programme.advice.rules import AdviceAnswer, AdviceOutcome, AdviceRefusal, ForceStanding
from conduit_programme.experience import store as experience
from conduit_programme.four_ps import Quarter
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON
from conduit_web.lists import FETCH
from services.programme.tests import builders as b
from services.programme.tests.builders import CANARY
from services.programme.tests.experience import ALL, WORDS, begin, today_of
from services.programme.tests.pages import Enter, account, change, hidden_of, send, text_of
from services.programme.tests.test_insight import at_hub, considered, offered, read
from services.web.tests.browser import Browser

TITLE = "Tell the helpline on the same day"
ADVISED = "Synthetic: tell the partner on the day on which you first speak with the child."


async def insight(enter: Enter, clock: ManualClock) -> UUID:
    """One that somebody at the hub considers."""
    mara, emma = await enter("mara"), await enter("emma")
    own = await offered(mara, clock)
    await considered(emma, at_hub(own), "pursue")
    return UUID(own.rsplit("/", 1)[-1])


async def drafted(writer: Browser, clock: ManualClock, insight_id: UUID, **changes: str) -> str:
    """A draft that rests on this; the address of its page."""
    form = {
        "title": TITLE,
        "words": ADVISED,
        "four_p": "pursue",
        "confirm_by": day(clock.now() + timedelta(days=20)),
        f"insights-{insight_id}": "yes",
    }
    answer = await send(writer, "/advice/new", form | changes)
    assert answer.status_code == 303, text_of(answer.text)
    return answer.headers["location"]


async def published(enter: Enter, clock: ManualClock, insight_id: UUID, **changes: str) -> str:
    """A note that every force is advised to follow; the address of its page at the hub."""
    path = await drafted(await enter("emma"), clock, insight_id, **changes)
    assert (await change(await enter("lena"), f"{path}/publish", page=path)).status_code == 303
    return path


def at_force(path: str) -> str:
    return path.replace("/advice", "/national-advice")


async def told(held: Harness) -> list[AdvicePublished | AdviceWithdrawn]:
    return [each.message for each in await held.published() if each.topic == "programme.advice.v1"]


async def test_a_note_rests_on_insights_and_a_lead_publishes_it_to_every_force(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id = await insight(enter, clock)
    anna, tom = await enter("anna"), await enter("tom")
    path = await drafted(anna, clock, insight_id)
    assert CANARY in await read(anna, path), "who writes it reads what it rests on"
    assert (await tom.get(at_force(path))).status_code == 404, "a draft is the hub's"
    assert "Nothing has been published yet." in await read(tom, "/national-advice")
    for who in ("anna", "emma"):
        assert (await send(await enter(who), f"{path}/publish")).status_code == 403, who
    assert await told(held) == []
    assert (await change(await enter("lena"), f"{path}/publish", page=path)).status_code == 303
    [message] = await told(held)
    assert isinstance(message, AdvicePublished)
    assert (message.title, message.words, message.insight_ids, message.replaces) == (TITLE, ADVISED, (insight_id,), None)
    seen = await read(tom, at_force(path))
    assert ADVISED in seen
    assert "What organisations told the hub (1): Practitioner or caseworker" in seen
    assert CANARY not in seen, "what an organisation said is not the force's to read"
    assert "Northlight" not in seen
    for who in ("mara", "cara", "fred", "audrey"):
        assert (await (await enter(who)).get("/national-advice")).status_code == 403, who
    assert "published a note of national advice" in await read(await enter("audrey"), "/trail")


async def test_a_note_that_rests_on_nothing_is_refused(enter: Enter, clock: ManualClock) -> None:
    emma = await enter("emma")
    await insight(enter, clock)
    form = {"title": TITLE, "words": ADVISED, "four_p": "pursue", "confirm_by": day(clock.now() - timedelta(days=2))}
    refused = await send(emma, "/advice/new", form)
    assert refused.status_code == 400
    assert "This day is past." in refused.text
    assert "Choose one of these." in refused.text


async def test_a_force_confirms_that_it_read_it_and_says_what_it_makes_of_it_and_all_is_counted(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await held.deliver(*b.registered(b.force("essex")))
    path = await published(enter, clock, await insight(enter, clock))
    kim, tom, lena = await enter("kim"), await enter("tom"), await enter("lena")
    own = at_force(path)
    refused = await send(kim, f"{own}/answer", {"outcome": "adopted"})
    assert refused.status_code == 403, "who has not read it makes nothing of it"
    assert f"Confirm by {day(clock.now() + timedelta(days=20))}" in await read(tom, "/national-advice")
    assert (await send(tom, f"{own}/confirm")).status_code == 303
    assert "Read: 1 of 2. Adopted: 0; to be adopted: 0; not adopted: 0." in await read(lena, path)
    soon = day_of(clock.now(), LONDON) + timedelta(days=3)
    assert (await send(kim, f"{own}/answer", {"outcome": "will_adopt", "adopt_by": day(soon)})).status_code == 303
    assert f"to be adopted by {day(soon)}" in await read(tom, own)
    clock.advance(timedelta(days=5))
    kim, tom, lena = await enter("kim"), await enter("tom"), await enter("lena")
    assert "Kent Police 1 1 0 1 (late: 1) 0" in await read(lena, "/advice")
    refusal = {"outcome": "not_adopted", "why": "no_means", "words": CANARY}
    assert (await change(kim, f"{own}/answer", refusal)).status_code == 303
    assert CANARY in await read(tom, own)
    seen = await read(lena, path)
    assert "Read: 1 of 2. Adopted: 0; to be adopted: 0; not adopted: 1." in seen
    assert "not adopted: We have no people or no money for it Synthetic" in seen
    assert "We have no people or no money for it: 1" in seen
    assert "Essex Police not confirmed" in seen
    assert "Essex Police 1 0 0 0 0" in await read(lena, "/advice")


async def test_what_is_withdrawn_or_replaced_says_so_and_takes_no_answer(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id = await insight(enter, clock)
    first = await published(enter, clock, insight_id)
    kim, lena, note_id = await enter("kim"), await enter("lena"), first.rsplit("/", 1)[-1]
    assert (await send(kim, f"{at_force(first)}/confirm")).status_code == 303
    second = await published(enter, clock, insight_id, title="Tell them within the hour", replaces=note_id)
    seen = await read(kim, at_force(first))
    assert f"Replaced on {day(clock.now())}. Do not follow it any more. Tell them within the hour" in seen
    assert (await send(kim, f"{at_force(first)}/answer", {"outcome": "adopted"})).status_code == 409
    assert (await send(kim, f"{at_force(second)}/confirm")).status_code == 303
    assert (await send(lena, f"{second}/withdraw", {"words": ""})).status_code == 400
    assert (await send(lena, f"{second}/withdraw", {"words": "The law has changed."})).status_code == 303
    seen = await read(kim, at_force(second))
    assert f"Withdrawn on {day(clock.now())}. Do not follow it any more. The law has changed." in seen
    assert (await send(kim, f"{at_force(second)}/answer", {"outcome": "adopted"})).status_code == 409
    assert (await send(lena, f"{second}/withdraw", {"words": "Again."})).status_code == 409, "it is withdrawn once"
    assert (await send(lena, f"{second}/publish")).status_code == 409, "and does not come back"
    _, new, gone, withdrawn = await told(held)
    assert isinstance(new, AdvicePublished)
    assert str(new.replaces) == note_id
    assert isinstance(gone, AdviceWithdrawn)
    assert (str(gone.note_id), gone.replaced_by) == (note_id, new.note_id)
    assert isinstance(withdrawn, AdviceWithdrawn)
    assert (withdrawn.note_id, withdrawn.explanation) == (new.note_id, "The law has changed.")


async def test_a_contributors_words_are_shown_while_they_agree_and_travel_nowhere(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id, tom = await insight(enter, clock), await enter("tom")
    keeping = await begin(await enter("emma"), held, today_of(clock))
    await keeping.give(*ALL)
    quote_id = await keeping.tell(await keeping.talk())
    cited = {f"quotes-{quote_id}": "yes"}
    path = await published(enter, clock, insight_id, **cited)
    [message] = await told(held)
    assert isinstance(message, AdvicePublished)
    assert message.quote_ids == (UUID(quote_id),)
    assert WORDS not in message.model_dump_json()
    assert WORDS in await read(tom, at_force(path))
    waiting, lena = await drafted(await enter("emma"), clock, insight_id, **cited), await enter("lena")
    opened = hidden_of((await lena.get(waiting)).text)
    await keeping.withdraw("publish")
    seen = await read(tom, at_force(path))
    assert WORDS not in seen
    assert "A passage is no longer here" in seen
    assert WORDS not in await read(lena, waiting)
    assert (await lena.post(f"{waiting}/publish", opened)).status_code == 403, "who was asked says no now"
    assert "It cannot be published as it is" in await read(lena, waiting)
    assert len(await told(held)) == 1


def test_what_was_not_agreed_to_is_a_refusal_with_a_reason() -> None:
    answered = {"outcome": "not_adopted", "why": "", "words": "", "adopt_by": ""}
    today = day_of(ManualClock().now(), LONDON)
    assert fields.answer_problems(answered, today) == {"why": fields.NO_WHY}
    assert fields.answer_problems(answered | {"why": "other"}, today) == {"words": fields.NO_WORDS}
    assert fields.answer_problems(answered | {"why": "conflicts"}, today) == {}
    promised = answered | {"outcome": "will_adopt"}
    assert fields.answer_problems(promised, today) == {"adopt_by": fields.NO_ADOPTION}
    assert fields.answer_problems(promised | {"adopt_by": day(today - timedelta(days=1))}, today) == {
        "adopt_by": fields.PAST
    }
    assert fields.answer_problems(promised | {"adopt_by": day(today)}, today) == {}


def test_who_says_nothing_is_counted_and_so_is_why_others_do_not_adopt() -> None:
    now = ManualClock().now()

    def stands(outcome: AdviceOutcome, why: AdviceRefusal | None = None) -> ForceStanding:
        adopt_by = now.date() if outcome is AdviceOutcome.WILL_ADOPT else None
        return ForceStanding("kent", now, AdviceAnswer(outcome, adopt_by, why, None, now))

    counted = rules.counted(
        [
            ForceStanding("essex"),
            ForceStanding("surrey", now),
            stands(AdviceOutcome.ADOPTED),
            stands(AdviceOutcome.WILL_ADOPT),
            *(stands(AdviceOutcome.NOT_ADOPTED, AdviceRefusal.NO_MEANS) for _ in range(2)),
        ]
    )
    assert (counted.asked, counted.confirmed, counted.silent) == (6, 5, 1)
    assert (counted.adopted, counted.will_adopt, counted.not_adopted) == (1, 1, 2)
    assert counted.refusals == {AdviceRefusal.NO_MEANS: 2}
    promise = stands(AdviceOutcome.WILL_ADOPT)
    assert [promise.is_late(now.date()), promise.is_late(now.date() + timedelta(days=1))] == [False, True]


async def test_a_quarter_counts_the_advice_that_held_in_it_as_forces_stood_to_it_at_its_end(
    enter: Enter, clock: ManualClock
) -> None:
    path = await published(enter, clock, await insight(enter, clock))
    quarter = Quarter.of(clock.now().date())
    page, report = f"/four-ps/pursue?quarter={quarter}", f"/quarterly-report?quarter={quarter}"
    lena = await enter("lena")
    for address in (page, report):
        assert f"{TITLE} 0 of 1 0 0 0" in await read(lena, address)
    assert "Pursue 0 0 1 0 0 1" in await read(lena, f"/four-ps?quarter={quarter}")
    assert "No note about it held in this quarter." in await read(lena, f"/four-ps/protect?quarter={quarter}")
    assert "No note about it held in this quarter." in await read(lena, f"/four-ps/pursue?quarter={quarter.before}")
    clock.advance(timedelta(days=100))
    kim, lena = await enter("kim"), await enter("lena")
    assert (await send(kim, f"{at_force(path)}/confirm")).status_code == 303
    assert f"{TITLE} 0 of 1 0 0 0" in await read(lena, page), "what was printed is what is printed again"
    assert f"{TITLE} 1 of 1 0 0 0" in await read(lena, f"/four-ps/pursue?quarter={quarter.next}")


async def test_a_note_is_never_half_published_and_a_force_answers_what_it_read(held: Harness) -> None:
    note_id = uuid7()
    async with held.pool.acquire() as connection:
        for broken in (
            "INSERT INTO advice_notes VALUES ($1, $1, 'pursue', now(), NULL, 'published', 'p', now())",
            "INSERT INTO advice_notes VALUES ($1, $1, 'pursue', now(), NULL, 'replaced', 'p', now(), 'p', now(), now())",
            "INSERT INTO advice_answers VALUES ($1, 'kent', 1, 'adopted', NULL, NULL, NULL, 'p', now())",
        ):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(broken, note_id)


async def test_a_draft_is_changed_whole_and_what_was_published_no_more(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id, anna, emma = await insight(enter, clock), await enter("anna"), await enter("emma")
    path = await drafted(anna, clock, insight_id, words=CANARY)
    written = (await anna.get(f"{path}/change")).text
    assert CANARY in written
    assert f'name="insights-{insight_id}" type="checkbox" value="yes" checked' in written
    form = {"title": TITLE, "words": ADVISED, "four_p": "protect", f"insights-{insight_id}": "yes"}
    form["confirm_by"] = day(clock.now() + timedelta(days=9))
    assert (await send(emma, f"{path}/change", form | {"four_p": ""})).status_code == 400
    assert (await change(emma, f"{path}/change", form)).status_code == 303
    seen = await read(anna, path)
    assert "National advice: Protect" in seen
    assert ADVISED in seen
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM contents WHERE kind = 'advice_words'") == 1
    assert (await change(await enter("lena"), f"{path}/publish", page=path)).status_code == 303
    assert (await anna.get(f"{path}/change")).status_code == 303
    assert (await send(emma, f"{path}/change", form)).status_code == 409


async def test_whoever_sends_a_draft_that_is_not_in_order_has_a_line_for_what_its_form_shows_them(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id, anna = await insight(enter, clock), await enter("anna")
    path = await drafted(anna, clock, insight_id)

    async def looks() -> list[tuple[str, UUID | None]]:
        async with held.pool.acquire() as connection:
            found = await trail.deeds(connection, trail.DeedFilter(account=account("anna"), kind="consultation"))
        return [(each.what, each.about_id) for each in found.rows]

    note_id = UUID(path.rpartition("/")[2])
    for address, look in (("/advice/new", ("listed_advice", None)), (f"{path}/change", ("viewed_advice", note_id))):
        before = await looks()
        refused = await send(anna, address, {"title": TITLE})
        assert refused.status_code == 400
        assert CANARY in refused.text, "it shows what was heard"
        assert await looks() == [look, *before], address


async def test_a_draft_keeps_the_words_it_cites_however_much_was_told_since(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    insight_id, emma = await insight(enter, clock), await enter("emma")
    keeping = await begin(emma, held, today_of(clock))
    await keeping.give(*ALL)
    at = await keeping.talk()
    cited = {f"quotes-{await keeping.tell(at)}": "yes"}
    path = await drafted(emma, clock, insight_id, **cited)
    async with held.pool.acquire() as connection:
        for number in range(FETCH):
            said, later = f"Synthetic: more, {number}", clock.now() + timedelta(minutes=1)
            await experience.keep(connection, keeping.contributor_id, UUID(at.rpartition("/")[2]), said, later)
    page = (await emma.get(f"{path}/change")).text
    [name] = cited
    assert f'name="{name}" type="checkbox" value="yes" checked' in page
    form = {"title": TITLE, "words": ADVISED, "four_p": "pursue", f"insights-{insight_id}": "yes"}
    later_on = {"confirm_by": day(clock.now() + timedelta(days=30))}
    assert (await change(emma, f"{path}/change", form | later_on | cited)).status_code == 303
    assert WORDS in await read(emma, path)


async def test_who_said_what_a_note_rests_on_sees_which_note_and_the_hub_comes_to_it(
    enter: Enter, clock: ManualClock
) -> None:
    insight_id = await insight(enter, clock)
    emma, mara, lena = await enter("emma"), await enter("mara"), await enter("lena")
    hub, own = f"/insights/{insight_id}", f"/our-insights/{insight_id}"
    assert "National advice that rests on it" not in await read(emma, hub) + await read(mara, own)
    path = await drafted(emma, clock, insight_id)
    today = day(clock.now())
    assert f"{TITLE} : a draft of {today}" in await read(emma, hub)
    assert "National advice" not in await read(mara, own), "a draft is the hub's"
    assert (await change(lena, f"{path}/publish", page=path)).status_code == 303
    assert f'href="{path}">{TITLE}</a>' in (await lena.get(hub)).text
    for page in (own, "/our-insights"):
        text = (await mara.get(page)).text
        assert f"{TITLE} : sent to every force on {today}" in text_of(text)
        assert path not in text, "the note itself is the forces' to read"
    assert (await change(lena, f"{path}/withdraw", {"words": "The law has changed."})).status_code == 303
    assert f"sent to every force on {today}, withdrawn on {today}" in await read(mara, own)
    assert TITLE not in await read(await enter("hanna"), "/our-insights")
