"""Fixtures of every desk: a real identity provider, and one whose tokens are made by hand."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from conduit_chassis.testing import ManualClock
from conduit_local.identity_provider import EmbeddedProvider
from services.web.tests.crafted import ISSUER, CraftedProvider
from tests.support.html import SEEN_PAGES


@pytest.fixture(scope="session", autouse=True)
def pages_are_html() -> Iterator[None]:
    """Every page that a test of this run asked for, in whatever state; once, at its end."""
    yield
    SEEN_PAGES.check()


@pytest.fixture(scope="session")
def provider() -> Iterator[EmbeddedProvider]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-test-"))
    made = EmbeddedProvider(folder, tell=print)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def crafted(clock: ManualClock) -> CraftedProvider:
    return CraftedProvider(clock)


@pytest.fixture
async def abroad(crafted: CraftedProvider) -> AsyncIterator[httpx.AsyncClient]:
    """What the desk reaches: the real provider over HTTP, and the one whose tokens are made by hand."""
    mounts = {ISSUER: httpx.ASGITransport(crafted.app)}
    async with httpx.AsyncClient(mounts=mounts, trust_env=False) as client:
        yield client
