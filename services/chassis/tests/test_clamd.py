"""The scanner's port holds with clamd itself as with the server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conduit_chassis.clamd import Clamd, ScannerError
from services.chassis.tests.clamd_server import EICAR
from tests.support.scanner import Scanner, need_clamd, real_clamd, scanner

LIMIT = 1_000_000


@pytest.fixture(scope="module")
def clamd() -> Iterator[Scanner]:
    need_clamd()
    with real_clamd(LIMIT) as started:
        yield started


async def test_clamd_finds_the_test_file_and_nothing_in_a_clean_one(clamd: Scanner) -> None:
    port = Clamd(clamd.host, clamd.port, 10)
    assert await port.finds_threat(EICAR) is True
    assert await port.finds_threat(b"Synthetic: nothing to find here.") is False
    assert await port.finds_threat(bytes(range(256)) * 3_000) is False


async def test_what_clamd_does_not_take_has_no_verdict(clamd: Scanner) -> None:
    with pytest.raises(ScannerError):
        await Clamd(clamd.host, clamd.port, 10).finds_threat(bytes(LIMIT * 2))


async def test_the_stand_in_says_what_clamd_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with scanner() as found:
        port = Clamd(found.host, found.port, 10)
        assert await port.finds_threat(EICAR) is True
        assert await port.finds_threat(b"Synthetic") is False
