"""An officer makes a passkey in a real browser with an authenticator, is confirmed, and declines with it.

Pictures go to .conduit/pictures, to be looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser as Chromium

from conduit_chassis.headers import unpack_headers
from conduit_chassis.records import Record
from conduit_chassis.signed import Verifier
from conduit_chassis.testing import KEY, Harness, ManualClock
from conduit_contracts.envelope import decode
from conduit_contracts.passkeys import read_offer
from conduit_contracts.programme import HubPersonRegistered
from conduit_contracts.signature import SignatureRefusedError
from conduit_contracts.signing_keys import TrustedKeys
from conduit_contracts.triage import DecideReview
from conduit_local.identity_provider import EmbeddedProvider
from services.console.tests import builders as b
from services.console.tests import test_in_a_browser as shared
from services.console.tests.pages import BEN, Register
from services.console.tests.test_deciding_in_a_browser import begin, look_at_it, send_it, tell, write_decline
from services.console.tests.test_in_a_browser import enter, serving
from services.web.tests.test_in_a_browser import LOOKS, Site, free_url, is_good
from tests.support.authenticator import Authenticator as Software

pytestmark = pytest.mark.browser
chromium = shared.chromium
clock = shared.clock
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def register(provider: EmbeddedProvider) -> Register:
    return Register.of(provider.issuer("hub"))


@pytest.fixture
async def site(
    console: Harness, clock: ManualClock, provider: EmbeddedProvider, chromium: Chromium, register: Register
) -> AsyncIterator[Site]:
    """At a name: browsers keep no passkeys for a number."""
    await tell(console, clock, b.received(), b.review_opened())
    url = free_url().replace("127.0.0.1", "localhost")
    async with serving(console, clock, provider, chromium, url=url, register=register) as made:
        yield made


class Authenticator:
    """The browser's own, by its protocol for tests."""

    def __init__(self, session: Any, number: str) -> None:
        self._session, self._number = session, number

    @classmethod
    async def at(cls, page: Any) -> Authenticator:
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        added = await session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        return cls(session, added["authenticatorId"])

    async def knows_its_holder(self, *, yes: bool) -> None:
        await self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self._number, "isUserVerified": yes})


def confirm(register: Register, offer: str, clock: ManualClock) -> HubPersonRegistered:
    """What `conduit passkey confirm` writes."""
    place = next(each for each in register.known if each[1] == "ben")
    confirmed = read_offer(offer).model_copy(update={"confirmed_at": clock.now()})
    register.known[place] = register.known[place].model_copy(update={"passkeys": (confirmed,)})
    return register.known[place]


async def test_an_officer_makes_a_passkey_is_confirmed_and_declines_with_it(
    site: Site, console: Harness, clock: ManualClock, register: Register
) -> None:
    page = await enter(site, "ben", clock)
    device = await Authenticator.at(page)
    await page.goto(f"{site.url}/passkeys")
    await is_good(page, "console-passkeys-none")
    await page.get_by_role("button", name="Make a passkey").click()
    await page.get_by_text("not trusted yet").wait_for()
    await is_good(page, "console-passkeys-waiting")
    officer = confirm(register, await page.locator("pre").inner_text(), clock)
    clock.advance(timedelta(seconds=1))
    await page.goto(f"{site.url}/passkeys")
    await is_good(page, "console-passkeys-trusted")
    assert await page.get_by_text(officer.passkeys[0].fingerprint(BEN)).count() == 1

    await begin(site, page, "Decline")
    await write_decline(page)
    await look_at_it(page)
    await is_good(page, "console-passkey-check")
    await device.knows_its_holder(yes=False)
    await page.get_by_role("button", name="Send it as your decision").click()
    await page.get_by_role("heading", name="Your passkey did not answer").wait_for()
    await is_good(page, "console-passkey-trouble")
    assert await console.pool.fetchval("SELECT count(*) FROM outbox") == 0
    await device.knows_its_holder(yes=True)
    await send_it(page)

    row = await console.pool.fetchrow("SELECT * FROM outbox")
    headers = unpack_headers(row["headers"])
    attributes, command = decode(headers, row["value"], {DecideReview.type: DecideReview}, closed=True)
    written = int(clock.now().timestamp() * 1000)
    record = Record(row["topic"], 0, 0, row["key"], headers, row["value"], written)
    verifier = Verifier(lambda: TrustedKeys([KEY.public()]), register)
    assert verifier.verify(command, attributes, record).passkey is not None
    without = record._replace(headers=[each for each in headers if each[0] != "conduit-passkey"])
    with pytest.raises(SignatureRefusedError, match="passkey_missing"):
        verifier.verify(command, attributes, without)


@pytest.mark.parametrize("look", ["small", "zoomed", "forced-colours"])
async def test_every_page_about_passkeys_can_be_read_by_everybody(
    site: Site, clock: ManualClock, register: Register, look: str
) -> None:
    page = await enter(site, "ben", clock, **LOOKS[look])
    await Authenticator.at(page)
    await page.goto(f"{site.url}/passkeys")
    await page.get_by_role("button", name="Make a passkey").click()
    await page.get_by_text("not trusted yet").wait_for()
    await is_good(page, f"console-passkeys-waiting-{look}")
    confirm(register, await page.locator("pre").inner_text(), clock)
    await begin(site, page, "Decline")
    await write_decline(page)
    await look_at_it(page)
    await is_good(page, f"console-passkey-check-{look}")


async def test_without_scripts_the_page_says_what_to_do_and_keeps_what_was_written(
    site: Site, console: Harness, clock: ManualClock, register: Register
) -> None:
    place = next(each for each in register.known if each[1] == "ben")
    passkeys = (Software(site.url).passkey(clock.now()),)
    register.known[place] = register.known[place].model_copy(update={"passkeys": passkeys})
    page = await enter(site, "ben", clock, java_script_enabled=False)
    await begin(site, page, "Decline")
    await write_decline(page)
    await look_at_it(page)
    await page.get_by_text("This browser cannot ask for a passkey now").wait_for()
    await page.get_by_role("button", name="Send it as your decision").click()
    await page.get_by_text("It was not sent. What you wrote is kept.").wait_for()
    assert await page.get_by_text("You have a passkey, and this is sent with it alone.").count() == 1
    assert await console.pool.fetchval("SELECT count(*) FROM outbox") == 0
