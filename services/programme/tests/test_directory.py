"""What organisations offer is found by service, area, language and age, of all that each is made of, page by page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.organisations import store
from conduit_programme.organisations.found import WantedOrganisations, found
from conduit_programme.organisations.rules import OrganisationKind, OrganisationOffer
from services.programme.tests import builders as b
from services.programme.tests.pages import Enter, send, text_of

OFFER = OrganisationOffer(("therapy",), (), ("kent",), False, 11, 17, ("cy",))


async def brings(held: Harness, clock: ManualClock, partner_id: str, offer: OrganisationOffer) -> None:
    async with held.pool.acquire() as connection:
        one = await store.of_partner(connection, partner_id)
        assert one is not None
        await store.put_offer(connection, one.organisation_id, offer, "", "p-1", clock.now())


async def names(held: Harness, **wanted: Any) -> list[str]:
    async with held.pool.acquire() as connection:
        return [each.name for each in (await found(connection, WantedOrganisations(**wanted), None)).rows]


async def test_it_is_found_by_each_of_them_and_by_all_at_once(held: Harness, clock: ManualClock) -> None:
    assert await names(held) == [], "who says nothing is not among them"
    await brings(held, clock, b.PARTNER, OFFER)
    for wanted, fits in (
        ({}, True),
        ({"service": "therapy", "force_id": "kent", "language": "cy", "age": 17}, True),
        ({"service": "helpline"}, False),
        ({"force_id": "essex"}, False),
        ({"language": "pl"}, False),
        ({"age": 18}, False),
        ({"age": 10}, False),
    ):
        assert (await names(held, **wanted) == ["Northlight"]) is fits, wanted
    await brings(held, clock, "harbour-trust", OrganisationOffer(everywhere=True))
    assert await names(held, force_id="essex", age=120) == ["Harbour Trust"], "it is for everybody, everywhere"


async def test_what_became_one_is_found_by_what_either_brings(held: Harness, clock: ManualClock) -> None:
    await brings(held, clock, b.PARTNER, OFFER)
    await brings(held, clock, "harbour-trust", OrganisationOffer(services=("helpline",), youngest=5, oldest=9))
    async with held.pool.acquire() as connection:
        north, harbour = [await store.of_partner(connection, each) for each in (b.PARTNER, "harbour-trust")]
        assert north is not None
        assert harbour is not None
        await store.merge(connection, north.organisation_id, harbour.organisation_id)
        shown = (await found(connection, WantedOrganisations(service="helpline", language="cy", age=10), None)).rows
    assert [(each.name, {*each.offer.services}, each.offer.youngest, each.offer.oldest) for each in shown] == [
        ("Harbour Trust", {"helpline", "therapy"}, 5, 17)
    ]


@pytest.mark.parametrize("path", ["/directory?service=therapy", "/organisations?kind=health"])
async def test_a_list_by_name_goes_on_by_key_whatever_its_letters(
    enter: Enter, held: Harness, clock: ManualClock, path: str
) -> None:
    async with held.pool.acquire() as connection:
        for number in range(60):
            called = f"Élan {number:02}"
            one = await store.add(connection, OrganisationKind.HEALTH, called, clock.now())
            await store.put_offer(connection, one, OFFER, "", "p-1", clock.now())
    emma = await enter("emma")
    first = (await emma.get(path)).text
    (more,) = re.findall(r'href="\?([^"]+)" rel="next"', first)
    second = (await emma.get(f"{path.partition('?')[0]}?{more.replace('&amp;', '&')}")).text
    assert sorted({*re.findall(r"Élan \d\d", first), *re.findall(r"Élan \d\d", second)}) == [
        f"Élan {number:02}" for number in range(60)
    ]
    assert 'rel="next"' not in second


@pytest.mark.parametrize("age", ["130", "ten", "-1"])
async def test_an_age_that_nobody_has_is_asked_for_again(enter: Enter, held: Harness, clock: ManualClock, age: str) -> None:
    await brings(held, clock, b.PARTNER, OrganisationOffer(everywhere=True))
    answer = await (await enter("anna")).get(f"/directory?age={age}")
    assert answer.status_code == 400
    assert "Write an age from 0 to 120." in text_of(answer.text)
    assert "Northlight" not in answer.text
    written = await send(await enter("mara"), "/ours/offer", {"oldest": "130"})
    assert "Write an age from 0 to 120." in text_of(written.text)
