"""A contributor for tests, made on the pages as people make one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import httpx

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme.organisations import store as organisations
from conduit_programme.rules import day_of
from conduit_web.html import LONDON
from services.programme.tests.builders import PARTNER
from services.programme.tests.pages import account, send
from services.web.tests.browser import Browser

WORDS = "Synthetic: nobody asked me what I needed."
PSEUDONYM = "Bluebird"
ALL = ("record", "quote", "contact", "publish")
LIMITS = {"limits-explained": "yes"}
SURE = {"sure-nobody": "yes", "sure-harm": "yes"}


@dataclass
class Keeping:
    """An officer's browser at one contributor."""

    emma: Browser
    here: str
    today: date

    @property
    def contributor_id(self) -> UUID:
        return UUID(self.here.rsplit("/", 1)[1])

    async def send(self, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        return await send(self.emma, f"{self.here}{path}", form)

    async def page(self) -> str:
        return (await self.emma.get(self.here)).text

    async def give(self, *purposes: str) -> None:
        for purpose in purposes:
            told = {"told-print": "yes"} if purpose == "publish" else {}
            form = {"on_day": self.today.isoformat(), "said_by": "contributor", **told}
            assert (await self.send(f"/consents/{purpose}/give", form)).status_code == 303, purpose

    async def withdraw(self, purpose: str) -> None:
        form = {"on_day": self.today.isoformat(), "said_by": "partner"}
        assert (await self.send(f"/consents/{purpose}/withdraw", form)).status_code == 303

    async def talk(self) -> str:
        """A conversation that took place, and its address."""
        form = {"planned_on": self.today.isoformat(), "before": account("emma"), "after": account("lena")}
        assert (await self.send("/conversations/new", form)).status_code == 303
        at = re.findall(r"/conversations/[0-9a-f-]{36}", await self.page())[0]
        assert (await self.send(f"{at}/checks/before", {"outcome": "well"})).status_code == 303
        held = {"held_on": self.today.isoformat(), **LIMITS}
        assert (await self.send(f"{at}/held", held)).status_code == 303
        return at

    async def tell(self, at: str, words: str = WORDS) -> str:
        """What they said, and the id of it."""
        before = await self._quotes()
        assert (await self.send(f"{at}/quotes/new", {"words": words, **SURE})).status_code == 303
        return (await self._quotes() - before).pop()

    async def _quotes(self) -> set[str]:
        return set(re.findall(r"/quotes/([0-9a-f-]{36})/delete", await self.page()))

    async def publish(self, *quote_ids: str, title: str = "What we heard") -> str:
        """The address of the release."""
        form = {"title": title, **{f"quotes-{each}": "yes" for each in quote_ids}}
        answer = await send(self.emma, "/releases/new", form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def today_of(clock: ManualClock) -> date:
    return day_of(clock.now(), LONDON)


async def partner_organisation(held: Harness) -> str:
    async with held.pool.acquire() as connection:
        found = await organisations.of_partner(connection, PARTNER)
    assert found is not None
    return str(found.organisation_id)


async def begin(emma: Browser, held: Harness, today: date, pseudonym: str = PSEUDONYM) -> Keeping:
    form = {
        **LIMITS,
        "limits_on": today.isoformat(),
        "limits_by": "partner",
        "organisation": await partner_organisation(held),
        "pseudonym": pseudonym,
    }
    answer = await send(emma, "/contributors/new", form)
    assert answer.status_code == 303, answer.text
    return Keeping(emma, answer.headers["location"], today)
