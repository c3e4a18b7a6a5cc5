"""The programme as `conduit up` runs it: the people of hub, partner and force come in, each to their own first page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from conduit_local.personas import FORCE, HUB, PARTNER, LocalProvider
from conduit_local.stack import Stack
from tests.security.visiting import Visitor

pytestmark = pytest.mark.kafka
ComeIn = Callable[[str, LocalProvider], httpx.Response]


@pytest.fixture
def come_in(desks: Stack) -> Iterator[ComeIn]:
    """Signs somebody in at a provider; the first page that they see."""

    def made(name: str, provider: LocalProvider) -> httpx.Response:
        visitor = Visitor(desks.url("programme"), client)
        return visitor.follow(visitor.sign_in(name, f"/sign-in/{provider.name}?return_to=/"))

    with httpx.Client(trust_env=False) as client:
        yield made


@pytest.mark.parametrize(
    ("name", "provider", "shown"),
    [
        ("engagement-officer", HUB, "Send the invitations"),
        ("lead", HUB, "Northlight"),
        ("officer", HUB, "a girl of about 15 tells us of parties in two towns"),
        ("auditor", HUB, "Whose account"),
        ("finance", HUB, "For whom a payment is, only the partner knows."),
        ("partner-manager", PARTNER, "A guide that young people wrote"),
        ("force-contact", FORCE, "We saw the helpline at work."),
    ],
)
def test_everybody_comes_to_what_is_theirs(come_in: ComeIn, name: str, provider: LocalProvider, shown: str) -> None:
    answer = come_in(name, provider)
    assert (answer.status_code, shown in answer.text) == (200, True)


@pytest.mark.parametrize(("name", "provider"), [("partner-manager", HUB), ("engagement-officer", PARTNER)])
def test_a_provider_vouches_for_nobody_of_another_organisation(come_in: ComeIn, name: str, provider: LocalProvider) -> None:
    answer = come_in(name, provider)
    assert (answer.status_code, "has not given you access" in answer.text) == (403, True)
