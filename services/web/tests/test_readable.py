"""Whatever comes in an address or a form can be kept, or leads nowhere."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from conduit_web.lists import KeyPart, SmallInt, read_key, write_key
from conduit_web.troubles import Trouble, TroubleError
from conduit_web.visits import read_form
from services.web.tests.browser import Browser

SHAPES = st.lists(st.sampled_from([str, int, SmallInt]), max_size=4)
ANYTHING = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists)
LIMITS = {int: 2**63, SmallInt: 2**15}


def can_be_kept(text: str) -> bool:
    """As PostgreSQL takes text: whole characters, and no NUL."""
    try:
        return "\0" not in text and bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


def fits(part: KeyPart, kind: type[KeyPart]) -> bool:
    if isinstance(part, str):
        return kind is str and can_be_kept(part)
    return kind in LIMITS and -LIMITS[kind] <= part < LIMITS[kind] and not isinstance(part, bool)


@given(parts=st.lists(ANYTHING, max_size=4), shape=SHAPES)
@example(parts=["\ud800", 1, "x"], shape=[str, int, str])
@example(parts=[40_000, 1, "x", "x"], shape=[SmallInt, int, str, str])
@example(parts=[2**63], shape=[int])
@example(parts=[True], shape=[int])
@example(parts=["a\0b"], shape=[str])
def test_a_key_that_is_read_is_one_that_a_statement_takes(parts: list[Any], shape: list[type[KeyPart]]) -> None:
    read = read_key(write_key(tuple(parts)), *shape)
    good = len(parts) == len(shape) and all(
        isinstance(part, str | int) and fits(part, kind) for part, kind in zip(parts, shape, strict=True)
    )
    if read is None:
        assert not good or len(write_key(tuple(parts))) > 500
    else:
        assert (good, list(read)) == (True, parts)


@given(st.text())
def test_any_text_is_a_key_or_the_lists_beginning(text: str) -> None:
    for shape in ((str,), (int, str), (SmallInt, int, str, str)):
        key = read_key(text, *shape)
        assert key is None or all(fits(part, kind) for part, kind in zip(key, shape, strict=True))


def form_of(body: bytes) -> dict[str, str] | Trouble:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    try:
        return asyncio.run(read_form(Request(scope, receive)))
    except TroubleError as error:
        return error.trouble


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\ufffd"))


@given(st.dictionaries(WORDS, WORDS))
@example({"reason": "a\0b", "\0": "c"})
def test_a_form_keeps_every_letter_that_can_be_kept(fields: dict[str, str]) -> None:
    read = form_of(urlencode(fields).encode())
    assert read == {name.replace("\0", "\ufffd"): value.replace("\0", "\ufffd") for name, value in fields.items()}


@given(st.binary() | st.text(alphabet="a=&%0ED9\0+").map(str.encode))
@example(b"a=%00")
@example(b"a=\x00")
@example(b"a=%ED%A0%80")
def test_whatever_bytes_are_sent_what_is_read_can_be_kept(body: bytes) -> None:
    read = form_of(body)
    if isinstance(read, Trouble):
        assert read is Trouble.FORM_REFUSED
    else:
        assert all(can_be_kept(each) for pair in read.items() for each in pair)


@pytest.mark.parametrize("path", ["/%00", "/cases/%00", "/cases/c-1%00", "/static/%00", "/static/a%00b.css"])
async def test_an_address_with_a_nul_is_no_page(browser: Browser, path: str) -> None:
    await browser.sign_in("anna")
    answer = await browser.get(path)
    assert answer.status_code == 404


async def test_what_was_asked_for_is_not_taken_for_less(browser: Browser) -> None:
    """Without its NUL it would be the case itself."""
    await browser.sign_in("anna")
    assert (await browser.get("/cases/c-1")).text.startswith("case c-1")
    assert (await browser.get(quote("/cases/c\0-1"))).status_code == 404
