"""A form with a file arrives as it was sent, byte by byte; whatever no browser sends is no form."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_web.sent_files import SentFile, SentForm, take_apart

FIELDS = {"form_token": "t", "why": "naïve\r\nin two lines"}
MOST = 10


def encoded(content: bytes, media_type: str = "application/pdf", name: str = "signed.pdf") -> tuple[str, bytes]:
    files = {"document": (name, content, media_type)}
    request = httpx.Request("POST", "https://desk.hub.example", data=FIELDS, files=files)
    return request.headers["content-type"], request.read()


def part(headers: str, content: str = "x", end: str = "--b--\r\n") -> bytes:
    return f"--b\r\n{headers}\r\n\r\n{content}\r\n{end}".encode()


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\r", b"\r\n", b"\r\n\r\n", b"x\r", b"--", b"\r\n--b\r\n", bytes(range(256)) * 40, b"ascii\\u0041"],
)
def test_a_file_arrives_as_it_is(content: bytes) -> None:
    assert take_apart(*encoded(content), MOST) == SentForm(FIELDS, {"document": SentFile("application/pdf", content)})


@given(st.binary(max_size=400))
def test_no_byte_of_a_file_is_taken_for_anything_else(content: bytes) -> None:
    assert take_apart(*encoded(content), MOST).files["document"].content == content


def test_a_file_whose_name_is_written_in_any_letters_is_one() -> None:
    assert take_apart(*encoded(b"x", name='Verträge "neu".pdf'), MOST).files["document"].content == b"x"


DATA = 'Content-Disposition: form-data; name="a"'
FILE = f'{DATA}; filename="a"\r\n'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"form_token=t", id="another form"),
        pytest.param(part(DATA, end=""), id="no end"),
        pytest.param(part("Content-Disposition: attachment; name=a"), id="no field"),
        pytest.param(part("Content-Disposition: form-data"), id="no name"),
        pytest.param(part("X: y"), id="no disposition"),
        pytest.param(part(f"{DATA}\r\nContent-Transfer-Encoding: base64", "eA=="), id="encoded"),
        pytest.param(part(f"{FILE}Content-Type: message/rfc822"), id="a message"),
        pytest.param(
            part(f"{FILE}Content-Type: multipart/mixed; boundary=c", "--c\r\n\r\nx\r\n--c--"), id="parts in a part"
        ),
        pytest.param(b"--b\r\n" + DATA.encode() + b"\r\n\r\n\xff\r\n--b--\r\n", id="no text"),
        pytest.param(part(DATA, end="") * (MOST + 1) + b"--b--\r\n", id="too many parts"),
    ],
)
def test_whatever_no_browser_sends_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the texts are the standard library's and ours
        take_apart("multipart/form-data; boundary=b", body, MOST)


def test_without_a_boundary_there_is_no_form() -> None:
    with pytest.raises(ValueError, match="no form with files"):
        take_apart("multipart/form-data", part(DATA), MOST)
