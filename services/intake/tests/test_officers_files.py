"""What the console fetches for officers: files that were checked, for its token, each in history before it leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from conduit_chassis import media
from conduit_chassis.testing import Harness
from conduit_intake import attachments
from conduit_intake.api.app import create_app
from conduit_intake.api.officers import PREFIX, create_officers_api
from conduit_intake.app import routes
from services.chassis.tests.clamd_server import EICAR, fake_clamd
from services.intake.tests.api import Api, referred
from services.intake.tests.conftest import intake_with
from services.intake.tests.test_http_attachments import PDF, TEXT, attach, scan, scanned_by

TOKEN, OFFICER = "synthetic-console-token", "p-0000000000000001"
SHOWN = {"Authorization": f"Bearer {TOKEN}", "Conduit-Officer": OFFICER}


@dataclass
class Kept:
    """A referral with a file that was checked, one that waits, and one that was malware."""

    intake: Harness
    console: httpx.AsyncClient
    referral_id: UUID
    ids: dict[str, UUID] = field(default_factory=dict)

    def path(self, of: str | UUID = "") -> str:
        ending = "" if of == "" else f"/{self.ids[of] if isinstance(of, str) else of}"
        return f"/officers/cases/{self.referral_id}/attachments{ending}"

    async def consulted(self) -> list[tuple[str, UUID]]:
        rows = await self.intake.pool.fetch(
            "SELECT actor, attachment_id FROM history WHERE what = 'attachment_consulted' ORDER BY id"
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def kept(api: Api, database: str) -> AsyncIterator[Kept]:
    async with fake_clamd() as clamd, scanned_by(api, database, clamd) as intake:
        partner = await api.client()
        referral_id = await referred(partner)
        transport = httpx.ASGITransport(create_officers_api(intake.runtime, lambda: TOKEN))
        async with httpx.AsyncClient(transport=transport, base_url="http://intake", headers=SHOWN) as console:
            made = Kept(intake, console, UUID(referral_id))
            for name, content, kind in (
                ("checked", PDF, media.PDF),
                ("malware", EICAR, media.TEXT),
                ("waiting", TEXT, media.TEXT),
            ):
                answer = await attach(partner, referral_id, content, kind)
                made.ids[name] = UUID(answer.json()["attachment_id"])
                if name != "waiting":
                    await scan(intake)
            yield made


async def test_all_files_are_listed_with_how_far_they_are_checked_and_without_content(kept: Kept) -> None:
    answer = await kept.console.get(kept.path())
    states = {each["attachment_id"]: each["state"] for each in answer.json()["items"]}
    wanted = {"checked": "available", "malware": "threat_found", "waiting": "pending"}
    assert states == {str(kept.ids[name]): state for name, state in wanted.items()}
    assert b"synthetic" not in answer.content
    assert await kept.consulted() == []


async def test_a_checked_file_is_given_out_to_be_saved_and_stands_in_history_with_its_officer(kept: Kept) -> None:
    answer = await kept.console.get(kept.path("checked"))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, PDF, media.PDF)
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert await kept.consulted() == [(f"officer:{OFFICER}", kept.ids["checked"])]


@pytest.mark.parametrize("of", ["malware", "waiting", uuid4()])
async def test_what_was_not_checked_is_not_there(kept: Kept, of: str | UUID) -> None:
    answer = await kept.console.get(kept.path(of))
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (404, "attachment_not_found")
    assert await kept.consulted() == []


async def test_a_file_of_another_case_is_not_there(kept: Kept) -> None:
    other = f"/officers/cases/{uuid4()}/attachments"
    assert (await kept.console.get(f"{other}/{kept.ids['checked']}")).status_code == 404
    assert (await kept.console.get(other)).json() == {"items": []}


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer other", TOKEN, f"bearer {TOKEN}", f"Bearer {TOKEN}x"])
async def test_who_does_not_show_the_token_gets_nothing(kept: Kept, given: str) -> None:
    for path in (kept.path(), kept.path("checked")):
        answer = await kept.console.get(path, headers={"Authorization": given})
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (401, "token_wrong")
    assert await kept.consulted() == []


async def test_without_a_token_of_its_own_it_answers_nobody(kept: Kept) -> None:
    transport = httpx.ASGITransport(create_officers_api(kept.intake.runtime, lambda: ""))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as nobody:
        for given in ("", "Bearer "):
            headers = {"Authorization": given, "Conduit-Officer": OFFICER}
            assert (await nobody.get(kept.path("checked"), headers=headers)).status_code == 401


async def test_while_its_own_token_cannot_be_read_whoever_asks_is_to_try_again(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "token"
    application = create_officers_api(kept.intake.runtime, file.read_text)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://intake") as console:
        answer = await console.get(kept.path("checked"), headers=SHOWN)
        (problem,) = answer.json()["problems"]
        assert (answer.status_code, problem["code"], problem["retryable"]) == (503, "unavailable", True)
        file.write_text(TOKEN)
        assert (await console.get(kept.path("checked"), headers=SHOWN)).status_code == 200


@pytest.mark.parametrize("officer", ["", "Somebody Else", "x" * 65])
async def test_a_fetch_for_nobody_is_refused(kept: Kept, officer: str) -> None:
    answer = await kept.console.get(kept.path("checked"), headers={"Conduit-Officer": officer})
    assert (answer.status_code, await kept.consulted()) == (422, [])


async def test_where_history_cannot_be_written_nothing_is_given_out(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "_TELL", attachments._TELL.replace("$5", "'nonsense' || $5"))
    answer = await kept.console.get(kept.path("checked"))
    assert (answer.status_code, b"synthetic" in answer.content) == (503, False)


def test_partners_find_no_address_of_it_in_their_document() -> None:
    assert not any(path.startswith(PREFIX) for path in create_app().state.paths._methods)


@pytest.mark.parametrize(("settings", "served"), [({}, ["/"]), ({"console_token": TOKEN}, ["/", PREFIX])])
async def test_it_is_served_only_where_the_console_has_a_token(
    database: str, api: Api, settings: dict[str, str], served: list[str]
) -> None:
    async with intake_with(database, api.intake.runtime.clock, **settings) as made:
        assert [prefix for prefix, _ in routes(made.runtime)] == served
