"""The programme as `conduit up` runs it: the people of hub, partner and force come in, each to their own first page."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from conduit_local.demo.engagement import fill_engagement
from conduit_local.demo.register_samples import register_samples
from conduit_local.personas import FORCE, HUB, PARTNER, LocalProvider
from conduit_local.stack import Options, Stack

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="conduit-programme-"))
    options = Options(
        services=("programme",),
        partner_ids=("northlight",),
        force_ids=("west-midlands",),
        pages=True,
        prepare=register_samples,
    )
    with Stack(folder, options) as started:
        fill_engagement(started)
        yield started
    shutil.rmtree(folder, ignore_errors=True)


class Guest:
    """Somebody at a browser that keeps cookies as browsers do on this machine."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url, self._client = url, client
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        address = path if path.startswith("http") else f"{self._url}{path}"
        answer = self._client.get(address, headers={"Cookie": cookies} if address.startswith(self._url) else {})
        for each in answer.headers.get_list("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer

    def sign_in(self, name: str, provider: LocalProvider) -> httpx.Response:
        """Signs in at this provider; the first page that is not a way to another."""
        way = self.get(f"/sign-in/{provider.name}?return_to=/").headers["location"]
        form = {"username": name, "claims": json.dumps({"amr": ["mfa"]})}
        answer = self.get(self._client.post(way, data=form).headers["location"])
        while (location := answer.headers.get("location", "")).startswith("/"):
            answer = self.get(location)
        return answer


@pytest.fixture
def guest(stack: Stack) -> Iterator[Callable[[], Guest]]:
    with httpx.Client(trust_env=False) as client:
        yield lambda: Guest(stack.url("programme"), client)


@pytest.mark.parametrize(
    ("name", "provider", "shown"),
    [
        ("engagement-officer", HUB, "Send the invitations"),
        ("lead", HUB, "Northlight"),
        ("officer", HUB, "Therapy and counselling"),
        ("auditor", HUB, "Whose account"),
        ("finance", HUB, "For whom a payment is, only the partner knows."),
        ("partner-manager", PARTNER, "A guide that young people wrote"),
        ("force-contact", FORCE, "We saw the helpline at work."),
    ],
)
def test_everybody_comes_to_what_is_theirs(
    guest: Callable[[], Guest], name: str, provider: LocalProvider, shown: str
) -> None:
    answer = guest().sign_in(name, provider)
    assert (answer.status_code, shown in answer.text) == (200, True)


@pytest.mark.parametrize(("name", "provider"), [("partner-manager", HUB), ("engagement-officer", PARTNER)])
def test_a_provider_vouches_for_nobody_of_another_organisation(
    guest: Callable[[], Guest], name: str, provider: LocalProvider
) -> None:
    answer = guest().sign_in(name, provider)
    assert (answer.status_code, "has not given you access" in answer.text) == (403, True)
