"""An officer makes a passkey on their page, an administrator confirms it, and a decline is sent with it alone."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from datetime import timedelta
from typing import Any

import pytest

from conduit_chassis.headers import unpack_headers
from conduit_chassis.testing import Harness, ManualClock
from conduit_console import deciding, passkeys
from conduit_console.queries import audit
from conduit_contracts.passkeys import HEADER, read_offer
from services.console.tests import test_deciding as deciding_tests
from services.console.tests.pages import ANNA, Enter, Register
from services.console.tests.test_deciding import ANSWERS, hidden, look, outbox, send, write
from services.web.tests.browser import URL, Browser
from services.web.tests.crafted import ISSUER
from tests.support.authenticator import PRESENT, Authenticator

clock, held = deciding_tests.clock, deciding_tests.held


def data(text: str, name: str) -> str:
    return re.findall(rf'data-{name}="([^"]*)"', text)[0]


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def token(text: str) -> str:
    return hidden(text)["form_token"]


async def make(browser: Browser, passkey: Authenticator, **said: Any) -> Any:
    page = (await browser.get("/passkeys")).text
    made = json.dumps(passkey.made(raw(data(page, "challenge")), **said))
    return await browser.post("/passkeys", {"form_token": token(page), "passkey": made})


def confirm(register: Register, offer: str, clock: ManualClock) -> None:
    """What `conduit passkey confirm` writes."""
    known = register.known[(ISSUER, "anna")]
    confirmed = read_offer(offer).model_copy(update={"confirmed_at": clock.now()})
    register.known[(ISSUER, "anna")] = known.model_copy(update={"passkeys": (*known.passkeys, confirmed)})


async def acts(console: Harness) -> list[tuple[str, str | None]]:
    async with console.pool.acquire() as connection:
        found = (await audit.acts(connection, audit.ActFilter(kind="alteration"))).rows
    return [(each.what, each.about) for each in found]


async def test_a_passkey_is_made_confirmed_and_then_declines_need_it(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    register, mine = Register.of(ISSUER), Authenticator(URL)
    anna = await enter("anna", register=register)
    assert (await make(anna, mine)).status_code == 303
    page = (await anna.get("/passkeys")).text
    (offer,) = re.findall(r'<pre class="desk-record[^"]*">([^<]+)</pre>', page)
    fingerprint = read_offer(offer).fingerprint(ANNA)
    assert f"<code>{fingerprint}</code>" in page
    assert "not trusted yet" in page
    assert await acts(held) == [("made_passkey", fingerprint)]
    assert "data-passkey" not in (await look(anna, await write(anna, deciding.DECLINE, ANSWERS["decline"]))).text
    confirm(register, offer, clock)
    page = (await anna.get("/passkeys")).text
    assert "not trusted yet" not in page
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    refused = await send(anna, written)
    assert (refused.status_code, "You have a passkey, and this is sent with it alone" in refused.text) == (409, True)
    assert await outbox(held) == []
    shown = (await look(anna, written)).text
    assert data(shown, "known") == read_offer(offer).credential_id
    answer = mine.answer(raw(data(shown, "challenge")))
    address = written.headers["location"].partition("?")[0]
    sent = await anna.post(address, {**hidden(shown), "passkey": answer})
    assert sent.status_code == 303, sent.text
    (row,) = await outbox(held)
    assert [value for name, value in unpack_headers(row["headers"]) if name == HEADER] == [answer.encode()]


async def test_what_another_passkey_answered_is_not_sent(enter: Enter, held: Harness, clock: ManualClock) -> None:
    register, mine, other = Register.of(ISSUER), Authenticator(URL), Authenticator(URL)
    confirm(register, passkeys.offer_text(mine.offered()), clock)
    anna = await enter("anna", register=register)
    written = await write(anna, deciding.DECLINE, ANSWERS["decline"])
    shown = (await look(anna, written)).text
    address, form = written.headers["location"].partition("?")[0], hidden(shown)
    for answer in (other.answer(raw(data(shown, "challenge"))), mine.answer(b"something else"), "null"):
        refused = await anna.post(address, {**form, "passkey": answer})
        assert (refused.status_code, "Your passkey did not sign this" in refused.text) == (503, True)
    assert await outbox(held) == []


async def test_other_decisions_ask_for_none(enter: Enter, held: Harness, clock: ManualClock) -> None:
    register = Register.of(ISSUER)
    confirm(register, passkeys.offer_text(Authenticator(URL).offered()), clock)
    anna = await enter("anna", register=register)
    assert (await send(anna, await write(anna, deciding.ASK, ANSWERS["ask"]))).status_code == 303


@pytest.mark.parametrize(
    "said",
    [
        {"flags": PRESENT},
        {"origin": "https://desk.hub.example.evil.example"},
        {"challenge": "AAAA"},
        {"type": "webauthn.get"},
    ],
)
async def test_what_was_not_made_here_by_its_holder_is_not_kept(enter: Enter, held: Harness, said: dict[str, Any]) -> None:
    anna = await enter("anna")
    answer = await make(anna, Authenticator(URL), **said)
    assert (answer.status_code, "Your browser made no passkey" in answer.text) == (400, True)
    assert await acts(held) == []


@pytest.mark.parametrize("sent", ["", "null", "[]", "{}", '{"credential_id": 7, "client_data": 7, "attestation": 7}'])
async def test_a_browser_without_scripts_is_told_what_to_do(enter: Enter, sent: str) -> None:
    anna = await enter("anna")
    form = {"form_token": token((await anna.get("/passkeys")).text), "passkey": sent}
    answer = await anna.post("/passkeys", form)
    assert (answer.status_code, "Turn scripts on for this site" in answer.text) == (400, True)


async def test_what_nobody_has_confirmed_can_be_removed_by_its_officer_alone(enter: Enter, held: Harness) -> None:
    anna, mine = await enter("anna"), Authenticator(URL)
    await make(anna, mine)
    ben = await enter("ben")
    form = {"credential_id": mine.offered().credential_id}
    for browser, left in ((ben, 1), (anna, 0)):
        page = (await browser.get("/passkeys")).text
        assert (await browser.post("/passkeys/remove", {"form_token": token(page), **form})).status_code == 303
        assert await held.pool.fetchval("SELECT count(*) FROM passkey_offers") == left
    assert [what for what, _ in await acts(held)] == ["removed_passkey", "made_passkey"]


async def test_five_wait_at_most_and_each_once(enter: Enter, held: Harness) -> None:
    anna, first = await enter("anna"), Authenticator(URL)
    answers = [(await make(anna, each)).status_code for each in (first, first, *(Authenticator(URL) for _ in range(5)))]
    assert answers == [303, 409, 303, 303, 303, 303, 409]
    assert await held.pool.fetchval("SELECT count(*) FROM passkey_offers") == 5


def take_out(register: Register) -> None:
    """What `conduit passkey remove` writes."""
    known = register.known[(ISSUER, "anna")]
    register.known[(ISSUER, "anna")] = known.model_copy(update={"passkeys": ()})


@pytest.mark.parametrize("seen_by", ["its officer's page", "the console alone"])
async def test_what_an_administrator_took_out_does_not_stand_as_something_that_waits(
    enter: Enter, held: Harness, clock: ManualClock, seen_by: str
) -> None:
    register, lost = Register.of(ISSUER), Authenticator(URL)
    anna = await enter("anna", register=register)
    await make(anna, lost)
    (offer,) = re.findall(r'<pre class="desk-record[^"]*">([^<]+)</pre>', (await anna.get("/passkeys")).text)
    confirm(register, offer, clock)
    if seen_by == "the console alone":
        async with held.pool.acquire() as connection:
            assert await passkeys.settle(connection, register.everybody()) == 1
            assert await passkeys.settle(connection, register.everybody()) == 0
    else:
        assert "You have no trusted passkey." not in (await anna.get("/passkeys")).text
    take_out(register)
    page = (await anna.get("/passkeys")).text
    assert "You have no trusted passkey." in page
    assert "Waiting for an administrator" not in page
    assert read_offer(offer).fingerprint(ANNA) not in page
    assert await held.pool.fetchval("SELECT count(*) FROM passkey_offers") == 0


async def test_what_is_confirmed_counts_towards_none_that_wait(enter: Enter, held: Harness, clock: ManualClock) -> None:
    register = Register.of(ISSUER)
    anna = await enter("anna", register=register)
    made = [Authenticator(URL) for _ in range(6)]
    for each in made[:5]:
        assert (await make(anna, each)).status_code == 303
    page = (await anna.get("/passkeys")).text
    form = {"form_token": token(page), "passkey": json.dumps(made[5].made(raw(data(page, "challenge"))))}
    for each in made[:4]:
        confirm(register, passkeys.offer_text(each.offered()), clock)
    assert (await anna.post("/passkeys", form)).status_code == 303
    assert await held.pool.fetchval("SELECT count(*) FROM passkey_offers") == 2


async def test_a_console_without_pages_settles_nothing(held: Harness) -> None:
    await held.tick("settle_passkeys")


async def test_a_passkey_asks_for_a_fresh_sign_in(enter: Enter, clock: ManualClock) -> None:
    anna = await enter("anna")
    clock.advance(timedelta(minutes=6))
    assert "fresh=true" in (await anna.get("/passkeys")).headers["location"]


def test_a_console_whose_address_is_a_number_has_no_passkeys() -> None:
    assert passkeys.rp_id_of("https://console.hub.example") == "console.hub.example"
    assert passkeys.rp_id_of("http://localhost:8080") == "localhost"
    assert passkeys.rp_id_of("http://127.0.0.1:8080") is None
    assert passkeys.rp_id_of("https://[::1]:8080") is None
