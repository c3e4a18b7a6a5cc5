"""HEAD is GET without a body, also on a page that never ends; the answer to a wrong method says the right ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from conduit_web.methods import HeadAsGet
from services.web.tests.browser import Browser


@pytest.mark.parametrize("path", ["/sign-in", "/cases/c-1", "/nothing", "/sessions"])
async def test_head_is_answered_as_get_without_a_body(browser: Browser, path: str) -> None:
    await browser.sign_in("anna")
    read, head = await browser.get(path), await browser.desk.head(path)
    assert head.status_code == read.status_code
    assert head.content == b""
    assert head.headers["content-type" if read.content else "location"]


async def test_head_of_a_stream_ends_and_so_does_the_stream() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"event\n"
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async def stream(_request: Request) -> StreamingResponse:
        return StreamingResponse(endless())

    app = HeadAsGet(Starlette(routes=[Route("/", stream)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://desk.example") as client:
        answer = await asyncio.wait_for(client.head("/"), 5)
    assert (answer.status_code, answer.content) == (200, b"")
    assert ended.is_set()


@pytest.mark.parametrize(
    ("method", "path", "right"),
    [
        ("PUT", "/cases/c-1/decline", "GET, HEAD, POST"),
        ("DELETE", "/sessions", "GET, HEAD"),
        ("GET", "/sign-out", "POST"),
        ("POST", "/static/desk.css", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_one_and_the_answer_says_which_are_right(
    browser: Browser, method: str, path: str, right: str
) -> None:
    await browser.sign_in("anna")
    answer = await browser.desk.request(method, path, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers.get("allow")) == (405, right)


async def test_what_does_not_exist_is_missing_by_every_method(browser: Browser) -> None:
    await browser.sign_in("anna")
    assert {(await browser.desk.request(each, "/nothing")).status_code for each in ("GET", "HEAD", "PUT")} == {404}
