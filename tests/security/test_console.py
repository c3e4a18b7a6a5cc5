"""A console as `conduit up` runs it: whoever is in the register comes in, and is out again once removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from typer.testing import CliRunner, Result

from conduit_local.personas import PERSONAS, registered
from conduit_local.stack import Stack
from conduit_operate.cli import app
from conduit_operate.polling import wait_until
from tests.security.visiting import Visitor

pytestmark = pytest.mark.kafka
SECONDS = 60.0
BY = ("--apply", "--actor", "jo.smith", "--reason", "a test")
Conduit = Callable[..., Result]


@pytest.fixture
def conduit(desks: Stack) -> Conduit:
    return lambda *arguments: CliRunner().invoke(app, [*arguments, "--state-dir", str(desks.state_dir)])


@pytest.fixture
def visitor(desks: Stack) -> Iterator[Callable[[], Visitor]]:
    with httpx.Client(trust_env=False) as client:
        yield lambda: Visitor(desks.url("console"), client)


def test_a_persona_signs_in_and_is_out_once_removed_from_the_register(
    conduit: Conduit, visitor: Callable[[], Visitor]
) -> None:
    issuer = re.findall(r'"issuer": "([^"]+)"', conduit("person", "list", "--json").stdout)[0]
    persona = registered(PERSONAS[1], issuer)
    here = visitor()
    assert here.sign_in(persona.subject).headers["location"] == "/asked"
    page = here.get("/asked")
    assert (page.status_code, "Nothing waits for you." in page.text) == (200, True)
    assert conduit("person", "remove", persona.person_id, *BY).exit_code == 0
    wait_until(
        lambda: here.get("/asked").status_code == 403, "somebody who was removed is still let in", SECONDS, lambda: None
    )
    assert "has not given you access" in visitor().sign_in(persona.subject).text


def test_whose_sessions_were_revoked_signs_in_again(conduit: Conduit, visitor: Callable[[], Visitor]) -> None:
    issuer = re.findall(r'"issuer": "([^"]+)"', conduit("person", "list", "--json").stdout)[0]
    persona = registered(PERSONAS[2], issuer)
    here = visitor()
    here.sign_in(persona.subject)
    assert here.get("/officers").status_code == 200
    assert conduit("person", "revoke-sessions", persona.person_id, *BY).exit_code == 0
    wait_until(
        lambda: here.get("/officers").status_code != 200,
        "a session that was revoked is still good",
        SECONDS,
        lambda: None,
    )
    assert visitor().sign_in(persona.subject).headers["location"] == "/asked"


def test_somebody_whom_only_the_provider_knows_is_not_let_in(visitor: Callable[[], Visitor]) -> None:
    answer = visitor().sign_in("mallory")
    assert (answer.status_code, "has not given you access" in answer.text) == (403, True)


def test_what_runs_shows_where_people_sign_in(desks: Stack) -> None:
    assert {row.name: row.state for row in desks.rows()}["identity-provider"] == "ready"
