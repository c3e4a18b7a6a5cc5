"""A case's files: fetched from intake for an officer, recorded first, and never anything but what was checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.testing import Harness
from conduit_console import app, desk
from conduit_console.files import FilesAwayError, IntakeFiles
from conduit_console.queries import audit
from conduit_console.queries.case import AttachmentRow
from conduit_console.settings import ConsoleSettings
from conduit_contracts import intake, routing
from conduit_contracts.ids import uuid7
from services.console.tests import builders as b
from services.console.tests.builders import NOW, REFERRAL
from services.console.tests.pages import ANNA, BEN, Enter

PDF = b"%PDF-1.7\nSynthetic canary of a file\n%%EOF\n"
FILE, WAITING, RESTRICTED = uuid7(), uuid7(), uuid7()
TOKEN = "synthetic-token-for-intake"


class Intake:
    """What intake answers the console, and what it was asked. Intake's own tests hold it to this."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.content, self.status, self.trail_then = PDF, 200, list[str]()
        self.held: Harness | None = None

    async def answer(self, request: Request) -> Response:
        officer, token = request.headers["conduit-officer"], request.headers["authorization"]
        self.asked.append((request.url.path, officer, token))
        if self.held is not None:
            self.trail_then = [what for _, what in await acts_of(self.held)]
        if self.status != 200:
            return JSONResponse({"problems": []}, self.status)
        if request.url.path.endswith("/attachments"):
            return JSONResponse({"items": [kept(FILE, "available"), kept(WAITING, "pending")]})
        return Response(self.content, media_type="application/pdf")


def kept(file: UUID, state: str) -> dict[str, Any]:
    about = {"attachment_id": str(file), "media_type": "application/pdf", "size": len(PDF), "sha256": "0" * 64}
    return {**about, "state": state, "received_at": NOW.isoformat(), "reason": None, "later": "a field of a later release"}


async def acts_of(held: Harness) -> list[tuple[str, str]]:
    async with held.pool.acquire() as connection:
        return [(row.officer_id, row.what) for row in (await audit.acts(connection)).rows]


@pytest.fixture
async def held(console: Harness) -> Harness:
    cleared = {"attachment_id": str(FILE), "media_type": "application/pdf", "size": len(PDF)}
    cleared["sha256"] = sha256(PDF).hexdigest()
    await console.deliver(
        *b.records(
            b.received(),
            b.fact(intake.AttachmentCleared, **cleared),
            b.received(RESTRICTED, reference="EH-2026-0151"),
            b.fact(routing.CaseRestricted, RESTRICTED, kept_from=["kent"]),
            b.fact(intake.AttachmentCleared, RESTRICTED, **cleared),
        )
    )
    return console


@pytest.fixture
def there(held: Harness) -> Intake:
    made = Intake()
    made.held = held
    return made


@pytest.fixture
async def files(there: Intake) -> AsyncIterator[IntakeFiles]:
    application = Starlette(routes=[Route("/{path:path}", there.answer)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application)) as http:
        yield IntakeFiles(http, "http://intake/", lambda: TOKEN)


def path_of(file: UUID | str, case: UUID = REFERRAL) -> str:
    return f"/cases/{case}/files/{file}"


async def test_a_checked_file_is_fetched_for_the_officer_after_that_is_recorded(
    enter: Enter, files: IntakeFiles, there: Intake, held: Harness
) -> None:
    anna = await enter("anna", files=files)
    answer = await anna.get(path_of(FILE))
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE}.pdf"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert there.asked == [(f"/officers/cases/{REFERRAL}/attachments/{FILE}", ANNA, f"Bearer {TOKEN}")]
    assert there.trail_then == ["fetched_file"], "it was recorded before intake was asked"
    async with held.pool.acquire() as connection:
        (row,) = (await audit.acts(connection)).rows
    assert (row.officer_id, row.kind, row.about) == (ANNA, "consultation", str(FILE))


@pytest.mark.parametrize("token", [None, b"\xff"])
async def test_while_the_token_cannot_be_read_no_file_can_be_had(tmp_path: Path, token: bytes | None) -> None:
    file = tmp_path / "token"
    if token is not None:
        file.write_bytes(token)
    row = AttachmentRow(FILE, "application/pdf", len(PDF), sha256(PDF).hexdigest(), NOW)
    async with httpx.AsyncClient(trust_env=False) as http:
        files = IntakeFiles(http, "http://intake.invalid", lambda: file.read_text(encoding="utf-8"))
        with pytest.raises(FilesAwayError):
            await files.listed(REFERRAL, ANNA)
        with pytest.raises(FilesAwayError):
            await files.content(REFERRAL, row, ANNA)


async def test_where_the_fetch_cannot_be_recorded_intake_is_not_asked(
    enter: Enter, files: IntakeFiles, there: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await enter("anna", files=files)

    async def fails(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(desk, "note", fails)
    answer = await anna.get(path_of(FILE))
    assert (answer.status_code, there.asked) == (503, [])


@pytest.mark.parametrize("file", [WAITING, uuid7(), "x", "../../../etc/passwd"])
async def test_what_was_not_checked_or_is_not_there_is_missing(
    enter: Enter, files: IntakeFiles, there: Intake, file: UUID | str
) -> None:
    anna = await enter("anna", files=files)
    assert (await anna.get(path_of(file))).status_code == 404
    assert (await anna.get(path_of(FILE, uuid7()))).status_code == 404
    assert there.asked == []


@pytest.mark.parametrize(
    ("status", "content"), [(500, PDF), (401, PDF), (404, PDF), (200, PDF[:-1]), (200, PDF + b"x"), (200, PDF.upper())]
)
async def test_where_intake_is_away_or_gives_another_file_nothing_is_given_out(
    enter: Enter, files: IntakeFiles, there: Intake, held: Harness, status: int, content: bytes
) -> None:
    there.status, there.content = status, content
    answer = await (await enter("anna", files=files)).get(path_of(FILE))
    assert answer.status_code == 503
    assert "The file cannot be fetched now" in answer.text
    assert "canary" not in answer.text.lower()
    assert await acts_of(held) == [(ANNA, "fetched_file")]


async def test_a_deployment_that_does_not_say_where_intake_is_says_that_and_notes_no_fetch(
    enter: Enter, held: Harness
) -> None:
    anna = await enter("anna")
    for path, status in ((path_of(FILE), 503), (f"/cases/{REFERRAL}/files", 200)):
        answer = await anna.get(path)
        assert answer.status_code == status
        assert "was not told where intake is" in answer.text
        assert "does not answer" not in answer.text
    assert await acts_of(held) == []
    assert path_of(FILE) not in (await anna.get(f"/cases/{REFERRAL}")).text, "no link to what cannot be fetched"


async def test_the_list_says_how_far_each_file_is_checked_and_leads_to_those_that_were(
    enter: Enter, files: IntakeFiles, there: Intake, held: Harness
) -> None:
    anna = await enter("anna", files=files)
    text = (await anna.get(f"/cases/{REFERRAL}/files")).text
    assert "checked: nothing was found" in text
    assert "still being checked" in text
    assert path_of(FILE) in text
    assert str(WAITING) not in text
    there.status = 503
    text = (await anna.get(f"/cases/{REFERRAL}/files")).text
    assert "does not answer" in text
    assert path_of(FILE) in text, "what the console knows stays"
    assert path_of(FILE) in (await anna.get(f"/cases/{REFERRAL}")).text


async def test_files_of_a_restricted_case_are_for_who_may_look_at_it(
    enter: Enter, files: IntakeFiles, there: Intake, held: Harness
) -> None:
    ben = await enter("ben", files=files)
    for path in (path_of(FILE, RESTRICTED), f"/cases/{RESTRICTED}/files"):
        assert (await ben.get(path)).status_code == 403
    audrey = await enter("audrey", files=files)
    assert (await audrey.get(path_of(FILE))).status_code == 403
    assert there.asked == []
    await desk.name_officer(held.pool, RESTRICTED, BEN, "s.supervisor", NOW)
    assert (await ben.get(path_of(FILE, RESTRICTED))).content == PDF


def settings(**more: Any) -> ConsoleSettings:
    needed = {"kafka_bootstrap_servers": "localhost:1", "postgres_dsn": "postgresql://nobody@localhost/none"}
    return ConsoleSettings.model_validate(needed | more)


def test_the_console_is_told_where_intake_is_and_what_to_show_there(tmp_path: Path) -> None:
    assert app._files(settings()) is None
    token = tmp_path / "token"
    for more in ({}, {"intake_token_file": tmp_path / "none"}, {"intake_token": ""}):
        with pytest.raises(ConfigurationError, match="INTAKE_TOKEN_FILE"):
            app._files(settings(intake_url="http://intake:8000", **more))
    with pytest.raises(ConfigurationError, match="INTAKE_URL"):
        app._files(settings(intake_url="intake:8000", intake_token="x"))
    token.write_text("first\n")
    told = settings(intake_url="http://intake:8000", intake_token_file=token)
    assert app._files(told) is not None
    assert told.token_for_intake() == "first"
    token.write_text("second\n")
    assert told.token_for_intake() == "second", "a new one holds at once"
