"""Set-up for many partners: more than Kafka's controller takes in one request, and again without doing it all again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from conduit_contracts.geography import forces
from conduit_contracts.topics import specs
from conduit_operate.access import expected_rules
from conduit_operate.broker import Broker
from conduit_operate.chunks import SIZE
from conduit_operate.doors import HUB, open_doors
from conduit_operate.grants import granted, users
from tests.security.conftest import PARTNERS

MANY = tuple(f"partner-{number}" for number in range(800))
"""Their topics in one request are more than the controller takes."""


CHANGING = {
    "create_topics": "topics",
    "create_acls": "permissions",
    "alter_user_scram_credentials": "users",
    "incremental_alter_configs": "settings",
}
"""What the client is asked to change things by."""


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """How many of what each request has changed; the requests are made all the same."""
    noted: list[tuple[str, int]] = []

    def noting(method: str, what: str) -> Callable[..., Any]:
        ask = getattr(AdminClient, method)

        def asks(client: AdminClient, wanted: Sequence[object], **options: Any) -> Any:
            noted.append((what, len(wanted)))
            return ask(client, wanted, **options)

        return asks

    for method, what in CHANGING.items():
        monkeypatch.setattr(AdminClient, method, noting(method, what))
    return noted


def test_a_repeated_set_up_makes_what_is_missing_and_nothing_else(
    changing_broker: Broker, changes: list[tuple[str, int]]
) -> None:
    hub = ("users", len(HUB))
    open_doors(changing_broker, PARTNERS, ())
    assert changes == [hub]
    changes.clear()
    open_doors(changing_broker, (*PARTNERS, "one-more"), ())
    user = "partner.one-more"
    added = [rule for rule in granted(changing_broker.admin()) if "one-more" in rule.name or rule.principal == user]
    assert changes == [("users", len(HUB) + 1), ("permissions", len(added)), ("topics", 2)]


@pytest.mark.long
def test_800_partners_are_let_in_and_again_without_making_anything(
    changing_broker: Broker, changes: list[tuple[str, int]]
) -> None:
    open_doors(changing_broker, MANY, tuple(forces()))
    assert max(asked_for for _, asked_for in changes) <= SIZE
    admin = changing_broker.admin()
    there = {name for name in admin.list_topics(timeout=30).topics if not name.startswith("__")}
    assert {spec.name for spec in specs(MANY, tuple(forces()))} <= there
    assert granted(admin) == expected_rules(there, users(admin))
    changes.clear()
    open_doors(changing_broker, MANY, tuple(forces()))
    assert changes == [("users", len(HUB))]
