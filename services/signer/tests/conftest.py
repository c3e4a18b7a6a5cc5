"""Fixtures: a signer with a key of its own, and a register in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from conduit_chassis.testing import ManualClock
from conduit_contracts.signing_keys import SigningKey
from conduit_signer.api import create_api
from conduit_signer.keys import KeyFile
from services.signer.tests.builders import TOKEN, Register


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate("signer.tests")


@pytest.fixture
def key_path(tmp_path: Path, key: SigningKey) -> Path:
    path = tmp_path / "signing-key.json"
    path.touch(mode=0o600)
    path.write_text(key.text())
    return path


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def console(key_path: Path, register: Register, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_api(register, KeyFile(key_path), TOKEN, clock))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://signer", headers=headers) as made:
        yield made
