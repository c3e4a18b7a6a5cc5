"""Documents are files that a browser may show and nothing more."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from conduit_chassis.health import Health
from conduit_chassis.http.documents import documents
from conduit_chassis.http.server import Router

FILES = {"index.html": "<p>start</p>", "asyncapi.html": "<p>topics</p>", "asyncapi.json": "{}", "other.txt": "not served"}


def client(folder: Path | None) -> httpx.AsyncClient:
    router = Router(Health(stall_seconds=1, dead_seconds=1), PlainTextResponse("own"), documents(folder))
    router.serve([])
    return httpx.AsyncClient(transport=httpx.ASGITransport(router), base_url="http://service")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/docs/", "<p>start</p>"),
        ("/docs/index.html", "<p>start</p>"),
        ("/docs/asyncapi", "<p>topics</p>"),
        ("/docs/asyncapi.html", "<p>topics</p>"),
        ("/docs/asyncapi.json", "{}"),
    ],
)
async def test_a_document_is_served_as_what_it_is(folder: Path, path: str, text: str) -> None:
    async with client(folder) as browser:
        answer = await browser.get(path)
        head = await browser.head(path)
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["content-type"].startswith("application/json" if path.endswith("json") else "text/html")
    assert (head.status_code, head.content, head.headers) == (200, b"", answer.headers)


async def test_a_page_may_load_nothing_and_be_framed_by_nobody(folder: Path) -> None:
    async with client(folder) as browser:
        headers = (await browser.get("/docs/asyncapi")).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script-src" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("path", "leads_to"), [("/docs", "/docs/"), ("/asyncapi", "/docs/asyncapi")])
async def test_the_short_paths_lead_to_the_pages(folder: Path, path: str, leads_to: str) -> None:
    async with client(folder) as browser:
        answer = await browser.get(path, follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, leads_to)


@pytest.mark.parametrize("path", ["/docs/openapi", "/docs/other.txt", "/docs/../index.html", "/docs/%2e%2e/x", "/docs//"])
async def test_nothing_else_of_the_folder_or_beside_it_is_served(folder: Path, path: str) -> None:
    async with client(folder) as browser:
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize("missing", [None, Path("/nowhere")])
async def test_without_the_folder_a_service_runs_and_has_no_documents(missing: Path | None) -> None:
    async with client(missing) as browser:
        answers: list[Any] = await asyncio.gather(browser.get("/docs"), browser.get("/docs/asyncapi"), browser.get("/livez"))
    assert [answer.status_code for answer in answers] == [404, 404, 200]
