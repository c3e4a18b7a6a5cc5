"""Organisations on their pages: what they bring first, agreements last; merged, left, lapsed on the next read."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_contracts.ids import uuid7
from conduit_programme import trail
from conduit_programme.organisations import store
from services.programme.tests import builders as b
from services.programme.tests.builders import CANARY
from services.programme.tests.pages import Enter, account, change, send, text_of
from services.web.tests.browser import Browser

OFFER = {
    "services-therapy": "yes",
    "services-helpline": "yes",
    "expertise-boys": "yes",
    "areas-f-kent": "yes",
    "youngest": "11",
    "oldest": "17",
    "languages-en": "yes",
    "languages-cy": "yes",
    "words": CANARY,
}
CONTACT = {
    "role": "Safeguarding lead",
    "telephone": "01632 960147",
    "email": "",
    "on_duty": "Monday to Friday",
    "name": "Synthetic Person",
}


async def of_partner(held: Harness, partner_id: str = b.PARTNER) -> str:
    async with held.pool.acquire() as connection:
        found = await store.of_partner(connection, partner_id)
    assert found is not None
    return f"/organisations/{found.organisation_id}"


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


async def test_a_page_begins_with_what_they_bring_and_compliance_comes_last(enter: Enter, held: Harness) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    assert "Nobody has written yet what Northlight brings. Ask them." in await shown(emma, path)
    assert (await send(emma, f"{path}/offer", OFFER)).status_code == 303
    page = (await emma.get(path)).text
    heads = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert (heads[0], heads[-1]) == ("What they bring", "Compliance")
    text = text_of(page)
    for said in (
        "Therapy and counselling, Helpline",
        "Boys and young men",
        "Kent Police",
        "11 to 17",
        "English, Welsh",
        CANARY,
    ):
        assert text.index(said) < text.index("Compliance") < text.index("MOU-NORTHLIGHT in force")


async def test_a_change_and_a_view_are_in_the_trail_and_a_form_that_is_not_in_order_changes_nothing(
    enter: Enter, held: Harness
) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    wrong = await send(emma, f"{path}/offer", {**OFFER, "youngest": "18", "words": "x" * 5_000})
    assert wrong.status_code == 400
    assert "This is below the youngest age." in wrong.text
    assert "This is too long. Shorten it." in wrong.text
    await send(emma, f"{path}/offer", OFFER)
    async with held.pool.acquire() as connection:
        rows = (await trail.deeds(connection)).rows
    organisation_id = UUID(path.rpartition("/")[2])
    assert [(row.account, row.kind, row.what, row.about_id) for row in rows] == [
        (account("emma"), "alteration", "wrote_offer", organisation_id),
        (account("emma"), "consultation", "viewed_organisation", organisation_id),
    ]


async def test_where_a_view_cannot_be_noted_nothing_is_shown(
    enter: Enter, held: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    await send(emma, f"{path}/offer", OFFER)

    async def fails(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(trail, "note", fails)
    answer = await emma.get(path)
    assert (answer.status_code, CANARY in answer.text) == (503, False)


async def test_a_contact_who_left_is_nowhere_on_the_next_read(enter: Enter, held: Harness) -> None:
    emma, anna, path = await enter("emma"), await enter("anna"), await of_partner(held)
    assert (await send(emma, f"{path}/contacts/new", {**CONTACT, "telephone": ""})).status_code == 400
    assert (await send(emma, f"{path}/contacts/new", CONTACT)).status_code == 303
    entry = path.replace("organisations", "directory")
    for browser, page in ((emma, path), (anna, entry)):
        text = await shown(browser, page)
        assert "Safeguarding lead , Synthetic Person Telephone: 01632 960147" in text
        assert "Answers: Monday to Friday" in text
    (left,) = re.findall(r'action="([^"]+/left)"', (await emma.get(path)).text)
    assert (await send(emma, left)).status_code == 303
    assert (await send(emma, left)).status_code == 303, "who says so twice is answered as the first time"
    assert (await send(emma, left.replace(left.split("/")[-2], str(uuid7())))).status_code == 404
    for browser, page in ((emma, path), (anna, entry)):
        assert "Synthetic Person" not in await shown(browser, page)
    async with held.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM contents") == 0


async def test_an_agreement_that_lapses_meanwhile_is_lapsed_on_the_next_read_and_the_page_says_what_stopped(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    today = clock.now().date()
    for days, said in (
        (30, "MOU-NORTHLIGHT lapses in 30 days"),
        (1, "MOU-NORTHLIGHT lapses tomorrow"),
        (0, "MOU-NORTHLIGHT lapses at the end of today"),
        (-1, "MOU-NORTHLIGHT lapsed"),
    ):
        await held.deliver(*b.registered(b.partner(b.PARTNER, "Northlight", b.mou(valid_to=today + timedelta(days=days)))))
        text = await shown(emma, path)
        assert said in text
        assert (
            "new referrals under it are refused, unless a child is in danger. Those that the hub already has go on." in text
        )
        assert ("MOU-NORTHLIGHT lapsed Covers" in text) == (days < 0)


async def test_what_is_noted_of_an_agreement_stands_beside_what_the_register_says(enter: Enter, held: Harness) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    form = await emma.get(f"{path}/agreement?reference=MOU-NORTHLIGHT")
    assert 'name="valid_from"' not in form.text, "the register's days are changed there"
    noted = {
        "parties": "The hub and Northlight",
        "signatories": "Chief executive",
        "ground": "Substantial public interest",
        "assessed_on": "02/01/2026",
        "assessment": "DPIA 7",
        "document_sha256": "A" * 64,
        "document": "Register of agreements, 12",
    }
    wrong = await send(emma, f"{path}/agreement", {**noted, "document_sha256": "abc"}, reference="MOU-NORTHLIGHT")
    assert "A SHA-256 has 64 digits and letters from a to f." in wrong.text
    assert (await send(emma, f"{path}/agreement", noted, reference="MOU-NORTHLIGHT")).status_code == 303
    text = await shown(emma, path)
    for said in (
        "05/01/2026 to 31/12/2027",
        "Chief executive",
        "made on 02/01/2026: DPIA 7",
        "a" * 64,
        "Register of agreements, 12",
    ):
        assert said in text
    assert (await send(emma, f"{path}/agreement", noted, reference="MOU-OTHER")).status_code == 404


async def test_an_agreement_that_no_register_has_is_kept_here(enter: Enter, held: Harness) -> None:
    emma = await enter("emma")
    made = await send(emma, "/organisations/new", {"name": "Children's Services Kent", "kind": "childrens_services"})
    path = made.headers["location"]
    new = {"reference": "ISA-1", "valid_from": "1/6/2026", "valid_to": "31 May 2028", "scope": "Sharing in joint work"}
    assert (await send(emma, f"{path}/agreement", {**new, "valid_to": "1/5/2026"})).status_code == 400
    assert (await send(emma, f"{path}/agreement", new)).status_code == 303
    assert (await send(emma, f"{path}/agreement", new)).status_code == 400, "this reference is there already"
    text = await shown(emma, path)
    assert "ISA-1 in force" in text
    assert "01/06/2026 to 31/05/2028" in text
    assert "Engagement officer looks after it." in text
    later = await change(emma, f"{path}/agreement", {**new, "valid_to": "1/6/2027"}, reference="ISA-1")
    assert later.status_code == 303
    assert "01/06/2026 to 01/06/2027" in await shown(emma, path)


async def test_a_review_is_noted_with_the_next_one(enter: Enter, held: Harness, clock: ManualClock) -> None:
    today = clock.now().date()
    await held.deliver(*b.registered(b.partner(b.PARTNER, "Northlight", b.mou(review_on=today - timedelta(days=1)))))
    emma, path = await enter("emma"), await of_partner(held)
    assert "The review of MOU-NORTHLIGHT was due" in await shown(emma, path)
    done = {"reviewed_on": today.isoformat(), "next_on": (today + timedelta(days=365)).isoformat()}
    late = {**done, "reviewed_on": (today + timedelta(days=1)).isoformat()}
    assert (await send(emma, f"{path}/review", late, reference="MOU-NORTHLIGHT")).status_code == 400
    assert (await send(emma, f"{path}/review", done, reference="MOU-NORTHLIGHT")).status_code == 303
    text = await shown(emma, path)
    assert "The review of" not in text
    assert f"Last reviewed {today:%d/%m/%Y}" in text


async def test_an_organisation_that_became_part_of_another_is_that_one_everywhere_on_the_next_read(
    enter: Enter, held: Harness
) -> None:
    emma, anna = await enter("emma"), await enter("anna")
    north, harbour = await of_partner(held), await of_partner(held, "harbour-trust")
    await send(emma, f"{north}/offer", OFFER)
    await send(emma, f"{north}/contacts/new", CONTACT)
    assert (await send(emma, f"{north}/merge", {"into": str(uuid7())})).status_code == 400
    merged = await send(emma, f"{north}/merge", {"into": harbour.rpartition("/")[2]})
    assert merged.headers["location"] == harbour
    assert (await emma.get(north)).headers["location"] == harbour
    text = await shown(emma, harbour)
    for said in ("Therapy and counselling", CANARY, "Synthetic Person", "MOU-NORTHLIGHT", "MOU-HARBOUR", "It is made of:"):
        assert said in text
    assert "Northlight" not in await shown(emma, "/organisations")
    assert "Harbour Trust" in await shown(anna, "/directory?service=therapy")
    assert await of_partner(held) == harbour, "whoever refers as Northlight belongs to it now"
    assert (await send(emma, f"{harbour}/merge", {"into": north.rpartition("/")[2]})).status_code == 400
    await change(emma, f"{harbour}/offer", {**OFFER, "services-therapy": ""} | {"words": "Now one."})
    assert CANARY not in await shown(emma, harbour)


async def test_one_that_the_register_names_is_renamed_there_alone(enter: Enter, held: Harness) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    assert (await send(emma, f"{path}/name", {"name": "Something else"})).status_code == 404
    made = (await send(emma, "/organisations/new", {"name": "NHS Kent", "kind": "health"})).headers["location"]
    assert (await change(emma, f"{made}/name", {"name": "NHS Kent and Medway"})).status_code == 303
    assert "NHS Kent and Medway" in await shown(emma, made)


async def test_officers_and_force_desks_find_who_offers_what(enter: Enter, held: Harness) -> None:
    path = await of_partner(held)
    emma = await enter("emma")
    await send(emma, f"{path}/offer", OFFER)
    for who in ("anna", "kim", "tom"):
        browser = await enter(who)
        found = await shown(browser, "/directory?service=therapy&force=kent&language=cy&age=12")
        assert "Northlight" in found
        assert "Harbour Trust" not in found, "it says nothing of what it brings"
        for nothing in ("service=accommodation", "force=essex", "language=pl", "age=30"):
            assert "Nobody offers that." in await shown(browser, f"/directory?{nothing}")
        assert CANARY in await shown(browser, path.replace("organisations", "directory"))
        assert (await browser.get(path)).status_code == 403


async def test_what_people_wrote_is_shown_as_text(enter: Enter, held: Harness) -> None:
    emma, path = await enter("emma"), await of_partner(held)
    await send(emma, f"{path}/offer", {"words": "<script>alert(1)</script> 100 % ours"})
    await send(emma, f"{path}/contacts/new", {**CONTACT, "role": "<b>Lead</b>", "name": '" onmouseover="x'})
    made = (await send(emma, "/organisations/new", {"name": "50 % <i>Club</i>", "kind": "other"})).headers["location"]
    for page in (path, f"{path}/offer", f"{path}/merge", made, f"{made}/offer", "/organisations"):
        text = (await emma.get(page)).text
        assert "<script>alert" not in text
        assert "<b>Lead" not in text
        assert "<i>Club" not in text
        assert '" onmouseover' not in text
