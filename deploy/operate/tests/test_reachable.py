"""Contacts as somebody types them."""

from __future__ import annotations

import pytest

from conduit_operate.onboarding import OnboardingError
from conduit_operate.reachable import contact

URL, SECRET = "https://hooks.hub.example/duty", "duty-hook"


@pytest.mark.parametrize(
    ("text", "telephone", "webhook"),
    [
        ("duty@hub.example", None, None),
        ("duty@hub.example,01632 960001", "+441632960001", None),
        (" duty@hub.example , +44 1632 960001 ", "+441632960001", None),
        (f"duty@hub.example,01632 960001,{URL},{SECRET}", "+441632960001", URL),
        (f"duty@hub.example,{URL},{SECRET}", None, URL),
    ],
)
def test_a_contact_is_reached_by_every_way_that_is_typed(text: str, telephone: str | None, webhook: str | None) -> None:
    made = contact(text)
    assert (made.email, made.telephone, made.webhook_url) == ("duty@hub.example", telephone, webhook)
    assert made.webhook_secret == (SECRET if webhook else None)


@pytest.mark.parametrize(
    "text",
    [
        "duty",
        "duty@hub.example,banana",
        "duty@hub.example,01632 960001,01632 960002",
        f"duty@hub.example,{URL}",
        f"duty@hub.example,http://hooks.hub.example/duty,{SECRET}",
        f"duty@hub.example,01632 960001,{URL},{SECRET},more",
    ],
)
def test_what_cannot_be_reached_is_refused_without_being_echoed(text: str) -> None:
    with pytest.raises(OnboardingError, match="--contact") as found:
        contact(text)
    assert "banana" not in str(found.value)
    assert "hooks" not in str(found.value)
